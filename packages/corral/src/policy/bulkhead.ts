import { scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { rejecting } from '../core/operation.ts';
import { checkFunction, checkOptions } from '../internal/checks.ts';
import { Limiter } from './limiter.ts';

/** Options of {@link Bulkhead}. */
export interface BulkheadOptions extends NameOption {
  /** How many run at a time. Default: 1. */
  readonly concurrency?: number | undefined;
  /** How many may wait in line. Default: 0, what cannot begin at once is refused. */
  readonly maxWaiting?: number | undefined;
}

/** A frozen picture of a bulkhead. */
export interface BulkheadSnapshot {
  readonly name: string;
  readonly concurrency: number;
  readonly maxWaiting: number;
  readonly running: number;
  readonly waiting: number;
}

/**
 * So many at a time, so many in line, and everybody else is refused at once: overload stays where it is.
 *
 * Guarantees: first come first served; a place is held until the work has really ended; each function runs in the scope
 * and the context of its caller.
 *
 * @example Ten at a time, five in line
 * ```ts run
 * import { Bulkhead, LineFullError, sleep } from 'corral';
 *
 * const database = new Bulkhead({ concurrency: 10, maxWaiting: 5, name: 'database' });
 * const answers = await Promise.allSettled(Array.from({ length: 16 }, () => database.run(() => sleep(1))));
 * const last = answers.at(-1);
 * console.log(last?.status === 'rejected' && last.reason instanceof LineFullError); // true
 * ```
 */
export class Bulkhead {
  readonly #limiter: Limiter;

  /** @throws {RangeError} when `concurrency` is no positive integer, or `maxWaiting` no integer of at least 0. */
  constructor(options?: BulkheadOptions) {
    checkOptions(options, 'new Bulkhead');
    this.#limiter = new Limiter(options?.name ?? 'bulkhead', options?.concurrency ?? 1, options?.maxWaiting ?? 0);
  }

  get name(): string {
    return this.#limiter.name;
  }

  /**
   * Calls `fn` as soon as there is a place free.
   *
   * Cancellable: while waiting, `fn` is never called; while `fn` runs, what it waits for throws.
   *
   * @throws {LineFullError} at once, when the line is full.
   */
  run<R>(fn: () => R | PromiseLike<R>, options?: ScopeOption): Promise<R> {
    return rejecting(() => {
      checkFunction(fn, `run in ${this.name}`);
      return this.#limiter.call<readonly [], R>(scopeFor('Bulkhead.run', options), fn, []);
    });
  }

  snapshot(): BulkheadSnapshot {
    const { name, concurrency, maxWaiting, active: running, waiting } = this.#limiter;
    return Object.freeze({ name, concurrency, maxWaiting, running, waiting });
  }
}
