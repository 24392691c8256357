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
  if (order === 'lifo') return new Stack<T>();
  if (order === 'priority') return new StableHeap<T>(compare ?? naturally);
  return new Ring<T>();
}

/** Numbers, strings, dates and whatever else `<` can compare; what it cannot is equal. */
function naturally(one: unknown, other: unknown): number {
  if ((one as number) < (other as number)) return -1;
  return (one as number) > (other as number) ? 1 : 0;
}
