import { OpenGroup } from '../core/open-task-group.ts';
import type { Scope } from '../core/scope.ts';
import type { WaitLine } from '../core/wait-line.ts';
import { TaskCancelledError } from '../errors.ts';

/**
 * The tasks that work for a stage. They live in the scope in which the iteration was begun; what they fail with is thrown
 * at whoever reads the stage.
 */
export class Crew {
  readonly group: OpenGroup;
  #failure: Promise<never> | undefined = undefined;

  /** `stopped` is called, once, when the tasks have been cancelled: one failed, or all around was cancelled. */
  constructor(name: string, home: Scope, stopped: () => void) {
    this.group = new OpenGroup(name, { scope: home });
    this.group.scope.onCancel(stopped);
  }

  get stopped(): boolean {
    return this.group.scope.cancelled;
  }

  /** Starts a task; one that is cancelled by itself, and so does not do its part, fails all. */
  spawn(name: string, work: (scope: Scope) => Promise<void>): void {
    this.group.spawn((scope) => this.#run(scope, name, work), { name });
  }

  async #run(scope: Scope, name: string, work: (scope: Scope) => Promise<void>): Promise<void> {
    try {
      await work(scope);
    } catch (error) {
      if (scope.cancelled && !this.stopped) this.group.fail(new TaskCancelledError(name, error), name);
      throw error;
    }
  }

  /** After it was stopped: waits in `scope` for the tasks and throws what stopped it, to everybody who asks. */
  failure(scope: Scope | undefined): Promise<never> {
    const failure = (this.#failure ??= this.#fail());
    if (scope) waitsForTasks(scope, failure);
    return failure;
  }

  /** After it was stopped: lets those who wait for a value wait for that instead. */
  failAll(takers: WaitLine<unknown>): void {
    // A promise is taken over by that of the operation.
    for (let first = takers.first; first; first = takers.first) first.commit(this.failure(first.scope));
  }

  async #fail(): Promise<never> {
    const { reason } = this.group.scope;
    await this.group[Symbol.asyncDispose]();
    throw reason;
  }

  /** Cancels the tasks and waits for them, in `scope`; throws what failed, the first time. */
  dismiss(scope: Scope): Promise<void> {
    const ended = this.group[Symbol.asyncDispose]();
    waitsForTasks(scope, ended);
    return ended;
  }
}

/** The tasks may live elsewhere than in `scope`: a virtual clock wants to know that it waits for nothing foreign. */
function waitsForTasks(scope: Scope, ended: Promise<unknown>): void {
  const { extra } = scope;
  extra.observed = (extra.observed ?? 0) + 1;
  const forget = (): void => {
    extra.observed = (extra.observed ?? 1) - 1;
  };
  ended.then(forget, forget);
}
