/**
 * The least first; of equal ones the one that came first. A binary heap in an array: logarithmic both ways.
 *
 * The comparison is the caller's and may throw: where an item belongs is found before anything is moved, so the heap is
 * as it was then.
 */
export class StableHeap<T> {
  readonly #entries: Entry<T>[] = [];
  readonly #compare: (one: T, other: T) => number;
  #order = 0;
  #comparing = false;

  constructor(compare: (one: T, other: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#entries.length;
  }

  push(item: T): void {
    const entries = this.#entries;
    const entry: Entry<T> = { item, order: this.#order++ };
    const slot = this.#slotFor(entry);
    for (let below = entries.length; below !== slot;) {
      const parent = (below - 1) >> 1;
      entries[below] = entries[parent] as Entry<T>;
      below = parent;
    }
    entries[slot] = entry;
  }

  /** Takes the least. Only when there is one. */
  take(): T {
    const entries = this.#entries;
    const last = entries[entries.length - 1] as Entry<T>;
    const path = this.#pathDown(last);
    const { item } = entries[0] as Entry<T>;
    let slot = 0;
    for (const child of path) {
      entries[slot] = entries[child] as Entry<T>;
      slot = child;
    }
    entries[slot] = last;
    entries.pop();
    return item;
  }

  /** Where an entry that comes belongs: on the way up from the end. */
  #slotFor(entry: Entry<T>): number {
    let slot = this.#entries.length;
    this.#beginComparing();
    try {
      while (slot > 0) {
        const parent = (slot - 1) >> 1;
        if (!this.#before(entry, this.#entries[parent] as Entry<T>)) break;
        slot = parent;
      }
    } finally {
      this.#comparing = false;
    }
    return slot;
  }

  /** Which entries move up when the first has gone and the last takes the place that is left. */
  #pathDown(last: Entry<T>): number[] {
    const entries = this.#entries;
    const path: number[] = [];
    const end = entries.length - 1;
    this.#beginComparing();
    try {
      for (let child = 1; child < end; child = 2 * child + 1) {
        const right = child + 1;
        if (right < end && this.#before(entries[right] as Entry<T>, entries[child] as Entry<T>)) child = right;
        if (!this.#before(entries[child] as Entry<T>, last)) break;
        path.push(child);
      }
    } finally {
      this.#comparing = false;
    }
    return path;
  }

  /** What is found is true only as long as nobody changes the heap. */
  #beginComparing(): void {
    if (this.#comparing) throw new TypeError('Cannot change a priority queue as its compare function must not use it');
    this.#comparing = true;
  }

  #before(one: Entry<T>, other: Entry<T>): boolean {
    const order = this.#compare(one.item, other.item);
    return order < 0 || (!(order > 0) && one.order < other.order);
  }
}

interface Entry<T> {
  readonly item: T;
  readonly order: number;
}
