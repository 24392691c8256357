import { scopeFor, type ScopeOption } from '../core/current.ts';
import {
  errorOf,
  failsByEvents,
  listenTo,
  type EventEmitterLike,
  type EventTargetLike,
  type Listen,
} from '../core/listen.ts';
import { Operation, entering, rejecting } from '../core/operation.ts';
import { reportIn } from '../core/report-in.ts';
import type { Scope } from '../core/scope.ts';

/**
 * Waits for the next event of a name: of an EventEmitter it gives the array of arguments, of an EventTarget the event.
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
export function nextEvent<A extends unknown[] = unknown[]>(
  source: EventEmitterLike,
  name: string | symbol,
  options?: ScopeOption,
): Promise<A>;
export function nextEvent<E = Event>(source: EventTargetLike<E>, name: string, options?: ScopeOption): Promise<E>;
export function nextEvent(
  source: EventEmitterLike | EventTargetLike<unknown>,
  name: string | symbol,
  options?: ScopeOption,
): Promise<unknown> {
  return rejecting(() => {
    const listen = listenTo(source, 'nextEvent');
    const errors = name !== 'error' && failsByEvents(source);
    return entering(scopeFor('nextEvent', options), (scope) => new NextEvent(scope, name, listen, errors).promise);
  });
}

class NextEvent extends Operation<unknown> {
  readonly #name: string | symbol;
  readonly #unlisten: (() => void)[] = [];

  constructor(scope: Scope | undefined, name: string | symbol, listen: Listen, errors: boolean) {
    super(scope);
    this.#name = name;
    try {
      this.#unlisten.push(listen(name, (value) => void this.commit(value)));
      if (errors) this.#unlisten.push(listen('error', (value) => void this.fail(errorOf(value))));
    } catch (error) {
      this.fail(error);
    }
    // It may have come while the listeners were being added.
    if (!this.pending) this.#unlistenAll();
  }

  get kind(): string {
    return `event ${String(this.#name)}`;
  }

  leave(happened: boolean): void {
    if (happened) this.#unlistenAll();
  }

  /** The emitter may run code of the user when a listener goes: not before all that are cancelled have left their lines. */
  override rejectQuietly(error: unknown): void {
    this.#unlistenAll();
    super.rejectQuietly(error);
  }

  #unlistenAll(): void {
    try {
      for (const unlisten of this.#unlisten.splice(0)) unlisten();
    } catch (error) {
      reportIn(this.scope, error, `removing a listener for ${String(this.#name)} failed`);
    }
  }
}
