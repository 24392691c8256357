import type { Scope } from '../core/scope.ts';
import { checkFunction, checkInteger, checkOptions } from '../internal/checks.ts';
import { checkGroup } from './group-option.ts';
import { checkEdges, checkSpan, type MergeOptions } from './merge-options.ts';
import { MergedCalls, mergedFunction, type MergedFunction, type Pace } from './merged-calls.ts';

/** Options of {@link throttle}. */
export interface ThrottleOptions extends MergeOptions {
  /** The span of time, in milliseconds. */
  readonly perMs: number;
  /** How many runs may begin in any such span. Default: 1. */
  readonly limit?: number | undefined;
  /** Whether a call that finds the way free runs at once; otherwise it waits `perMs` for others. Default: true. */
  readonly leading?: boolean | undefined;
  /** Whether calls that come too soon are merged into a run of their own, with the last one's arguments; otherwise they
   * get what the latest run gives. Default: true. */
  readonly trailing?: boolean | undefined;
}

/**
 * Wraps a function so that at most `limit` runs of it begin in any `perMs` milliseconds; calls that come too soon are
 * merged into the next run.
 *
 * Guarantees: a call gets the result, or the error, of the run that it was merged into. That run has a scope of its own,
 * with the arguments and variables of its last caller, and lives with those who wait for it: whoever is cancelled leaves
 * alone; a run that nobody waits for does not begin, or is cancelled and awaited by the last who left. With `{ group }` the
 * group is among those who wait. It limits how often runs begin, not how many are under way: for that there is
 * {@link limit}.
 *
 * Cancellable: the run goes on for the others; when there are none, it has ended or never begins.
 *
 * @throws {RangeError} when a number is out of range; a TypeError when both `leading` and `trailing` are false.
 *
 * @example A position, at most ten times a second
 * ```ts run
 * import { gather, throttle } from 'corral';
 *
 * const sent: number[] = [];
 * const send = throttle(async (position: number) => sent.push(position), { perMs: 100 });
 * await gather([() => send(1), () => send(2), () => send(3)]);
 * console.log(sent); // [1, 3]
 * ```
 */
export function throttle<A extends readonly unknown[], R>(
  fn: (this: Scope, ...args: A) => R | PromiseLike<R>,
  options: ThrottleOptions,
): MergedFunction<A, R> {
  checkFunction(fn, 'throttle', options);
  checkOptions(options, 'throttle');
  const name = options?.name ?? (fn.name || 'throttle');
  const perMs = checkSpan(options?.perMs, `set perMs of ${name}`);
  const limit = checkInteger(options.limit ?? 1, `set limit of ${name}`);
  const { leading = true, trailing = true } = options;
  checkEdges(leading, trailing, name);
  const pace = new ThrottlePace(perMs, limit, leading, trailing);
  return mergedFunction(name, new MergedCalls(name, fn, pace, checkGroup(options.group)));
}

class ThrottlePace implements Pace {
  readonly #perMs: number;
  readonly #limit: number;
  readonly #leading: boolean;
  readonly #trailing: boolean;
  /** When the latest runs began: a ring of `limit` places. */
  readonly #begun: number[] = [];
  #oldest = 0;

  constructor(perMs: number, limit: number, leading: boolean, trailing: boolean) {
    this.#perMs = perMs;
    this.#limit = limit;
    this.#leading = leading;
    this.#trailing = trailing;
  }

  called(now: number, waitedSince: number | undefined): number | undefined {
    const oldest = this.#begun.length < this.#limit ? undefined : this.#begun[this.#oldest];
    const free = oldest === undefined ? now : oldest + this.#perMs;
    if (!this.#leading) return Math.max(free, (waitedSince ?? now) + this.#perMs);
    return this.#trailing || free <= now ? free : undefined;
  }

  /** The latest run has begun, whatever became of it: this one waits until it may. */
  calledInVain(now: number): number {
    return (this.#begun[this.#oldest] ?? now) + this.#perMs;
  }

  began(now: number): void {
    this.#begun[this.#oldest] = now;
    this.#oldest = (this.#oldest + 1) % this.#limit;
  }
}
