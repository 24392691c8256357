/** Last in, first out. The engine gives memory back when an array has shrunk to less than half. */
export class Stack<T> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the last. Only when there is one. */
  take(): T {
    return this.#items.pop() as T;
  }
}
