/** A queue as it is meant, one step at a time: what each operation gives, and who still waits. */

import type { QueueOrder } from '../../src/index.ts';

/** How an item is asked for: one, the next of an iterator, or up to so many. */
export type Ask = 'item' | 'next' | number;

export class QueueModel {
  /** What came of each operation, by its number; `waiting` when nothing did yet. */
  readonly outcomes: unknown[] = [];
  items: number[] = [];
  unfinished = 0;
  #shutDown = false;
  #getters: { id: number; wanted: Ask }[] = [];
  #putters: { id: number; rest: number[] }[] = [];
  #joiners: number[] = [];
  readonly #order: QueueOrder;
  readonly #capacity: number;

  constructor(order: QueueOrder, capacity: number) {
    this.#order = order;
    this.#capacity = capacity;
  }

  get waiting(): { getters: number; putters: number } {
    return { getters: this.#getters.length, putters: this.#putters.length };
  }

  put(id: number, items: readonly number[]): void {
    if (this.#shutDown) return this.#end(id, 'QueueShutDownError');
    const rest = [...items];
    // As many as there are places for, or as are waited for; the others wait.
    do while (rest.length > 0 && this.items.length < this.#capacity) this.#enter(rest.shift() as number);
    while (this.#serveGetters() && rest.length > 0);
    if (rest.length === 0) return this.#end(id, undefined);
    this.#putters.push({ id, rest });
    this.outcomes[id] = 'waiting';
  }

  tryPut(item: number): unknown {
    if (this.#shutDown) return 'QueueShutDownError';
    if (this.items.length >= this.#capacity) return false;
    this.#enter(item);
    this.#serveGetters();
    return true;
  }

  get(id: number, wanted: Ask): void {
    if (this.items.length === 0 && this.#shutDown) {
      return this.#end(id, wanted === 'next' ? { done: true, value: undefined } : 'QueueShutDownError');
    }
    this.outcomes[id] = 'waiting';
    this.#getters.push({ id, wanted });
    this.#serveGetters();
  }

  tryGet(): unknown {
    if (this.items.length > 0) return this.#takeOne();
    return this.#shutDown ? 'QueueShutDownError' : undefined;
  }

  taskDone(): unknown {
    if (this.unfinished === 0) return 'RangeError';
    this.#finish(1);
    return undefined;
  }

  join(id: number): void {
    if (this.unfinished === 0) return this.#end(id, undefined);
    this.outcomes[id] = 'waiting';
    this.#joiners.push(id);
  }

  shutdown(immediate: boolean): unknown {
    this.#shutDown = true;
    for (const { id } of this.#putters) this.#end(id, 'QueueShutDownError');
    for (const { id, wanted } of this.#getters) {
      this.#end(id, wanted === 'next' ? { done: true, value: undefined } : 'QueueShutDownError');
    }
    this.#putters = [];
    this.#getters = [];
    const drained: number[] = [];
    while (immediate && this.items.length > 0) drained.push(this.#takeOne());
    this.#finish(Math.min(drained.length, this.unfinished));
    return drained;
  }

  cancel(id: number): void {
    if (this.outcomes[id] !== 'waiting') return;
    this.#end(id, 'cancelled');
    this.#getters = this.#getters.filter((getter) => getter.id !== id);
    this.#putters = this.#putters.filter((putter) => putter.id !== id);
    this.#joiners = this.#joiners.filter((joiner) => joiner !== id);
  }

  #end(id: number, outcome: unknown): void {
    this.outcomes[id] = outcome;
  }

  #enter(item: number): void {
    this.items.push(item);
    this.unfinished++;
  }

  #finish(count: number): void {
    this.unfinished -= count;
    if (this.unfinished > 0) return;
    for (const id of this.#joiners) this.#end(id, undefined);
    this.#joiners = [];
  }

  #serveGetters(): boolean {
    let served = false;
    while (this.#getters.length > 0 && this.items.length > 0) {
      const { id, wanted } = this.#getters.shift() as { id: number; wanted: Ask };
      const items: number[] = [];
      while (items.length < (typeof wanted === 'number' ? wanted : 1) && this.items.length > 0) {
        items.push(this.#takeOne());
      }
      const [first] = items;
      this.#end(id, typeof wanted === 'number' ? items : wanted === 'next' ? { done: false, value: first } : first);
      served = true;
    }
    return served;
  }

  /** Whatever is next by the order; the place goes to the first who waits for one. */
  #takeOne(): number {
    let index = 0;
    if (this.#order === 'lifo') index = this.items.length - 1;
    // Equal are those with the same last digit.
    if (this.#order === 'priority') index = this.items.map(rank).indexOf(Math.min(...this.items.map(rank)));
    const [item] = this.items.splice(index, 1) as [number];
    const putter = this.#putters[0];
    if (putter) {
      this.#enter(putter.rest.shift() as number);
      if (putter.rest.length === 0) this.#end((this.#putters.shift() as { id: number }).id, undefined);
    }
    return item;
  }
}

/** What priority queues compare: many are equal. */
export function rank(item: number): number {
  return item % 3;
}
