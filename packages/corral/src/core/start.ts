/** `group.start(fn)`: trio's protocol for tasks that are ready only some time after they began. */

import { GroupClosedError, TaskCancelledError } from '../errors.ts';
import { enqueue } from '../internal/ready.ts';
import { refresh } from './cancellation.ts';
import { currentVariables } from './current.ts';
import { Scope } from './scope.ts';
import { TaskScope, type Task, type TaskOwner } from './task.ts';

/** A task that has announced that it is ready. */
export interface StartedTask<T, V> extends Task<T> {
  /** What it handed to `started(value)`. */
  readonly value: V;
}

/** @internal The group that the task goes to. */
export interface Destination {
  readonly scope: Scope;
  takeOver(task: TaskScope<unknown>): void;
  /** It ended before it was ready. */
  gaveUp(): void;
}

/**
 * @internal The time between the start of a task and its readiness. Until then the task lives in a small scope below the caller,
 * then it moves to the group, which waits for it all the while.
 */
export class Starting<T, V> implements TaskOwner {
  readonly frame = undefined;
  readonly group: Destination;
  readonly #nursery: Nursery;
  /** Stands for the task in the group that waits for it. */
  readonly #place: Nursery;
  readonly #task: TaskScope<T>;
  #value: { readonly value: V } | undefined;
  #ready: (() => void) | undefined;

  constructor(
    group: Destination,
    caller: Scope,
    fn: (scope: Scope, started: (value: V) => void) => T | PromiseLike<T>,
    name: string | undefined,
  ) {
    this.group = group;
    this.#nursery = new Nursery(caller, 'start', undefined);
    this.#place = new Nursery(group.scope, 'a task that is starting', undefined);
    const run = (scope: Scope): T | PromiseLike<T> => fn(scope, (value) => this.#started(value));
    this.#task = new TaskScope<T>(
      this.#nursery,
      this,
      run,
      { name: name ?? (fn.name || undefined) },
      currentVariables(),
    );
  }

  ready(): Promise<StartedTask<T, V>> {
    enqueue(this.#task);
    const result = this.#untilReady();
    this.#nursery.extra.result = result;
    return result;
  }

  async #untilReady(): Promise<StartedTask<T, V>> {
    const task = this.#task;
    await new Promise<void>((resolve) => {
      this.#ready = resolve;
    });
    const outer = this.#nursery.visible;
    this.#nursery.end();
    if (!this.#value) this.group.gaveUp();
    this.#place.end();
    if (this.#value) return Object.assign(task, this.#value);
    if (task.progress === 'failed') throw task.ending;
    if (outer) this.#nursery.passOn(outer.cancellation);
    if (task.progress === 'succeeded') throw this.#misuse('called before the task ends: it returned without');
    throw new TaskCancelledError(task.name, task.ending);
  }

  /** It ended before it was ready. */
  taskEnded(): void {
    this.#ready?.();
  }

  #started(value: V): void {
    // Cancelled with its caller, it stays there and ends; ended, it is too late.
    if (this.#nursery.visible || this.#task.ended) return;
    if (this.#value) throw this.#misuse('called once: it was called before');
    const { scope } = this.group;
    if (scope.phase === 'closed') throw new GroupClosedError(scope.name);
    this.#value = { value };
    this.#ready?.();
    const task = this.#task;
    task.leave();
    scope.adopt(task);
    this.group.takeOver(task);
    refresh(task);
  }

  #misuse(requirement: string): TypeError {
    return new TypeError(`Cannot start ${this.#task.name} as started(value) must be ${requirement}`);
  }
}

/** A place in the tree that runs nothing of its own. */
class Nursery extends Scope {
  override get bodyRuns(): boolean {
    return false;
  }

  override get mayMoveInLate(): boolean {
    return true;
  }

  end(): void {
    this.close();
    this.parent?.checkEmptied();
  }
}
