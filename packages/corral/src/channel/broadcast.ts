import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejected } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { attempt, enlist, type Selectable } from '../core/selectable.ts';
import { WaitLine } from '../core/wait-line.ts';
import { ClosedResourceError } from '../errors.ts';
import { checkCount, checkInteger, checkNoPromise, checkOneOf, checkOptions } from '../internal/checks.ts';
import { Ring } from '../internal/ring.ts';
import { Subscription, type Hub, type SubscriberOverflow } from './subscription.ts';
import { Putter } from './waiting.ts';

/** Options of {@link Broadcast.subscribe}. */
export interface SubscribeOptions extends NameOption {
  /** How many values wait for this subscriber. Default: that of the broadcast. */
  readonly capacity?: number | undefined;
  /** What happens when they are so many. Default: that of the broadcast. */
  readonly overflow?: SubscriberOverflow | undefined;
}

/** Options of {@link Broadcast}. */
export interface BroadcastOptions extends NameOption {
  /** How many values wait for a subscriber that does not say otherwise. Default: Infinity. */
  readonly capacity?: number | undefined;
  /** What happens when they are so many, for a subscriber that does not say otherwise. Default: wait. */
  readonly overflow?: SubscriberOverflow | undefined;
  /** How many of the last values who subscribes later gets first. Default: 0. */
  readonly replay?: number | undefined;
}

/** A frozen picture of a broadcast. */
export interface BroadcastSnapshot {
  readonly name: string;
  readonly subscribers: number;
  /** How many subscribers, being full, hold sending up. */
  readonly full: number;
  readonly waitingSenders: number;
  /** How many values who subscribes now gets first. */
  readonly replayed: number;
  readonly closed: boolean;
}

/**
 * Sends each value to all who have subscribed; each has a buffer of its own.
 *
 * Guarantees: all get the values in the order of sending, and who subscribes while sending waits gets that value, too.
 * A send reaches all at once or, cancelled, nobody. Without subscribers values go nowhere.
 *
 * @example Everybody hears it
 * ```ts run
 * import { Broadcast, taskGroup } from 'corral';
 *
 * const news = new Broadcast<string>({ capacity: 16 });
 * await taskGroup(async (group) => {
 *   for (const name of ['a', 'b']) {
 *     const subscription = news.subscribe();
 *     group.spawn(async () => {
 *       using _closing = subscription;
 *       for await (const value of subscription) console.log(name, value);
 *     });
 *   }
 *   await news.send('hello');
 *   news.close();
 * });
 * ```
 */
export class Broadcast<T> implements Disposable {
  readonly name: string;
  /** What who waits is waiting for. */
  readonly #sending: string;
  readonly #capacity: number;
  readonly #overflow: SubscriberOverflow;
  readonly #replay: number;
  readonly #last = new Ring<T>();
  readonly #subscriptions = new Set<Subscription<T>>();
  // Who waits to send is held up by a full subscriber; who waits to receive has an empty buffer.
  readonly #senders = new WaitLine<void, Putter<T>>();
  #full = 0;
  #closed = false;

  /** @throws {RangeError} when `capacity` or `replay` is not what it can be; a TypeError for other bad options. */
  constructor(options?: BroadcastOptions) {
    const given = checkOptions(options, 'new Broadcast') ?? {};
    const { capacity = Infinity, overflow = 'wait', replay = 0, name = 'broadcast' } = given;
    this.#overflow = checkOverflow(overflow);
    this.#capacity = capacity === Infinity ? capacity : checkCapacity(capacity, overflow);
    this.#replay = checkCount(replay, 'replay the last values of a broadcast', 0);
    this.name = name;
    this.#sending = `send to ${name}`;
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends a value to all subscribers, as soon as none of them holds it up.
   *
   * Cancellable: nobody has got it then.
   *
   * @throws {ClosedResourceError} when the broadcast was closed, before or while it waited.
   */
  send(value: T, options?: ScopeOption): Promise<void> {
    try {
      return entering(scopeFor('Broadcast.send', options), this.#begin, value);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Sends a value to all subscribers if none of them holds it up; else false, and nobody has got it.
   *
   * @throws {ClosedResourceError} when the broadcast was closed.
   */
  trySend(value: T): boolean {
    if (this.#closed) throw this.#closedError();
    checkNoPromise(value, `send through ${this.name}`);
    if (this.#full > 0) return false;
    this.#deliver(value);
    return true;
  }

  /** For `select`: the branch that sends a value to all. */
  sending(value: T): Selectable<void> {
    return {
      [attempt]: () => (this.trySend(value) ? [undefined] : undefined),
      [enlist]: () => new Putter(undefined, this.#sending, this.#senders, value),
    };
  }

  /**
   * Gets what is sent from now on, and before that the last values as far as they are replayed: the newest that its
   * capacity has places for. Of a broadcast that was closed these are all.
   *
   * @throws {RangeError} when `capacity` is not a positive integer or Infinity, or is Infinity where `overflow` is given
   *   as something else than wait.
   */
  subscribe(options?: SubscribeOptions): Subscription<T> {
    checkOptions(options, 'Broadcast.subscribe');
    const overflow = checkOverflow(options?.overflow ?? this.#overflow);
    const capacity = checkCapacity(options?.capacity ?? this.#capacity, overflow);
    const hub: Hub<T> = { freed: this.#freed, left: this.#left };
    const subscription = new Subscription<T>(hub, options?.name ?? this.name, capacity, overflow);
    let skipped = Math.max(this.#last.size - capacity, 0);
    for (const value of this.#last) if (skipped-- <= 0) subscription.push(value);
    if (this.#closed) subscription.end();
    else {
      this.#subscriptions.add(subscription);
      if (subscription.holdsUp) this.#full++;
    }
    return subscription;
  }

  /**
   * Sends nothing any more: who waits to send fails; subscribers get what is in their buffers, then the end. Nothing
   * happens when it was closed before. Not a cancellation point.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#senders.failEach(() => this.#closedError());
    for (const subscription of this.#subscriptions) subscription.end();
    this.#subscriptions.clear();
    this.#full = 0;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  snapshot(): BroadcastSnapshot {
    return Object.freeze({
      name: this.name,
      subscribers: this.#subscriptions.size,
      full: this.#full,
      waitingSenders: this.#senders.length,
      replayed: this.#last.size,
      closed: this.#closed,
    });
  }

  readonly #begin = (scope: Scope | undefined, value: T): Promise<void> => {
    if (this.trySend(value)) return passThrough(undefined);
    return new Putter(scope, this.#sending, this.#senders, value).promise;
  };

  #deliver(value: T): void {
    if (this.#replay > 0) {
      if (this.#last.size === this.#replay) this.#last.take();
      this.#last.push(value);
    }
    for (const subscription of this.#subscriptions) {
      subscription.push(value);
      if (subscription.holdsUp) this.#full++;
    }
  }

  readonly #freed = (): void => {
    this.#full--;
    for (let next = this.#senders.first; this.#full === 0 && next?.commit(undefined); next = this.#senders.first) {
      this.#deliver(next.item);
    }
  };

  readonly #left = (subscription: Subscription<T>): void => {
    this.#subscriptions.delete(subscription);
    if (subscription.holdsUp) this.#freed();
  };

  #closedError(): ClosedResourceError {
    return new ClosedResourceError(this.name, 'send to');
  }
}

function checkOverflow(overflow: SubscriberOverflow): SubscriberOverflow {
  checkOneOf(overflow, ['wait', 'drop-oldest', 'drop-newest', 'error'], 'say what a full subscriber does');
  return overflow;
}

/** Where nothing is ever full, it cannot be said what happens then. */
function checkCapacity(capacity: number, overflow: SubscriberOverflow): number {
  return overflow === 'wait'
    ? checkCount(capacity, 'subscribe')
    : checkInteger(capacity, `subscribe with overflow ${overflow}`);
}
