import type { NameOption } from '../core/name-option.ts';
import { scopedFunction, type ScopedFunction } from '../core/scoped-function.ts';
import { checkFunction, isThenable } from '../internal/checks.ts';
import { fromCallback, type Done } from './from-callback.ts';

/** Options of {@link promisify}. */
export interface PromisifyOptions<T> extends NameOption {
  /** Whether a cancelled wait ends although the callback was not called. Default: false, it waits. */
  readonly abandon?: boolean | undefined;
  /** Called with a value that nobody gets, as the waiting has ended or failed meanwhile, to release it. */
  readonly onAbandoned?: ((value: T) => void) | undefined;
}

/**
 * Wraps a function that takes a Node callback as its last argument.
 *
 * Guarantees: those of {@link fromCallback}, without anything to undo. Where the function takes a signal, or gives
 * something that can be undone, use that.
 *
 * Cancellable: when the callback has been called; with `abandon` at once.
 *
 * @example A function of old
 * ```ts run
 * import { promisify } from 'corral';
 *
 * function double(n: number, callback: (error: unknown, value?: number) => void): void {
 *   setTimeout(() => callback(null, 2 * n), 1);
 * }
 * console.log(await promisify(double)(21)); // 42
 * ```
 */
export function promisify<A extends readonly unknown[], T>(
  fn: (...args: [...A, callback: (error: unknown, value?: T) => void]) => unknown,
  options?: PromisifyOptions<T>,
): ScopedFunction<A, T> {
  checkFunction(fn, 'promisify');
  const name = options?.name ?? (fn.name || 'promisify');
  return scopedFunction<A, T, object>(
    name,
    (scope, args) => {
      const start = (done: Done<T>): void => {
        const given: unknown = fn(...args, done);
        // An async function that throws never calls back.
        if (isThenable(given)) given.then(undefined, done);
      };
      return fromCallback<T>(start, { ...options, name, scope });
    },
    {},
  );
}
