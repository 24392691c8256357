/** A task: a scope with a function to run and a result to be joined. */

import { ScopeClosedError, TaskCancelledError, TimeoutError, isCancellation } from '../errors.ts';
import { ambientAvailable, currentFrame, endInFrame } from '../internal/ambient.ts';
import { isThenable } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import type { Ready } from '../internal/ready.ts';
import { passThrough } from './checkpoint.ts';
import { scopeFor, type ScopeOption } from './current.ts';
import { combine, exitOf } from './exit.ts';
import type { Frame, Variables } from './frame.ts';
import { entering, rejected, rejecting, type Operation } from './operation.ts';
import { reportIn } from './report-in.ts';
import { Scope } from './scope.ts';
import { attempt, enlist, type Selectable } from './selectable.ts';
import { LineOperation, WaitLine, waitInLine } from './wait-line.ts';
import { walk } from './walk.ts';
import type { TaskFunction } from './with-scope.ts';

/** Where a task is in its life. `cancelling`: it was cancelled and has not ended yet. */
export type TaskState = 'pending' | 'running' | 'cancelling' | 'succeeded' | 'failed' | 'cancelled' | 'abandoned';

/** How a task ended. */
export type TaskOutcome<T> =
  | { readonly status: 'succeeded'; readonly value: T }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'cancelled'; readonly reason: unknown }
  | { readonly status: 'abandoned'; readonly error: unknown };

/**
 * The handle of something that runs in a group.
 *
 * It is not thenable: a promise of a task would flatten it, and an async helper that returns one would join it by
 * accident.
 */
export interface Task<T> extends Selectable<T> {
  /** Unique in this copy of the library. */
  readonly id: number;
  /** The name it was given, that of its function, or `task-<id>`. */
  readonly name: string;
  readonly state: TaskState;
  /**
   * Waits for the task and returns its value.
   *
   * Cancellable: only the waiting ends, the task goes on.
   *
   * @throws what the task threw; {@link TaskCancelledError} when it was cancelled; a TypeError when a task would wait
   *   for itself.
   */
  join(options?: ScopeOption): Promise<T>;
  /** How it ended; never rejects. Not a cancellation point. */
  readonly settled: Promise<TaskOutcome<T>>;
  /**
   * Cancels this task alone; the group does not fail. Before its start it never runs. Returns false when it had ended or
   * was cancelled before.
   */
  cancel(reason?: unknown): boolean;
}

/** @internal What a task is started with. */
export interface TaskSettings {
  readonly name?: string | undefined;
  readonly background?: boolean | undefined;
  readonly start?: 'always' | undefined;
}

/** @internal Whom a task belongs to. */
export interface TaskOwner {
  /** Told when a task has ended, while it still counts as living in the scope above it. */
  taskEnded(task: TaskScope<unknown>): void;
  /** The group that waits for its tasks, now or later. */
  readonly group: unknown;
  /** The frame in which its tasks run; undefined when each has its own. */
  readonly frame: Frame | undefined;
}

let ids = 0;

/** The platform's own, as `await` uses it: a promise may carry another. */
const then = Promise.prototype.then as <A>(
  this: Promise<A>,
  onValue: (value: A) => void,
  onError: (error: unknown) => void,
) => Promise<void>;

/** @internal */
export class TaskScope<T> extends Scope implements Task<T>, Ready {
  readonly id = ++ids;
  owner: TaskOwner;
  readonly settings: TaskSettings | undefined;
  /** Whether it holds one of the group's places. */
  admitted = false;
  /** How far it has come. */
  progress: Exclude<TaskState, 'cancelling'> = 'pending';
  /** Its value, its error or its cancellation, once it has ended. */
  ending: unknown = undefined;
  /** Settles when the function has; whoever awaits it is found by the engine when it walks up from an error. */
  done: Promise<void> | undefined = undefined;
  #fn: TaskFunction<T> | undefined;
  #line: WaitLine<T> | undefined = undefined;

  constructor(
    parent: Scope,
    owner: TaskOwner,
    fn: TaskFunction<T>,
    settings: TaskSettings | undefined,
    variables: Variables | undefined,
  ) {
    super(parent, settings?.name ?? fn.name, variables);
    this.owner = owner;
    this.#fn = fn;
    this.settings = settings;
  }

  override get anonymous(): string {
    return `task-${this.id}`;
  }

  /** The frame in which it runs: its own, or the group's where tasks have none. */
  get frame(): Frame {
    return this.owner.frame ?? this;
  }

  get state(): TaskState {
    return this.visible && this.progress === 'running' ? 'cancelling' : this.progress;
  }

  override get mayMoveInLate(): boolean {
    return true;
  }

  override get bodyRuns(): boolean {
    return this.progress === 'running' && super.bodyRuns;
  }

  get ended(): boolean {
    return this.progress !== 'pending' && this.progress !== 'running';
  }

  // Running ------------------------------------------------------------------------------------------------------

  /** Whether it is cancelled when only background tasks are left. */
  get background(): boolean {
    return this.settings?.background === true;
  }

  /** Starts it, from the ready queue. */
  proceed(): void {
    if (this.progress === 'pending') endInFrame(this.frame, startTask, this as TaskScope<unknown>);
  }

  /** Calls its function. */
  start(): void {
    const fn = this.#fn as TaskFunction<T>;
    this.#fn = undefined;
    this.progress = 'running';
    try {
      const value = fn(this);
      if (!isThenable(value)) this.bodyEnded(false, value);
      // Within its own frame a task needs no closure to be found again: the frame travels with the reaction.
      else if (ambientAvailable && !this.owner.frame)
        this.done = then.call(Promise.resolve(value), succeedCurrent, failCurrent);
      else
        this.done = then.call(
          Promise.resolve(value),
          (result) => this.bodyEnded(false, result),
          (error: unknown) => this.bodyEnded(true, error),
        );
    } catch (error) {
      this.bodyEnded(true, error);
    }
  }

  /** Cancelled before its start: it never runs. */
  override cancelArrived(): void {
    if (this.progress !== 'pending' || this.settings?.start) return;
    this.#fn = undefined;
    this.finish('cancelled', this.reason);
  }

  bodyEnded(failed: boolean, value: unknown): void {
    if (this.progress === 'abandoned') {
      const echo = isCancellation(value) || value instanceof ScopeClosedError;
      if (failed && !echo) reportIn(this, value, `abandoned task ${this.name} failed`);
      return;
    }
    if (this.operations || this.occupied) {
      this.beginClosing();
      if (this.occupied) {
        this.extra.emptied = () => this.conclude(failed, value);
        return;
      }
    }
    this.conclude(failed, value);
  }

  conclude(failed: boolean, value: unknown): void {
    if (this.ended) return; // abandoned while it waited for what lived in it
    const late = this.extras?.late;
    if (!failed && !late) return this.finish('succeeded', value);
    const exit = failed ? exitOf(this, value) : undefined;
    let errors = exit?.how === 'failed' ? [exit.error, ...(late ?? [])] : late;
    // A deadline that it set for itself is a failure to whoever joins it; a cancel is not.
    if (!errors && exit?.how === 'absorbed' && this.cause?.kind === 'deadline') {
      errors = [new TimeoutError(undefined, this.name)];
    }
    if (errors) this.finish('failed', combine(errors, this));
    else this.finish('cancelled', this.reason ?? value);
  }

  /** Ends it: out of the tree, its owner told, whoever joined it woken. */
  finish(progress: 'succeeded' | 'failed' | 'cancelled' | 'abandoned', ending: unknown): void {
    this.progress = progress;
    this.ending = ending;
    this.close();
    this.owner.taskEnded(this);
    (this.parent as Scope).checkEmptied();
    const line = this.#line;
    if (!line) return;
    // A loop that spawns and joins never waits for the event loop: now and then it does.
    if (clock.starving()) clock.turn(() => this.#wake(line));
    else this.#wake(line);
  }

  /** Goes on without it: all that lives in it is closed, so that its operations throw from now on. */
  abandon(error: unknown): void {
    walk(this, (scope) => scope.cutOff());
    this.finish('abandoned', error);
  }

  #wake(line: WaitLine<T>): void {
    if (this.progress === 'succeeded') line.commitAll(this.ending as T);
    else while (line.first) line.first.abort(this.failure());
  }

  // Joining ------------------------------------------------------------------------------------------------------

  join(options?: ScopeOption): Promise<T> {
    return rejecting(() => this.joinIn(scopeFor('task.join', options)));
  }

  joinIn(scope: Scope | undefined): Promise<T> {
    this.#checkJoinable(scope);
    if (!this.ended) return waitInLine(scope, `join ${this.name}`, (this.#line ??= new WaitLine()));
    return entering(scope, () =>
      this.progress === 'succeeded' ? passThrough(this.ending as T) : rejected(this.failure()),
    );
  }

  [attempt](scope: Scope | undefined): readonly [value: T] | undefined {
    this.#checkJoinable(scope);
    return this.ended ? [this.unwrap()] : undefined;
  }

  [enlist](): Operation<T> {
    return new LineOperation(undefined, `join ${this.name}`, (this.#line ??= new WaitLine()));
  }

  #checkJoinable(scope: Scope | undefined): void {
    for (let around = scope; around; around = around.parent) {
      if (around !== this) continue;
      throw new TypeError(`Cannot join ${this.name} as it would wait for itself: called inside that task`);
    }
  }

  /** Its value, or throws like `join`. Only once it has ended. */
  unwrap(): T {
    if (this.progress === 'succeeded') return this.ending as T;
    throw this.failure();
  }

  /** What joining it throws. */
  failure(): unknown {
    return this.progress === 'cancelled' ? new TaskCancelledError(this.name, this.ending) : this.ending;
  }

  get settled(): Promise<TaskOutcome<T>> {
    if (this.ended) return Promise.resolve(this.outcome());
    this.#line ??= new WaitLine();
    // Whoever reads it waits for a task, not for something foreign: a virtual clock wants to know.
    const reader = (currentFrame() as Frame | undefined)?.scope?.extra;
    if (reader) reader.observed = (reader.observed ?? 0) + 1;
    const settle = (): TaskOutcome<T> => {
      if (reader?.observed) reader.observed--;
      return this.outcome();
    };
    return new LineOperation(undefined, 'settled', this.#line).promise.then(settle, settle);
  }

  outcome(): TaskOutcome<T> {
    const { progress, ending } = this;
    if (progress === 'succeeded') return { status: progress, value: ending as T };
    if (progress === 'cancelled') return { status: progress, reason: ending };
    if (progress === 'failed' || progress === 'abandoned') return { status: progress, error: ending };
    throw new ScopeClosedError(this.name);
  }
}

/** @internal Calls its function, in its frame. */
export function startTask(task: TaskScope<unknown>): void {
  task.start();
}

function succeedCurrent(value: unknown): void {
  (currentFrame() as TaskScope<unknown>).bodyEnded(false, value);
}

function failCurrent(error: unknown): void {
  (currentFrame() as TaskScope<unknown>).bodyEnded(true, error);
}
