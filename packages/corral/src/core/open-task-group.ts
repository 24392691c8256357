import type { ScopeOption } from './current.ts';
import { Group } from './group.ts';
import type { TaskGroup, TaskGroupOptions } from './task-group.ts';

/** A group whose life is a block's. */
export interface OpenTaskGroup extends TaskGroup, AsyncDisposable {
  /**
   * Waits until all tasks but background ones have ended, ends the group, and throws what failed.
   *
   * Cancellable: the tasks are cancelled when the block is left.
   */
  join(options?: ScopeOption): Promise<void>;
}

/**
 * Opens a group for `await using`: end the block with `await group.join()`. Leaving it any other way cancels the tasks
 * and waits for them.
 *
 * Guarantees: it is never ambient (what the block calls belongs to the scope around it), failures are thrown by `join`
 * or, when the block was left early, by the disposal. Semantics: Java's StructuredTaskScope.
 *
 * @example A group for the rest of a block
 * ```ts run
 * import { openTaskGroup, sleep } from 'corral';
 *
 * const group = openTaskGroup(); // with the syntax at hand: await using group = openTaskGroup();
 * try {
 *   const task = group.spawn(() => sleep(1).then(() => 42));
 *   await group.join();
 *   console.log(await task.join());
 * } finally {
 *   await group[Symbol.asyncDispose]();
 * }
 * ```
 */
export function openTaskGroup(options?: TaskGroupOptions): OpenTaskGroup {
  return new OpenGroup('openTaskGroup', options);
}

/** @internal */
export class OpenGroup extends Group implements OpenTaskGroup {
  #ending: Promise<void> | undefined;

  override join(options?: ScopeOption): Promise<void> {
    const joined = super.join(options);
    const ended = joined.then(() => this.#endOnce(() => this.#end()));
    // Waiting that was refused or cut off is no failure to be told of; a failure of the group is.
    joined.catch(() => ended.catch(() => {}));
    return ended;
  }

  /** Disposing is idempotent; cancelling is not a failure of the block. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ending) return this.#ending.catch(() => {});
    this.scope.cancelFor({ kind: 'closed', by: this.scope.name });
    await this.#endOnce(() => this.#stop());
  }

  /** Nobody will dispose it any more: it ends itself, and the scope around it throws what failed. */
  override orphaned(): void {
    if (!this.#ending) this[Symbol.asyncDispose]().catch(() => {});
  }

  #endOnce(end: () => Promise<void>): Promise<void> {
    this.#ending ??= this.scope.extra.result = end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    await this.finish();
    this.conclude(undefined, true);
  }

  async #stop(): Promise<void> {
    await this.finish();
    this.throwFailures();
  }
}
