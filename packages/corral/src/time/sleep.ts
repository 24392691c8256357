import { scopeFor, type ScopeOption } from '../core/current.ts';
import { rejecting } from '../core/operation.ts';
import { sleepIn, sleepUntilIn } from '../core/sleep.ts';
import { toTime } from '../core/time.ts';

/**
 * Waits `ms` milliseconds; zero and less is a checkpoint, Infinity waits for cancellation. Never wakes early.
 *
 * Cancellable: nothing is left behind.
 *
 * @throws {RangeError} when `ms` is not a number.
 *
 * @example A pause
 * ```ts run
 * import { sleep } from 'corral';
 *
 * await sleep(1);
 * ```
 */
export function sleep(ms: number, options?: ScopeOption): Promise<void> {
  return rejecting(() => sleepIn(scopeFor('sleep', options), ms));
}

/**
 * Waits until a time: milliseconds on the scale of `now()`, or a Date.
 *
 * Cancellable: nothing is left behind.
 */
export function sleepUntil(when: number | Date, options?: ScopeOption): Promise<void> {
  return rejecting(() => sleepUntilIn(scopeFor('sleepUntil', options), toTime(when, 'call sleepUntil', NaN)));
}

/**
 * Waits until it is cancelled.
 *
 * Cancellable: nothing is left behind.
 */
export function sleepForever(options?: ScopeOption): Promise<never> {
  return sleep(Infinity, options) as Promise<never>;
}
