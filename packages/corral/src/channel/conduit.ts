/** What is between the two sides of a channel. */

import { currentScope } from '../core/current.ts';
import { reportIn } from '../core/report-in.ts';
import type { Scope } from '../core/scope.ts';
import { WaitLine } from '../core/wait-line.ts';
import { BrokenResourceError, EndOfChannelError } from '../errors.ts';
import { ambientAvailable } from '../internal/ambient.ts';
import { checkNoPromise, isThenable } from '../internal/checks.ts';
import { Ring } from '../internal/ring.ts';
import type { ChannelOptions, ChannelSnapshot, ChannelOverflow } from './channel.ts';
import { ThroughHandle, type Handle } from './handle.ts';
import { ended, type Next } from './item-iterator.ts';

/** What taking gives when there is nothing. */
export const nothing: unique symbol = Symbol('nothing');

export class Conduit<T> {
  readonly name: string;
  readonly capacity: number;
  readonly overflow: ChannelOverflow;
  /** What who waits is waiting for. */
  readonly sending: string;
  readonly receiving: string;
  // Who waits to receive finds the buffer empty, who waits to send finds it full.
  readonly buffer = new Ring<T>();
  readonly senders = new WaitLine<void, Sending<T>>();
  readonly receivers = new WaitLine<T | Next<T>, Receiving<T>>();
  openSenders = 0;
  openReceivers = 0;
  readonly #merge: ChannelOptions<T>['merge'];
  readonly #onDrop: ChannelOptions<T>['onDrop'];

  constructor(capacity: number, options: ChannelOptions<T>) {
    this.capacity = capacity;
    this.overflow = options.overflow ?? 'wait';
    this.name = options.name ?? 'channel';
    this.sending = `send to ${this.name}`;
    this.receiving = `receive from ${this.name}`;
    this.#merge = options.merge;
    this.#onDrop = options.onDrop;
  }

  /** Hands a value to who waits for one, or keeps it; false when there is no place. */
  accept(value: T): boolean {
    checkNoPromise(value, `send through ${this.name}`);
    if (this.receivers.first?.give(value)) return true;
    if (this.buffer.size >= this.capacity) return false;
    this.buffer.push(value);
    return true;
  }

  /** The same, and makes a place where the channel is one that overflows. */
  deliver(value: T): boolean {
    return this.accept(value) || (this.overflow !== 'wait' && this.#spill(value));
  }

  /** Takes the next value, from the buffer or from who waits to send it. */
  take(): T | typeof nothing {
    const sender = this.senders.first;
    if (this.buffer.size === 0) return sender?.commit(undefined) ? sender.value : nothing;
    const value = this.buffer.take();
    if (sender?.commit(undefined)) this.buffer.push(sender.value);
    return value;
  }

  /** Whether nothing is left and nothing will come. */
  get ended(): boolean {
    return this.openSenders === 0 && this.buffer.size === 0;
  }

  senderClosed(): void {
    if (--this.openSenders > 0) return;
    const { receivers } = this;
    for (let next = receivers.first; next; next = receivers.first) {
      if (next.iterating) next.commit(ended);
      else next.fail(new EndOfChannelError(this.name));
    }
  }

  receiverClosed(): void {
    if (--this.openReceivers > 0) return;
    this.senders.failEach(() => this.broken());
    while (this.buffer.size > 0) this.#drop(this.buffer.take());
  }

  broken(): BrokenResourceError {
    return new BrokenResourceError(this.name, 'send to', 'all receivers are closed');
  }

  snapshot(): ChannelSnapshot {
    const { name, capacity, openSenders, openReceivers } = this;
    return Object.freeze({
      name,
      capacity,
      buffered: this.buffer.size,
      openSenders,
      openReceivers,
      waitingSenders: this.senders.length,
      waitingReceivers: this.receivers.length,
    });
  }

  /** There is no place: something has to give way. */
  #spill(value: T): true {
    if (this.overflow === 'drop-newest') this.#drop(value);
    else if (this.overflow === 'conflate' && this.#merge) this.#conflate(this.#merge, value);
    else {
      const given = this.overflow === 'conflate' ? this.buffer.last : this.buffer.take();
      if (this.overflow === 'conflate') this.buffer.last = value;
      else this.buffer.push(value);
      this.#drop(given);
    }
    return true;
  }

  /** The caller's function may throw, and then nothing has happened; and it may use the channel: then it is done anew. */
  #conflate(merge: (kept: T, next: T) => T, value: T): void {
    do {
      const kept = this.buffer.last;
      const merged = merge(kept, value);
      if (this.openReceivers === 0) throw this.broken();
      if (this.buffer.size < this.capacity || !Object.is(this.buffer.last, kept)) continue;
      this.buffer.last = merged;
      return;
    } while (!this.accept(value));
  }

  /** In the context of whoever sends or closes, when all is done. */
  #drop(value: T): void {
    if (!this.#onDrop) return;
    const scope = ambientAvailable ? currentScope() : undefined;
    const failed = (error: unknown): void => reportIn(scope, error, `onDrop of ${this.name} threw`);
    try {
      const dropped: unknown = this.#onDrop(value);
      if (isThenable(dropped)) void Promise.resolve(dropped).then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** Waits for a place, or where there are none for a receiver. */
export class Sending<T> extends ThroughHandle<void> {
  readonly value: T;

  constructor(scope: Scope | undefined, conduit: Conduit<T>, handle: Handle, value: T) {
    super(scope, conduit.sending, conduit.senders, handle);
    this.value = value;
  }
}

/** Waits for a value, or for the next of an iterator. */
export class Receiving<T> extends ThroughHandle<T | Next<T>> {
  readonly iterating: boolean;

  constructor(scope: Scope | undefined, conduit: Conduit<T>, handle: Handle, iterating: boolean) {
    super(scope, conduit.receiving, conduit.receivers, handle);
    this.iterating = iterating;
  }

  give(value: T): boolean {
    return this.commit(this.iterating ? { done: false, value } : value);
  }
}
