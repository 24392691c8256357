import { scopeFor, type ScopeOption } from '../core/current.ts';
import { Operation, entering, rejecting } from '../core/operation.ts';
import { reportIn } from '../core/report-in.ts';
import type { Scope } from '../core/scope.ts';
import { shown } from '../internal/checks.ts';

/** The part of an EventTarget that is used. */
export interface EventTargetLike {
  addEventListener(name: string, listener: (...args: unknown[]) => void): unknown;
  removeEventListener(name: string, listener: (...args: unknown[]) => void): unknown;
}

/** The part of a Node EventEmitter that is used. */
export interface EventEmitterLike {
  on(name: string | symbol, listener: (...args: unknown[]) => void): unknown;
  off(name: string | symbol, listener: (...args: unknown[]) => void): unknown;
}

/**
 * Waits for the next event of a name, from an EventTarget or an EventEmitter, and returns its arguments.
 *
 * Guarantees: it listens before it returns, so nothing is missed in between; one event is taken, and the listeners are
 * gone on every way out. An `error` of an emitter is thrown while another event is waited for. Semantics: Node's
 * `events.once`.
 *
 * Cancellable: no event was taken, and nothing is left behind.
 *
 * @throws {TypeError} when it is neither an EventTarget nor an EventEmitter.
 *
 * @example The first message
 * ```ts run
 * import { nextEvent } from 'corral';
 * import { EventEmitter } from 'node:events';
 *
 * const emitter = new EventEmitter();
 * const message = nextEvent(emitter, 'message');
 * emitter.emit('message', 'hello');
 * console.log(await message); // ['hello']
 * ```
 */
export function nextEvent<A extends readonly unknown[] = unknown[]>(
  source: EventTargetLike | EventEmitterLike,
  name: string | symbol,
  options?: ScopeOption,
): Promise<A> {
  return rejecting(() => {
    const connect = connectorOf(source, name);
    return entering(scopeFor('nextEvent', options), (scope) => new NextEvent<A>(scope, name, connect).promise);
  });
}

/** Begins to listen; returns what ends it. */
type Connect = (onEvent: (...args: unknown[]) => void, onError: (error: unknown) => void) => () => void;

function connectorOf(source: EventTargetLike | EventEmitterLike, name: string | symbol): Connect {
  if (typeof (source as Partial<EventTargetLike> | null)?.addEventListener === 'function') {
    const target = source as EventTargetLike;
    return (onEvent) => {
      target.addEventListener(name as string, onEvent);
      return () => void target.removeEventListener(name as string, onEvent);
    };
  }
  const emitter = source as EventEmitterLike;
  if (typeof (emitter as Partial<EventEmitterLike> | null)?.on !== 'function' || typeof emitter.off !== 'function') {
    throw new TypeError(
      `Cannot wait for an event as it takes an EventTarget or an EventEmitter: current value is ${shown(source)}`,
    );
  }
  return (onEvent, onError) => {
    emitter.on(name, onEvent);
    if (name === 'error') return () => void emitter.off(name, onEvent);
    emitter.on('error', onError);
    return () => {
      emitter.off(name, onEvent);
      emitter.off('error', onError);
    };
  };
}

class NextEvent<A extends readonly unknown[]> extends Operation<A> {
  readonly #name: string | symbol;
  #disconnect: (() => void) | undefined = undefined;

  constructor(scope: Scope | undefined, name: string | symbol, connect: Connect) {
    super(scope);
    this.#name = name;
    try {
      const disconnect = connect(
        (...args) => void this.commit(args as unknown as A),
        (error) => void this.fail(error),
      );
      // It may have come while the listeners were being added.
      if (this.pending) this.#disconnect = disconnect;
      else disconnect();
    } catch (error) {
      this.fail(error);
    }
  }

  get kind(): string {
    return `event ${String(this.#name)}`;
  }

  leave(): void {
    try {
      this.#disconnect?.();
    } catch (error) {
      reportIn(this.scope, error, `removing a listener for ${String(this.#name)} failed`);
    }
    this.#disconnect = undefined;
  }
}
