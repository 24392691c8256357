import type { NameOption } from '../core/name-option.ts';
import { checkBetween, checkInteger, checkOptions } from '../internal/checks.ts';

/** Options of {@link RetryBudget}. */
export interface RetryBudgetOptions extends NameOption {
  /** How many retries each call adds. Default: 0.1, one for every ten calls. */
  readonly ratio?: number | undefined;
  /** How many retries can be saved up; it begins with as many. Default: 10. */
  readonly reserve?: number | undefined;
}

/** A frozen picture of a retry budget. */
export interface RetryBudgetSnapshot {
  readonly name: string;
  /** How many retries are left. */
  readonly available: number;
  readonly calls: number;
  readonly retries: number;
  /** How many retries were refused. */
  readonly refused: number;
}

/**
 * What many calls may retry together, so that a service that is down is not buried under retries.
 *
 * Guarantees: there are never more retries than `reserve` plus `ratio` times the calls. Where nothing is left, `retry`
 * gives up at once with the error of its attempt. Semantics: Finagle's RetryBudget, without its clock.
 *
 * @example At most one retry for ten calls, once the reserve is used up
 * ```ts run
 * import { RetryBudget, retry } from 'corral';
 *
 * const budget = new RetryBudget({ ratio: 0.1, reserve: 5 });
 * console.log(await retry(async () => 'fine', { budget }));
 * ```
 */
export class RetryBudget {
  readonly name: string;
  readonly #ratio: number;
  readonly #reserve: number;
  /** What calls have added since the reserve was last full: counted, as sums of fractions drift. */
  #added = 0;
  #spent = 0;
  #calls = 0;
  #retries = 0;
  #refused = 0;

  /** @throws {RangeError} when `ratio` is not from 0 to 1, or `reserve` is not a whole number. */
  constructor(options?: RetryBudgetOptions) {
    const { ratio = 0.1, reserve = 10, name = 'retry budget' } = checkOptions(options, 'new RetryBudget') ?? {};
    this.#ratio = checkBetween(ratio, 'set ratio', 0, 1);
    this.#reserve = checkInteger(reserve, 'set reserve', 0);
    this.name = name;
  }

  /** How many retries are left. */
  get available(): number {
    return Math.floor(this.#reserve - this.#owed());
  }

  snapshot(): RetryBudgetSnapshot {
    const { name, available } = this;
    return Object.freeze({ name, available, calls: this.#calls, retries: this.#retries, refused: this.#refused });
  }

  /** @internal A call begins. */
  deposit(): void {
    this.#calls++;
    if (this.#spent === 0) return;
    this.#added++;
    if (this.#owed() > 0) return;
    this.#spent = 0;
    this.#added = 0;
  }

  /** @internal Takes one retry, if there is one. */
  withdraw(): boolean {
    if (this.available < 1) {
      this.#refused++;
      return false;
    }
    this.#retries++;
    this.#spent++;
    return true;
  }

  #owed(): number {
    return this.#spent - this.#added * this.#ratio;
  }
}
