/** What has a time and a place in a heap. */
export interface Due {
  dueAt: number;
  /** Its place; -1 when it is in none. */
  slot: number;
}

/** Finds the earliest of many; any of them can be taken out. */
export class DueHeap<T extends Due> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  add(item: T, dueAt: number): void {
    item.dueAt = dueAt;
    item.slot = this.#items.length;
    this.#items.push(item);
    this.#rise(item);
  }

  remove(item: T): void {
    const { slot } = item;
    const last = this.#items.pop();
    item.slot = -1;
    if (!last || last === item) return;
    this.#put(last, slot);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(item: T): void {
    while (item.slot > 0) {
      const parent = this.#items[(item.slot - 1) >> 1] as T;
      if (parent.dueAt <= item.dueAt) return;
      this.#swap(parent, item);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const left = this.#items[2 * item.slot + 1];
      if (!left) return;
      const right = this.#items[2 * item.slot + 2];
      const child = right && right.dueAt < left.dueAt ? right : left;
      if (child.dueAt >= item.dueAt) return;
      this.#swap(item, child);
    }
  }

  #swap(upper: T, lower: T): void {
    const { slot } = upper;
    this.#put(upper, lower.slot);
    this.#put(lower, slot);
  }

  #put(item: T, slot: number): void {
    this.#items[slot] = item;
    item.slot = slot;
  }
}
