import { OpenGroup } from '../core/open-task-group.ts';
import type { Scope } from '../core/scope.ts';
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

  /** After it was stopped: waits for the tasks and throws what stopped it, to everybody who asks. */
  failure(): Promise<never> {
    return (this.#failure ??= this.#fail());
  }

  async #fail(): Promise<never> {
    const { reason } = this.group.scope;
    await this.dismiss();
    throw reason;
  }

  /** Cancels the tasks and waits for them; throws what failed, the first time. */
  dismiss(): Promise<void> {
    return this.group[Symbol.asyncDispose]();
  }
}
