import type { Scope } from '../core/scope.ts';
import { checkFunction, checkNumber, checkOptions } from '../internal/checks.ts';
import { checkGroup } from './group-option.ts';
import { checkEdges, checkSpan, type MergeOptions } from './merge-options.ts';
import { MergedCalls, mergedFunction, type MergedFunction, type Pace } from './merged-calls.ts';

/** Options of {@link debounce}. */
export interface DebounceOptions extends MergeOptions {
  /** How many milliseconds there must be no call. */
  readonly waitMs: number;
  /** After how many milliseconds a run begins although calls keep coming. Default: Infinity. */
  readonly maxWaitMs?: number | undefined;
  /** Whether the first call after a pause runs at once. Default: false. */
  readonly leading?: boolean | undefined;
  /** Whether later calls are merged into a run after the last; otherwise they get what the first one's run gives. Default:
   * true. */
  readonly trailing?: boolean | undefined;
}

/**
 * Wraps a function so that calls in quick succession are merged into one run, which begins when there was no call for
 * `waitMs` milliseconds.
 *
 * Guarantees: a call gets the result, or the error, of the run that it was merged into. That run has a scope of its own,
 * with the arguments and variables of its last caller, and lives with those who wait for it: whoever is cancelled leaves
 * alone; a run that nobody waits for does not begin, or is cancelled and awaited by the last who left. With `{ group }` the
 * group is among those who wait: arguments count though their caller has left, and `save.spawn(…)` is a call for which
 * nobody else waits.
 *
 * Cancellable: the run goes on for the others; when there are none, it has ended or never begins.
 *
 * @throws {RangeError} when a time is out of range; a TypeError when both `leading` and `trailing` are false.
 *
 * @example Save when there was no change for a while
 * ```ts run
 * import { debounce, gather } from 'corral';
 *
 * const save = debounce(async (text: string) => `saved ${text}`, { waitMs: 10 });
 * console.log(await gather([() => save('a'), () => save('ab'), () => save('abc')])); // three times 'saved abc'
 * ```
 */
export function debounce<A extends readonly unknown[], R>(
  fn: (this: Scope, ...args: A) => R | PromiseLike<R>,
  options: DebounceOptions,
): MergedFunction<A, R> {
  checkFunction(fn, 'debounce', options);
  checkOptions(options, 'debounce');
  const name = options?.name ?? (fn.name || 'debounce');
  const waitMs = checkSpan(options?.waitMs, `set waitMs of ${name}`);
  const maxWaitMs = checkNumber(options.maxWaitMs ?? Infinity, `set maxWaitMs of ${name}`);
  if (maxWaitMs < waitMs) {
    throw new RangeError(`Cannot set maxWaitMs of ${name} as it is at least waitMs: current value is ${maxWaitMs}`);
  }
  const { leading = false, trailing = true } = options;
  checkEdges(leading, trailing, name);
  const pace = new DebouncePace(waitMs, maxWaitMs, leading, trailing);
  return mergedFunction(name, new MergedCalls(name, fn, pace, checkGroup(options.group)));
}

class DebouncePace implements Pace {
  readonly #waitMs: number;
  readonly #maxWaitMs: number;
  readonly #leading: boolean;
  readonly #trailing: boolean;
  /** When a pause begins, unless there is another call. */
  #quietAt = -Infinity;
  /** When the calls began that no run has answered. */
  #since = -Infinity;

  constructor(waitMs: number, maxWaitMs: number, leading: boolean, trailing: boolean) {
    this.#waitMs = waitMs;
    this.#maxWaitMs = maxWaitMs;
    this.#leading = leading;
    this.#trailing = trailing;
  }

  called(now: number, waitedSince: number | undefined): number | undefined {
    const first = waitedSince === undefined && now >= this.#quietAt;
    if (first) this.#since = now;
    const since = waitedSince ?? (this.#trailing ? now : this.#since);
    this.#quietAt = Math.min(now + this.#waitMs, since + this.#maxWaitMs);
    if (this.#leading && first) return now;
    return this.#trailing ? this.#quietAt : undefined;
  }

  calledInVain(now: number): number {
    return now;
  }

  began(): void {}
}
