import { currentVariables, scopeFor, type ScopeOption } from '../core/current.ts';
import { combine } from '../core/exit.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejecting } from '../core/operation.ts';
import { reportIn } from '../core/report-in.ts';
import { Scope } from '../core/scope.ts';
import { cleanup } from '../core/shield.ts';
import { within } from '../core/within.ts';
import { isAbortError, isCancellation } from '../errors.ts';
import { checkFunction, isThenable } from '../internal/checks.ts';

/** What a callback function is given to call when it is done, as in Node: with an error, or with null and a value. */
export type Done<T> = (error?: unknown, value?: T) => void;

/** Options of {@link fromCallback}. */
export interface FromCallbackOptions<T> extends ScopeOption, NameOption {
  /** Whether a cancelled wait ends although `done` was not called and nothing can be undone. Default: false, it waits. */
  readonly abandon?: boolean | undefined;
  /** Called with a value that nobody gets, as the waiting has ended or failed meanwhile, to release it. */
  readonly onAbandoned?: ((value: T) => void) | undefined;
}

/**
 * Calls `start` and waits until it calls `done(error, value)`.
 *
 * Guarantees: the first call of `done` counts, and only null and undefined are no error. When `start` returns a function,
 * that undoes what was set up: it is called once, on every way out, and awaited, with {@link cleanup}'s shield and bound. When cancelled, the signal is aborted;
 * with a function to undo it the wait then ends, and without one `done` is waited for: what it brings in spite of the
 * cancellation is returned. What `start` throws is thrown.
 *
 * Cancellable: as promptly as it can be undone, or as `done` is called after the signal was aborted; with `abandon` at once.
 *
 * @throws {TypeError} when `start` returns a promise.
 *
 * @example A timer that is cleared when nobody waits for it
 * ```ts run
 * import { fromCallback, moveOnAfter } from 'corral';
 *
 * const wait = (ms: number) =>
 *   fromCallback<string>((done) => {
 *     const timer = setTimeout(() => done(null, 'rang'), ms);
 *     return () => clearTimeout(timer);
 *   });
 * console.log(await wait(1)); // rang
 * console.log((await moveOnAfter(5, () => wait(60_000))).timedOut); // true
 * ```
 */
export function fromCallback<T = void>(
  start: (done: Done<T>, signal: AbortSignal) => unknown,
  options?: FromCallbackOptions<T>,
): Promise<T> {
  return rejecting(() => {
    checkFunction(start, 'wait for a callback');
    const parent = scopeFor('fromCallback', options);
    return entering(parent, () => {
      const scope = new Scope(parent, options?.name ?? (start.name || 'fromCallback'), currentVariables());
      return within(scope, () => new Waiting(scope, options ?? {}).run(start));
    });
  });
}

type Outcome<T> = { readonly failed: false; readonly value: T } | { readonly failed: true; readonly error: unknown };

class Waiting<T> {
  readonly #scope: Scope;
  readonly #options: FromCallbackOptions<T>;
  readonly #settled: Promise<Outcome<T>>;
  #settle!: (outcome: Outcome<T>) => void;
  /** Whether the waiting has ended, and whether `done` was called. */
  #over = false;
  #called = false;
  /** The value that came in time. */
  #arrived: { readonly value: T } | undefined = undefined;

  constructor(scope: Scope, options: FromCallbackOptions<T>) {
    this.#scope = scope;
    this.#options = options;
    this.#settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  async run(start: (done: Done<T>, signal: AbortSignal) => unknown): Promise<T> {
    try {
      return await this.#wait(start);
    } catch (error) {
      this.#over = true;
      // It came, and nobody gets it.
      if (this.#arrived) this.#late(false, undefined, this.#arrived.value);
      throw error;
    }
  }

  async #wait(start: (done: Done<T>, signal: AbortSignal) => unknown): Promise<T> {
    const undo = start(this.#done, this.#scope.signal);
    if (isThenable(undo)) throw refused(undo);
    const undoes = typeof undo === 'function';
    if (undoes || this.#options.abandon) this.#scope.onCancel((error) => this.#end({ failed: true, error }));
    const outcome = await this.#settled;
    try {
      // A disposer like any other: no cancellation cuts it short.
      if (undoes) await cleanup(() => undo() as unknown, { scope: this.#scope, name: `undo ${this.#scope.name}` });
    } catch (error) {
      // A real error never loses to a cancellation.
      throw outcome.failed && !isCancellation(outcome.error) ? combine([outcome.error, error], this.#scope) : error;
    }
    if (outcome.failed) throw outcome.error;
    return outcome.value;
  }

  #end(outcome: Outcome<T>): void {
    this.#over = true;
    this.#settle(outcome);
  }

  readonly #done: Done<T> = (error, value) => {
    if (this.#called) return;
    this.#called = true;
    const failed = error !== undefined && error !== null;
    if (this.#over) return this.#late(failed, error, value as T);
    if (!failed) this.#arrived = { value: value as T };
    this.#end(failed ? { failed, error } : { failed, value: value as T });
  };

  /** Too late: a value is handed over to be released, an error that is more than an echo of the cancellation is told. */
  #late(failed: boolean, error: unknown, value: T): void {
    try {
      if (!failed) this.#options.onAbandoned?.(value);
      else if (!isAbortError(error)) reportIn(this.#scope, error, `${this.#scope.name} failed after it was abandoned`);
    } catch (failure) {
      reportIn(this.#scope, failure, `onAbandoned of ${this.#scope.name} threw`);
    }
  }
}

function refused(promise: PromiseLike<unknown>): TypeError {
  // Its error would be nobody's.
  promise.then(undefined, () => {});
  return new TypeError(
    'Cannot wait for a callback as the function returns nothing, or a function that undoes it: current value is a promise',
  );
}
