import { checkNoPromise, shown } from '../internal/checks.ts';
import { Ring } from '../internal/ring.ts';
import { StableHeap } from '../internal/stable-heap.ts';
import { Stack } from '../internal/stack.ts';

/** In which order the items of a queue come out: the oldest first, the newest first, or the least first. */
export type QueueOrder = 'fifo' | 'lifo' | 'priority';

/** What holds the items of a queue. */
export interface Store<T> {
  readonly size: number;
  push(item: T): void;
  /** Takes the next. Only when there is one. */
  take(): T;
}

export function storeFor<T>(order: QueueOrder, compare: ((one: T, other: T) => number) | undefined): Store<T> {
  if (compare !== undefined && order !== 'priority') {
    throw new TypeError(`Cannot compare the items of a queue as its order must be priority: current value is ${order}`);
  }
  if (order === 'lifo') return new Stack<T>();
  if (order === 'priority') return new StableHeap<T>(compare ?? naturally);
  return new Ring<T>();
}

/** Throws a TypeError unless `<` puts such items in order: other objects it compares as strings, others not at all. */
export function checkOrdered<T>(item: T, action: string): T {
  const value: unknown = item instanceof Date ? item.getTime() : checkNoPromise(item, action);
  if (ORDERED.includes(typeof value) && !Number.isNaN(value)) return item;
  throw new TypeError(
    `Cannot ${action} as without compare it takes numbers, strings, bigints, booleans or Dates: current value is ${shown(item)}`,
  );
}

const ORDERED: readonly string[] = ['number', 'string', 'bigint', 'boolean'];

function naturally(one: unknown, other: unknown): number {
  if ((one as number) < (other as number)) return -1;
  return (one as number) > (other as number) ? 1 : 0;
}
