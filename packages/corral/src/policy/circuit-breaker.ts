import { scopeFor, type ScopeOption } from '../core/current.ts';
import { isCancelled } from '../core/is-cancelled.ts';
import { entering, rejected, rejecting } from '../core/operation.ts';
import { reportIn } from '../core/report-in.ts';
import type { Scope } from '../core/scope.ts';
import { openAndRun, type TaskFunction } from '../core/with-scope.ts';
import { CircuitOpenError, StrayCancellationError } from '../errors.ts';
import { checkFunction, checkOptions, isThenable } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { CircuitRules, type CircuitBreakerOptions, type CircuitState } from './circuit-breaker-options.ts';

/** A frozen picture of a circuit breaker. */
export interface CircuitBreakerSnapshot {
  readonly name: string;
  readonly state: CircuitState;
  /** When it came into this state, on the scale of `now()`. */
  readonly since: number;
  /** How many calls the window holds; in half-open, how many have succeeded. */
  readonly calls: number;
  readonly failures: number;
  /** The part of the calls that failed, from 0 to 1. */
  readonly failureRate: number;
  readonly consecutiveFailures: number;
  /** How many calls are trying now, in half-open. */
  readonly trying: number;
  /** Milliseconds until calls are let through to try; undefined unless it is open. */
  readonly retryAfterMs: number | undefined;
}

type Outcome = 'success' | 'failure' | 'cancelled';

/**
 * Stops calling what fails all the time, and tries it again now and then.
 *
 * Guarantees: a call counts for the state in which it began, so late results of an older one change nothing; in half-open
 * no more than `halfOpenCalls` are made at a time, and the first failure opens it again. A call that is cancelled counts
 * neither way, and gives its place in half-open to another: so give what is called its timeout inside
 * (`breaker.run(() => timeout(…))`), as one around it is a cancellation. An open breaker becomes half-open with the first
 * call after its time; there is no timer. Semantics: Polly's and resilience4j's.
 *
 * @example Fail fast while the service is down
 * ```ts run
 * import { CircuitBreaker, CircuitOpenError, timeout } from 'corral';
 *
 * const breaker = new CircuitBreaker({ failureRate: 0.5, window: { ms: 10_000 }, minimumCalls: 2 });
 * const call = async (): Promise<string> => {
 *   throw new Error('503');
 * };
 * for (let n = 0; n < 3; n++) {
 *   try {
 *     await breaker.run(() => timeout(1_000, call));
 *   } catch (error) {
 *     console.log(error instanceof CircuitOpenError ? `again in ${error.retryAfterMs} ms` : error);
 *   }
 * }
 * ```
 */
export class CircuitBreaker {
  readonly name: string;
  readonly #rules: CircuitRules;
  #state: CircuitState = 'closed';
  #since = clock.now();
  /** Counts the states that it has been in: a result of an older one is late. */
  #era = 0;
  #openMs = 0;
  /** How many times it has opened since it was last closed. */
  #openings = 0;
  #inRow = 0;
  #trying = 0;
  #succeeded = 0;

  /** @throws {RangeError} when a number makes no sense; a TypeError when what is to be called is not a function. */
  constructor(options?: CircuitBreakerOptions) {
    const given = checkOptions(options, 'new CircuitBreaker') ?? {};
    this.#rules = new CircuitRules(given);
    this.name = given.name ?? 'circuit breaker';
  }

  get state(): CircuitState {
    return this.#state;
  }

  /**
   * Calls `fn`, unless the circuit is open.
   *
   * Cancellable: what `fn` waits for throws; it settles when all has ended.
   *
   * @throws {CircuitOpenError} when the call is not made; else what `fn` throws.
   */
  run<T>(fn: TaskFunction<T>, options?: ScopeOption): Promise<T> {
    return rejecting(() => {
      checkFunction(fn, `run through ${this.name}`);
      return entering(scopeFor('CircuitBreaker.run', options), (scope) => {
        const refusal = this.#admit(scope);
        return refusal ? rejected(refusal) : this.#call(scope, fn, this.#era);
      });
    });
  }

  /** Refuses all calls until `reset()`. Calls that are under way go on, and count no more. */
  isolate(): void {
    if (this.#state !== 'isolated') this.#become('isolated', undefined);
  }

  /** Closes it, and forgets what was counted. */
  reset(): void {
    if (this.#state !== 'closed') this.#become('closed', undefined);
    else this.#begin('closed', undefined);
  }

  snapshot(): CircuitBreakerSnapshot {
    const now = clock.now();
    const { window } = this.#rules;
    window.refresh(now);
    const { calls, failures } = this.#counted();
    return Object.freeze({
      name: this.name,
      state: this.#state,
      since: this.#since,
      calls,
      failures,
      failureRate: calls === 0 ? 0 : failures / calls,
      consecutiveFailures: this.#inRow,
      trying: this.#trying,
      retryAfterMs: this.#state === 'open' ? this.#left(now) : undefined,
    });
  }

  /** Lets a call through, or says why not. */
  #admit(scope: Scope | undefined): CircuitOpenError | undefined {
    if (this.#state === 'open') {
      const left = this.#left(clock.now());
      if (left > 0) return new CircuitOpenError(this.name, 'open', left);
      this.#become('half-open', scope);
    }
    // Asked anew: whoever was told of the change may have changed it again.
    if (this.#state === 'closed') return undefined;
    const free = this.#state === 'half-open' && this.#trying + this.#succeeded < this.#rules.halfOpenCalls;
    if (!free) return new CircuitOpenError(this.name, this.#state);
    this.#trying++;
    return undefined;
  }

  async #call<T>(scope: Scope | undefined, fn: TaskFunction<T>, era: number): Promise<T> {
    const began = clock.now();
    let own: Scope | undefined;
    const body = (inner: Scope): T | PromiseLike<T> => fn((own = inner));
    try {
      const value = await openAndRun('CircuitBreaker.run', body, { scope, name: fn.name || this.name });
      // One that has cancelled itself has returned nothing.
      this.#ended(own?.cause ? 'cancelled' : this.#slow(began) ? 'failure' : 'success', era, scope);
      return value;
    } catch (error) {
      this.#ended(this.#outcomeOf(error, began, scope), era, scope);
      throw error;
    }
  }

  /** What comes while it is cancelled says nothing about what was called. */
  #outcomeOf(error: unknown, began: number, scope: Scope | undefined): Outcome {
    if (scope?.cancelled || isCancelled(error, { scope }) || error instanceof StrayCancellationError)
      return 'cancelled';
    if (this.#slow(began)) return 'failure';
    try {
      return this.#rules.isFailure?.(error) === false ? 'success' : 'failure';
    } catch (failure) {
      reportIn(scope, failure, `isFailure of ${this.name} threw`);
      return 'failure';
    }
  }

  #slow(began: number): boolean {
    return clock.now() - began > this.#rules.slowCallMs;
  }

  #ended(outcome: Outcome, era: number, scope: Scope | undefined): void {
    if (era !== this.#era) return;
    if (this.#state === 'half-open') this.#tried(outcome, scope);
    else if (outcome !== 'cancelled') this.#count(outcome === 'failure', scope);
  }

  #tried(outcome: Outcome, scope: Scope | undefined): void {
    this.#trying--;
    if (outcome === 'failure') this.#become('open', scope);
    else if (outcome === 'success' && ++this.#succeeded >= this.#rules.halfOpenCalls) this.#become('closed', scope);
  }

  #count(failed: boolean, scope: Scope | undefined): void {
    const { window, minimumCalls, failureRate, consecutiveFailures } = this.#rules;
    window.add(failed, clock.now());
    this.#inRow = failed ? this.#inRow + 1 : 0;
    const often = window.calls >= minimumCalls && window.failures / window.calls >= failureRate;
    if (often || this.#inRow >= consecutiveFailures) this.#become('open', scope);
  }

  #become(to: CircuitState, scope: Scope | undefined): void {
    const from = this.#state;
    const counted = this.#counted();
    this.#begin(to, scope);
    const { onStateChange } = this.#rules;
    if (!onStateChange) return;
    const report = (error: unknown): void => reportIn(scope, error, `onStateChange of ${this.name} threw`);
    try {
      const told = onStateChange(Object.freeze({ from, to, ...counted }));
      if (isThenable(told)) told.then(undefined, report);
    } catch (error) {
      report(error);
    }
  }

  /** All is as new, but for how many times it has opened. */
  #begin(state: CircuitState, scope: Scope | undefined): void {
    this.#state = state;
    this.#since = clock.now();
    this.#era++;
    this.#rules.window.clear();
    this.#inRow = 0;
    this.#trying = 0;
    this.#succeeded = 0;
    if (state === 'closed') this.#openings = 0;
    if (state !== 'open') return;
    const report = (error: unknown): void => reportIn(scope, error, `halfOpenAfterMs of ${this.name} failed`);
    this.#openMs = this.#rules.openMs(++this.#openings, report);
  }

  #counted(): { calls: number; failures: number } {
    const { calls, failures } = this.#rules.window;
    return { calls: calls + this.#succeeded, failures };
  }

  /** Milliseconds that it stays open. Time that runs backwards is another clock, of which nothing is known. */
  #left(now: number): number {
    return now < this.#since ? 0 : Math.max(0, this.#since + this.#openMs - now);
  }
}
