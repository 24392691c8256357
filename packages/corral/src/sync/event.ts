import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejecting, type Operation } from '../core/operation.ts';
import { attempt, enlist, type Selectable } from '../core/selectable.ts';
import { LineOperation, WaitLine, waitInLine } from '../core/wait-line.ts';
import { checkOptions } from '../internal/checks.ts';

/** A frozen picture of an event. */
export interface EventSnapshot {
  readonly name: string;
  readonly isSet: boolean;
  /** How many wait for it. */
  readonly waiting: number;
}

/**
 * Something that has happened or not: all wait until it has.
 *
 * Guarantees: `set` wakes all that wait at that moment, in order, also when `clear` follows at once. Semantics:
 * asyncio's Event.
 *
 * @example Wait until it is ready
 * ```ts run
 * import { Event, taskGroup } from 'corral';
 *
 * const ready = new Event();
 * await taskGroup((group) => {
 *   group.spawn(() => ready.wait());
 *   group.spawn(async () => ready.set());
 * });
 * ```
 */
export class Event implements Selectable<void> {
  readonly name: string;
  #happened = false;
  readonly #line = new WaitLine<void>();

  constructor(options?: NameOption) {
    this.name = checkOptions(options, 'new Event')?.name ?? 'event';
  }

  /** Whether it has happened. */
  get isSet(): boolean {
    return this.#happened;
  }

  /** It has happened: all that wait go on, in order. Not a cancellation point. */
  set(): void {
    this.#happened = true;
    this.#line.commitAll(undefined);
  }

  /** From now on it has not; whoever `set` has woken goes on nevertheless. */
  clear(): void {
    this.#happened = false;
  }

  /**
   * Waits until it has happened.
   *
   * Cancellable: nothing is left behind.
   */
  wait(options?: ScopeOption): Promise<void> {
    return rejecting(() => {
      const scope = scopeFor('Event.wait', options);
      if (!this.#happened) return waitInLine(scope, this.name, this.#line);
      return entering(scope, () => passThrough(undefined));
    });
  }

  snapshot(): EventSnapshot {
    const { name, isSet } = this;
    return Object.freeze({ name, isSet, waiting: this.#line.length });
  }

  [attempt](): readonly [value: void] | undefined {
    return this.#happened ? [undefined] : undefined;
  }

  /** @internal */
  [enlist](): Operation<void> {
    return new LineOperation(undefined, this.name, this.#line);
  }
}
