/** What a queue can be told, and what it tells of itself. */

import type { ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import type { QueueOrder } from './store.ts';
import type { PutProgress } from './waiting.ts';

/** Options of `Queue`. */
export interface QueueOptions<T> extends NameOption {
  /** How many items it holds before `put` waits. Default: Infinity. */
  readonly capacity?: number | undefined;
  /** Which item comes out next: the oldest, the newest, or the least, the older first of equal ones. Default: fifo. */
  readonly order?: QueueOrder | undefined;
  /**
   * Compares two items, as for `Array.sort`; with `order: 'priority'` only. Default: by `<`, for numbers (not NaN),
   * strings, bigints, booleans and Dates; putting in anything else, such as an object or an array, is a TypeError then.
   */
  readonly compare?: ((one: T, other: T) => number) | undefined;
}

/** Options of `Queue.putMany`. */
export interface PutManyOptions extends ScopeOption {
  /** Kept up to date by the queue: says after a cancellation or a shutdown how many items are in. Default: none. */
  readonly progress?: PutProgress | undefined;
}

/** Options of `Queue.shutdown`. */
export interface ShutdownOptions {
  /** Whether what is in the queue is thrown away instead of being drained. Default: false. */
  readonly immediate?: boolean | undefined;
}

/** A frozen picture of a queue. */
export interface QueueSnapshot {
  readonly name: string;
  readonly order: QueueOrder;
  readonly capacity: number;
  readonly size: number;
  /** How many items were put in and not marked as done. */
  readonly unfinished: number;
  /** How many wait for an item. */
  readonly waitingGetters: number;
  /** How many wait for a place. */
  readonly waitingPutters: number;
  readonly shutDown: boolean;
}
