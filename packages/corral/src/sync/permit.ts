/** @internal Who gets a permit back. */
export interface Lender {
  /** @internal */
  takeBack(permit: Permit): void;
}

/**
 * What an `acquire` gives: proof of what is held, and the one way to give it back, by `using` or by `release()`.
 *
 * Guarantees: it is given back once, however often it is released or disposed, and only through this object.
 */
export class Permit implements Disposable {
  /** @internal How much of it. */
  readonly weight: number;
  #lender: Lender | undefined;
  /** Whether it was given back for a while, by a wait that takes it again before it returns. */
  #suspended = false;

  /** @internal */
  constructor(lender: Lender, weight = 1) {
    this.#lender = lender;
    this.weight = weight;
  }

  /** Whether it has not been given back. */
  get held(): boolean {
    return this.#lender !== undefined && !this.#suspended;
  }

  /** Gives it back; nothing happens when that was done before. Not a cancellation point. */
  release(): void {
    const lender = this.#lender;
    this.#lender = undefined;
    if (!this.#suspended) lender?.takeBack(this);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** @internal Whether it proves that something of `lender` is held now. */
  provesFor(lender: Lender): boolean {
    return this.#lender === lender && !this.#suspended;
  }

  /** @internal Gives back what it holds, and holds something of `lender` from now on. */
  exchange(lender: Lender): void {
    const before = this.#lender;
    this.#lender = lender;
    before?.takeBack(this);
  }

  /** @internal Gives it back for a while. */
  suspend(): void {
    this.#suspended = true;
    this.#lender?.takeBack(this);
  }

  /** @internal It was taken again; false when nobody wants it any more, as it was released meanwhile. */
  resume(): boolean {
    this.#suspended = false;
    return this.#lender !== undefined;
  }
}
