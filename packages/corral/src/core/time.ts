/** Points in time and lengths of time, as callers write them. */

import { clock } from '../internal/clock.ts';
import { shown } from '../internal/checks.ts';

/**
 * The clock's time: milliseconds since the epoch, and never backwards. It is the scale of `timeoutAt`, `sleepUntil`,
 * `scope.deadline`; under a VirtualClock it is that clock's time.
 */
export function now(): number {
  return clock.now();
}

/** A point in time as a number; Infinity for none. */
export function toTime(when: number | Date | null | undefined, action: string, none = Infinity): number {
  if (when === undefined || when === null) when = none;
  const time = typeof when === 'number' ? when : when instanceof Date ? when.getTime() : NaN;
  if (!Number.isNaN(time)) return time;
  throw new RangeError(
    `Cannot ${action} as it takes a time (milliseconds since the epoch or a Date): current value is ${shown(when)}`,
  );
}
