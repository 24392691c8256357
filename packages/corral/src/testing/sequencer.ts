import { scopeFor, type ScopeOption } from '../core/current.ts';
import { entering, rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { WaitLine, waitInLine } from '../core/wait-line.ts';
import { CorralError } from '../errors.ts';
import { shown } from '../internal/checks.ts';

/** An earlier position of a {@link Sequencer} was cancelled: this one can never come. */
export class SequenceBrokenError extends CorralError {
  constructor(position: number) {
    super(`Cannot reach position ${position} as every position before it must have ended: one was cancelled`);
  }
  override get name(): string {
    return 'SequenceBrokenError';
  }
  get code(): 'CORRAL_SEQUENCE_BROKEN' {
    return 'CORRAL_SEQUENCE_BROKEN';
  }
}

/**
 * Forces the order in which pieces of different tasks run: position 0 first, 1 when that has ended, and so on.
 *
 * Semantics: trio's Sequencer.
 *
 * @example The other one first
 * ```ts run
 * import { taskGroup } from 'corral';
 * import { Sequencer } from 'corral/testing';
 *
 * const sequencer = new Sequencer();
 * await taskGroup((group) => {
 *   group.spawn(() => sequencer.at(1, () => console.log('second')));
 *   group.spawn(() => sequencer.at(0, () => console.log('first')));
 * });
 * ```
 */
export class Sequencer {
  #next = 0;
  #broken = false;
  readonly #claimed = new Set<number>();
  readonly #lines = new Map<number, WaitLine<void>>();

  /**
   * Waits for its position, runs `body`, and lets the next position come.
   *
   * Cancellable: all later positions then fail instead of waiting for ever.
   *
   * @throws {SequenceBrokenError} when an earlier one was cancelled; a RangeError when the position is taken.
   */
  at<T>(position: number, body: () => T | PromiseLike<T>, options?: ScopeOption): Promise<T> {
    return rejecting(() => {
      if (!Number.isInteger(position) || position < 0 || this.#claimed.has(position)) {
        const requirement = 'each position is a whole number that is used once';
        throw new RangeError(`Cannot wait in sequence as ${requirement}: current value is ${shown(position)}`);
      }
      this.#claimed.add(position);
      const reached = this.#reach(position, scopeFor('Sequencer.at', options));
      const result = reached.then(() => this.#run(position, body));
      // A position that was not reached because of a cancellation is no failure to be told of.
      reached.catch(() => result.catch(() => {}));
      return result;
    });
  }

  async #reach(position: number, scope: Scope | undefined): Promise<void> {
    try {
      if (this.#broken) throw new SequenceBrokenError(position);
      const line = position === this.#next ? undefined : this.#line(position);
      await entering(scope, async () => line && waitInLine(scope, `position ${position}`, line));
    } catch (error) {
      this.#break();
      throw error;
    }
  }

  async #run<T>(position: number, body: () => T | PromiseLike<T>): Promise<T> {
    try {
      return await body();
    } finally {
      this.#next = position + 1;
      this.#lines.get(this.#next)?.commitAll(undefined);
    }
  }

  #line(position: number): WaitLine<void> {
    const line = this.#lines.get(position) ?? new WaitLine<void>();
    this.#lines.set(position, line);
    return line;
  }

  #break(): void {
    this.#broken = true;
    for (const [position, line] of this.#lines) line.failEach(() => new SequenceBrokenError(position));
  }
}
