import { scopeFor, type ScopeOption } from '../core/current.ts';
import { sleepUntilIn } from '../core/sleep.ts';
import { now } from '../core/time.ts';
import { shown } from '../internal/checks.ts';

/**
 * Yields at multiples of `ms` milliseconds after it was begun, without drift: the number of the beat, from 1.
 *
 * Guarantees: a beat that the loop's body was too slow for is passed over, not made up for; the number tells.
 *
 * Cancellable: while it waits for the next beat.
 *
 * @throws {RangeError} when `ms` is not a positive number.
 *
 * @example Three beats
 * ```ts run
 * import { interval } from 'corral';
 *
 * for await (const beat of interval(1)) if (beat >= 3) break;
 * ```
 */
export async function* interval(ms: number, options?: ScopeOption): AsyncGenerator<number, void, undefined> {
  if (typeof ms !== 'number' || !(ms > 0)) {
    throw new RangeError(
      `Cannot make an interval as it takes a positive number of milliseconds: current value is ${shown(ms)}`,
    );
  }
  const begun = now();
  for (let beat = 1; ; beat = Math.max(beat, Math.floor((now() - begun) / ms)) + 1) {
    await sleepUntilIn(scopeFor('interval', options), begun + beat * ms);
    yield beat;
  }
}
