/** First in, first out: a linked list, so that nothing that has been taken is kept and nothing is moved. */
export class Fifo<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;

  get empty(): boolean {
    return this.#first === undefined;
  }

  push(item: T): void {
    const link: Link<T> = { item, next: undefined };
    if (this.#last) this.#last.next = link;
    else this.#first = link;
    this.#last = link;
  }

  /** Takes the first; undefined when there is none. */
  shift(): T | undefined {
    const link = this.#first;
    this.#first = link?.next;
    if (!this.#first) this.#last = undefined;
    return link?.item;
  }
}

interface Link<T> {
  readonly item: T;
  next: Link<T> | undefined;
}
