/** The last outcomes, by number or by time. */
export interface OutcomeWindow {
  readonly calls: number;
  readonly failures: number;
  add(failed: boolean, now: number): void;
  /** Drops what is too old. */
  refresh(now: number): void;
  clear(): void;
}

/** The last so many outcomes. */
export class CallWindow implements OutcomeWindow {
  readonly #failed: Uint8Array;
  #next = 0;
  calls = 0;
  failures = 0;

  constructor(size: number) {
    this.#failed = new Uint8Array(size);
  }

  add(failed: boolean): void {
    const size = this.#failed.length;
    if (this.calls < size) this.calls++;
    else this.failures -= this.#failed[this.#next] as number;
    this.#failed[this.#next] = Number(failed);
    this.failures += Number(failed);
    this.#next = (this.#next + 1) % size;
  }

  refresh(): void {}

  clear(): void {
    this.calls = 0;
    this.failures = 0;
    this.#next = 0;
  }
}

const PARTS = 10;

/** The outcomes of the last so many milliseconds, in ten parts: what is dropped is a part at a time. */
export class TimeWindow implements OutcomeWindow {
  readonly #partMs: number;
  readonly #calls = new Float64Array(PARTS);
  readonly #failures = new Float64Array(PARTS);
  /** The number of the part in which the last outcome was counted. */
  #part = -Infinity;
  calls = 0;
  failures = 0;

  constructor(ms: number) {
    this.#partMs = ms / PARTS;
  }

  add(failed: boolean, now: number): void {
    this.refresh(now);
    const slot = this.#part % PARTS;
    this.#calls[slot] = (this.#calls[slot] as number) + 1;
    this.#failures[slot] = (this.#failures[slot] as number) + Number(failed);
    this.calls++;
    this.failures += Number(failed);
  }

  refresh(now: number): void {
    const part = Math.floor(now / this.#partMs);
    // Before it began, or another clock: nothing of it counts.
    if (part < this.#part || part >= this.#part + PARTS) this.clear();
    for (let over = this.#part + 1; over <= part; over++) this.#drop(over % PARTS);
    this.#part = part;
  }

  clear(): void {
    this.#calls.fill(0);
    this.#failures.fill(0);
    this.calls = 0;
    this.failures = 0;
    this.#part = Infinity;
  }

  #drop(slot: number): void {
    this.calls -= this.#calls[slot] as number;
    this.failures -= this.#failures[slot] as number;
    this.#calls[slot] = 0;
    this.#failures[slot] = 0;
  }
}
