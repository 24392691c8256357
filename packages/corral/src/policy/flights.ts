/** Runs by their keys, one at a time for each: what singleFlight and cache share. */

import { currentVariables } from '../core/current.ts';
import { entering } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import type { TaskGroup } from '../core/task-group.ts';
import { captureContext } from '../internal/ambient.ts';
import { shown } from '../internal/checks.ts';
import { SharedRun, type RunOutcome, type SharedFunction } from './shared-run.ts';

export class Flights<K, A extends readonly unknown[], R> {
  readonly name: string;
  readonly #fn: SharedFunction<A, R>;
  readonly #group: TaskGroup | undefined;
  readonly #ended: ((key: K, outcome: RunOutcome<R>) => void) | undefined;
  readonly #runs = new Map<K, SharedRun<A, R>>();

  /** `ended` is told of the outcome of each run that has not been forgotten, before those who wait are. */
  constructor(
    name: string,
    fn: SharedFunction<A, R>,
    group: TaskGroup | undefined,
    ended?: (key: K, outcome: RunOutcome<R>) => void,
  ) {
    this.name = name;
    this.#fn = fn;
    this.#group = group;
    this.#ended = ended;
  }

  get size(): number {
    return this.#runs.size;
  }

  has(key: K): boolean {
    return this.#runs.has(key);
  }

  /** Waits for the run of `key`; begins one when there is none. */
  join(scope: Scope | undefined, key: K, args: A, variables = currentVariables()): Promise<R> {
    return entering(scope, () => {
      const current = this.#runs.get(key);
      // One that has to wait for the run before it begins where that ends, in the context of whoever was there.
      const waits = current !== undefined && !(current.joinable && current.begun);
      const call = { args, variables, inContext: waits ? captureContext() : undefined };
      if (current?.joinable) return current.join(scope, call);
      const run = new SharedRun<A, R>(this.name, this.#fn);
      if (this.#group) run.keepIn(this.#group, call);
      this.#runs.set(key, run);
      const joined = run.join(scope, call);
      this.#watch(key, run, current);
      // One that nobody wants any more is waited for, so that there never are two.
      if (current) current.afterwards = () => void run.begin('first');
      else run.begin('first');
      return joined;
    });
  }

  /** What is under way is of no interest to later callers. Those who wait for it get what it gives. */
  forget(key: K): void {
    this.#runs.delete(key);
  }

  forgetAll(): void {
    this.#runs.clear();
  }

  #watch(key: K, run: SharedRun<A, R>, before: SharedRun<A, R> | undefined): void {
    run.onEnd = (outcome) => {
      if (this.#runs.get(key) !== run) return;
      this.#runs.delete(key);
      this.#ended?.(key, outcome);
    };
    run.onUnwanted = () => {
      if (run.begun || this.#runs.get(key) !== run) return;
      // It never began: it was waiting for the one before it, which still is there.
      if (before && !before.outcome) this.#runs.set(key, before);
      else this.#runs.delete(key);
    };
  }
}

/** What tells calls apart when no `key` is given: the only argument. */
export function keyOf<K, A extends readonly unknown[]>(
  name: string,
  key: ((...args: A) => K) | undefined,
): (args: A) => K {
  if (key) return (args) => key(...args);
  return (args) => {
    if (args.length <= 1) return args[0] as K;
    throw new TypeError(
      `Cannot tell calls of ${name} apart as it takes { key } for more than one argument: current value is ${shown(args)}`,
    );
  };
}
