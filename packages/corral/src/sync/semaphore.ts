import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejected } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { checkCount, checkInteger, checkOptions } from '../internal/checks.ts';
import { holding, type HoldBody } from './hold.ts';
import { Permit } from './permit.ts';

/** Options of {@link Semaphore.hold}. */
export interface SemaphoreHoldOptions extends ScopeOption {
  /** How many permits to hold. Default: 1. */
  readonly weight?: number | undefined;
}

/** A frozen picture of a semaphore. */
export interface SemaphoreSnapshot {
  readonly name: string;
  readonly permits: number;
  readonly available: number;
  /** How many wait in line. */
  readonly waiting: number;
}

/**
 * At most so many at a time.
 *
 * Guarantees: first come first served, whatever the weights, and no barging: what is released goes to the first in line
 * before anybody else can take it, and tryAcquire takes nothing past a line. Whoever is cancelled while waiting leaves the line, and there are never more permits
 * than in the beginning. Semantics: asyncio's BoundedSemaphore, with weights.
 *
 * @example Five at a time
 * ```ts run
 * import { Semaphore, sleep, taskGroup } from 'corral';
 *
 * const limit = new Semaphore(5);
 * await taskGroup((group) => {
 *   for (let n = 0; n < 20; n++) {
 *     group.spawn(async () => {
 *       using _permit = await limit.acquire();
 *       await sleep(1);
 *     });
 *   }
 * });
 * ```
 */
export class Semaphore {
  readonly name: string;
  /** How many permits there are in all. */
  readonly permits: number;
  #available: number;
  readonly #line = new WaitLine<Permit, Acquire>(() => this.#serve());

  /** @throws {RangeError} when `permits` is neither a positive integer nor Infinity. */
  constructor(permits: number, options?: NameOption) {
    this.permits = checkCount(permits, 'make a semaphore');
    this.#available = permits;
    this.name = checkOptions(options, 'new Semaphore')?.name ?? 'semaphore';
  }

  /** How many permits are free. */
  get available(): number {
    return this.#available;
  }

  /**
   * Waits for `weight` permits.
   *
   * Cancellable: nothing is held then.
   *
   * @throws {RangeError} when `weight` is not a positive integer, or more than there are permits.
   */
  acquire(weight = 1, options?: ScopeOption): Promise<Permit> {
    try {
      this.#check(weight);
      return entering(scopeFor('Semaphore.acquire', options), this.#begin, weight);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Takes `weight` permits if that needs no waiting; else undefined.
   *
   * @throws {RangeError} when `weight` is not a positive integer, or more than there are permits.
   */
  tryAcquire(weight = 1): Permit | undefined {
    this.#check(weight);
    if (this.#line.first || weight > this.#available) return undefined;
    this.#available -= weight;
    return new Permit(this, weight);
  }

  /**
   * Runs `body` while holding permits, and returns what it returns: for where there is no `using`.
   *
   * Guarantees: the permits are given back when the body has ended, also when it throws; that is before its group
   * hears of the failure, so the next in line may get its turn before it is cancelled.
   *
   * Cancellable: while it waits for the permits; the body then never runs.
   *
   * @throws {RangeError} when `weight` is not a positive integer, or more than there are permits.
   *
   * @example Without using
   * ```ts run
   * import { Semaphore, sleep } from 'corral';
   *
   * const limit = new Semaphore(5);
   * await limit.hold(() => sleep(1), { weight: 2 });
   * ```
   */
  hold<T>(body: HoldBody<T>, options?: SemaphoreHoldOptions): Promise<T> {
    return holding('Semaphore.hold', body, () => this.acquire(options?.weight, options), options);
  }

  snapshot(): SemaphoreSnapshot {
    const { name, permits, available } = this;
    return Object.freeze({ name, permits, available, waiting: this.#line.length });
  }

  /** @internal */
  takeBack(permit: Permit): void {
    this.#available += permit.weight;
    this.#serve();
  }

  readonly #begin = (scope: Scope | undefined, weight: number): Promise<Permit> => {
    const permit = this.tryAcquire(weight);
    return permit ? passThrough(permit) : new Acquire(scope, this.name, this.#line, weight).promise;
  };

  /** Hands out what is free, in order. The first in line is waited for, however little the next ones want. */
  #serve(): void {
    for (let next = this.#line.first; next && next.weight <= this.#available; next = this.#line.first) {
      // One that is just being cancelled leaves, and has the next one served.
      if (!next.commit(new Permit(this, next.weight))) return;
      this.#available -= next.weight;
    }
  }

  #check(weight: number): void {
    if (!(Number.isInteger(weight) && weight > 0 && weight <= this.permits)) {
      const action = `acquire ${this.name}`;
      if (this.permits === Infinity) checkInteger(weight, action);
      else checkCount(weight, action, 1, this.permits);
    }
  }
}

class Acquire extends LineOperation<Permit> {
  readonly weight: number;
  constructor(scope: Scope | undefined, kind: string, line: WaitLine<Permit, Acquire>, weight: number) {
    super(scope, kind, line);
    this.weight = weight;
  }
}
