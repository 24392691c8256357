/** Task groups, as their users see them. */

import type { ScopeOption } from './current.ts';
import { inGroup } from './in-group.ts';
import type { Scope } from './scope.ts';
import type { StartedTask } from './start.ts';
import type { Task, TaskState } from './task.ts';
import type { TaskFunction } from './with-scope.ts';

/** What a group does about a task that failed. `ignore`: the error has been dealt with. */
export type TaskErrorDecision = 'cancel' | 'collect' | 'ignore';

/** What the combinators (gather, map, …) share with {@link TaskGroupOptions}. */
export interface GroupOptions extends ScopeOption {
  /** What it is called in messages and in the task tree. Default: the name of the body or of the call. */
  readonly name?: string | undefined;
  /** How many tasks run at a time. Default: Infinity. */
  readonly concurrency?: number | undefined;
  /** `first`: the first failure is thrown, later ones attached. `aggregate`: always a TaskGroupError. Default: first. */
  readonly errors?: 'first' | 'aggregate' | undefined;
  /** A foreign signal that cancels the group; the call then throws the signal's reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which tasks that ignore their cancellation are abandoned. Default: never. */
  readonly graceMs?: number | undefined;
  /**
   * Whether each task has an async context of its own. Without, tasks cost half as much: all run in the context in which
   * the group was opened, that of other libraries included, and are to use their scope argument; an ambient call in one
   * finds the group's scope. Default: true where the platform can.
   */
  readonly ambient?: boolean | undefined;
}

/** Options of {@link taskGroup} and openTaskGroup. */
export interface TaskGroupOptions extends GroupOptions {
  /**
   * What a failed task means: `cancel` the others, `collect` the errors and throw them at the end, or a function that
   * decides for each. Default: cancel.
   */
  readonly onTaskError?:
    | 'cancel'
    | 'collect'
    | ((error: unknown, task: Task<unknown>) => TaskErrorDecision)
    | undefined;
}

/** Options of {@link TaskGroup.spawn}. */
export interface SpawnOptions {
  /** What the task is called. Default: the name of its function. */
  readonly name?: string | undefined;
  /** Runs it at once, up to its first await. Default: false, it starts in a microtask. */
  readonly eager?: boolean | undefined;
  /** Cancelled when the body and all other tasks have ended; takes no place of `concurrency`. Default: false. */
  readonly background?: boolean | undefined;
  /** `always`: runs even when it was cancelled before its start, to take care of what it was given. */
  readonly start?: 'always' | undefined;
}

/** A frozen picture of a group. */
export interface TaskGroupSnapshot {
  readonly name: string;
  readonly cancelled: boolean;
  readonly concurrency: number;
  readonly running: number;
  readonly waiting: number;
  readonly tasks: readonly { readonly id: number; readonly name: string; readonly state: TaskState }[];
}

/**
 * Tasks that live and end together.
 *
 * Guarantees: no task outlives its group; the first failure cancels the others, and is thrown when all have ended;
 * finished tasks leave at once, so a group may live and spawn for ever. Semantics: trio's nursery, asyncio's TaskGroup.
 */
export interface TaskGroup {
  /** The scope of the body and of all tasks. */
  readonly scope: Scope;
  /** The scope's AbortSignal, for foreign calls. */
  readonly signal: AbortSignal;
  /** How many tasks run at a time; may be changed at any time. */
  concurrency: number;
  /** The tasks that have not ended. */
  readonly tasks: ReadonlySet<Task<unknown>>;
  /**
   * Starts a task in a microtask, in order of spawning, as soon as `concurrency` allows.
   *
   * In a cancelled group the function is never called and the task is already cancelled. Spawning while the group waits
   * at its end is allowed. Scope and deadline come from the group, context variables from the spawner.
   *
   * @throws {GroupClosedError} when the group has ended; a TypeError when `fn` is not a function.
   */
  spawn<T>(fn: TaskFunction<T>, options?: SpawnOptions): Task<T>;
  /**
   * Waits until `concurrency` leaves a place free, then spawns: the spawner feels the backpressure.
   *
   * Cancellable: nothing is spawned then.
   */
  spawnWhenReady<T>(fn: TaskFunction<T>, options?: SpawnOptions & ScopeOption): Promise<Task<T>>;
  /**
   * Starts a task and waits until it calls `started(value)`. Before that it belongs to the caller: the caller's
   * cancellation reaches it, and its errors are thrown here. After that it belongs to the group.
   *
   * Cancellable: the task has ended then.
   *
   * @throws {TypeError} when the task ends without `started`, or calls it twice.
   */
  start<T, V = void>(
    fn: (scope: Scope, started: (value: V) => void) => T | PromiseLike<T>,
    options?: { readonly name?: string | undefined } & ScopeOption,
  ): Promise<StartedTask<T, V>>;
  /**
   * Cancels the body and all tasks; the group then returns normally, and gives undefined when the body was cut off.
   * Idempotent.
   */
  cancel(reason?: unknown): void;
  /**
   * Waits until all tasks but background ones have ended.
   *
   * Cancellable: the group goes on.
   */
  join(options?: ScopeOption): Promise<void>;
  snapshot(): TaskGroupSnapshot;
}

/**
 * Runs `body` with a group to spawn tasks in, and waits for all of them.
 *
 * Guarantees: it settles only when the body and all tasks have ended. When one fails, the others are cancelled and
 * awaited, then the first failure is thrown as it is; later ones are attached (`suppressedErrors`).
 *
 * The value: what the body returned. After `group.cancel()` it returns normally too: when that cut the body off,
 * taskGroup gives undefined although its type is that of the body's value. Do inside the body what is to be done with the
 * value, or look at `group.scope.cancelled`; a group that nobody cancels always gives what the body returned.
 *
 * Cancellable: what the body waits for throws; it settles when all has ended.
 *
 * @throws {CancelledError} when the scope around it was cancelled, plain, never wrapped.
 *
 * @example Two tasks that end together
 * ```ts run
 * import { sleep, taskGroup } from 'corral';
 *
 * const sum = await taskGroup(async (group) => {
 *   const one = group.spawn(() => sleep(1).then(() => 1));
 *   const two = group.spawn(async () => 2);
 *   return (await one.join()) + (await two.join());
 * });
 * console.log(sum); // 3
 * ```
 */
export function taskGroup<T>(body: (group: TaskGroup) => T | PromiseLike<T>, options?: TaskGroupOptions): Promise<T> {
  return inGroup('taskGroup', body, options, { named: body });
}
