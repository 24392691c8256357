/** So many in a time, and how many of them may come at once. */
export interface Rate {
  /** How many requests in `perMs`. */
  readonly limit: number;
  /** Milliseconds. */
  readonly perMs: number;
  /** How many may go at once after a pause. Default: 1, all are evenly spaced. */
  readonly burst?: number | undefined;
}

/**
 * A token bucket that knows no waiting: it says when the next token is there, and is told that it was taken. It holds two
 * numbers, and its arithmetic is that of corral's RateLimiter with `gcra`: a count of tokens since a point in time, never a
 * sum of fractions.
 *
 * Not the RateLimiter itself: a request takes a token of its host and one of all, both or none, and a limiter cannot be
 * asked when without being taken from.
 */
export class RateMeter {
  readonly #limit: number;
  readonly #perMs: number;
  readonly #burst: number;
  #base = -Infinity;
  #count = 0;

  constructor({ limit, perMs, burst = 1 }: Rate) {
    this.#limit = limit;
    this.#perMs = perMs;
    this.#burst = burst;
  }

  /** When the next token is there: in the past, when it is there now. */
  get nextAt(): number {
    return this.#timeOf(this.#count + 1 - this.#burst);
  }

  /** From when on it makes no difference that anything was taken. */
  get fullAt(): number {
    return this.#timeOf(this.#count);
  }

  /** Takes a token; `now` is `nextAt` or later. */
  take(now: number): void {
    if (now > this.fullAt) {
      this.#base = now;
      this.#count = 0;
    }
    if (++this.#count < this.#limit) return;
    this.#count -= this.#limit;
    this.#base += this.#perMs;
  }

  #timeOf(count: number): number {
    return this.#base + (count * this.#perMs) / this.#limit;
  }
}
