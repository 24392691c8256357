/** How many retries are in hand before any request has added to them. */
const RESERVE = 10;

/**
 * What the requests of a session may retry together, so that a server that is down is not buried under retries.
 *
 * Guarantees: there are never more retries than 10 plus `ratio` times the requests. The arithmetic is that of corral's
 * RetryBudget, which only corral's own `retry` can spend from.
 */
export class RetryTokens {
  readonly #ratio: number;
  /** What requests have added since nothing was owed: counted, as sums of fractions drift. */
  #added = 0;
  #spent = 0;

  /** @param ratio - How many retries each request adds, from 0 to 1; Infinity for no budget. */
  constructor(ratio: number) {
    this.#ratio = ratio;
  }

  /** A request begins: not an attempt of it. */
  deposit(): void {
    if (this.#spent === 0) return;
    this.#added++;
    if (this.#spent - this.#added * this.#ratio > 0) return;
    this.#spent = 0;
    this.#added = 0;
  }

  /** Takes one retry, if there is one. */
  withdraw(): boolean {
    if (this.#ratio === Infinity) return true;
    if (RESERVE - this.#spent + this.#added * this.#ratio < 1) return false;
    this.#spent++;
    return true;
  }
}
