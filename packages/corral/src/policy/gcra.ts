import type { Meter, Rate } from './meter.ts';

/**
 * The generic cell rate algorithm: each permit has a time on a schedule that runs at the rate, and may be early by the
 * burst.
 *
 *     base ──┬────┬────┬────┬──►    the next permit's time is base + count · perMs / limit
 *            1    2    3  count
 *
 * The schedule is kept as a count of permits since a whole point in time, never as a sum of fractions, and times are
 * rounded up to milliseconds after that only: neither early nor, in a million permits, late.
 */
export class Gcra implements Meter {
  #limit: number;
  #perMs: number;
  #burst: number;
  #base = -Infinity;
  #count = 0;

  constructor({ limit, perMs, burst }: Rate) {
    this.#limit = limit;
    this.#perMs = perMs;
    this.#burst = burst;
  }

  get most(): number {
    return this.#burst;
  }

  earliest(weight: number, now: number): number {
    const at = this.#timeOf(this.#count + weight - this.#burst);
    return at > now ? at : now;
  }

  take(weight: number, at: number): void {
    // Behind schedule: it begins anew, as what was not used is lost. The rounding is not: that was no idleness.
    if (at > this.#timeOf(this.#count)) {
      this.#base = at;
      this.#count = 0;
    }
    this.#count += weight;
    if (this.#count < this.#limit) return;
    const whole = Math.floor(this.#count / this.#limit);
    this.#base += whole * this.#perMs;
    this.#count -= whole * this.#limit;
  }

  available(now: number): number {
    const passed = Math.floor((Math.floor(now - this.#base) * this.#limit) / this.#perMs);
    return Math.max(0, Math.min(this.#burst, this.#burst - this.#count + passed));
  }

  /** What is owed is owed in permits; of one that is partly paid the rest is paid at the old rate. */
  adapt({ limit, perMs, burst }: Rate, now: number): void {
    const owed = Math.max(0, (this.#base - now) * this.#limit + this.#count * this.#perMs);
    const count = Math.floor(owed / this.#perMs);
    this.#base = now + Math.ceil((owed - count * this.#perMs) / this.#limit);
    this.#count = count;
    this.#limit = limit;
    this.#perMs = perMs;
    this.#burst = burst;
  }

  clear(): void {
    this.#base = -Infinity;
    this.#count = 0;
  }

  copy(): Gcra {
    const copy = new Gcra({ limit: this.#limit, perMs: this.#perMs, burst: this.#burst });
    copy.#base = this.#base;
    copy.#count = this.#count;
    return copy;
  }

  #timeOf(count: number): number {
    return this.#base + Math.ceil((count * this.#perMs) / this.#limit);
  }
}
