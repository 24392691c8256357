import type { NameOption } from '../core/name-option.ts';
import type { Scope } from '../core/scope.ts';
import type { TaskGroup } from '../core/task-group.ts';
import { checkFunction, checkOptions } from '../internal/checks.ts';
import { Flights, keyOf } from './flights.ts';
import { checkGroup } from './group-option.ts';
import { scopedFunction, type ScopedFunction } from '../core/scoped-function.ts';

/** Options of {@link singleFlight}. */
export interface SingleFlightOptions<A extends readonly unknown[], K> extends NameOption {
  /** What tells calls apart: the same by the rules of a Map's keys. Default: the only argument. */
  readonly key?: ((...args: A) => K) | undefined;
  /** A group that owns the runs: they go on when their callers have left. Default: none, callers own them. */
  readonly group?: TaskGroup | undefined;
}

/** A frozen picture of a single flight. */
export interface SingleFlightSnapshot {
  readonly name: string;
  /** How many keys have a run under way. */
  readonly running: number;
}

/** A function whose concurrent calls with the same key share one run. */
export interface SingleFlight<A extends readonly unknown[], R, K> extends ScopedFunction<A, R> {
  /** Lets the next call with this key begin a run of its own. Those who wait for the one under way get its result. */
  forget(key: K): void;
  snapshot(): SingleFlightSnapshot;
}

/**
 * Wraps a function so that concurrent calls with the same key share one run of it.
 *
 * Guarantees: there never are two runs of one key, unless it is forgotten; all who wait get the same value or the same error object. The run has
 * a scope of its own, the variables of the caller that began it, and lives with those who wait for it: whoever is
 * cancelled leaves alone; the last one to leave cancels the run and waits until it has ended; a call that comes
 * meanwhile begins a new run after that. With `{ group }` the group is among those who wait. Semantics: Go's
 * singleflight, with cancellation.
 *
 * Cancellable: the run goes on for the others; when there are none, it has ended.
 *
 * @throws {TypeError} when a run calls for its own key, which would wait for itself; for more than one argument without
 *   `key`.
 *
 * @example One request for many who ask
 * ```ts run
 * import { gather, singleFlight, sleep } from 'corral';
 *
 * let requests = 0;
 * const getUser = singleFlight(async (id: number) => {
 *   requests++;
 *   await sleep(1);
 *   return { id };
 * });
 * const [one, same] = await gather([() => getUser(1), () => getUser(1)]);
 * console.log(requests, one === same); // 1 true
 * ```
 */
export function singleFlight<A extends readonly unknown[], R, K = A[0]>(
  fn: (this: Scope, ...args: A) => R | PromiseLike<R>,
  options?: SingleFlightOptions<A, K>,
): SingleFlight<A, R, K> {
  checkFunction(fn, 'share runs', options);
  checkOptions(options, 'singleFlight');
  const name = options?.name ?? (fn.name || 'singleFlight');
  if (options?.key !== undefined) checkFunction(options.key, `tell calls of ${name} apart`);
  const key = keyOf(name, options?.key);
  const flights = new Flights<K, A, R>(name, fn, checkGroup(options?.group));
  return scopedFunction<A, R, Omit<SingleFlight<A, R, K>, keyof ScopedFunction<A, R>>>(
    name,
    (scope, args) => flights.join(scope, key(args), args),
    {
      forget: (forgotten: K) => flights.forget(forgotten),
      snapshot: () => Object.freeze({ name, running: flights.size }),
    },
  );
}
