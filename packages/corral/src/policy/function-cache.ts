/** The results of a function by key: kept up to a number and an age, and fetched once however many ask. */

import { passThrough } from '../core/checkpoint.ts';
import { currentVariables } from '../core/current.ts';
import { entering, refusal } from '../core/operation.ts';
import { reportIn } from '../core/report-in.ts';
import { RunScope } from '../core/run-scope.ts';
import type { Scope } from '../core/scope.ts';
import type { TaskGroup } from '../core/task-group.ts';
import type { Task } from '../core/task.ts';
import { GroupClosedError, TaskCancelledError, isCancellation } from '../errors.ts';
import { checkCount, checkFunction, checkNumber } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import type { CacheOptions, CacheSnapshot } from './cache.ts';
import { Flights, keyOf } from './flights.ts';
import { checkGroup } from './group-option.ts';
import type { RunOutcome, SharedFunction } from './shared-run.ts';

interface Entry<R> {
  readonly outcome: RunOutcome<R>;
  readonly at: number;
  /** A refresh that has not begun: its group has no place free. */
  refresh: Task<void> | undefined;
}

const MAX = 1_000;

export class FunctionCache<K, A extends readonly unknown[], R> {
  readonly name: string;
  readonly #max: number;
  readonly #ttlMs: number;
  readonly #staleMs: number;
  readonly #negativeTtlMs: number;
  readonly #group: TaskGroup | undefined;
  readonly #key: (args: A) => K;
  readonly #flights: Flights<K, A, R>;
  /** In the order of their use, the latest last. */
  readonly #entries = new Map<K, Entry<R>>();
  #hits = 0;
  #staleHits = 0;
  #misses = 0;

  constructor(name: string, fn: SharedFunction<A, R>, options: CacheOptions<A, K>) {
    this.name = name;
    this.#max = checkCount(options.max ?? MAX, `set max of ${name}`);
    this.#ttlMs = duration(options.ttlMs, Infinity, `set ttlMs of ${name}`);
    this.#staleMs = duration(options.staleWhileRevalidateMs, 0, `set staleWhileRevalidateMs of ${name}`);
    this.#negativeTtlMs = duration(options.negativeTtlMs, 0, `set negativeTtlMs of ${name}`);
    this.#group = checkGroup(options.group);
    if (options.key !== undefined) checkFunction(options.key, `tell calls of ${name} apart`);
    this.#key = keyOf(name, options.key);
    this.#flights = new Flights(name, fn, this.#group, (key, outcome) => this.#keep(key, outcome));
  }

  get(scope: Scope | undefined, args: A): Promise<R> {
    const key = this.#key(args);
    if (refusal(scope)) return this.refresh(scope, args);
    const entry = this.#find(key);
    if (entry) {
      const stale = this.#age(entry) >= this.#freshMs(entry);
      if (!stale || this.#refreshAside(scope, key, args, entry)) {
        this.#hits++;
        if (stale) this.#staleHits++;
        this.#touch(key, entry);
        const { failed, value } = entry.outcome;
        return failed ? Promise.reject(value) : passThrough(value);
      }
    }
    this.#misses++;
    return this.#flights.join(scope, key, args);
  }

  refresh(scope: Scope | undefined, args: A): Promise<R> {
    const key = this.#key(args);
    return entering(scope, () => this.#flights.join(scope, key, args));
  }

  has(key: K): boolean {
    return this.#find(key) !== undefined;
  }

  set(key: K, value: R): void {
    this.#flights.forget(key);
    this.#put(key, { failed: false, value });
  }

  delete(key: K): boolean {
    const known = this.#find(key) !== undefined || this.#flights.has(key);
    this.#flights.forget(key);
    this.#entries.delete(key);
    return known;
  }

  clear(): void {
    this.#flights.forgetAll();
    this.#entries.clear();
  }

  snapshot(): CacheSnapshot {
    return Object.freeze({
      name: this.name,
      size: this.#entries.size,
      max: this.#max,
      running: this.#flights.size,
      hits: this.#hits,
      staleHits: this.#staleHits,
      misses: this.#misses,
    });
  }

  /** What is kept and not too old to be used. */
  #find(key: K): Entry<R> | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const staleMs = entry.outcome.failed ? 0 : this.#staleMs;
    if (this.#age(entry) < this.#freshMs(entry) + staleMs) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  #age(entry: Entry<R>): number {
    return clock.now() - entry.at;
  }

  #freshMs(entry: Entry<R>): number {
    return entry.outcome.failed ? this.#negativeTtlMs : this.#ttlMs;
  }

  #touch(key: K, entry: Entry<R>): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }

  #put(key: K, outcome: RunOutcome<R>): void {
    this.#touch(key, { outcome, at: clock.now(), refresh: undefined });
    if (this.#entries.size <= this.#max) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** The run of a key has ended, and the key was not deleted meanwhile. */
  #keep(key: K, outcome: RunOutcome<R>): void {
    if (!outcome.failed) return this.#put(key, outcome);
    const { value: error } = outcome;
    if (this.#negativeTtlMs === 0 || isCancellation(error) || error instanceof TaskCancelledError) return;
    // An old value that still may be used is better than an error.
    if (this.#find(key)?.outcome.failed === false) return;
    this.#put(key, outcome);
  }

  /** Fetches a new value in the background. False when there is nobody whom that could belong to. */
  #refreshAside(scope: Scope | undefined, key: K, args: A, entry: Entry<R>): boolean {
    if (this.#flights.has(key) || entry.refresh?.state === 'pending') return true;
    const owner = this.#group ?? detachedAround(scope);
    if (!owner) return false;
    const variables = currentVariables();
    const fetch = async (own: Scope): Promise<void> => {
      try {
        await this.#flights.join(own, key, args, variables);
      } catch (error) {
        if (isCancellation(error)) throw error;
        reportIn(own, error, `refreshing ${this.name} failed`);
      }
    };
    try {
      const task = owner.spawn(fetch, { name: `refresh ${this.name}`, eager: true });
      entry.refresh = task.state === 'pending' ? task : undefined;
      return true;
    } catch (error) {
      if (error instanceof GroupClosedError) return false;
      throw error;
    }
  }
}

/** The group of what is detached in the `run()` around a scope. */
function detachedAround(scope: Scope | undefined): TaskGroup | undefined {
  let root = scope;
  while (root?.parent) root = root.parent;
  return root instanceof RunScope ? root.detached : undefined;
}

function duration(ms: unknown, instead: number, action: string): number {
  const checked = ms === undefined ? instead : checkNumber(ms, action);
  if (checked >= 0) return checked;
  throw new RangeError(`Cannot ${action} as it takes no negative time: current value is ${checked}`);
}
