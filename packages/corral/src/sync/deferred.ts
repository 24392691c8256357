import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { WaitLine, waitInLine } from '../core/wait-line.ts';
import { checkOptions, isThenable } from '../internal/checks.ts';

/** How far a {@link Deferred} has come. */
export type DeferredState = 'pending' | 'fulfilled' | 'rejected';

/** A frozen picture of a deferred value. */
export interface DeferredSnapshot {
  readonly name: string;
  readonly state: DeferredState;
  /** How many wait for it. */
  readonly waiting: number;
}

/**
 * A value, or an error, that somebody else will bring.
 *
 * Guarantees: it is settled once, the first wins. Waiting for it is an operation like others: cancelling one waiter
 * leaves it for the rest. An error belongs to those who wait for it: one that nobody ever waits for is not reported, and
 * does not end the process. Semantics: asyncio's Future, without callbacks.
 *
 * @example An answer that comes by another way
 * ```ts run
 * import { Deferred, timeout } from 'corral';
 *
 * const answer = new Deferred<number>();
 * setTimeout(() => answer.resolve(42), 1);
 * console.log(await timeout(1_000, () => answer.wait()));
 * ```
 */
export class Deferred<T> {
  readonly name: string;
  #state: DeferredState = 'pending';
  #value: T | undefined = undefined;
  #error: unknown = undefined;
  readonly #line = new WaitLine<T>();

  constructor(options?: NameOption) {
    this.name = checkOptions(options, 'new Deferred')?.name ?? 'deferred';
  }

  get state(): DeferredState {
    return this.#state;
  }

  /** Whether it has a value or an error. */
  get settled(): boolean {
    return this.#state !== 'pending';
  }

  /**
   * Brings the value; false when it was settled before.
   *
   * @throws {TypeError} when it is given a promise: await it first.
   */
  resolve(value: T): boolean {
    if (isThenable(value)) {
      throw new TypeError(
        `Cannot resolve ${this.name} as it takes a value: current value is a promise (await it first)`,
      );
    }
    if (this.settled) return false;
    this.#state = 'fulfilled';
    this.#value = value;
    this.#line.commitAll(value);
    return true;
  }

  /** Brings an error; false when it was settled before. */
  reject(error: unknown): boolean {
    if (this.settled) return false;
    this.#state = 'rejected';
    this.#error = error;
    this.#line.failAll(error);
    return true;
  }

  /**
   * Waits for the value.
   *
   * Cancellable: only this waiter leaves.
   *
   * @throws the error that it was rejected with.
   */
  wait(options?: ScopeOption): Promise<T> {
    return rejecting(() => {
      const scope = scopeFor('Deferred.wait', options);
      return this.settled ? entering(scope, this.#settledBefore) : waitInLine(scope, this.name, this.#line);
    });
  }

  snapshot(): DeferredSnapshot {
    const { name, state } = this;
    return Object.freeze({ name, state, waiting: this.#line.length });
  }

  readonly #settledBefore = (_scope: Scope | undefined): Promise<T> =>
    this.#state === 'fulfilled'
      ? passThrough(this.#value as T)
      : passThrough(undefined).then(() => Promise.reject(this.#error));
}
