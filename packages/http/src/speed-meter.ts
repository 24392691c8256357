/** The least that a body has to come with: so many bytes in each such time. */
export interface MinSpeed {
  /** Bytes, as they are sent. */
  readonly bytes: number;
  /** Milliseconds. */
  readonly overMs: number;
}

const PARTS = 10;

/**
 * Measures whether a body comes too slowly: fewer than `bytes` in the last `overMs`.
 *
 *     ─┬────┬────┬────┬─ … ─┬──►   ten parts of overMs, and the one that has begun
 *
 * Guarantees: never too slow before `overMs` have passed, nor when `bytes` have come within the last `overMs`; that it is too
 * slow is known a tenth of `overMs` late at the latest. Time while it is paused, when nobody wants to read, does not count.
 * It has no timer: whoever has one asks, best each `everyMs`.
 */
export class SpeedMeter {
  /** How often it makes sense to ask, in milliseconds. */
  readonly everyMs: number;
  readonly #bytes: number;
  /** Bytes of the parts, by their number modulo the length: one more than are looked at, as that has just begun. */
  readonly #parts = Array.from({ length: PARTS + 1 }, () => 0);
  readonly #startedAt: number;
  /** The number of the part that runs, counted from the start. */
  #part = 0;
  #pausedAt: number | undefined;
  #pausedMs = 0;

  constructor({ bytes, overMs }: MinSpeed, now: number) {
    this.#bytes = bytes;
    this.everyMs = overMs / PARTS;
    this.#startedAt = now;
  }

  add(bytes: number, now: number): void {
    this.#advance(now);
    const index = this.#part % this.#parts.length;
    this.#parts[index] = (this.#parts[index] as number) + bytes;
  }

  tooSlow(now: number): boolean {
    this.#advance(now);
    return (
      this.#pausedAt === undefined &&
      this.#part >= PARTS &&
      this.#parts.reduce((sum, bytes) => sum + bytes, 0) < this.#bytes
    );
  }

  /** Nobody wants to read: its time stands still. */
  pause(now: number): void {
    this.#pausedAt ??= now;
  }

  resume(now: number): void {
    if (this.#pausedAt !== undefined) this.#pausedMs += now - this.#pausedAt;
    this.#pausedAt = undefined;
  }

  #advance(now: number): void {
    const passed = (this.#pausedAt ?? now) - this.#startedAt - this.#pausedMs;
    const part = Math.floor(passed / this.everyMs);
    const gone = Math.min(part - this.#part, this.#parts.length);
    for (let i = 1; i <= gone; i++) this.#parts[(part - gone + i) % this.#parts.length] = 0;
    if (part > this.#part) this.#part = part;
  }
}
