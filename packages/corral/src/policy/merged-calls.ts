/** Calls that come close together are merged into one run: what throttle and debounce share. */

import { passThrough } from '../core/checkpoint.ts';
import { currentVariables } from '../core/current.ts';
import { entering, rejected } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import type { TaskGroup } from '../core/task-group.ts';
import { CallDroppedError } from '../errors.ts';
import { Alarm } from '../internal/alarm.ts';
import { captureContext } from '../internal/ambient.ts';
import { clock } from '../internal/clock.ts';
import { scopedFunction, type ScopedFunction } from '../core/scoped-function.ts';
import { SharedRun, type Call, type SharedFunction } from './shared-run.ts';

/** A frozen picture of a function whose calls are merged. */
export interface MergedSnapshot {
  readonly name: string;
  /** Whether there is a run that has not begun. */
  readonly pending: boolean;
  /** How many wait for that one; a group that owns it counts as well. */
  readonly waiting: number;
  /** How many runs have begun. */
  readonly runs: number;
}

/** A function whose calls are merged. */
export interface MergedFunction<A extends readonly unknown[], R> extends ScopedFunction<A, R>, Disposable {
  /** Whether calls wait for a run that has not begun. */
  readonly pending: boolean;
  /**
   * The same for nobody but the `{ group }`: it waits for the run, and a failure of a run that nobody else waits for is
   * the group's. Where a call is not awaited, its failure would be an unhandled rejection. Not a cancellation point.
   *
   * @throws {TypeError} without a group; {@link GroupClosedError} when it has ended, {@link CallDroppedError} after disposal.
   */
  spawn(...args: A): void;
  /** Begins the run that is waited for now. Returns whether there was one. */
  flush(): boolean;
  /**
   * Drops the run that has not begun: its callers get {@link CallDroppedError}. What runs goes on. Returns whether there
   * was one.
   */
  cancel(): boolean;
  snapshot(): MergedSnapshot;
  /** Cancels, and refuses all later calls with {@link CallDroppedError}. */
  [Symbol.dispose](): void;
}

/** Says when runs begin. */
export interface Pace {
  /**
   * There is a call: when is the run to begin that it is merged into? Now or before: at once. Undefined: it gets what the
   * latest run gives.
   */
  called(now: number, waitedSince: number | undefined): number | undefined;
  /** The same for one that was to get what the latest run gives, when that was cut off. */
  calledInVain(now: number): number;
  /** A run has begun. */
  began(now: number): void;
}

export class MergedCalls<A extends readonly unknown[], R> {
  readonly #name: string;
  readonly #fn: SharedFunction<A, R>;
  readonly #pace: Pace;
  readonly #group: TaskGroup | undefined;
  readonly #alarm = new Alarm(() => this.flush());
  /** The run that has not begun, and since when it is waited for. */
  #waiting: { readonly run: SharedRun<A, R>; readonly since: number } | undefined;
  /** The run that began last. */
  #latest: SharedRun<A, R> | undefined;
  #disposed = false;
  #runs = 0;

  constructor(name: string, fn: SharedFunction<A, R>, pace: Pace, group: TaskGroup | undefined) {
    this.#name = name;
    this.#fn = fn;
    this.#pace = pace;
    this.#group = group;
  }

  get pending(): boolean {
    return this.#waiting !== undefined;
  }

  call(scope: Scope | undefined, args: A): Promise<R> {
    return entering(scope, () => {
      if (this.#disposed) return rejected(new CallDroppedError(this.#name));
      const now = clock.now();
      const at = this.#pace.called(now, this.#waiting?.since);
      if (at !== undefined) return this.#callAt(at, now, scope, args);
      return this.#joinLatest(scope, args) ?? this.#callAt(this.#pace.calledInVain(now), now, scope, args);
    });
  }

  spawn(args: A): void {
    if (!this.#group) {
      throw new TypeError(`Cannot spawn a run of ${this.#name} as it takes a group that owns it: pass { group }`);
    }
    if (this.#disposed) throw new CallDroppedError(this.#name);
    const now = clock.now();
    let at = this.#pace.called(now, this.#waiting?.since);
    if (at === undefined && this.#latest && (this.#latest.joinable || !this.#latest.cutShort)) return;
    at ??= this.#pace.calledInVain(now);
    const call = { args, variables: currentVariables(), inContext: captureContext() };
    (this.#waiting?.run ?? this.#open(now, call)).note(call);
    this.#beginAt(at, now);
  }

  flush(): boolean {
    const run = this.#takeWaiting();
    // The last caller may have left in this very step: then nothing begins, and nothing counts.
    if (!run?.wanted) return false;
    this.#pace.began(clock.now());
    this.#latest = run;
    this.#runs++;
    return run.begin('last');
  }

  cancel(): boolean {
    const waiting = this.#takeWaiting();
    waiting?.drop();
    return waiting !== undefined;
  }

  dispose(): void {
    this.#disposed = true;
    this.cancel();
  }

  snapshot(): MergedSnapshot {
    const waiting = this.#waiting?.run.waiting ?? 0;
    return Object.freeze({ name: this.#name, pending: this.pending, waiting, runs: this.#runs });
  }

  #callAt(at: number, now: number, scope: Scope | undefined, args: A): Promise<R> {
    const call = { args, variables: currentVariables(), inContext: at <= now ? undefined : captureContext() };
    const run = this.#waiting?.run ?? this.#open(now, call);
    const joined = run.join(scope, call);
    this.#beginAt(at, now);
    return joined;
  }

  #beginAt(at: number, now: number): void {
    if (at <= now) this.flush();
    else this.#alarm.set(at - now);
  }

  #open(since: number, call: Call<A>): SharedRun<A, R> {
    const run = new SharedRun<A, R>(this.#name, this.#fn);
    if (this.#group) run.keepIn(this.#group, call);
    run.onUnwanted = () => {
      if (this.#waiting?.run === run) this.#takeWaiting();
    };
    this.#waiting = { run, since };
    return run;
  }

  #takeWaiting(): SharedRun<A, R> | undefined {
    const run = this.#waiting?.run;
    this.#waiting = undefined;
    this.#alarm.clear();
    return run;
  }

  /** What the latest run gives or gave; nothing when it was cancelled. */
  #joinLatest(scope: Scope | undefined, args: A): Promise<R> | undefined {
    const run = this.#latest;
    if (run?.joinable) return run.join(scope, { args, variables: undefined, inContext: undefined });
    const outcome = run?.outcome;
    if (!outcome || run.cutShort) return undefined;
    return outcome.failed ? Promise.reject(outcome.value) : passThrough(outcome.value);
  }
}

/** Makes the function that callers see. */
export function mergedFunction<A extends readonly unknown[], R>(
  name: string,
  calls: MergedCalls<A, R>,
): MergedFunction<A, R> {
  return scopedFunction<A, R, Omit<MergedFunction<A, R>, keyof ScopedFunction<A, R>>>(
    name,
    (scope, args) => calls.call(scope, args),
    {
      get pending() {
        return calls.pending;
      },
      spawn: (...args: A) => calls.spawn(args),
      flush: () => calls.flush(),
      cancel: () => calls.cancel(),
      snapshot: () => calls.snapshot(),
      [Symbol.dispose]: () => calls.dispose(),
    },
  );
}
