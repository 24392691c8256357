/** What the tests of this folder share: waits that are watched from outside. */

import { withScope, type Scope } from '../../src/index.ts';

/** A wait that was begun in a scope of its own, and how it stands. */
export class Asked<T> {
  state: 'waiting' | 'got' | 'failed' | 'cancelled' = 'waiting';
  value: T | undefined;
  error: unknown;
  readonly done: Promise<void>;
  #scope: Scope | undefined;

  constructor(wait: (scope: Scope) => Promise<T>, deadlineMs?: number) {
    const watch = async (scope: Scope): Promise<void> => {
      this.#scope = scope;
      try {
        this.value = await wait(scope);
        this.state = 'got';
      } catch (error) {
        this.state = error === scope.reason ? 'cancelled' : 'failed';
        this.error = error;
      }
    };
    this.done = withScope(watch, { deadlineMs });
  }

  get message(): string {
    return (this.error as Error).message;
  }

  cancel(): void {
    this.#scope?.cancel();
  }

  /** What came of it, as a word or a value. */
  get outcome(): unknown {
    if (this.state === 'got') return this.value;
    return this.state === 'failed' ? (this.error as Error).name : this.state;
  }
}

/** Begins to wait, now, for so many milliseconds at most. */
export function ask<T>(wait: (scope: Scope) => Promise<T>, deadlineMs?: number): Asked<T> {
  return new Asked(wait, deadlineMs);
}

/** What came of several. */
export function outcomes(asked: readonly Asked<unknown>[]): unknown[] {
  return asked.map(({ outcome }) => outcome);
}
