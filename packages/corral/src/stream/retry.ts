/** Stages that begin anew, or go on with something else, when the stream before them has failed. */

import type { Scope } from '../core/scope.ts';
import { sleepIn } from '../core/sleep.ts';
import { isCancellation } from '../errors.ts';
import { closeAfter, failureOf } from './failures.ts';
import type { End, Opener, Pull } from './pull.ts';

/** What to read on, after an error; or rejects with what is to be thrown. */
type Successor<T> = (error: unknown, scope: Scope) => Promise<Pull<T>>;

/** Reads on with what `successor` gives after an error. Cancellations pass. */
class ResumingPull<T> implements Pull<T> {
  #current: Pull<T> | undefined;
  readonly #successor: Successor<T>;

  constructor(first: Pull<T>, successor: Successor<T>) {
    this.#current = first;
    this.#successor = successor;
  }

  async next(scope: Scope): Promise<T | End> {
    for (;;) {
      try {
        return await (this.#current as Pull<T>).next(scope);
      } catch (error) {
        if (scope.visible || isCancellation(error)) throw error;
        await this.#replace(error, scope);
      }
    }
  }

  async #replace(error: unknown, scope: Scope): Promise<void> {
    const failed = this.#current;
    this.#current = undefined;
    const failure = (await failureOf(() => closeAfter(failed, { error }, scope))) ?? { error };
    if (scope.visible) throw failure.error;
    this.#current = await this.#successor(failure.error, scope);
  }

  async close(scope: Scope): Promise<void> {
    await this.#current?.close(scope);
  }
}

/** How a stream is begun anew. */
export interface RetryPlan {
  readonly attempts: number;
  readonly delayMs: (attempt: number, error: unknown) => number;
  readonly retryIf: (error: unknown, attempt: number) => boolean | PromiseLike<boolean>;
}

/** Begins to read anew, `attempts` times in all. */
export function retried<T>(open: Opener<T>, { attempts, delayMs, retryIf }: RetryPlan): Opener<T> {
  return (home) => {
    let attempt = 1;
    return new ResumingPull(open(home), async (error, scope) => {
      if (attempt >= attempts || !(await retryIf(error, attempt))) throw error;
      await sleepIn(scope, delayMs(attempt, error));
      attempt++;
      return open(home);
    });
  };
}

/** Goes on with what `fn` gives, once. */
export function recovered<T>(open: Opener<T>, fn: (error: unknown, home: Scope) => Promise<Pull<T>>): Opener<T> {
  return (home) => {
    let failed = false;
    return new ResumingPull(open(home), async (error) => {
      if (failed) throw error;
      failed = true;
      return fn(error, home);
    });
  };
}
