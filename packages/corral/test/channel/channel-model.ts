/** Channels as they are meant, one step at a time, with selects that stand in several lines at once. */

import type { ChannelOverflow } from '../../src/index.ts';

/** An operation, or one branch of a select, in a line. */
interface Waiter {
  readonly id: number;
  readonly handle: number;
  readonly value: number;
  /** The branch of a select; undefined for an operation by itself. */
  readonly key: string | undefined;
  readonly iterating: boolean;
}

/** What a select may try. */
export interface Branch {
  readonly key: string;
  readonly channel: ChannelModel;
  readonly value: number | undefined;
}

/** All that is going on: what came of each operation, by its number; `waiting` when nothing did yet. */
export class World {
  readonly outcomes: unknown[] = [];
  readonly channels: ChannelModel[] = [];

  settle(waiter: Waiter, value: unknown, failed = false): void {
    const told = failed || waiter.key === undefined ? value : { key: waiter.key, value };
    this.end(waiter.id, told);
  }

  end(id: number, outcome: unknown): void {
    this.outcomes[id] = outcome;
    for (const channel of this.channels) channel.forget(id);
  }

  cancel(id: number): void {
    if (this.outcomes[id] === 'waiting') this.end(id, 'cancelled');
  }

  /** Biased: the first in order that can. Its branches use the first handles. */
  select(id: number, branches: readonly Branch[]): void {
    for (const { key, channel, value } of branches) {
      const result = value === undefined ? channel.tryReceive(0) : channel.trySend(0, value, true);
      if (result === undefined || result === false) continue;
      const failed = typeof result === 'string';
      return this.end(id, failed ? result : { key, value: value === undefined ? result : undefined });
    }
    this.outcomes[id] = 'waiting';
    for (const { key, channel, value } of branches) {
      const line = value === undefined ? channel.receivers : channel.senders;
      line.push({ id, handle: 0, value: value ?? 0, key, iterating: false });
    }
  }
}

export class ChannelModel {
  buffer: number[] = [];
  senders: Waiter[] = [];
  receivers: Waiter[] = [];
  readonly dropped: number[] = [];
  /** Which handles of each side are open. */
  readonly sending = [true];
  readonly receiving = [true];
  readonly #world: World;
  readonly #capacity: number;
  readonly #overflow: ChannelOverflow;

  constructor(world: World, capacity: number, overflow: ChannelOverflow) {
    this.#world = world;
    this.#capacity = capacity;
    this.#overflow = overflow;
    world.channels.push(this);
  }

  forget(id: number): void {
    this.senders = this.senders.filter((waiter) => waiter.id !== id);
    this.receivers = this.receivers.filter((waiter) => waiter.id !== id);
  }

  /** True, false when it would have to wait, or the name of an error. `dropping`: a new value may be dropped. */
  trySend(handle: number, value: number, dropping: boolean): boolean | string {
    if (!this.sending[handle]) return 'ClosedResourceError';
    if (!this.receiving.includes(true)) return 'BrokenResourceError';
    const [receiver] = this.receivers;
    if (receiver) this.#world.settle(receiver, receiver.iterating ? { done: false, value } : value);
    else if (this.buffer.length < this.#capacity) this.buffer.push(value);
    else if (this.#overflow === 'wait') return false;
    else if (this.#overflow === 'drop-newest') {
      if (dropping) this.dropped.push(value);
      return dropping;
    } else {
      const [gone] = this.buffer.splice(this.#overflow === 'drop-oldest' ? 0 : -1, 1);
      this.dropped.push(gone as number);
      this.buffer.push(value);
    }
    return true;
  }

  send(id: number, handle: number, value: number): void {
    const result = this.trySend(handle, value, true);
    if (result !== false) return this.#world.end(id, result === true ? undefined : result);
    this.#world.outcomes[id] = 'waiting';
    this.senders.push({ id, handle, value, key: undefined, iterating: false });
  }

  /** The value, undefined when there is none, or the name of an error. */
  tryReceive(handle: number): number | string | undefined {
    if (!this.receiving[handle]) return 'ClosedResourceError';
    const [sender] = this.senders;
    if (sender) {
      this.buffer.push(sender.value);
      this.#world.settle(sender, undefined);
    }
    if (this.buffer.length > 0) return this.buffer.shift();
    return this.sending.includes(true) ? undefined : 'EndOfChannelError';
  }

  receive(id: number, handle: number, iterating: boolean): void {
    const result = this.tryReceive(handle);
    if (result === undefined) {
      this.#world.outcomes[id] = 'waiting';
      this.receivers.push({ id, handle, value: 0, key: undefined, iterating });
    } else if (!iterating) this.#world.end(id, result);
    else if (result === 'EndOfChannelError') this.#world.end(id, { done: true, value: undefined });
    else this.#world.end(id, typeof result === 'string' ? result : { done: false, value: result });
  }

  clone(side: 'sending' | 'receiving', handle: number): string | undefined {
    if (!this[side][handle]) return 'ClosedResourceError';
    this[side].push(true);
    return undefined;
  }

  close(side: 'sending' | 'receiving', handle: number): void {
    if (!this[side][handle]) return;
    this[side][handle] = false;
    const own = side === 'sending' ? this.senders : this.receivers;
    for (const waiter of own.filter((each) => each.handle === handle)) {
      this.#world.settle(waiter, 'ClosedResourceError', true);
    }
    if (this[side].includes(true)) return;
    if (side === 'sending') {
      for (const waiter of this.receivers) {
        if (waiter.iterating) this.#world.settle(waiter, { done: true, value: undefined });
        else this.#world.settle(waiter, 'EndOfChannelError', true);
      }
    } else {
      for (const waiter of this.senders) this.#world.settle(waiter, 'BrokenResourceError', true);
      this.dropped.push(...this.buffer.splice(0));
    }
  }
}
