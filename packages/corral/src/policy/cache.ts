import type { NameOption } from '../core/name-option.ts';
import type { Scope } from '../core/scope.ts';
import type { TaskGroup } from '../core/task-group.ts';
import { checkFunction, checkOptions } from '../internal/checks.ts';
import { FunctionCache } from './function-cache.ts';
import { scopedFunction, type ScopedFunction } from '../core/scoped-function.ts';

/** Options of {@link cache}. */
export interface CacheOptions<A extends readonly unknown[], K> extends NameOption {
  /** What tells calls apart: the same by the rules of a Map's keys. Default: the only argument. */
  readonly key?: ((...args: A) => K) | undefined;
  /** How many milliseconds a value is fresh. Default: Infinity. */
  readonly ttlMs?: number | undefined;
  /** How many results are kept; the one that was used longest ago goes first. Default: 1,000. */
  readonly max?: number | undefined;
  /**
   * For how many milliseconds after `ttlMs` the old value still is returned, while a new one is fetched in the background.
   * That belongs to `group`, or else to the `run()` around the caller; where there is neither, the caller waits for the
   * new value. Default: 0.
   */
  readonly staleWhileRevalidateMs?: number | undefined;
  /** How many milliseconds an error is kept. Default: 0, errors are not kept. */
  readonly negativeTtlMs?: number | undefined;
  /** A group that owns the runs: they go on when their callers have left. Default: none, callers own them. */
  readonly group?: TaskGroup | undefined;
}

/** A frozen picture of a cache. */
export interface CacheSnapshot {
  readonly name: string;
  /** How many results are kept, also those that are too old to be used. */
  readonly size: number;
  readonly max: number;
  /** How many keys have a run under way. */
  readonly running: number;
  /** How many calls were answered from the cache, stale ones included. */
  readonly hits: number;
  readonly staleHits: number;
  readonly misses: number;
}

/** A function whose results are kept. */
export interface CachedFunction<A extends readonly unknown[], R, K> extends ScopedFunction<A, R> {
  /**
   * Runs the function although there may be a value, and keeps what it returns; joins a run that is under way. When it
   * fails, the old value stays.
   *
   * Cancellable: as the call itself.
   */
  refresh(...args: A): Promise<R>;
  /** The same in a scope that is given by hand. */
  refreshIn(scope: Scope, ...args: A): Promise<R>;
  /** Whether a call would be answered from the cache. Does not count as use. */
  has(key: K): boolean;
  /** Keeps `value`. What is under way for the key is not kept any more. */
  set(key: K, value: R): void;
  /** Forgets the key, and does not keep what is under way for it. Returns whether there was something. */
  delete(key: K): boolean;
  /** Forgets everything, and keeps nothing of what is under way. */
  clear(): void;
  snapshot(): CacheSnapshot;
}

/**
 * Wraps a function so that its results are kept for later calls with the same key.
 *
 * Guarantees: concurrent misses of a key share one run, by the rules of {@link singleFlight}; at most `max` results are
 * kept, and there is no timer: age is looked at when a value is asked for. Errors are not kept unless asked for;
 * cancellations never. A run that was begun before its key was deleted or set gives its callers what it returns, and
 * leaves the cache alone. A background refresh that fails is reported, and the old value stays.
 *
 * Cancellable: a caller that waits for a run leaves it to the others; when there are none, it has ended.
 *
 * @throws {RangeError} when a time or `max` is no number in range.
 *
 * @example A value for a minute
 * ```ts run
 * import { cache, sleep } from 'corral';
 *
 * let requests = 0;
 * const getRate = cache(
 *   async (currency: string) => {
 *     requests++;
 *     await sleep(1);
 *     return currency.length;
 *   },
 *   { ttlMs: 60_000, max: 100 },
 * );
 * await getRate('EUR');
 * await getRate('EUR');
 * console.log(requests); // 1
 * ```
 */
export function cache<A extends readonly unknown[], R, K = A[0]>(
  fn: (this: Scope, ...args: A) => R | PromiseLike<R>,
  options?: CacheOptions<A, K>,
): CachedFunction<A, R, K> {
  checkFunction(fn, 'cache', options);
  checkOptions(options, 'cache');
  const name = options?.name ?? (fn.name || 'cache');
  const cached = new FunctionCache<K, A, R>(name, fn, options ?? {});
  const refresh = scopedFunction<A, R, object>(`${name}.refresh`, (scope, args) => cached.refresh(scope, args), {});
  return scopedFunction<A, R, Omit<CachedFunction<A, R, K>, keyof ScopedFunction<A, R>>>(
    name,
    (scope, args) => cached.get(scope, args),
    {
      refresh,
      refreshIn: refresh.callIn,
      has: (key: K) => cached.has(key),
      set: (key: K, value: R) => cached.set(key, value),
      delete: (key: K) => cached.delete(key),
      clear: () => cached.clear(),
      snapshot: () => cached.snapshot(),
    },
  );
}
