interface Timed<T> {
  readonly at: number;
  readonly order: number;
  readonly value: T;
}

/** What is to happen at a time, the earliest first; at the same time, what was added first. */
export class TimeHeap<T> {
  readonly #entries: Timed<T>[] = [];
  #order = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** When the first is due; Infinity when there is none. */
  get firstAt(): number {
    return this.#entries[0]?.at ?? Infinity;
  }

  add(at: number, value: T): void {
    const entries = this.#entries;
    const entry = { at, order: this.#order++, value };
    let index = entries.length;
    for (; index > 0;) {
      const parent = (index - 1) >> 1;
      if (isBefore(entries[parent] as Timed<T>, entry)) break;
      entries[index] = entries[parent] as Timed<T>;
      index = parent;
    }
    entries[index] = entry;
  }

  /** Takes the first one if it is due. */
  takeDue(now: number): T | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.at > now) return undefined;
    const last = this.#entries.pop() as Timed<T>;
    if (last !== first) this.#sink(last);
    return first.value;
  }

  values(): T[] {
    return this.#entries.map(({ value }) => value);
  }

  #sink(entry: Timed<T>): void {
    const entries = this.#entries;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= entries.length) break;
      const right = entries[child + 1];
      if (right !== undefined && isBefore(right, entries[child] as Timed<T>)) child++;
      if (isBefore(entry, entries[child] as Timed<T>)) break;
      entries[index] = entries[child] as Timed<T>;
      index = child;
    }
    entries[index] = entry;
  }
}

function isBefore<T>(one: Timed<T>, other: Timed<T>): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
