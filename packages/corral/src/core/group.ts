/** A scope whose tasks all end before it does. */

import { AbandonedTaskError, GroupClosedError } from '../errors.ts';
import { ambientAvailable } from '../internal/ambient.ts';
import { checkConcurrency, checkFunction, checkMs } from '../internal/checks.ts';
import { enqueue } from '../internal/ready.ts';
import { adoptSignal, checkSignal } from './abort-signal.ts';
import { passThrough } from './checkpoint.ts';
import { currentVariables, scopeFor, withFrame, type ScopeOption } from './current.ts';
import { combine, exitOf, outerCancellation, resultOfCancelled } from './exit.ts';
import type { Variables } from './frame.ts';
import { GroupScope } from './group-scope.ts';
import { entering, rejected, rejecting } from './operation.ts';
import type { Scope } from './scope.ts';
import { Starting, type StartedTask } from './start.ts';
import type { SpawnOptions, TaskErrorDecision, TaskGroup, TaskGroupOptions, TaskGroupSnapshot } from './task-group.ts';
import { TaskScope, type Task, type TaskOwner } from './task.ts';
import { LineOperation, WaitLine, waitInLine } from './wait-line.ts';
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
  #limit: number;
  #foreground = 0;
  #running = 0;
  #bodyEnded = false;
  /** Tasks that wait for a place. A set keeps their order and lets any of them go. */
  #waiting: Set<TaskScope<unknown>> | undefined;
  /** Goes once over the set, however it changes: to begin anew for each would pass over all that have gone. */
  #next: Iterator<TaskScope<unknown>> | undefined;
  readonly #spawners = new WaitLine<Task<unknown>>();
  readonly #joiners = new WaitLine<void>();

  constructor(call: string, options: TaskGroupOptions = {}, named?: { readonly name: string }) {
    this.#limit = checkConcurrency(options.concurrency);
    const graceMs = checkMs(options.graceMs, `set graceMs of ${call}`);
    if (options.signal) checkSignal(options.signal);
    this.#options = options;
    const name = options.name ?? (named?.name || call);
    this.scope = new GroupScope(scopeFor(call, options), name, currentVariables(), graceMs, this);
    this.frame = ambientAvailable && options.ambient !== false ? undefined : this.scope;
    this.#unlink = options.signal && adoptSignal(this.scope, options.signal);
  }

  // Spawning -----------------------------------------------------------------------------------------------------

  spawn<T>(fn: TaskFunction<T>, options?: SpawnOptions): Task<T> {
    checkFunction(fn, 'spawn a task');
    return this.#spawn(fn, options, this.#variables());
  }

  /** Those of the spawner; tasks without a frame of their own see the group's. */
  #variables(): Variables | undefined {
    return this.frame ? this.scope.variables : currentVariables();
  }

  #spawn<T>(fn: TaskFunction<T>, options: SpawnOptions | undefined, variables: Variables | undefined): Task<T> {
    if (this.scope.phase === 'closed') throw new GroupClosedError(this.scope.name);
    const task = new TaskScope(this.scope, this, fn, options, variables);
    const { background } = task;
    if (!background) this.#foreground++;
    if (task.visible) task.cancelArrived();
    if (task.ended) return task;
    if (task.visible) this.scope.watch();
    if (background || this.#running < this.#limit) this.#admit(task, options?.eager);
    else (this.#waiting ??= new Set()).add(task);
    return task;
  }

  spawnWhenReady<T>(fn: TaskFunction<T>, options?: SpawnOptions & ScopeOption): Promise<Task<T>> {
    return rejecting(() => {
      checkFunction(fn, 'spawn a task');
      const scope = options?.scope || ambientAvailable ? scopeFor('spawnWhenReady', options) : this.scope;
      const variables = this.#variables();
      const spawn = (): Task<T> => this.#spawn(fn, options, variables);
      return entering(scope, () =>
        // Spawned by whoever frees the place, so that nobody else can take it first.
        this.#full ? new Spawner(scope, this.#spawners, spawn).promise : passThrough(scope, spawn()),
      ) as Promise<Task<T>>;
    });
  }

  start<T, V>(
    fn: (scope: Scope, started: (value: V) => void) => T | PromiseLike<T>,
    options?: { readonly name?: string | undefined } & ScopeOption,
  ): Promise<StartedTask<T, V>> {
    return rejecting(() => {
      checkFunction(fn, 'start a task');
      if (this.scope.phase === 'closed') throw new GroupClosedError(this.scope.name);
      const caller = options?.scope || ambientAvailable ? scopeFor('group.start', options) : this.scope;
      return entering(caller, () => new Starting<T, V>(this, caller ?? this.scope, fn, options?.name).ready());
    });
  }

  /** Takes over a task that has started elsewhere. */
  takeOver(task: TaskScope<unknown>): void {
    this.#foreground++;
    this.#running++;
    task.admitted = true;
    task.owner = this;
  }

  #admit(task: TaskScope<unknown>, eager?: boolean): void {
    if (!task.background) {
      this.#running++;
      task.admitted = true;
    }
    if (eager) withFrame(task.frame, startTask, task);
    else enqueue(task);
  }

  get #full(): boolean {
    return this.#running >= this.#limit || this.#crowded;
  }

  /** Whether tasks wait for a place. */
  get #crowded(): boolean {
    return this.#waiting !== undefined && this.#waiting.size > 0;
  }

  get concurrency(): number {
    return this.#limit;
  }
  set concurrency(limit: number) {
    this.#limit = checkConcurrency(limit);
    this.#fill();
  }

  /** Gives free places away: to waiting tasks first, then to whoever waits to spawn one. */
  #fill(): void {
    while (this.#running < this.#limit && this.#waiting) {
      const { value: task } = (this.#next ??= this.#waiting.values()).next() as IteratorResult<
        TaskScope<unknown>,
        undefined
      >;
      if (task) {
        this.#waiting.delete(task);
        this.#admit(task);
      } else {
        this.#waiting = undefined;
        this.#next = undefined;
      }
    }
    while (this.#running < this.#limit && this.#spawners.first) (this.#spawners.first as Spawner).spawn();
  }

  // Ending -------------------------------------------------------------------------------------------------------

  taskEnded(task: TaskScope<unknown>): void {
    if (!task.background) this.#foreground--;
    if (task.admitted) this.#running--;
    else this.#waiting?.delete(task); // and no place has become free
    if (task.progress === 'failed' || task.progress === 'abandoned') this.#taskFailed(task);
    else if (task.progress === 'cancelled' && task.visible !== task) this.#interruption = { error: task.ending };
    if (task.admitted && (this.#crowded || !this.#spawners.empty)) this.#fill();
    if (this.#foreground > 0) return;
    this.#joiners.commitAll(undefined);
    if (this.#bodyEnded) this.#cancelBackground();
  }

  #taskFailed(task: TaskScope<unknown>): void {
    const error = task.ending;
    const policy = this.#options.onTaskError ?? 'cancel';
    let decision: TaskErrorDecision = 'cancel';
    if (typeof policy !== 'function') decision = policy;
    else {
      try {
        decision = policy(error, task);
      } catch (failure) {
        this.fail(error, task.name);
        this.fail(failure, task.name);
        return;
      }
    }
    if (decision === 'cancel') this.fail(error, task.name);
    else if (decision === 'collect') (this.#errors ??= new Set()).add(error);
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
  async finish(): Promise<void> {
    const { scope } = this;
    this.#bodyEnded = true;
    scope.body = false;
    if (this.#foreground === 0) this.#cancelBackground();
    if (!this.frame) this.#orphanScopes();
    do {
      while (scope.occupied) await emptied(scope, this.#traced());
      scope.abortOperations();
    } while (scope.occupied);
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
    const { extras, name } = this.scope;
    if (!this.#errors && !extras?.late) return;
    const errors = [...(this.#errors ?? []), ...(extras?.late ?? [])];
    if (errors.length > 0) throw combine(errors, name, this.#options.errors);
  }

  /** Scopes that the body opened and did not await. Tasks without a frame of their own open theirs in the same place. */
  #orphanScopes(): void {
    for (let child = this.scope.firstChild, next: Scope | undefined; child; child = next) {
      next = child.nextSibling;
      if (!(child instanceof TaskScope)) child.orphan(this.scope);
    }
  }

  #cancelBackground(): void {
    for (const task of this.tasks as Iterable<TaskScope<unknown>>) {
      if (task.background) task.cancelFor({ kind: 'closed', by: this.scope.name });
    }
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
    const scope = options?.scope || ambientAvailable ? scopeFor('group.join', options) : this.scope;
    for (let around = scope; around; around = around.parent) {
      if (around instanceof TaskScope && around.owner.group === this) {
        return rejected(
          new TypeError(`Cannot join ${this.scope.name} as it would wait for itself: called in its ${around.name}`),
        );
      }
    }
    if (this.#foreground > 0) return waitInLine(scope, `join ${this.scope.name}`, this.#joiners);
    return entering(scope, () => passThrough(scope, undefined));
  }

  snapshot(): TaskGroupSnapshot {
    const { name, cancelled } = this.scope;
    const tasks = [...this.tasks].map((task) => Object.freeze({ id: task.id, name: task.name, state: task.state }));
    const [running, waiting] = [this.#running, this.#waiting?.size ?? 0];
    return Object.freeze({ name, cancelled, concurrency: this.#limit, running, waiting, tasks: Object.freeze(tasks) });
  }
}

/** Somebody who waits for a place to spawn a task into. */
class Spawner extends LineOperation<Task<unknown>> {
  readonly #spawn: () => Task<unknown>;
  constructor(scope: Scope | undefined, line: WaitLine<Task<unknown>>, spawn: () => Task<unknown>) {
    super(scope, 'a free place', line);
    this.#spawn = spawn;
  }
  spawn(): void {
    this.commit(this.#spawn());
  }
}

function startTask(task: TaskScope<unknown>): void {
  task.start();
}
