/** How long to wait between attempts. */

import { checkBetween, checkOneOf, shown } from '../internal/checks.ts';
import { random } from '../internal/random.ts';

/** Milliseconds to wait after attempt number `attempt` (1 is the first) failed; `previousMs` is the wait before it, 0 at first. */
export type BackoffFunction = (attempt: number, previousMs: number, error: unknown) => number;

/** How {@link retry} spaces its attempts. */
export interface BackoffOptions {
  /**
   * `exponential`: `baseMs`, then `factor` times as long each time. `decorrelated`: at random between `baseMs` and
   * `factor` times the wait before (AWS). `constant`: `baseMs`. Or a function. Default: exponential.
   */
  readonly backoff?: 'exponential' | 'decorrelated' | 'constant' | BackoffFunction | undefined;
  /** Milliseconds of the first wait. Default: 100. */
  readonly baseMs?: number | undefined;
  /** How much longer each wait is. Default: 2; 3 for decorrelated. */
  readonly factor?: number | undefined;
  /** The longest wait in milliseconds. Default: 30,000; none for a function. */
  readonly maxMs?: number | undefined;
  /**
   * `full`: anything from nothing to the wait (AWS). `equal`: from half of it. `none`. Default: full for exponential,
   * none for constant and for a function; decorrelated waits are random as they are.
   */
  readonly jitter?: 'full' | 'equal' | 'none' | undefined;
}

const KINDS = ['exponential', 'decorrelated', 'constant'];
const JITTERS = ['full', 'equal', 'none'];

/** The waits of one call, one after the other. */
export class Backoff {
  readonly #kind: NonNullable<BackoffOptions['backoff']>;
  readonly #baseMs: number;
  readonly #factor: number;
  readonly #maxMs: number;
  readonly #jitter: NonNullable<BackoffOptions['jitter']>;
  #previousMs = 0;

  /** @throws {TypeError} for words that are not known; a RangeError for numbers that make no sense. */
  constructor({ backoff = 'exponential', baseMs = 100, factor, maxMs, jitter }: BackoffOptions) {
    const own = typeof backoff === 'function';
    if (!own) checkOneOf(backoff, KINDS, 'set backoff');
    checkOneOf(jitter, JITTERS, 'set jitter');
    this.#kind = backoff;
    this.#baseMs = checkBetween(baseMs, 'set baseMs', 0, Number.MAX_VALUE);
    this.#factor = checkBetween(factor ?? (backoff === 'decorrelated' ? 3 : 2), 'set factor', 1, Number.MAX_VALUE);
    this.#maxMs = checkBetween(maxMs ?? (own ? Infinity : 30_000), 'set maxMs', 0, Infinity);
    this.#jitter = jitter ?? (backoff === 'exponential' ? 'full' : 'none');
  }

  /** Whole milliseconds to wait after an attempt has failed; `givenMs` replaces what would be worked out. */
  after(attempt: number, error: unknown, givenMs: number | undefined): number {
    return (this.#previousMs = givenMs ?? this.#next(attempt, error));
  }

  #next(attempt: number, error: unknown): number {
    const kind = this.#kind;
    if (kind === 'decorrelated') return Math.round(Math.min(this.#decorrelated(), this.#maxMs));
    const ms = Math.min(
      typeof kind === 'function' ? this.#ask(kind, attempt, error) : this.#named(attempt),
      this.#maxMs,
    );
    if (this.#jitter === 'none' || ms === Infinity) return ms;
    return Math.round(this.#jitter === 'full' ? random() * ms : ms / 2 + (random() * ms) / 2);
  }

  #named(attempt: number): number {
    // Nothing times Infinity would be NaN.
    if (this.#kind === 'constant' || this.#baseMs === 0) return this.#baseMs;
    return this.#baseMs * this.#factor ** (attempt - 1);
  }

  #decorrelated(): number {
    const base = this.#baseMs;
    const most = Math.min(Math.max(this.#previousMs, base) * this.#factor, Number.MAX_VALUE);
    return base + random() * (most - base);
  }

  #ask(backoff: BackoffFunction, attempt: number, error: unknown): number {
    const ms = backoff(attempt, this.#previousMs, error);
    if (typeof ms === 'number' && ms >= 0) return ms;
    throw new RangeError(`Cannot wait as backoff gives a number of milliseconds from 0: current value is ${shown(ms)}`);
  }
}
