/**
 * The timers of one clock: a binary heap by time, then by order of arrival, from which any timer can be removed.
 *
 * A timer knows its own place (`slot`), so nothing is allocated for it and cancelling does not search. Most timers are
 * set in the order in which they end, which makes adding one constant in practice.
 */

/** Something to be woken at a time. Implement it on the object that waits. */
export interface Timer {
  /** When, on the clock's scale. */
  at: number;
  /** Whose heap it stands in. Only clocks write it. */
  clock?: { clear(timer: Timer): void } | undefined;
  /** The native timer behind it, on platforms where each needs one. */
  native?: unknown;
  /** Whether the process may end although it is set. */
  readonly background?: boolean;
  /** Its place in the heap, -1 when it is not set. Only the heap writes it. */
  slot: number;
  /** Order of arrival. Only the heap writes it. */
  order: number;
  /** Called once, when the time has come; must not throw. */
  expire(): void;
}

export class TimerHeap {
  readonly #timers: Timer[] = [];
  #arrivals = 0;

  get size(): number {
    return this.#timers.length;
  }

  /** The timer that ends first. */
  get first(): Timer | undefined {
    return this.#timers[0];
  }

  add(timer: Timer): void {
    timer.order = this.#arrivals++;
    this.#rise(timer, this.#timers.length);
  }

  /** Takes a timer out; nothing happens when it is not in. */
  remove(timer: Timer): void {
    const slot = timer.slot;
    if (slot < 0) return;
    timer.slot = -1;
    const last = this.#timers.pop() as Timer;
    if (last === timer) return;
    if (slot > 0 && before(last, this.#timers[(slot - 1) >> 1] as Timer)) this.#rise(last, slot);
    else this.#sink(last, slot);
  }

  #rise(timer: Timer, slot: number): void {
    const timers = this.#timers;
    while (slot > 0) {
      const above = (slot - 1) >> 1;
      const parent = timers[above] as Timer;
      if (before(parent, timer)) break;
      timers[slot] = parent;
      parent.slot = slot;
      slot = above;
    }
    timers[slot] = timer;
    timer.slot = slot;
  }

  #sink(timer: Timer, slot: number): void {
    const timers = this.#timers;
    const size = timers.length;
    for (;;) {
      let below = 2 * slot + 1;
      if (below >= size) break;
      if (below + 1 < size && before(timers[below + 1] as Timer, timers[below] as Timer)) below++;
      const child = timers[below] as Timer;
      if (before(timer, child)) break;
      timers[slot] = child;
      child.slot = slot;
      slot = below;
    }
    timers[slot] = timer;
    timer.slot = slot;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
