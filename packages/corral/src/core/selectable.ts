/** What waiting for the first of several is made of: try each at once, or have each stand in its line. */

import type { Operation } from './operation.ts';
import type { Scope } from './scope.ts';

/** The key of what `select` calls first. */
export const attempt: unique symbol = Symbol.for('corral.attempt') as never;
/** @internal The key of what `select` calls when nothing could be done at once. */
export const enlist: unique symbol = Symbol.for('corral.enlist') as never;

/**
 * Something that `select` can wait for: a queue, a receiver, a subscription, a task, an event, `sender.sending(value)`,
 * `queue.putting(item)`, `after(ms)`.
 */
export interface Selectable<T> {
  /** Does it at once if that needs no waiting, and returns what came of it; throws when it fails. For `select` only. */
  [attempt](scope: Scope | undefined): readonly [value: T] | undefined;
  /** @internal An operation that stands in line for it, in no scope. Called only when it could not be done at once. */
  [enlist](): Operation<T>;
}
