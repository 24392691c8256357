/** Competitions: the losers are cancelled and awaited before there is a result. */

import { checkMs, checkOptions } from '../internal/checks.ts';
import { combine } from './exit.ts';
import { checkFunctions } from './gather.ts';
import type { Group } from './group.ts';
import { inGroup } from './in-group.ts';
import { rejecting } from './operation.ts';
import { reportIn } from './report-in.ts';
import type { Scope } from './scope.ts';
import type { GroupOptions, TaskErrorDecision } from './task-group.ts';
import type { Task, TaskScope } from './task.ts';
import { WaitLine, waitInLine } from './wait-line.ts';
import { openAndRun, type TaskFunction } from './with-scope.ts';

/** Options of {@link race} and {@link any}. */
export interface RaceOptions extends GroupOptions {
  /**
   * Milliseconds after which the next function is started although the one before is still running; it is started at once
   * when that one fails. Default: all start together. This is "happy eyeballs".
   */
  readonly staggerMs?: number | undefined;
}

/** What any one of several functions gives. */
export type ResultOf<F extends readonly TaskFunction<unknown>[]> = Awaited<ReturnType<F[number]>>;

/**
 * Runs functions concurrently and settles like the first that settles, value or error.
 *
 * Guarantees: the losers are cancelled and awaited before it returns. Of two that end in one tick the first wins.
 *
 * Cancellable: all that runs is cancelled and awaited.
 *
 * @example The faster of two
 * ```ts run
 * import { race, sleep } from 'corral';
 *
 * const winner = await race([() => sleep(1).then(() => 'hare'), () => sleep(60_000).then(() => 'tortoise')]);
 * console.log(winner); // hare, and nothing is left running
 * ```
 */
export function race<const F extends readonly TaskFunction<unknown>[]>(
  fns: F,
  options?: RaceOptions,
): Promise<ResultOf<F>> {
  return compete('race', fns, options) as Promise<ResultOf<F>>;
}

/**
 * Runs functions concurrently and returns the value of the first that succeeds.
 *
 * Guarantees: the losers are cancelled and awaited before it returns. When all fail, the first failure is thrown with
 * the others attached (`errors: 'aggregate'` throws a TaskGroupError, as `Promise.any` would).
 *
 * Cancellable: all that runs is cancelled and awaited.
 *
 * @example Happy eyeballs: the second address only if the first is slow or fails
 * ```ts run
 * import { any, sleep } from 'corral';
 *
 * const connect = async (address: string) => sleep(1).then(() => `connected to ${address}`);
 * console.log(await any([() => connect('::1'), () => connect('127.0.0.1')], { staggerMs: 250 }));
 * ```
 */
export function any<const F extends readonly TaskFunction<unknown>[]>(
  fns: F,
  options?: RaceOptions,
): Promise<ResultOf<F>> {
  return compete('any', fns, options) as Promise<ResultOf<F>>;
}

function compete<T>(
  call: 'race' | 'any',
  fns: readonly TaskFunction<T>[],
  options: RaceOptions | undefined,
): Promise<T> {
  return rejecting(() => {
    checkFunctions(fns, call);
    if (fns.length === 0)
      throw new RangeError(`Cannot call ${call}() as it takes at least one function: current value is []`);
    checkOptions(options, call);
    const staggerMs = checkMs(options?.staggerMs ?? 0, `set staggerMs of ${call}`);
    return new Competition<T>(call, options).run(fns, staggerMs);
  });
}

class Competition<T> {
  readonly #call: 'race' | 'any';
  readonly #options: RaceOptions | undefined;
  readonly #tasks: Task<void>[] = [];
  readonly #failures: unknown[] = [];
  /** Where the next competitor waits to be let in. */
  readonly #gate = new WaitLine<void>();
  #group: Group | undefined;
  #winner: { readonly value: T } | undefined;
  /** Whether it is decided, so that whoever comes in now has lost. */
  #lost = false;

  constructor(call: 'race' | 'any', options: RaceOptions | undefined) {
    this.#call = call;
    this.#options = options;
  }

  run(fns: readonly TaskFunction<T>[], staggerMs: number): Promise<T> {
    const body = async (group: Group): Promise<void> => {
      this.#group = group;
      for (const [index, fn] of fns.entries()) {
        if (index > 0 && staggerMs > 0) await stagger(group.scope, this.#gate, staggerMs);
        const compete = (scope: Scope): Promise<void> => this.#compete(group, fn, scope);
        this.#tasks.push(group.spawn(compete, { name: fn.name || undefined }));
      }
    };
    const onTaskError = (error: unknown, task: Task<unknown>): TaskErrorDecision => this.#failed(error, task);
    return inGroup(this.#call, body, { ...this.#options, onTaskError }, { result: () => this.#result() });
  }

  async #compete(group: Group, fn: TaskFunction<T>, scope: Scope): Promise<void> {
    const value = await fn(scope);
    if (this.#lost) return;
    this.#lost = true;
    this.#winner = { value };
    group.cancel(`${this.#call} was won`);
  }

  #failed(error: unknown, task: Task<unknown>): TaskErrorDecision {
    if (task === this.#tasks[this.#tasks.length - 1]) this.#gate.commitAll(undefined);
    const lost = `${task.name} lost a ${this.#call} and failed while it was cancelled`;
    if (this.#winner) reportIn(task as TaskScope<unknown>, error, lost);
    else if (this.#call === 'race') {
      this.#lost = true;
      return 'cancel';
    } else this.#failures.push(error);
    return 'ignore';
  }

  #result(): T {
    if (this.#winner) return this.#winner.value;
    if (this.#failures.length > 0) throw combine(this.#failures, (this.#group as Group).scope, this.#options?.errors);
    // Nobody won and nobody failed: they were cancelled, each by itself.
    return (this.#tasks[0] as TaskScope<never>).unwrap();
  }
}

/** Waits until the next one may start: after `ms`, or when one that runs has failed. */
export function stagger(scope: Scope, line: WaitLine<void>, ms: number): Promise<unknown> {
  const wait = (inner: Scope): Promise<void> => waitInLine(inner, 'stagger', line);
  return openAndRun('stagger', wait, { scope, deadlineMs: ms }, Infinity, () => undefined);
}
