import { RateLimiter } from 'corral';
import type { Rate } from './units.ts';

/** Requests in a time, for somebody who asks when the next one is due instead of waiting for it. */
export class Pace {
  readonly #limiter: RateLimiter;
  /** When the next request is due: a place in the line that is taken and not used. */
  #bookedFor: number | undefined;

  constructor(name: string, { limit, perMs }: Rate) {
    // Evenly spaced, with as much at once as is due in a tenth of a second: timers are late by a millisecond or so.
    const burst = Math.max(1, Math.floor((limit * 100) / perMs));
    this.#limiter = new RateLimiter({ name, limit, perMs, burst });
  }

  /** When the next one may be sent: `now` or before, or later. */
  readyAt(now: number): number {
    return (this.#bookedFor ??= now + this.#limiter.reserve().delayMs);
  }

  /** It is sent. */
  take(): void {
    this.#bookedFor = undefined;
  }
}
