/**
 * The time limits of an exchange, one phase after the other, in one entry of the wheel.
 *
 * Most limits are later than the one before: then the entry stays where it is in the wheel, and is set again when it rings
 * too early. So a request sets it about twice, and not at each step.
 */

import { DeadlineEntry, type DeadlineWheel } from '../deadlines.ts';
import type { TimeoutKind } from '../errors.ts';
import type { Journey } from './journey.ts';

export abstract class PhaseDeadline extends DeadlineEntry {
  readonly journey: Journey;
  readonly #wheel: DeadlineWheel;
  /** When the present phase has lasted too long, and what that is called. */
  #limitAt = Infinity;
  #limit: TimeoutKind = 'acquire';
  /** When the entry rings: never later than `#limitAt` and the total. */
  #armedAt = Infinity;

  constructor(wheel: DeadlineWheel, journey: Journey) {
    super();
    this.#wheel = wheel;
    this.journey = journey;
  }

  /** The time of a phase is up, or of all of it. A phase that has more after all sets it again. */
  protected abstract timeIsUp(kind: TimeoutKind, now: number): void;

  /** Whether it has ended, whichever way. */
  abstract get over(): boolean;

  /** A phase begins; unless it was ended by a listener that was told of it. */
  protected limit(kind: TimeoutKind, ms: number, now: number): void {
    if (this.over) return;
    this.#limit = kind;
    this.limitAt(now + ms, now);
  }

  /** The present phase ends at another time. */
  protected limitAt(at: number, now: number): void {
    this.#limitAt = at;
    if (Math.min(at, this.journey.totalAt) < this.#armedAt) this.#arm(now);
  }

  /** The present phase ends no later than that. */
  protected limitBy(at: number, now: number): void {
    this.limitAt(Math.min(this.#limitAt, at), now);
  }

  protected clearLimit(): void {
    this.#wheel.clear(this);
  }

  /** Told by the wheel. */
  override expired(): void {
    const now = performance.now();
    this.#armedAt = Infinity;
    if (now >= this.journey.totalAt) this.timeIsUp('total', now);
    else if (now >= this.#limitAt) this.timeIsUp(this.#limit, now);
    else this.#arm(now);
  }

  #arm(now: number): void {
    const at = Math.min(this.#limitAt, this.journey.totalAt);
    this.#armedAt = at;
    this.#wheel.set(this, Math.max(0, at - now));
  }
}
