import { combine } from '../core/exit.ts';
import type { Group } from '../core/group.ts';
import { inGroup } from '../core/in-group.ts';
import { isCancelled } from '../core/is-cancelled.ts';
import { rejecting } from '../core/operation.ts';
import { stagger } from '../core/race.ts';
import { reportIn } from '../core/report-in.ts';
import type { Scope } from '../core/scope.ts';
import type { GroupOptions, TaskErrorDecision } from '../core/task-group.ts';
import type { Task, TaskScope } from '../core/task.ts';
import { WaitLine } from '../core/wait-line.ts';
import { checkBetween, checkFunction, checkInteger, checkOptions } from '../internal/checks.ts';
import type { AttemptFunction } from './retry.ts';

/** Options of {@link hedge}. */
export interface HedgeOptions extends Omit<GroupOptions, 'concurrency'> {
  /** Milliseconds after which another attempt is started although no answer has come; Infinity: only after a failure. */
  readonly afterMs: number;
  /** How many attempts in all. Default: 2. */
  readonly max?: number | undefined;
  /** Whether a failure may be made good by another attempt; one that may not ends it at once. Default: always. */
  readonly hedgeIf?: ((error: unknown, attempt: number) => boolean) | undefined;
}

/**
 * Calls `fn` again when it does not answer in time, and takes the first success.
 *
 * Guarantees: the attempts that did not win are cancelled and awaited before it returns, and what they fail with then is
 * reported. An attempt that fails, or cancels itself, starts the next at once. When all fail, the first failure is thrown with the others
 * attached (`errors: 'aggregate'` throws a TaskGroupError). Use it for what may be done twice. Semantics: gRPC's hedging.
 *
 * Cancellable: all attempts are cancelled and awaited.
 *
 * @throws the first failure when all fail; one that `hedgeIf` says no to, with the others attached.
 *
 * @example A second request when the first is slow
 * ```ts run
 * import { hedge, sleep } from 'corral';
 *
 * const fetchPrice = async (replica: number) => {
 *   await sleep(replica === 1 ? 60_000 : 1);
 *   return `from replica ${replica}`;
 * };
 * console.log(await hedge((_scope, attempt) => fetchPrice(attempt), { afterMs: 5 })); // from replica 2
 * ```
 */
export function hedge<T>(fn: AttemptFunction<T>, options: HedgeOptions): Promise<T> {
  return rejecting(() => {
    checkFunction(fn, 'hedge', options);
    checkOptions(options, 'hedge');
    return new Hedging(fn, options).run();
  });
}

class Hedging<T> {
  readonly #fn: AttemptFunction<T>;
  readonly #options: HedgeOptions;
  readonly #afterMs: number;
  readonly #max: number;
  readonly #failures: unknown[] = [];
  /** Where the next attempt waits for its time. */
  readonly #gate = new WaitLine<void>();
  /** How many attempts have failed without another having been started for it. */
  #owed = 0;
  #tasks: Task<void>[] = [];
  #group: Group | undefined;
  #winner: { readonly value: T } | undefined;

  constructor(fn: AttemptFunction<T>, options: HedgeOptions) {
    this.#fn = fn;
    this.#options = options;
    this.#afterMs = checkBetween(options?.afterMs, 'set afterMs of hedge', 0, Infinity);
    this.#max = checkInteger(options.max ?? 2, 'set max of hedge');
    if (options.hedgeIf !== undefined) checkFunction(options.hedgeIf, 'set hedgeIf of hedge');
  }

  run(): Promise<T> {
    const onTaskError = (error: unknown, task: Task<unknown>): TaskErrorDecision => this.#failed(error, task);
    const body = (group: Group): Promise<void> => this.#startAll(group);
    const result = (): T => this.#result();
    return inGroup('hedge', body, { ...this.#options, onTaskError }, { named: this.#fn, result });
  }

  async #startAll(group: Group): Promise<void> {
    this.#group = group;
    const name = this.#fn.name || undefined;
    for (let attempt = 1; attempt <= this.#max; attempt++) {
      if (attempt > 1 && this.#owed === 0) await stagger(group.scope, this.#gate, this.#afterMs);
      if (this.#winner) return;
      if (this.#owed > 0) this.#owed--;
      this.#tasks.push(group.spawn((scope) => this.#compete(group, scope, attempt), { name }));
    }
  }

  async #compete(group: Group, scope: Scope, attempt: number): Promise<void> {
    let value: T;
    try {
      value = await this.#fn(scope, attempt);
    } catch (error) {
      // One that has cancelled itself is no failure, but no answer either. (A deadline that passed is a failure.)
      const own = scope.cause && scope.cause.kind !== 'deadline' && !group.scope.cause;
      if (own && isCancelled(error, { scope })) this.#startNext();
      throw error;
    }
    if (this.#winner) return;
    this.#winner = { value };
    // Whoever waits for the next attempt's time need not be cancelled: that is the usual case, and an error less.
    this.#gate.commitAll(undefined);
    group.cancel('hedge has an answer');
  }

  #failed(error: unknown, task: Task<unknown>): TaskErrorDecision {
    if (this.#winner) {
      reportIn(task as TaskScope<unknown>, error, `${task.name} lost a hedge and failed while it was cancelled`);
      return 'ignore';
    }
    // Decided already, by one that was not to be made good: what comes later is attached to it.
    const group = this.#group as Group;
    if (group.scope.cause) return 'cancel';
    const { hedgeIf } = this.#options;
    if (hedgeIf && !hedgeIf(error, this.#tasks.indexOf(task as Task<void>) + 1)) {
      for (const failure of [error, ...this.#failures]) group.fail(failure, task.name);
      return 'ignore';
    }
    this.#failures.push(error);
    this.#startNext();
    return 'ignore';
  }

  #startNext(): void {
    this.#owed++;
    this.#gate.commitAll(undefined);
  }

  #result(): T {
    if (this.#winner) return this.#winner.value;
    if (this.#failures.length > 0) throw combine(this.#failures, (this.#group as Group).scope, this.#options.errors);
    // Nobody won and nobody failed: they were cancelled, each by itself.
    return (this.#tasks[0] as TaskScope<never>).unwrap();
  }
}
