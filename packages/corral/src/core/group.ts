/** A scope whose tasks all end before it does. */

import { AbandonedTaskError, GroupClosedError } from '../errors.ts';
import { ambientAvailable } from '../internal/ambient.ts';
import { checkFunction, checkMs, checkOptions, checkOneOf } from '../internal/checks.ts';
import { adoptSignal, checkSignal } from './abort-signal.ts';
import { passThrough } from './checkpoint.ts';
import { currentVariables, scopeFor, type ScopeOption } from './current.ts';
import { combine, exitOf, outerCancellation, resultOfCancelled } from './exit.ts';
import type { Variables } from './frame.ts';
import { GroupScope } from './group-scope.ts';
import { entering, rejected, rejecting } from './operation.ts';
import { Places, type Launch } from './places.ts';
import type { Scope } from './scope.ts';
import { Starting, type StartedTask } from './start.ts';
import type { SpawnOptions, TaskErrorDecision, TaskGroup, TaskGroupOptions, TaskGroupSnapshot } from './task-group.ts';
import { TaskScope, type Task, type TaskOwner } from './task.ts';
import { WaitLine, waitInLine } from './wait-line.ts';
import type { TaskFunction } from './with-scope.ts';
import { emptied } from './within.ts';

/** How many tasks of a group are linked to it for the engine's stack traces: it costs a tenth of a task for each. */
const TRACED = 16;

/** The group behind `taskGroup`, `gather` and all others. */
export class Group implements TaskGroup, TaskOwner {
  readonly scope: GroupScope;
  /** Set when something was cut off by a cancellation that the group is to pass on or to absorb: the error it saw. */
  #interruption: { readonly error: unknown } | undefined;
  readonly #options: TaskGroupOptions;
  readonly frame: GroupScope | undefined;
  readonly group = this;
  readonly #unlink: (() => void) | undefined;
  #errors: Set<unknown> | undefined;
  readonly #places: Places;
  /** Tasks that the group waits for, also those that are being started. */
  #foreground = 0;
  /** All tasks that live in it. */
  #alive = 0;
  #bodyEnded = false;
  readonly #joiners = new WaitLine<void>();

  constructor(call: string, options: TaskGroupOptions | null | undefined, named?: { readonly name: string }) {
    const given = options ?? {};
    this.#places = new Places(given.concurrency, ambientAvailable && given.ambient === false, call);
    const graceMs = checkMs(given.graceMs, `set graceMs of ${call}`);
    checkOneOf(given.errors, ['first', 'aggregate'], `set errors of ${call}`);
    if (typeof given.onTaskError !== 'function') {
      checkOneOf(given.onTaskError, ['cancel', 'collect', 'a function'], `set onTaskError of ${call}`);
    }
    const { signal } = given;
    if (signal !== undefined && signal !== null) checkSignal(signal);
    this.#options = given;
    const name = given.name ?? (named?.name || call);
    this.scope = new GroupScope(scopeFor(call, given), name, currentVariables(), graceMs, this);
    this.frame = ambientAvailable && given.ambient !== false ? undefined : this.scope;
    this.#unlink = signal ? adoptSignal(this.scope, signal) : undefined;
  }

  // Spawning -----------------------------------------------------------------------------------------------------

  spawn<T>(fn: TaskFunction<T>, options?: SpawnOptions): Task<T> {
    checkFunction(fn, 'spawn a task');
    checkOptions(options, 'spawn');
    return this.#spawn(fn, options, this.#variables());
  }

  /** Those of the spawner; tasks without a frame of their own see the group's. */
  #variables(): Variables | undefined {
    return this.frame ? this.scope.variables : currentVariables();
  }

  #spawn<T>(
    fn: TaskFunction<T>,
    options: SpawnOptions | undefined,
    variables: Variables | undefined,
    launch?: Launch,
  ): Task<T> {
    const { scope } = this;
    if (scope.phase === 'closed') throw new GroupClosedError(scope.name);
    const task = new TaskScope(scope, this, fn, options, variables);
    this.#alive++;
    scope.ending = false;
    if (!task.background) this.#foreground++;
    else if (this.#over) task.cancelFor({ kind: 'closed', by: scope.name });
    if (task.visible) task.cancelArrived();
    if (task.ended) return task;
    if (task.visible) scope.watch();
    this.#places.admit(task, options?.eager, launch);
    return task;
  }

  spawnWhenReady<T>(fn: TaskFunction<T>, options?: SpawnOptions & ScopeOption): Promise<Task<T>> {
    return rejecting(() => {
      checkFunction(fn, 'spawn a task');
      const scope = this.#callerOf('spawnWhenReady', options);
      return entering(scope, () => {
        if (!this.#places.full) return passThrough(this.spawn(fn, options));
        const variables = this.#variables();
        return this.#places.spawnLater(scope, (launch) => this.#spawn(fn, options, variables, launch));
      });
    });
  }

  start<T, V>(
    fn: (scope: Scope, started: (value: V) => void) => T | PromiseLike<T>,
    options?: { readonly name?: string | undefined } & ScopeOption,
  ): Promise<StartedTask<T, V>> {
    return rejecting(() => {
      checkFunction(fn, 'start a task');
      if (this.scope.phase === 'closed') throw new GroupClosedError(this.scope.name);
      const caller = this.#callerOf('group.start', options) ?? this.scope;
      return entering(caller, () => {
        this.#foreground++;
        return new Starting<T, V>(this, caller, fn, options?.name).ready();
      });
    });
  }

  /** A task that was to be started is ready, and moves in. */
  takeOver(task: TaskScope<unknown>): void {
    this.#alive++;
    task.owner = this;
    this.#places.occupy(task);
  }

  /** A task that was to be started ended before it was ready. */
  gaveUp(): void {
    this.#foregroundEnded();
  }

  /** Where the caller waits: its own scope, or, where nothing is ambient, the group's. */
  #callerOf(call: string, options: ScopeOption | undefined): Scope | undefined {
    return options?.scope || ambientAvailable ? scopeFor(call, options) : this.scope;
  }

  get concurrency(): number {
    return this.#places.limit;
  }
  set concurrency(limit: number) {
    this.#places.limit = limit;
  }

  // Ending -------------------------------------------------------------------------------------------------------

  taskEnded(task: TaskScope<unknown>): void {
    if (task.progress === 'failed' || task.progress === 'abandoned') this.#taskFailed(task);
    else if (task.progress === 'cancelled' && task.visible !== task) this.#interruption = { error: task.ending };
    this.#places.vacate(task);
    this.#alive--;
    if (!task.background) this.#foregroundEnded();
    else if (this.#over) this.#orphan();
  }

  #foregroundEnded(): void {
    if (--this.#foreground > 0) return;
    this.#joiners.commitAll(undefined);
    if (this.#bodyEnded) this.#wind();
  }

  /** Whether only what nobody awaits is left: background tasks, and scopes that were opened here. */
  get #over(): boolean {
    return this.#bodyEnded && this.#foreground === 0;
  }

  #wind(): void {
    const { scope } = this;
    for (let child = scope.firstChild, next: Scope | undefined; child; child = next) {
      next = child.nextSibling;
      if (child instanceof TaskScope && child.background) child.cancelFor({ kind: 'closed', by: scope.name });
    }
    this.#orphan();
  }

  /** Tasks without a frame of their own open their scopes here: as long as one lives they may be awaited. */
  #orphan(): void {
    const { scope } = this;
    if (scope.ending || (this.frame && this.#alive > 0)) return;
    scope.ending = true;
    for (let child = scope.firstChild, next: Scope | undefined; child; child = next) {
      next = child.nextSibling;
      if (!(child instanceof TaskScope)) child.orphan(scope);
    }
  }

  #taskFailed(task: TaskScope<unknown>): void {
    const error = task.ending;
    const { onTaskError = 'cancel' } = this.#options;
    let decision: TaskErrorDecision | undefined;
    try {
      decision = typeof onTaskError === 'function' ? onTaskError(error, task) : onTaskError;
    } catch (failure) {
      this.fail(error, task.name);
      this.fail(failure, task.name);
      return;
    }
    if (decision === 'ignore') return;
    // Whatever else it says, an error is not lost for it.
    if (decision === 'collect') (this.#errors ??= new Set()).add(error);
    else this.fail(error, task.name);
  }

  /** Records a failure and cancels all others. */
  fail(error: unknown, by: string, kind: 'sibling-failed' | 'body-failed' = 'sibling-failed'): void {
    (this.#errors ??= new Set()).add(error);
    this.scope.cancelFor({ kind, by, error });
  }

  /** The body has thrown: a failure, or a cancellation that came to it. */
  bodyFailed(error: unknown): void {
    const exit = exitOf(this.scope, error);
    if (exit.how === 'failed') this.fail(exit.error, this.scope.name, 'body-failed');
    else this.#interruption = { error };
  }

  /** Waits until all that lives in the group has ended, then ends it. */
  async finish(atEnd?: (group: this) => Promise<void>): Promise<void> {
    const { scope } = this;
    this.#bodyEnded = true;
    scope.body = false;
    if (this.#over) this.#wind();
    do {
      while (scope.occupied) await emptied(scope, this.#traced());
      scope.abortOperations();
    } while (scope.occupied);
    // Still in the tree, so that whoever is around waits for it.
    if (atEnd) {
      scope.ending = false;
      await atEnd(this);
    }
    this.#outer = outerCancellation(scope);
    scope.close();
    scope.parent?.checkEmptied();
    this.#unlink?.();
  }

  #traced(): Promise<void>[] {
    const traced: Promise<void>[] = [];
    for (let child = this.scope.firstChild; child && traced.length < TRACED; child = child.nextSibling) {
      // One whose function has ended is awaited for what else lives in it; its promise would settle at once, for ever.
      if (child instanceof TaskScope && child.done && child.bodyRuns) traced.push(child.done);
    }
    return traced;
  }

  /** The cancellation from outside that was in force when the group ended. */
  #outer: Scope | undefined;

  /** What the caller gets once the group has ended: the failures, the cancellation, or the body's value. */
  conclude<T>(value: T, returned: boolean): T {
    this.throwFailures();
    const { scope } = this;
    if (!this.#interruption) return value;
    if (this.#outer) return scope.passOn(this.#outer.cancellation);
    if (scope.cause?.kind === 'explicit' && returned) return value;
    if (scope.cause) return resultOfCancelled(scope, undefined) as T;
    return scope.passOn(this.#interruption.error);
  }

  throwFailures(): void {
    const { scope } = this;
    const late = scope.extras?.late;
    if (!this.#errors && !late) return;
    throw combine([...(this.#errors ?? []), ...(late ?? [])], scope, this.#options.errors);
  }

  /** Whoever awaits the group ends it, or nobody does. */
  orphaned(): void {}

  /** Goes on without the tasks that have not ended in spite of their cancellation. */
  abandon(graceMs: number): void {
    for (const task of this.tasks as Iterable<TaskScope<unknown>>) {
      if (task.progress === 'running') task.abandon(new AbandonedTaskError(task.name, graceMs));
    }
  }

  // Looking at it ------------------------------------------------------------------------------------------------

  get signal(): AbortSignal {
    return this.scope.signal;
  }

  cancel(reason?: unknown): void {
    this.scope.cancel(reason);
  }

  get tasks(): ReadonlySet<Task<unknown>> {
    const tasks = new Set<Task<unknown>>();
    for (let child = this.scope.firstChild; child; child = child.nextSibling) {
      if (child instanceof TaskScope) tasks.add(child);
    }
    return tasks;
  }

  join(options?: ScopeOption): Promise<void> {
    return rejecting(() => this.#join(options));
  }

  #join(options: ScopeOption | undefined): Promise<void> {
    const scope = this.#callerOf('group.join', options);
    for (let around = scope; around; around = around.parent) {
      if (around instanceof TaskScope && around.owner.group === this) {
        return rejected(
          new TypeError(`Cannot join ${this.scope.name} as it would wait for itself: called in its ${around.name}`),
        );
      }
    }
    if (this.#foreground > 0) return waitInLine(scope, `join ${this.scope.name}`, this.#joiners);
    return entering(scope, () => passThrough(undefined));
  }

  snapshot(): TaskGroupSnapshot {
    const { name, cancelled } = this.scope;
    const tasks = [...this.tasks].map((task) => Object.freeze({ id: task.id, name: task.name, state: task.state }));
    const { limit: concurrency, taken: running, waiting } = this.#places;
    return Object.freeze({ name, cancelled, concurrency, running, waiting, tasks: Object.freeze(tasks) });
  }
}
