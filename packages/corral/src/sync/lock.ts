import type { ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import type { Permit } from './permit.ts';
import { Semaphore } from './semaphore.ts';

/**
 * One at a time.
 *
 * Guarantees: first come first served, no barging; not reentrant: a task that acquires it twice waits for itself.
 * Semantics: trio's Lock.
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
  readonly #semaphore: Semaphore;

  constructor(options?: NameOption) {
    this.#semaphore = new Semaphore(1, { name: options?.name ?? 'lock' });
  }

  get name(): string {
    return this.#semaphore.name;
  }

  /** Whether somebody holds it. */
  get locked(): boolean {
    return this.#semaphore.available === 0;
  }

  /**
   * Waits for the lock.
   *
   * Cancellable: it is not held then.
   */
  acquire(options?: ScopeOption): Promise<Permit> {
    return this.#semaphore.acquire(1, options);
  }

  /** Takes the lock if that needs no waiting. */
  tryAcquire(): Permit | undefined {
    return this.#semaphore.tryAcquire();
  }

  snapshot(): { readonly name: string; readonly locked: boolean; readonly waiting: number } {
    const { name, waiting } = this.#semaphore.snapshot();
    return Object.freeze({ name, locked: this.locked, waiting });
  }
}
