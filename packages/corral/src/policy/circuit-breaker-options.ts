/** What a circuit breaker is told, and what it tells. */

import type { NameOption } from '../core/name-option.ts';
import { checkBetween, checkCount, checkFunction, shown } from '../internal/checks.ts';
import { CallWindow, TimeWindow, type OutcomeWindow } from './outcome-window.ts';

/**
 * `closed`: calls are made. `open`: they are refused. `half-open`: a few are made to try. `isolated`: they are refused
 * until `reset()`.
 */
export type CircuitState = 'closed' | 'open' | 'half-open' | 'isolated';

/** What happened to a circuit breaker. */
export interface CircuitStateChange {
  readonly from: CircuitState;
  readonly to: CircuitState;
  /** What was counted in the state that it left. */
  readonly calls: number;
  readonly failures: number;
}

/** Options of {@link CircuitBreaker}. */
export interface CircuitBreakerOptions extends NameOption {
  /** Opens after so many failures in a row. Default: 5 when there is no `failureRate`, else none. */
  readonly consecutiveFailures?: number | undefined;
  /** Opens when this part of the calls in the window has failed, from above 0 to 1. Default: none. */
  readonly failureRate?: number | undefined;
  /** What `failureRate` looks at: the last so many calls, or the last so many milliseconds. Default: 100 calls. */
  readonly window?: { readonly calls: number } | { readonly ms: number } | undefined;
  /** With fewer calls in the window there is no rate. Default: 10, or the whole window if that is smaller. */
  readonly minimumCalls?: number | undefined;
  /**
   * Milliseconds from opening to half-open, or a function of how many times it has opened since it was last closed (1 at
   * first). Default: 30,000.
   */
  readonly halfOpenAfterMs?: number | ((openings: number) => number) | undefined;
  /** How many calls may try at a time in half-open, and must succeed to close it. Default: 1. */
  readonly halfOpenCalls?: number | undefined;
  /** Whether an error is a failure of what is called; others count as success. Default: every error is. */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /** A call that takes longer is a failure even if it succeeds. Default: none. */
  readonly slowCallMs?: number | undefined;
  /** Told of each change, where the call is that caused it; what it throws is reported. */
  readonly onStateChange?: ((change: CircuitStateChange) => unknown) | undefined;
}

const HALF_OPEN_AFTER_MS = 30_000;

/** The options, checked and complete. */
export class CircuitRules {
  readonly consecutiveFailures: number;
  readonly failureRate: number;
  readonly minimumCalls: number;
  readonly halfOpenCalls: number;
  readonly isFailure: ((error: unknown) => boolean) | undefined;
  readonly slowCallMs: number;
  readonly onStateChange: ((change: CircuitStateChange) => unknown) | undefined;
  readonly window: OutcomeWindow;
  readonly #halfOpenAfterMs: number | ((openings: number) => number);

  constructor(options: CircuitBreakerOptions) {
    const { failureRate, window = { calls: 100 }, halfOpenAfterMs = HALF_OPEN_AFTER_MS } = options;
    const rate = checkBetween(failureRate ?? 1, 'set failureRate', Number.MIN_VALUE, 1);
    this.failureRate = failureRate === undefined ? Infinity : rate;
    const inRow = options.consecutiveFailures ?? (failureRate === undefined ? 5 : Infinity);
    this.consecutiveFailures = checkCount(inRow, 'set consecutiveFailures');
    if (typeof window !== 'object' || window === null) {
      throw new TypeError(`Cannot set window as it takes { calls } or { ms }: current value is ${shown(window)}`);
    }
    const size = 'calls' in window ? checkCount(window.calls, 'set window.calls', 1, 1e6) : Infinity;
    this.window =
      'calls' in window
        ? new CallWindow(size)
        : new TimeWindow(checkBetween(window.ms, 'set window.ms', 1, Number.MAX_VALUE));
    this.minimumCalls = checkCount(options.minimumCalls ?? Math.min(10, size), 'set minimumCalls', 1, size);
    this.halfOpenCalls = checkCount(options.halfOpenCalls ?? 1, 'set halfOpenCalls');
    this.slowCallMs = positive(options.slowCallMs ?? Infinity, 'set slowCallMs');
    if (typeof halfOpenAfterMs !== 'function') checkBetween(halfOpenAfterMs, 'set halfOpenAfterMs', 0, Infinity);
    this.#halfOpenAfterMs = halfOpenAfterMs;
    if (options.isFailure !== undefined) checkFunction(options.isFailure, 'set isFailure');
    if (options.onStateChange !== undefined) checkFunction(options.onStateChange, 'set onStateChange');
    this.isFailure = options.isFailure;
    this.onStateChange = options.onStateChange;
  }

  /** How long it stays open; the default where the function fails, which `report` is told. */
  openMs(openings: number, report: (error: unknown) => void): number {
    const ms = this.#halfOpenAfterMs;
    if (typeof ms === 'number') return ms;
    try {
      return checkBetween(ms(openings), 'stay open', 0, Infinity);
    } catch (error) {
      report(error);
      return HALF_OPEN_AFTER_MS;
    }
  }
}

function positive(value: unknown, action: string): number {
  return checkBetween(value, action, Number.MIN_VALUE, Infinity);
}
