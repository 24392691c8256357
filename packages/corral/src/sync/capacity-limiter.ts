import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import { ownerIn } from '../core/current-task.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { LineFullError } from '../errors.ts';
import { checkCount, checkOptions, shown } from '../internal/checks.ts';
import { holding, type HoldBody } from './hold.ts';
import { Permit } from './permit.ts';

/** Options of {@link CapacityLimiter}. */
export interface CapacityLimiterOptions extends NameOption {
  /** How many may wait; whoever comes then gets a {@link LineFullError}. Default: Infinity. */
  readonly maxWaiting?: number | undefined;
}

/** Options of {@link CapacityLimiter.acquire}. */
export interface BorrowOptions extends ScopeOption {
  /**
   * For whom the token is: compared as a Map compares its keys. Default: the current task; outside all tasks the
   * outermost scope; outside all scopes somebody new every time.
   */
  readonly borrower?: unknown;
}

/** A frozen picture of a capacity limiter. */
export interface CapacityLimiterSnapshot {
  readonly name: string;
  readonly total: number;
  readonly borrowed: number;
  readonly available: number;
  /** How many wait in line. */
  readonly waiting: number;
  /** How many may wait. */
  readonly maxWaiting: number;
}

/**
 * At most so many borrowers at a time, a token each; how many can be changed while it is in use.
 *
 * Guarantees: first come first served, no barging: a token that is given back belongs to the first in line at once.
 * A borrower has one token at most: asking for a second one, which could wait for itself for ever, is an error. Semantics:
 * trio's CapacityLimiter, with a line that can be bounded.
 *
 * @example As many at a time as there is room for
 * ```ts run
 * import { CapacityLimiter, sleep, taskGroup } from 'corral';
 *
 * const limiter = new CapacityLimiter(2);
 * await taskGroup((group) => {
 *   for (let n = 0; n < 10; n++) {
 *     group.spawn(async () => {
 *       using _token = await limiter.acquire();
 *       await sleep(1);
 *     });
 *   }
 *   limiter.total = 5;
 * });
 * ```
 */
export class CapacityLimiter {
  readonly name: string;
  /** How many may wait. */
  readonly maxWaiting: number;
  #total: number;
  readonly #borrowers = new Set<unknown>();
  /** Who waits: a second wait of the same borrower would leave two tokens with one. */
  readonly #waiting = new Set<unknown>();
  readonly #line = new WaitLine<Permit, Borrow>(() => this.#serve());

  /** @throws {RangeError} when `total`, or `maxWaiting`, is neither an integer from 0 on nor Infinity. */
  constructor(total: number, options?: CapacityLimiterOptions) {
    this.#total = checkCount(total, 'make a capacity limiter', 0);
    const given = checkOptions(options, 'new CapacityLimiter');
    this.maxWaiting = checkCount(given?.maxWaiting ?? Infinity, 'bound the line of a capacity limiter', 0);
    this.name = given?.name ?? 'capacity limiter';
  }

  /**
   * How many tokens there are. May be set at any time: growing wakes who waits; shrinking below what is borrowed takes
   * nothing away, and lets nobody in until enough has been given back.
   *
   * @throws {RangeError} when it is set to what is neither an integer from 0 on nor Infinity.
   */
  get total(): number {
    return this.#total;
  }
  set total(total: number) {
    this.#total = checkCount(total, `set the total of ${this.name}`, 0);
    this.#serve();
  }

  /** How many tokens are free. */
  get available(): number {
    return Math.max(this.#total - this.#borrowers.size, 0);
  }

  /** How many tokens are borrowed; more than `total` after that was lowered. */
  get borrowed(): number {
    return this.#borrowers.size;
  }

  /** Who has a token now, in the order in which they got it. */
  get borrowers(): readonly unknown[] {
    return [...this.#borrowers];
  }

  /**
   * Waits for a token.
   *
   * Cancellable: none is borrowed then.
   *
   * @throws {LineFullError} when `maxWaiting` wait already.
   * @throws {TypeError} when the borrower has a token already, or waits for one.
   */
  acquire(options?: BorrowOptions): Promise<Permit> {
    return rejecting(() => {
      const scope = scopeFor('CapacityLimiter.acquire', options);
      return entering(scope, this.#begin, options?.borrower ?? borrowerIn(scope));
    });
  }

  /**
   * Takes a token if that needs no waiting; else undefined.
   *
   * @throws {TypeError} when the borrower has a token already, or waits for one.
   */
  tryAcquire(options?: BorrowOptions): Permit | undefined {
    return this.#tryFor(options?.borrower ?? borrowerIn(scopeFor('CapacityLimiter.tryAcquire', options)));
  }

  /**
   * Runs `body` while having a token, and returns what it returns: for where there is no `using`.
   *
   * Guarantees: the token is given back when the body has ended, also when it throws; that is before its group
   * hears of the failure, so the next in line may get its turn before it is cancelled.
   *
   * Cancellable: while it waits for the token; the body then never runs.
   *
   * @throws {LineFullError} when `maxWaiting` wait already.
   * @throws {TypeError} when the borrower has a token already, or waits for one.
   */
  hold<T>(body: HoldBody<T>, options?: BorrowOptions): Promise<T> {
    return holding('CapacityLimiter.hold', body, () => this.acquire(options), options);
  }

  snapshot(): CapacityLimiterSnapshot {
    const { name, total, borrowed, available, maxWaiting } = this;
    return Object.freeze({ name, total, borrowed, available, waiting: this.#line.length, maxWaiting });
  }

  /** @internal Told by a waiting borrower that it has left the line. */
  left(borrower: unknown): void {
    this.#waiting.delete(borrower);
  }

  readonly #begin = (scope: Scope | undefined, borrower: unknown): Promise<Permit> => {
    const permit = this.#tryFor(borrower);
    if (permit) return passThrough(permit);
    if (this.#line.length >= this.maxWaiting) throw new LineFullError(this.maxWaiting, this.name);
    this.#waiting.add(borrower);
    return new Borrow(scope, this, this.#line, borrower).promise;
  };

  #tryFor(borrower: unknown): Permit | undefined {
    if (this.#borrowers.has(borrower)) throw this.#twice(borrower, 'has one already');
    if (this.#waiting.has(borrower)) throw this.#twice(borrower, 'waits for one already');
    return this.#line.empty && this.#borrowers.size < this.#total ? this.#lend(borrower) : undefined;
  }

  #twice(borrower: unknown, why: string): TypeError {
    const who = isNamed(borrower) ? borrower.name : shown(borrower);
    return new TypeError(
      `Cannot acquire ${this.name} as a borrower has one token at most: ${who} ${why} (others: pass { borrower })`,
    );
  }

  #lend(borrower: unknown): Permit {
    this.#borrowers.add(borrower);
    return new Permit({
      takeBack: () => {
        this.#borrowers.delete(borrower);
        this.#serve();
      },
    });
  }

  #serve(): void {
    // One that is just being cancelled leaves, and has the next one served.
    for (let next = this.#line.first; next?.pending && this.#borrowers.size < this.#total; next = this.#line.first) {
      next.commit(this.#lend(next.borrower));
    }
  }
}

function borrowerIn(scope: Scope | undefined): unknown {
  return ownerIn(scope) ?? Symbol('somebody');
}

function isNamed(borrower: unknown): borrower is { readonly name: string } {
  return typeof (borrower as { name?: unknown } | null | undefined)?.name === 'string';
}

class Borrow extends LineOperation<Permit> {
  readonly borrower: unknown;
  readonly #limiter: CapacityLimiter;

  constructor(scope: Scope | undefined, limiter: CapacityLimiter, line: WaitLine<Permit, Borrow>, borrower: unknown) {
    super(scope, limiter.name, line);
    this.borrower = borrower;
    this.#limiter = limiter;
  }

  override leave(happened: boolean): void {
    super.leave(happened);
    this.#limiter.left(this.borrower);
  }
}
