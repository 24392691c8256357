import { checkSignal } from '../core/abort-signal.ts';
import type { ScopeOption } from '../core/current.ts';
import { errorOf, listenTo, type EventEmitterLike, type EventTargetLike } from '../core/listen.ts';
import { entering } from '../core/operation.ts';
import { reportIn } from '../core/report-in.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { BufferOverflowError } from '../errors.ts';
import { checkCount, checkOneOf, checkOptions } from '../internal/checks.ts';
import { Fifo } from '../internal/fifo.ts';
import type { Failure } from './failures.ts';
import { END, type Pull, type Step } from './pull.ts';
import { Stream } from './stream.ts';

/** Options of {@link events}. */
export interface EventsOptions extends ScopeOption {
  /** How many events may wait to be read. Default: 1,024. */
  readonly capacity?: number | undefined;
  /**
   * What becomes of an event for which there is no room: `error`, the stream fails with a BufferOverflowError after what
   * was buffered; or it, or the oldest, is dropped. Default: error.
   */
  readonly overflow?: 'error' | 'drop-oldest' | 'drop-newest' | undefined;
  /** The event with which the stream ends. Default: none. */
  readonly endOn?: string | symbol | undefined;
  /** The event whose first argument the stream throws. Default: `error`, unless that is what is read. False: none. */
  readonly errorOn?: string | symbol | false | undefined;
  /** Ends the stream at once by throwing the signal's reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

const CAPACITY = 1_024;

/**
 * The events of an emitter or an event target, as a stream. Of an emitter each event is the array of its arguments, as in
 * Node's `on`; of an event target it is the event.
 *
 * Guarantees: it listens before this returns, so nothing that happens between two steps of a loop is lost; at most
 * `capacity` events wait, and it says so when one more comes. It is a resource: reading it to an end, leaving the loop and
 * disposing it all take the listeners away; all readings share what has come. Unlike Node's `on` its buffer is bounded.
 *
 * Cancellable: what has not been read stays, until it is disposed.
 *
 * @throws {TypeError} when `target` is neither.
 *
 * @example Ticks until the end
 * ```ts run
 * import { events } from 'corral';
 * import { EventEmitter } from 'node:events';
 *
 * const emitter = new EventEmitter();
 * const ticks = events<[number]>(emitter, 'tick', { endOn: 'end' });
 * for (let n = 1; n <= 3; n++) emitter.emit('tick', n);
 * emitter.emit('end');
 * console.log(await ticks.map(([n]) => n).toArray()); // [1, 2, 3]
 * ```
 */
export function events<A extends unknown[] = unknown[]>(
  target: EventEmitterLike,
  name: string | symbol,
  options?: EventsOptions,
): EventStream<A>;
export function events<E = Event>(target: EventTargetLike<E>, name: string, options?: EventsOptions): EventStream<E>;
export function events(
  target: EventEmitterLike | EventTargetLike<unknown>,
  name: string | symbol,
  options?: EventsOptions,
): EventStream<unknown> {
  const given = checkOptions(options, 'events') ?? {};
  return new EventStream<unknown>(new Subscription(target, name, given), given.scope);
}

/** A stream of events that have come since it was made. */
export class EventStream<T> extends Stream<T> implements Disposable {
  readonly #subscription: Subscription;

  /** @internal Use `events(target, name)`. */
  constructor(subscription: Subscription, given: Scope | undefined) {
    super(() => subscription, given);
    this.#subscription = subscription;
  }

  /** Takes the listeners away; who reads it finds its end. Disposing it twice does no harm. */
  [Symbol.dispose](): void {
    this.#subscription.end();
  }
}

class Subscription implements Pull<unknown> {
  readonly #name: string;
  readonly #capacity: number;
  readonly #overflow: EventsOptions['overflow'];
  readonly #buffer = new Fifo<unknown>();
  #size = 0;
  readonly #takers = new WaitLine<unknown>();
  #unlisten: (() => void)[] = [];
  #failure: Failure | undefined = undefined;
  #over = false;
  readonly #scope: Scope | undefined;

  constructor(target: EventEmitterLike | EventTargetLike<unknown>, name: string | symbol, options: EventsOptions) {
    const { capacity = CAPACITY, overflow = 'error', endOn, errorOn: given, signal } = options;
    const errorOn = given ?? (name === 'error' ? false : 'error');
    this.#name = `events ${String(name)}`;
    this.#capacity = checkCount(capacity, 'set the capacity of events');
    checkOneOf(overflow, ['error', 'drop-oldest', 'drop-newest'], 'set the overflow of events');
    this.#overflow = overflow;
    this.#scope = options.scope;
    if (signal !== undefined) checkSignal(signal);
    const listen = listenTo(target, 'events');
    try {
      this.#unlisten.push(listen(name, (value) => this.#arrived(value)));
      if (endOn !== undefined) this.#unlisten.push(listen(endOn, () => this.end()));
      if (errorOn !== false) this.#unlisten.push(listen(errorOn, (value) => this.#fail({ error: errorOf(value) })));
    } catch (error) {
      this.end();
      throw error;
    }
    if (signal) this.#obey(signal);
  }

  #obey(signal: AbortSignal): void {
    const abort = (): void => {
      while (!this.#buffer.empty) this.#buffer.shift();
      this.#size = 0;
      this.#fail({ error: signal.reason });
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    this.#unlisten.push(() => signal.removeEventListener('abort', abort));
  }

  #arrived(value: unknown): void {
    if (this.#over || this.#takers.first?.commit(value)) return;
    if (this.#size >= this.#capacity) {
      if (this.#overflow === 'drop-newest') return;
      if (this.#overflow === 'error') return this.#fail({ error: new BufferOverflowError(this.#name, this.#capacity) });
      this.#buffer.shift();
      this.#size--;
    }
    this.#buffer.push(value);
    this.#size++;
  }

  #fail(failure: Failure): void {
    if (this.#over) return;
    // Who waits is told; else the next who asks.
    if (!this.#takers.first?.fail(failure.error)) this.#failure = failure;
    this.end();
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const unlisten of this.#unlisten) {
      try {
        unlisten();
      } catch (error) {
        reportIn(this.#scope, error, `removing a listener of ${this.#name} failed`);
      }
    }
    this.#unlisten = [];
    this.#takers.commitAll(END);
  }

  next(scope: Scope): Step<unknown> {
    if (this.#size > 0) {
      this.#size--;
      return this.#buffer.shift();
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
    if (this.#over) return END;
    return entering(scope, () => new LineOperation<unknown>(scope, this.#name, this.#takers).promise);
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }
}
