import { scopeFor } from '../core/current.ts';
import { refusal, rejecting } from '../core/operation.ts';
import { now, toTime } from '../core/time.ts';
import { TimeoutError } from '../errors.ts';
import { checkFunction, checkOptions } from '../internal/checks.ts';
import { openAndRun, type TaskFunction, type WithScopeOptions } from '../core/with-scope.ts';

/** Options of {@link timeout} and {@link timeoutAt}. */
export interface TimeoutOptions extends Omit<WithScopeOptions, 'deadlineMs'> {
  /** Whether the body is begun when there is no time to begin with. Default: true, it runs to its first wait. */
  readonly startIfExpired?: boolean | undefined;
}

/**
 * Runs `body` and cancels it after `ms` milliseconds. What waits on a promise that is not corral's is not cut off: give
 * it a signal (`withSignal`) or stop waiting for it (`abortable`). Undefined, null and Infinity mean no timeout; zero and less let the
 * body run to its first waiting operation.
 *
 * Guarantees: it settles only when the body has ended. A body that ends without waiting again has succeeded; its own
 * error is thrown rather than the TimeoutError; of nested timeouts that have expired the outermost throws. Deadlines
 * compose: the earliest around counts. `scope.reschedule()` moves it.
 *
 * Cancellable: what the body waits for throws; it settles when all has ended.
 *
 * @throws {TimeoutError} when the time was up.
 *
 * @example At most a second
 * ```ts run
 * import { sleep, timeout } from 'corral';
 *
 * console.log(await timeout(1_000, () => sleep(1).then(() => 'in time')));
 * ```
 */
export function timeout<T>(ms: number | null | undefined, body: TaskFunction<T>, options?: TimeoutOptions): Promise<T> {
  return rejecting(() => {
    const expired = typeof ms === 'number' && ms <= 0;
    if (expired && options?.startIfExpired === false) return notStarted('timeout', body, options, ms);
    return openAndRun('timeout', body, { ...checkOptions(options, 'timeout'), deadlineMs: ms ?? undefined });
  });
}

/**
 * Runs `body` and cancels it at a time: milliseconds on the scale of `now()`, or a Date. Otherwise like {@link timeout}.
 *
 * Cancellable: what the body waits for throws; it settles when all has ended.
 *
 * @throws {TimeoutError} when the time had come.
 */
export function timeoutAt<T>(
  when: number | Date | null | undefined,
  body: TaskFunction<T>,
  options?: TimeoutOptions,
): Promise<T> {
  return rejecting(() => {
    const at = toTime(when, 'set a deadline');
    if (at <= now() && options?.startIfExpired === false) return notStarted('timeoutAt', body, options);
    return openAndRun('timeoutAt', body, options, at);
  });
}

/** There is no time to begin with: misuse and a cancellation from outside win, as always. */
function notStarted(call: string, body: unknown, options: TimeoutOptions | undefined, ms?: number): Promise<never> {
  return rejecting(() => {
    checkFunction(body, `run the body of ${call}`);
    throw refusal(scopeFor(call, options)) ?? new TimeoutError(ms, call);
  });
}
