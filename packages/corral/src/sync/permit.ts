/** Who gets a permit back. */
interface Lender {
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

  /** @internal */
  constructor(lender: Lender, weight = 1) {
    this.#lender = lender;
    this.weight = weight;
  }

  /** Whether it has not been given back yet. */
  get held(): boolean {
    return this.#lender !== undefined;
  }

  /** Gives it back; nothing happens when that was done before. Not a cancellation point. */
  release(): void {
    const lender = this.#lender;
    this.#lender = undefined;
    lender?.takeBack(this);
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
