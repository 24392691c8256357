import { Pace } from './pace.ts';
import type { Rate } from './units.ts';

/** After so many successes a host that was slowed down gets one more request at once. */
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
  readonly #pace: Pace | undefined;
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
    this.#pace = rate === undefined ? undefined : new Pace(`rate of ${name}`, rate);
  }

  /** How many requests are under way. */
  get active(): number {
    return this.#active;
  }

  /** How many may be. */
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
    return this.#pace?.readyAt(now) ?? now;
  }

  /** A request begins: `readyAt` has allowed it. */
  begin(): void {
    this.#active++;
    this.#pace?.take();
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
