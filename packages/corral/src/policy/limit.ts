import { scopeFor, type ScopeOption } from '../core/current.ts';
import { map } from '../core/map.ts';
import type { NameOption } from '../core/name-option.ts';
import { rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { checkFunction, checkOptions } from '../internal/checks.ts';
import { Limiter } from './limiter.ts';
import { scopedFunction, type ScopedFunction } from '../core/scoped-function.ts';

/** A frozen picture of a limit. */
export interface LimitSnapshot {
  readonly name: string;
  readonly concurrency: number;
  readonly running: number;
  readonly waiting: number;
}

/** What can be seen and changed of a limit, by the names that p-limit gave it. */
export interface LimitControls {
  /** How many calls have begun and not ended. */
  readonly activeCount: number;
  /** How many calls wait in line. */
  readonly pendingCount: number;
  /** How many may run at a time; may be changed at any time. */
  concurrency: number;
  /** Takes all that wait out of the line: they reject with {@link CallDroppedError}. What runs goes on. */
  clearQueue(): void;
  snapshot(): LimitSnapshot;
}

/** A function of which only so many calls run at a time. */
export interface LimitedFunction<A extends readonly unknown[], R> extends ScopedFunction<A, R>, LimitControls {}

/** Runs functions, only so many at a time. */
export interface Limit extends LimitControls {
  /**
   * Calls `fn(...args)` as soon as there is a place free.
   *
   * Cancellable: while waiting, `fn` is never called; while `fn` runs, what it waits for throws.
   */
  <A extends readonly unknown[], R>(fn: (...args: A) => R | PromiseLike<R>, ...args: A): Promise<R>;
  /** The same in a scope that is given by hand, for where nothing is ambient. */
  callIn<A extends readonly unknown[], R>(scope: Scope, fn: (...args: A) => R | PromiseLike<R>, ...args: A): Promise<R>;
  /**
   * Calls `fn(item, index)` for every item and returns the results in order. The first failure cancels the others, which
   * are awaited, and is thrown; the items are read no faster than they are worked off.
   *
   * Cancellable: likewise.
   */
  map<T, R>(
    items: Iterable<T>,
    fn: (item: T, index: number) => R | PromiseLike<R>,
    options?: ScopeOption,
  ): Promise<Awaited<R>[]>;
}

/**
 * Wraps a function so that at most `concurrency` calls of it run at a time; the others wait in line.
 *
 * Guarantees: first come first served and no barging; a place is held until the work has really ended, also when its
 * caller is cancelled or timed out meanwhile; each call runs in the scope and the context of its caller. A function that
 * calls itself through its limit waits for a place that it holds itself.
 *
 * Cancellable: while waiting, the function is never called; while it runs, what it waits for throws.
 *
 * @throws {RangeError} when `concurrency` is neither a positive integer nor Infinity.
 *
 * @example Two at a time
 * ```ts run
 * import { gather, limit, sleep } from 'corral';
 *
 * const fetchPage = limit(async (page: number) => {
 *   await sleep(1);
 *   return `page ${page}`;
 * }, 2);
 * console.log(await gather([1, 2, 3].map((page) => () => fetchPage(page))));
 * ```
 */
export function limit<A extends readonly unknown[], R>(
  fn: (this: Scope | undefined, ...args: A) => R | PromiseLike<R>,
  concurrency: number,
  options?: NameOption,
): LimitedFunction<A, R> {
  checkFunction(fn, 'limit', concurrency);
  checkOptions(options, 'limit');
  const limiter = new Limiter(options?.name ?? (fn.name || 'limit'), concurrency);
  return scopedFunction<A, R, LimitControls>(
    limiter.name,
    (scope, args) => limiter.call(scope, fn, args),
    controls(limiter),
  );
}

/**
 * Makes a limit that many functions share: p-limit's call shape.
 *
 * To move from p-limit write `import { createLimit as pLimit } from 'corral'`: calls, `map`, `activeCount`, `pendingCount`,
 * `concurrency` and `clearQueue` stay. Different: a function may be called at once instead of in a microtask;
 * `clearQueue` never leaves promises pending; `map` cancels the rest when one fails, and waits for it.
 *
 * Guarantees: those of {@link limit}.
 *
 * @throws {RangeError} when `concurrency` is neither a positive integer nor Infinity.
 *
 * @example As with p-limit
 * ```ts run
 * import { createLimit, sleep } from 'corral';
 *
 * const limit = createLimit(2);
 * const double = (n: number) => sleep(1).then(() => 2 * n);
 * console.log(await Promise.all([limit(double, 1), limit(double, 2), limit(double, 3)])); // [2, 4, 6]
 * console.log(await limit.map([1, 2, 3], double));
 * ```
 */
export function createLimit(concurrency: number, options?: NameOption): Limit {
  checkOptions(options, 'createLimit');
  const limiter = new Limiter(options?.name ?? 'limit', concurrency);
  const { name } = limiter;
  type Fn = (...args: unknown[]) => unknown;
  const call = (scope: Scope | undefined, fn: Fn, args: unknown[]): Promise<unknown> => {
    checkFunction(fn, `call through ${name}`);
    return limiter.call(scope, fn, args);
  };
  const shown = (fn: Fn, ...args: unknown[]): Promise<unknown> =>
    rejecting(() => call(scopeFor(name, undefined, `use ${name}.callIn(scope, …)`), fn, args));
  const callIn = (scope: Scope, fn: Fn, ...args: unknown[]): Promise<unknown> =>
    rejecting(() => call(scopeFor(name, { scope }), fn, args));
  const mapItems = (items: Iterable<unknown>, fn: Fn, options?: ScopeOption): Promise<unknown[]> =>
    rejecting(() => {
      checkFunction(fn, `map through ${name}`);
      const { concurrency } = limiter;
      const call = (item: unknown, index: number, scope: Scope): Promise<unknown> =>
        limiter.call(scope, fn, [item, index]);
      return map(items, call, { ...checkOptions(options, `${name}.map`), concurrency, name });
    });
  Object.defineProperties(shown, {
    ...Object.getOwnPropertyDescriptors(controls(limiter)),
    name: { value: name, configurable: true },
    callIn: { value: callIn },
    map: { value: mapItems },
  });
  return shown as unknown as Limit;
}

function controls(limiter: Limiter): LimitControls {
  return {
    get activeCount() {
      return limiter.active;
    },
    get pendingCount() {
      return limiter.waiting;
    },
    get concurrency() {
      return limiter.concurrency;
    },
    set concurrency(concurrency: number) {
      limiter.concurrency = concurrency;
    },
    clearQueue: () => limiter.clear(),
    snapshot: () => {
      const { name, concurrency, active: running, waiting } = limiter;
      return Object.freeze({ name, concurrency, running, waiting });
    },
  };
}
