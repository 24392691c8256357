import type { ErrorReporter } from '../internal/report.ts';
import { resultOfCancelled } from './exit.ts';
import { OpenGroup } from './open-task-group.ts';
import { reportIn, type ReportingRoot } from './report-in.ts';
import { Scope } from './scope.ts';
import type { TaskFunction } from './with-scope.ts';
import { within } from './within.ts';

/** The root that `run` makes: it owns what is detached. */
export class RunScope extends Scope implements ReportingRoot {
  readonly onError: ErrorReporter | undefined;
  /** Whether main was cut off by the cancellation of the root, or failed after it, instead of ending by itself. */
  cutShort = false;
  #detached: OpenGroup | undefined;

  constructor(name: string, onError?: ErrorReporter) {
    super(undefined, name, undefined);
    this.onError = onError;
  }

  /** The group of what is detached; made when it is first needed. */
  get detached(): OpenGroup {
    return (this.#detached ??= new OpenGroup('detached', {
      scope: this,
      onTaskError: (error, task) => {
        reportIn(this, error, `detached task ${task.name} failed`);
        return 'ignore';
      },
    }));
  }

  /** Whether a scope is that of what is detached, which ends with the root. */
  owns(scope: Scope): boolean {
    return scope === this.#detached?.scope;
  }

  /** Runs `main` in it; then cancels what is detached and waits for it. */
  live<T>(main: TaskFunction<T>): Promise<T> {
    const body = async (): Promise<T> => {
      try {
        return await main(this);
      } catch (error) {
        this.cutShort = this.cause !== undefined;
        throw error;
      } finally {
        await this.#detached?.[Symbol.asyncDispose]();
      }
    };
    const whenCancelled = (): never => {
      this.cutShort = true;
      return resultOfCancelled(this, undefined) as never;
    };
    return within<T>(this, body, { whenCancelled });
  }
}
