import { RateLimiter, type Reservation } from 'corral';
import type { Rate } from './units.ts';

/** After so many successes in a row a host that was slowed down gets one more request at once. */
const RAISE_AFTER = 20;

/**
 * What one host is allowed: requests at once, requests in a time, and a time until which it wants none.
 *
 * A host that answers 429 or 503 and does not say how long to wait gets half as many requests at once, and one more for
 * every 20 successes: additive increase, multiplicative decrease.
 */
export class Host {
  readonly name: string;
  readonly #perHost: number;
  readonly #limiter: RateLimiter | undefined;
  #booked: Reservation | undefined;
  #active = 0;
  #limit: number;
  #successes = 0;
  #loweredAt = -Infinity;
  /** Until then nothing is sent to it. */
  closedUntil = -Infinity;
  /** Until then it wants nothing, which is longer than we would wait: what is for it fails. */
  refusedUntil = -Infinity;

  constructor(name: string, perHost: number, rate: Rate | undefined) {
    this.name = name;
    this.#perHost = perHost;
    this.#limit = perHost;
    this.#limiter = rate === undefined ? undefined : makeLimiter(name, rate);
  }

  get active(): number {
    return this.#active;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Whether nothing of it need be remembered. */
  isForgettable(now: number): boolean {
    return this.#active === 0 && this.#limit === this.#perHost && Math.max(this.closedUntil, this.refusedUntil) <= now;
  }

  /** When it may be asked next: `now` or before, a later time, or Infinity when one of its requests must end first. */
  readyAt(now: number): number {
    if (this.#active >= this.#limit) return Infinity;
    if (this.closedUntil > now) return this.closedUntil;
    if (this.#limiter === undefined) return now;
    this.#booked ??= this.#limiter.reserve();
    return this.#bookedFor ??= now + this.#booked.delayMs;
  }

  #bookedFor: number | undefined;

  /** A request begins: `readyAt` has allowed it. */
  begin(): void {
    this.#active++;
    this.#booked = this.#bookedFor = undefined;
  }

  end(): void {
    this.#active--;
  }

  succeeded(): void {
    if (this.#limit >= this.#perHost || ++this.#successes < RAISE_AFTER) return;
    this.#successes = 0;
    this.#limit++;
  }

  /** The host is too busy. What was sent before it was last slowed down tells nothing new. */
  slowDown(sentAt: number, now: number): void {
    this.#successes = 0;
    if (sentAt < this.#loweredAt) return;
    this.#loweredAt = now;
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
  }
}

/** Evenly spaced, with as much at once as is due in a tenth of a second: timers are late by a millisecond or so. */
function makeLimiter(name: string, { limit, perMs }: Rate): RateLimiter {
  const burst = Math.max(1, Math.floor((limit * 100) / perMs));
  return new RateLimiter({ name: `rate of ${name}`, limit, perMs: Math.ceil(perMs), burst });
}
