import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import { entering, rejected, type Operation } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { attempt, enlist, type Selectable } from '../core/selectable.ts';
import { WaitLine } from '../core/wait-line.ts';
import { BrokenResourceError, ClosedResourceError, EndOfChannelError } from '../errors.ts';
import { Ring } from '../internal/ring.ts';
import { ItemIterator, ended, type Next } from './item-iterator.ts';
import { Getter } from './waiting.ts';

/**
 * What happens to a value for which a subscriber has no place: all senders wait for it; or its oldest value gives way, or
 * it misses the new one; or it is cut off, and fails when it has received what it had.
 */
export type SubscriberOverflow = 'wait' | 'drop-oldest' | 'drop-newest' | 'error';

/** A frozen picture of a subscription. */
export interface SubscriptionSnapshot {
  readonly name: string;
  readonly capacity: number;
  readonly overflow: SubscriberOverflow;
  readonly buffered: number;
  /** How many values it has missed. */
  readonly dropped: number;
  readonly waitingReceivers: number;
  readonly state: SubscriptionState;
}

/** `ended`: the broadcast was closed. `cut-off`: it fell behind. `closed`: by its own user. */
export type SubscriptionState = 'open' | 'ended' | 'cut-off' | 'closed';

/** @internal What a subscription is subscribed to. */
export interface Hub<T> {
  /** A subscription that held sending up does not any more. */
  freed(): void;
  /** A subscription wants nothing any more. */
  left(subscription: Subscription<T>): void;
}

/**
 * What one subscriber gets of a broadcast. Close it, best by `using`, when nobody reads it any more: one that is full and
 * whose overflow is `wait` holds all senders up.
 */
export class Subscription<T> implements Selectable<T>, AsyncIterable<T, undefined>, Disposable {
  readonly name: string;
  readonly capacity: number;
  readonly overflow: SubscriberOverflow;
  readonly #hub: Hub<T>;
  /** What who waits is waiting for. */
  readonly #receiving: string;
  readonly #buffer = new Ring<T>();
  readonly #getters = new WaitLine<T | T[] | Next<T>, Getter<T>>();
  #state: SubscriptionState = 'open';
  #dropped = 0;

  /** @internal */
  constructor(hub: Hub<T>, name: string, capacity: number, overflow: SubscriberOverflow) {
    this.#hub = hub;
    this.name = name;
    this.#receiving = `receive from ${name}`;
    this.capacity = capacity;
    this.overflow = overflow;
  }

  /** How many values it has missed because it had no place for them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether it was closed by its own user. */
  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** @internal Whether senders have to wait for it. */
  get holdsUp(): boolean {
    return this.overflow === 'wait' && this.#buffer.size >= this.capacity;
  }

  /** @internal Takes a value in. Where the overflow is `wait` only when there is a place. */
  push(value: T): void {
    if (this.#getters.first?.give(value)) return;
    if (this.#buffer.size < this.capacity) {
      this.#buffer.push(value);
      return;
    }
    this.#dropped++;
    if (this.overflow === 'error') {
      this.#state = 'cut-off';
      this.#hub.left(this);
    } else if (this.overflow === 'drop-oldest') {
      this.#buffer.take();
      this.#buffer.push(value);
    }
  }

  /** @internal The broadcast was closed. */
  end(): void {
    this.#state = 'ended';
    for (let next = this.#getters.first; next; next = this.#getters.first) {
      if (next.wanted === 'next') next.commit(ended);
      else next.fail(new EndOfChannelError(this.name));
    }
  }

  /**
   * Receives the next value, when there is one.
   *
   * Cancellable: nothing is taken then.
   *
   * @throws {EndOfChannelError} when the broadcast was closed and nothing is left; {@link BrokenResourceError} when it
   *   fell behind and was cut off, and nothing is left; {@link ClosedResourceError} when this subscription was closed.
   */
  receive(options?: ScopeOption): Promise<T> {
    try {
      return entering(scopeFor('Subscription.receive', options), this.#begin);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Receives the next value; undefined when there is none yet.
   *
   * @throws like {@link receive}.
   */
  tryReceive(): T | undefined {
    this.#check();
    return this.#buffer.size > 0 ? this.#take() : undefined;
  }

  /** The values as they come, until the end: `for await` over it, in a scope given by hand. */
  values(options?: ScopeOption): AsyncIterableIterator<T, undefined> {
    return new ItemIterator('Subscription.values', this.#beginNext, options);
  }

  /**
   * The values as they come, until the broadcast is closed and nothing is left. Leaving the loop does not close it.
   *
   * Cancellable: nothing is taken then.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return this.values();
  }

  [attempt](): readonly [value: T] | undefined {
    this.#check();
    return this.#buffer.size > 0 ? [this.#take()] : undefined;
  }

  /** @internal */
  [enlist](): Operation<T> {
    return new Getter(undefined, this.#receiving, this.#getters, 'item') as Operation<unknown> as Operation<T>;
  }

  /**
   * Wants nothing any more: who waits to receive fails, what is in the buffer is dropped, and senders are not held up.
   * Nothing happens when it was closed before. Not a cancellation point.
   */
  close(): void {
    if (this.#state === 'closed') return;
    const open = this.#state === 'open';
    this.#state = 'closed';
    this.#getters.failEach(() => this.#closedError());
    if (open) this.#hub.left(this);
    while (this.#buffer.size > 0) this.#buffer.take();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  snapshot(): SubscriptionSnapshot {
    const { name, capacity, overflow, dropped } = this;
    const buffered = this.#buffer.size;
    const waitingReceivers = this.#getters.length;
    return Object.freeze({ name, capacity, overflow, buffered, dropped, waitingReceivers, state: this.#state });
  }

  readonly #begin = (scope: Scope | undefined): Promise<T> => {
    this.#check();
    if (this.#buffer.size > 0) return passThrough(this.#take());
    return new Getter(scope, this.#receiving, this.#getters, 'item').promise as Promise<T>;
  };

  readonly #beginNext = (scope: Scope | undefined): Promise<Next<T>> => {
    if (this.#state === 'ended' && this.#buffer.size === 0) return passThrough(ended);
    this.#check();
    if (this.#buffer.size > 0) return passThrough({ done: false, value: this.#take() });
    return new Getter(scope, this.#receiving, this.#getters, 'next').promise as Promise<Next<T>>;
  };

  #take(): T {
    const heldUp = this.#state === 'open' && this.holdsUp;
    const value = this.#buffer.take();
    if (heldUp) this.#hub.freed();
    return value;
  }

  /** Throws when there is nothing and nothing will come. */
  #check(): void {
    if (this.#state === 'open') return;
    if (this.#state === 'closed') throw this.#closedError();
    if (this.#buffer.size > 0) return;
    if (this.#state === 'ended') throw new EndOfChannelError(this.name);
    throw new BrokenResourceError(this.name, 'receive from', `it fell behind by more than ${this.capacity}`);
  }

  #closedError(): ClosedResourceError {
    return new ClosedResourceError(this.name, 'receive from');
  }
}
