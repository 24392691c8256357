import { now, sleep } from 'corral';

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
    this.#freeAt = Math.max(this.#freeAt, time) + bytes / this.#bytesPerMs;
    const waitMs = this.#freeAt - time;
    if (waitMs >= 2) await sleep(waitMs);
  }
}
