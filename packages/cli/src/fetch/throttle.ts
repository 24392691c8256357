import { now, sleep } from 'corral';

/** So much of what was missed is made up for: timers are late, and so is what is read between two of them. */
const CREDIT_MS = 100;

/** Bytes per second over all downloads. Whoever has read a chunk waits until there was time for it. */
export class Throttle {
  readonly #bytesPerMs: number;
  #freeAt = -Infinity;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
  }

  /** Cancellable. */
  async passed(bytes: number): Promise<void> {
    const time = now();
    this.#freeAt = Math.max(this.#freeAt, time - CREDIT_MS) + bytes / this.#bytesPerMs;
    const waitMs = this.#freeAt - time;
    if (waitMs >= 2) await sleep(waitMs);
  }
}
