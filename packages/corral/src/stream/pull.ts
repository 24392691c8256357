/**
 * What a stream is while it is iterated: a chain of pulls, each of which asks the one before it.
 *
 *     source ◄── stages without concurrency, fused ◄── workers of a stage with concurrency ◄── … ◄── the consumer
 *
 * A pull answers at once where it can, so that a chain of synchronous stages costs no promise. Whoever opened one closes
 * it, once, however it ended: by its end, by an error, or early.
 */

import type { Scope } from '../core/scope.ts';

/** There is nothing more. */
export const END: unique symbol = Symbol('the end of a stream');
export type End = typeof END;

/** A stage has dropped the item. */
export const SKIP: unique symbol = Symbol('skipped');
export type Skip = typeof SKIP;

/** A value, which is never a thenable, or the end; at once or later. A promise here is always a native one. */
export type Step<T> = T | End | Promise<T | End>;

/** A stream that is being read. One call of `next` at a time, then one of `close`. */
export interface Pull<T> {
  /** The next value. What it waits for belongs to `scope`. */
  next(scope: Scope): Step<T>;
  /**
   * Cancels what runs for it, closes what is before it, and waits for both; not a cancellation point. Throws what failed
   * meanwhile.
   */
  close(scope: Scope): Promise<void>;
}

/** Begins to read. Tasks that are started for it live in the scope `home`: the one in which the iteration was begun. */
export type Opener<T> = (home: Scope) => Pull<T>;

/** Where a stream keeps its opener. */
export const OPEN: unique symbol = Symbol('corral.open');

/** What can be read as a stream. */
export type StreamSource<T> = Iterable<T | PromiseLike<T>> | AsyncIterable<T>;
