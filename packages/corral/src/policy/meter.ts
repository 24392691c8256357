/** What counts permits against a rate. It knows no waiting: it says when, and is told what was taken. */

/** What a {@link Meter} holds to. All are positive integers: so nothing drifts. */
export interface Rate {
  readonly limit: number;
  readonly perMs: number;
  readonly burst: number;
}

/** What is taken is taken in the order of time. */
export interface Meter {
  /** The most that can be taken at once. */
  readonly most: number;
  /** The earliest time, `now` or later, at which so much can be taken. */
  earliest(weight: number, now: number): number;
  /** It is taken at a time that {@link earliest} gave. */
  take(weight: number, at: number): void;
  /** How much could be taken now. */
  available(now: number): number;
  /** Goes on with another rate; what was taken still counts. */
  adapt(rate: Rate, now: number): void;
  /** Forgets what was taken. */
  clear(): void;
  /** One of its own that has taken the same. */
  copy(): Meter;
}
