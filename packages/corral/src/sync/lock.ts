import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import { ownerIn } from '../core/current-task.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejected } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { WaitLine, waitInLine } from '../core/wait-line.ts';
import { ambientAvailable } from '../internal/ambient.ts';
import { checkOptions } from '../internal/checks.ts';
import { holding, type HoldBody } from './hold.ts';
import { Permit } from './permit.ts';

/** A frozen picture of a lock. */
export interface LockSnapshot {
  readonly name: string;
  readonly locked: boolean;
  /** The name of the task that holds it, or of the scope where there is no task; undefined when nobody is known to. */
  readonly holder: string | undefined;
  /** How many wait in line. */
  readonly waiting: number;
}

/**
 * One at a time.
 *
 * Guarantees: first come first served, no barging: a release hands it to the first in line before anybody else can take
 * it. Nobody can release what somebody else holds: only the permit gives it back. It is not reentrant: whoever acquires
 * it again while holding it waits for itself. Semantics: asyncio's Lock.
 *
 * @example A read and a write that belong together
 * ```ts run
 * import { Lock, sleep } from 'corral';
 *
 * const lock = new Lock();
 * using _held = await lock.acquire();
 * await sleep(1);
 * ```
 */
export class Lock {
  readonly name: string;
  #locked = false;
  /** In which scope it was acquired; kept only while it is held. */
  #holder: Scope | undefined = undefined;
  readonly #line = new WaitLine<Permit>(() => this.#serve());

  constructor(options?: NameOption) {
    this.name = checkOptions(options, 'new Lock')?.name ?? 'lock';
  }

  /** Whether somebody holds it. */
  get locked(): boolean {
    return this.#locked;
  }

  /**
   * Waits for the lock.
   *
   * Cancellable: it is not held then.
   */
  acquire(options?: ScopeOption): Promise<Permit> {
    try {
      return entering(scopeFor('Lock.acquire', options), this.#begin);
    } catch (error) {
      return rejected(error);
    }
  }

  /** Takes the lock if that needs no waiting; else undefined. */
  tryAcquire(options?: ScopeOption): Permit | undefined {
    if (this.#locked || !this.#line.empty) return undefined;
    const known = ambientAvailable || options?.scope !== undefined;
    return this.#take(known ? scopeFor('Lock.tryAcquire', options) : undefined);
  }

  /**
   * Runs `body` while holding the lock, and returns what it returns: for where there is no `using`.
   *
   * Guarantees: the lock is released when the body has ended, also when it throws; that is before its group
   * hears of the failure, so the next in line may get its turn before it is cancelled.
   *
   * Cancellable: while it waits for the lock; the body then never runs.
   *
   * @example Without using
   * ```ts run
   * import { Lock, sleep } from 'corral';
   *
   * const lock = new Lock();
   * await lock.hold(() => sleep(1));
   * ```
   */
  hold<T>(body: HoldBody<T>, options?: ScopeOption): Promise<T> {
    return holding('Lock.hold', body, () => this.acquire(options), options);
  }

  snapshot(): LockSnapshot {
    const { name, locked } = this;
    return Object.freeze({ name, locked, holder: ownerIn(this.#holder)?.name, waiting: this.#line.length });
  }

  /** @internal */
  takeBack(): void {
    this.#locked = false;
    this.#holder = undefined;
    this.#serve();
  }

  readonly #begin = (scope: Scope | undefined): Promise<Permit> =>
    this.#locked || !this.#line.empty ? waitInLine(scope, this.name, this.#line) : passThrough(this.#take(scope));

  #take(scope: Scope | undefined): Permit {
    this.#locked = true;
    this.#holder = scope;
    return new Permit(this);
  }

  #serve(): void {
    const { first } = this.#line;
    // A first that is just being cancelled leaves, and has the next one served.
    if (this.#locked || !first?.pending) return;
    first.commit(this.#take(first.scope));
  }
}
