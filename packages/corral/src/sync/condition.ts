import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, refusal, rejecting } from '../core/operation.ts';
import { quietly } from '../core/quietly.ts';
import type { Scope } from '../core/scope.ts';
import { shield } from '../core/shield.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { checkCount, checkFunction, checkOptions, isThenable, shown } from '../internal/checks.ts';
import type { HoldBody } from './hold.ts';
import { Lock } from './lock.ts';
import { Permit } from './permit.ts';

/** A frozen picture of a condition. */
export interface ConditionSnapshot {
  readonly name: string;
  /** Whether somebody holds its lock. */
  readonly locked: boolean;
  /** How many wait to be notified; those who wait for the lock again are not among them. */
  readonly waiting: number;
}

/**
 * Waiting, with a lock, until what the lock guards has changed.
 *
 * Guarantees: whoever waits has let go of the lock and has it again when `wait` is over, whichever way it ended.
 * Notified are those who wait, in order. A notification is not lost: when whom it woke is cancelled before it has the
 * lock again, the next one gets it. That the lock is held is proved by its permit, which every call takes; several
 * conditions may share a lock. Semantics: asyncio's Condition.
 *
 * @example A basket with room for one
 * ```ts run
 * import { Condition, taskGroup } from 'corral';
 *
 * const changed = new Condition();
 * const basket: string[] = [];
 * await taskGroup((group) => {
 *   group.spawn(async () => {
 *     using held = await changed.acquire();
 *     await changed.waitFor(held, () => basket.length > 0);
 *     console.log(basket.pop());
 *   });
 *   group.spawn(async () => {
 *     using held = await changed.acquire();
 *     basket.push('apple');
 *     changed.notify(held);
 *   });
 * });
 * ```
 */
export class Condition {
  readonly name: string;
  /** What guards the state that is waited for. */
  readonly lock: Lock;
  readonly #line = new WaitLine<void>();

  /** With a lock of its own unless it is given one. */
  constructor(lock?: Lock, options?: NameOption) {
    if (lock !== undefined && !(lock instanceof Lock)) {
      throw new TypeError(`Cannot make a condition as it takes a Lock: current value is ${shown(lock)}`);
    }
    this.name = checkOptions(options, 'new Condition')?.name ?? 'condition';
    this.lock = lock ?? new Lock({ name: `lock of ${this.name}` });
  }

  /**
   * Waits for the lock.
   *
   * Cancellable: it is not held then.
   */
  acquire(options?: ScopeOption): Promise<Permit> {
    return this.lock.acquire(options);
  }

  /** Takes the lock if that needs no waiting; else undefined. */
  tryAcquire(options?: ScopeOption): Permit | undefined {
    return this.lock.tryAcquire(options);
  }

  /**
   * Runs `body` while holding the lock, and returns what it returns: for where there is no `using`.
   *
   * Cancellable: while it waits for the lock; the body then never runs.
   */
  hold<T>(body: HoldBody<T>, options?: ScopeOption): Promise<T> {
    return this.lock.hold(body, options);
  }

  /**
   * Lets go of the lock, waits to be notified, and takes the lock again.
   *
   * It may be over although nothing has changed for this waiter: look again, or use {@link waitFor}.
   *
   * Cancellable: `held` holds the lock again then, which is waited for under a shield, and the notification, if there was
   * one, has gone to the next in line.
   *
   * @throws {TypeError} when `held` does not hold this condition's lock.
   */
  wait(held: Permit, options?: ScopeOption): Promise<void> {
    return rejecting(() => {
      const scope = scopeFor('Condition.wait', options);
      this.#check(held, 'wait for');
      return entering(scope, this.#begin, held);
    });
  }

  /**
   * Waits until `predicate()` is truthy, and returns what it gave. It is called at first, and after each notification,
   * while the lock is held.
   *
   * Cancellable: as `wait` is.
   *
   * @throws {TypeError} when `held` does not hold this condition's lock, or when the predicate gives a promise.
   * @throws what the predicate throws.
   */
  waitFor<T>(held: Permit, predicate: () => T, options?: ScopeOption): Promise<T> {
    return rejecting(() => {
      const scope = scopeFor('Condition.waitFor', options);
      this.#check(held, 'wait for');
      checkFunction(predicate, `wait for ${this.name}`);
      return entering(scope, () => quietly(() => this.#waitFor(held, predicate, scope)));
    });
  }

  /**
   * Wakes `count` of those who wait, in order; they go on when they have the lock. Not a cancellation point.
   *
   * @throws {TypeError} when `held` does not hold this condition's lock.
   * @throws {RangeError} when `count` is neither a positive integer nor Infinity.
   */
  notify(held: Permit, count = 1): void {
    this.#check(held, 'notify');
    this.#wake(checkCount(count, `notify ${this.name}`));
  }

  /**
   * Wakes all who wait now. Not a cancellation point.
   *
   * @throws {TypeError} when `held` does not hold this condition's lock.
   */
  notifyAll(held: Permit): void {
    this.#check(held, 'notify');
    this.#wake(Infinity);
  }

  snapshot(): ConditionSnapshot {
    return Object.freeze({ name: this.name, locked: this.lock.locked, waiting: this.#line.length });
  }

  readonly #begin = (scope: Scope | undefined, held: Permit): Promise<void> => {
    const notified = new LineOperation(scope, this.name, this.#line).promise;
    held.suspend();
    return quietly(() => this.#goOn(notified, held, scope));
  };

  /** Waits to be notified and for the lock. It has happened when both have come and nothing was cancelled meanwhile. */
  async #goOn(notified: Promise<void>, held: Permit, scope: Scope | undefined): Promise<void> {
    let woken = false;
    let problem: unknown;
    try {
      await notified;
      woken = true;
      await this.#lockAgain(held, scope);
    } catch (error) {
      problem = error;
      if (!woken) await this.#lockAgain(held, scope).catch(() => {});
    }
    problem ??= refusal(scope);
    if (!problem && !held.held) {
      problem = new TypeError(`Cannot go on in ${this.name} as its lock must be held: it was released while waiting`);
    }
    if (!problem) return;
    if (woken) this.#wake(1);
    throw problem;
  }

  /** Makes `held` hold the lock again, unless nobody is there any more who could give it back. */
  async #lockAgain(held: Permit, scope: Scope | undefined): Promise<void> {
    try {
      if (hasEnded(scope)) return;
      const again =
        this.lock.tryAcquire({ scope }) ??
        (await shield((inner) => this.lock.acquire({ scope: inner }), { scope, name: this.name }));
      if (hasEnded(scope) || !held.resume()) again.release();
    } finally {
      if (!held.held) held.release();
    }
  }

  async #waitFor<T>(held: Permit, predicate: () => T, scope: Scope | undefined): Promise<T> {
    for (;;) {
      const value = predicate();
      if (isThenable(value)) {
        throw new TypeError(`Cannot wait for ${this.name} as the predicate gives a value at once: it gave a promise`);
      }
      if (value) return passThrough(value);
      await this.wait(held, { scope });
    }
  }

  #wake(count: number): void {
    for (let left = count; left > 0 && this.#line.first?.commit(undefined); left--);
  }

  #check(held: Permit, action: string): void {
    if (held instanceof Permit && held.provesFor(this.lock)) return;
    const value = held instanceof Permit ? 'one that holds something else, or nothing any more' : shown(held);
    const hint = typeof held === 'function' ? ' (the permit from acquire() comes first)' : '';
    throw new TypeError(
      `Cannot ${action} ${this.name} as it takes the permit that holds its lock: current value is ${value}${hint}`,
    );
  }
}

function hasEnded(scope: Scope | undefined): boolean {
  return scope !== undefined && scope.phase !== 'open';
}
