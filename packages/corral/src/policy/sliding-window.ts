import type { Meter, Rate } from './meter.ts';

const LEAST = 16;

/**
 * A log of what was taken in the last `perMs`: exact, so that no window of that length, wherever it begins, ever has more
 * than the limit in it.
 *
 *     times   │ 3 │ 7 │ 7.5 │ … │     a ring: the head is what leaves the window next
 *     weights │ 1 │ 4 │  1  │ … │     what is taken at one time is one entry
 */
export class SlidingWindow implements Meter {
  #limit: number;
  #perMs: number;
  #used = 0;
  #times = new Float64Array(LEAST);
  #weights = new Float64Array(LEAST);
  #head = 0;
  #size = 0;

  constructor({ limit, perMs }: Rate) {
    this.#limit = limit;
    this.#perMs = perMs;
  }

  get most(): number {
    return this.#limit;
  }

  earliest(weight: number, now: number): number {
    this.#forget(now);
    let over = this.#used + weight - this.#limit;
    let at = now;
    for (let nth = 0; over > 0; nth++) {
      const slot = this.#slot(nth);
      over -= this.#weights[slot] as number;
      at = (this.#times[slot] as number) + this.#perMs;
    }
    return at;
  }

  take(weight: number, at: number): void {
    this.#forget(at);
    this.#used += weight;
    const last = this.#slot(this.#size - 1);
    // One that was promised for a time and is noticed late counts with what was taken meanwhile: the log is in order.
    if (this.#size > 0 && (this.#times[last] as number) >= at) {
      this.#weights[last] = (this.#weights[last] as number) + weight;
      return;
    }
    if (this.#size === this.#times.length) this.#resize(2 * this.#size);
    const slot = this.#slot(this.#size++);
    this.#times[slot] = at;
    this.#weights[slot] = weight;
  }

  available(now: number): number {
    this.#forget(now);
    return Math.max(0, this.#limit - this.#used);
  }

  /** What has left the window before is no more, even if the window becomes longer. */
  adapt({ limit, perMs }: Rate, now: number): void {
    this.#forget(now);
    this.#limit = limit;
    this.#perMs = perMs;
  }

  clear(): void {
    this.#used = 0;
    this.#head = 0;
    this.#size = 0;
  }

  copy(): SlidingWindow {
    const copy = new SlidingWindow({ limit: this.#limit, perMs: this.#perMs, burst: this.#limit });
    copy.#used = this.#used;
    copy.#times = this.#times.slice();
    copy.#weights = this.#weights.slice();
    copy.#head = this.#head;
    copy.#size = this.#size;
    return copy;
  }

  /** What was taken `perMs` ago is outside: the window is open at that end. */
  #forget(now: number): void {
    while (this.#size > 0 && (this.#times[this.#head] as number) + this.#perMs <= now) {
      this.#used -= this.#weights[this.#head] as number;
      this.#head = this.#slot(1);
      this.#size--;
    }
    const room = this.#times.length;
    if (room > LEAST && this.#size < room / 8) this.#resize(room / 2);
  }

  #slot(nth: number): number {
    return (this.#head + nth) & (this.#times.length - 1);
  }

  #resize(room: number): void {
    const times = new Float64Array(room);
    const weights = new Float64Array(room);
    for (let nth = 0; nth < this.#size; nth++) {
      const slot = this.#slot(nth);
      times[nth] = this.#times[slot] as number;
      weights[nth] = this.#weights[slot] as number;
    }
    this.#times = times;
    this.#weights = weights;
    this.#head = 0;
  }
}
