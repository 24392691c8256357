import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { BrokenBarrierError } from '../errors.ts';
import { checkInteger, checkOptions } from '../internal/checks.ts';

/** A frozen picture of a barrier. */
export interface BarrierSnapshot {
  readonly name: string;
  readonly parties: number;
  /** How many have arrived and wait for the others. */
  readonly waiting: number;
  readonly broken: boolean;
}

/**
 * Where so many wait for each other, again and again.
 *
 * Guarantees: when the last one arrives all go on at once, and whoever comes then belongs to the next round, however soon
 * it comes. Whoever is cancelled has not arrived; the others go on waiting. Semantics: asyncio's Barrier; there is no
 * draining, as all leave in the same instant.
 *
 * @example Nobody begins the second step before all have done the first
 * ```ts run
 * import { Barrier, taskGroup } from 'corral';
 *
 * const barrier = new Barrier(3);
 * await taskGroup((group) => {
 *   for (let n = 0; n < 3; n++) {
 *     group.spawn(async () => {
 *       console.log('first', n);
 *       const index = await barrier.wait();
 *       if (index === 0) console.log('all have done the first step');
 *     });
 *   }
 * });
 * ```
 */
export class Barrier {
  readonly name: string;
  /** How many have to arrive. */
  readonly parties: number;
  #broken = false;
  readonly #line = new WaitLine<number>();

  /** @throws {RangeError} when `parties` is not a positive integer. */
  constructor(parties: number, options?: NameOption) {
    this.parties = checkInteger(parties, 'make a barrier');
    this.name = checkOptions(options, 'new Barrier')?.name ?? 'barrier';
  }

  /** How many have arrived and wait for the others. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Whether it was aborted and not reset since. */
  get broken(): boolean {
    return this.#broken;
  }

  /**
   * Waits until as many as there are parties have arrived. Returns the place in the order of arrival among those who go
   * on together, from 0: whoever gets 0 may do what one of them is to do.
   *
   * Cancellable: it has not arrived then; the others wait for somebody else.
   *
   * @throws {BrokenBarrierError} when the barrier is broken, or is aborted or reset meanwhile.
   */
  wait(options?: ScopeOption): Promise<number> {
    return rejecting(() => entering(scopeFor('Barrier.wait', options), this.#arrive));
  }

  /** Makes it as new: those who wait get a {@link BrokenBarrierError}, and it is not broken any more. */
  reset(): void {
    this.#broken = false;
    this.#turnAway();
  }

  /** Breaks it: those who wait, and all who come, get a {@link BrokenBarrierError}, until it is reset. */
  abort(): void {
    this.#broken = true;
    this.#turnAway();
  }

  snapshot(): BarrierSnapshot {
    const { name, parties, waiting, broken } = this;
    return Object.freeze({ name, parties, waiting, broken });
  }

  readonly #arrive = (scope: Scope | undefined): Promise<number> => {
    if (this.#broken) throw new BrokenBarrierError(this.name);
    if (this.waiting + 1 < this.parties) return new LineOperation(scope, this.name, this.#line).promise;
    let index = 0;
    while (this.#line.first?.commit(index)) index++;
    return passThrough(index);
  };

  #turnAway(): void {
    this.#line.failEach(() => new BrokenBarrierError(this.name));
  }
}
