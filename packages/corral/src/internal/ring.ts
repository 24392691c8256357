const LEAST = 8;

/**
 * First in, first out, in a ring of slots: constant time and nothing allocated for an item. It doubles when it is full,
 * and halves when three quarters are empty: a peak is not paid for ever after.
 *
 *     slots  │ d │ e │   │   │ a │ b │ c │      head = 4, size = 5: a is the first, e the last
 */
export class Ring<T> {
  size = 0;
  #slots: (T | undefined)[] = Array.from({ length: LEAST });
  #head = 0;

  /** How many slots it has; a power of two. */
  get room(): number {
    return this.#slots.length;
  }

  /** The item that was pushed last. Only when there is one. */
  get last(): T {
    return this.#slots[(this.#head + this.size - 1) & (this.#slots.length - 1)] as T;
  }
  set last(item: T) {
    this.#slots[(this.#head + this.size - 1) & (this.#slots.length - 1)] = item;
  }

  push(item: T): void {
    if (this.size === this.#slots.length) this.#resize(this.size * 2);
    this.#slots[(this.#head + this.size) & (this.#slots.length - 1)] = item;
    this.size++;
  }

  /** Takes the first. Only when there is one. */
  take(): T {
    const slots = this.#slots;
    const item = slots[this.#head] as T;
    slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (slots.length - 1);
    this.size--;
    if (slots.length > LEAST && this.size <= slots.length >> 2) this.#resize(slots.length >> 1);
    return item;
  }

  /** What is in it, first to last. */
  *[Symbol.iterator](): Generator<T, undefined> {
    for (let index = 0; index < this.size; index++) {
      yield this.#slots[(this.#head + index) & (this.#slots.length - 1)] as T;
    }
    return undefined;
  }

  #resize(length: number): void {
    const slots: (T | undefined)[] = Array.from({ length });
    for (let index = 0; index < this.size; index++) {
      slots[index] = this.#slots[(this.#head + index) & (this.#slots.length - 1)];
    }
    this.#slots = slots;
    this.#head = 0;
  }
}
