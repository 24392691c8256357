import { scopeFor, type ScopeOption } from '../core/current.ts';
import { combine, resultOfCancelled } from '../core/exit.ts';
import { isCancelled } from '../core/is-cancelled.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { sleepIn } from '../core/sleep.ts';
import { openAndRun } from '../core/with-scope.ts';
import { StrayCancellationError, TimeoutError } from '../errors.ts';
import { checkCount, checkFunction, checkMs, checkNumber, shown } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { Backoff, type BackoffOptions } from './backoff.ts';
import { RetryBudget } from './retry-budget.ts';

/** A function that is called more than once: a task function that is also told which call it is, beginning with 1. */
export type AttemptFunction<T> = (scope: Scope, attempt: number) => T | PromiseLike<T>;

/** Options of {@link retry}. */
export interface RetryOptions extends BackoffOptions, ScopeOption, NameOption {
  /** How many attempts in all; Infinity for no end. Default: 3. */
  readonly attempts?: number | undefined;
  /** Whether an error is worth another attempt; may be async. Default: every error that is not a cancellation. */
  readonly retryIf?: ((error: unknown, attempt: number) => boolean | PromiseLike<boolean>) | undefined;
  /**
   * Milliseconds that the error itself asks to wait, as a Retry-After header does: they replace the backoff, without
   * jitter and whatever `maxMs` says. Undefined, null and NaN mean that it does not ask.
   */
  readonly retryAfter?: ((error: unknown) => number | null | undefined) | undefined;
  /** Called before each wait, and awaited: the attempt that failed, and the milliseconds that follow. */
  readonly onRetry?: ((error: unknown, attempt: number, delayMs: number) => unknown) | undefined;
  /** Milliseconds for everything together. Default: none. */
  readonly deadlineMs?: number | undefined;
  /** Milliseconds for each attempt: a TimeoutError that is retried like any other error. Default: none. */
  readonly attemptTimeoutMs?: number | undefined;
  /** Shared by many calls: where it is used up there are no retries. Default: none. */
  readonly budget?: RetryBudget | undefined;
  /** A foreign signal that cancels it; the call then throws the signal's reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** The last error, and how many earlier ones travel with it: those that retry for ever must not collect for ever. */
const KEPT = 1 + 10;

/**
 * Calls `fn` until it succeeds, and waits longer each time.
 *
 * Guarantees: an attempt has ended, and all that was started in its scope, before the next begins and before `retry`
 * settles. A cancellation is never retried; a TimeoutError or TaskCancelledError of the attempt is an error like others,
 * as are misuse and a foreign AbortError: `retryIf` knows better. What is thrown in the end is the last error as it is,
 * with the (last ten) earlier ones in `suppressedErrors`. It gives up at once when the wait before the next attempt would
 * not end before `deadlineMs`; a deadline that passes in an attempt throws TimeoutError. What `retryIf`, `retryAfter`,
 * `backoff` or `onRetry` throw ends it.
 *
 * Cancellable: in an attempt and between two; nothing is called afterwards.
 *
 * @throws the last error; {@link TimeoutError} when `deadlineMs` passed in an attempt; a TypeError or RangeError when an
 * option makes no sense, before anything is called.
 *
 * @example Three attempts with a timeout each, through a circuit breaker
 * ```ts run
 * import { CircuitBreaker, retry, sleep, timeout } from 'corral';
 *
 * const breaker = new CircuitBreaker({ consecutiveFailures: 5 });
 * const fetchUser = async (attempt: number) => {
 *   await sleep(1);
 *   if (attempt === 1) throw new Error('503');
 *   return 'Ada';
 * };
 * const user = await retry((_scope, attempt) => breaker.run(() => timeout(1_000, () => fetchUser(attempt))), {
 *   attempts: 3,
 *   baseMs: 5,
 *   deadlineMs: 10_000,
 * });
 * console.log(user); // Ada
 * ```
 */
export function retry<T>(fn: AttemptFunction<T>, options?: RetryOptions): Promise<T> {
  return rejecting(() => {
    const retrying = new Retrying(fn, options ?? {});
    return entering(scopeFor('retry', options), (scope) => retrying.begin(scope));
  });
}

class Retrying<T> {
  readonly #fn: AttemptFunction<T>;
  readonly #options: RetryOptions;
  readonly #attempts: number;
  readonly #backoff: Backoff;
  readonly #name: string;
  readonly #failures: unknown[] = [];

  constructor(fn: AttemptFunction<T>, options: RetryOptions) {
    checkFunction(fn, 'retry', options);
    this.#fn = fn;
    this.#options = options;
    this.#name = options.name ?? (fn.name || 'retry');
    this.#attempts = checkCount(options.attempts ?? 3, 'set attempts of retry');
    this.#backoff = new Backoff(options);
    checkMs(options.attemptTimeoutMs, 'set attemptTimeoutMs of retry');
    for (const option of ['retryIf', 'retryAfter', 'onRetry'] as const) {
      if (options[option] !== undefined) checkFunction(options[option], `set ${option} of retry`);
    }
    const { budget } = options;
    if (budget !== undefined && !(budget instanceof RetryBudget)) {
      throw new TypeError(`Cannot set budget of retry as it takes a RetryBudget: current value is ${shown(budget)}`);
    }
  }

  begin(scope: Scope | undefined): Promise<T> {
    const { deadlineMs, signal } = this.#options;
    const whole = { scope, deadlineMs, signal, name: this.#name };
    return openAndRun(
      'retry',
      (own) => this.#run(own),
      whole,
      Infinity,
      (own) => this.#cutOff(own),
    );
  }

  async #run(scope: Scope): Promise<T> {
    this.#options.budget?.deposit();
    for (let attempt = 1; ; attempt++) {
      let error: unknown;
      try {
        return await this.#attempt(scope, attempt);
      } catch (thrown) {
        error = thrown;
      }
      // Decided outside of the catch: what a callback throws is not to be caught by it.
      await sleepIn(scope, await this.#pauseAfter(error, attempt, scope));
    }
  }

  /**
   * In a scope of its own, so that nothing of it is left when the next one begins. Not when it was cancelled in the
   * instant in which the wait before it ended.
   */
  #attempt(scope: Scope, attempt: number): Promise<T> {
    const options = { scope, name: this.#name, deadlineMs: this.#options.attemptTimeoutMs };
    return entering(scope, () => openAndRun('retry', (inner) => this.#fn(inner, attempt), options));
  }

  /** How long to wait before the next attempt; throws the error when there is none. */
  async #pauseAfter(error: unknown, attempt: number, scope: Scope): Promise<number> {
    const { retryIf, retryAfter, budget, onRetry } = this.#options;
    if (isCancelled(error, { scope }) || error instanceof StrayCancellationError) throw error;
    this.#failures.push(error);
    if (this.#failures.length > KEPT) this.#failures.splice(0, 1);
    try {
      // An error that comes while it is cancelled is thrown: a real error never loses to a cancellation.
      if (scope.cancelled || attempt >= this.#attempts) throw error;
      if (retryIf && !(await retryIf(error, attempt))) throw error;
      const delayMs = this.#backoff.after(attempt, error, asked(retryAfter?.(error)));
      if (delayMs === Infinity || clock.now() + delayMs >= scope.deadline) throw error;
      if (scope.cancelled || budget?.withdraw() === false) throw error;
      await onRetry?.(error, attempt, delayMs);
      return delayMs;
    } catch (thrown) {
      if (isCancelled(thrown, { scope })) throw thrown;
      this.#carry(thrown, scope);
      throw thrown;
    }
  }

  /** The whole was cancelled: by its deadline, by the foreign signal, or from a callback. */
  #cutOff(scope: Scope): T {
    const { deadlineMs } = this.#options;
    if (scope.cause?.kind !== 'deadline') return resultOfCancelled(scope, deadlineMs) as T;
    const error = new TimeoutError(deadlineMs, scope.name);
    this.#carry(error, scope);
    throw error;
  }

  /** Attaches what came before to the error that is thrown, if that can carry it. The same one counts once. */
  #carry(last: unknown, scope: Scope): void {
    combine([last, ...this.#failures], scope);
  }
}

function asked(ms: number | null | undefined): number | undefined {
  if (ms === undefined || ms === null || Number.isNaN(ms)) return undefined;
  return Math.max(checkNumber(ms, 'use what retryAfter gives'), 0);
}
