import { Sleep } from '../core/sleep.ts';
import { attempt, enlist, type Selectable } from '../core/selectable.ts';
import { checkNumber } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';

/**
 * For `select`: the branch that happens when `ms` milliseconds have passed since `select` was called.
 *
 * Guarantees: whatever is ready at once wins over it, also over `after(0)`; it sets a timer only while `select` waits,
 * and may be used again. Infinity is never.
 *
 * @throws {RangeError} when `ms` is not a number.
 *
 * @example Give up after a while
 * ```ts run
 * import { after, channel, select } from 'corral';
 *
 * const [, receiver] = channel<string>(0);
 * const { key } = await select({ answer: receiver, tired: after(5) });
 * console.log(key); // tired
 * ```
 */
export function after(ms: number): Selectable<void> {
  checkNumber(ms, 'select after some time');
  return {
    [attempt]: () => undefined,
    [enlist]: () => new Sleep(undefined, clock.now() + ms),
  };
}
