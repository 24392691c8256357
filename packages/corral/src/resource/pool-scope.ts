import { Alarm } from '../internal/alarm.ts';
import { runOutside } from '../internal/ambient.ts';
import { TimeoutError } from '../errors.ts';
import { combine, resultOfCancelled } from '../core/exit.ts';
import { awaitsForeign } from '../core/tree.ts';
import { LineOperation, type WaitLine } from '../core/wait-line.ts';
import { walk } from '../core/walk.ts';
import { clock } from '../internal/clock.ts';
import { Scope } from '../core/scope.ts';
import { within } from '../core/within.ts';
import { leaving } from './leaving.ts';
import type { Lease } from './lease.ts';

/** A pool, to its scope. */
interface Closing {
  beginClosing(): void;
  close(): Promise<void>;
}

/**
 * Where the work of a pool lives: making, checking and destroying. It is a root of its own unless the pool was given a
 * scope, and all runs outside every context, so that nothing of whoever came first sticks to it.
 */
export class PoolScope extends Scope {
  readonly #pool: Closing;
  #looking = false;

  constructor(parent: Scope | undefined, name: string, pool: Closing) {
    super(parent, name, undefined);
    this.#pool = pool;
  }

  /** Only what is done for the pool runs in it. */
  override get bodyRuns(): boolean {
    return false;
  }

  /** Whether what is done for the pool waits for something that is not corral's. */
  waitsForForeign(): boolean {
    if (this.#looking) return false; // somebody in here waits for this very pool
    this.#looking = true;
    let found = false;
    walk(this, (scope) => {
      found ||= awaitsForeign(scope);
      return !found;
    });
    this.#looking = false;
    return found;
  }

  /** Nothing can be made any more. Not at once: a cancellation is on its way through the tree. */
  override cancelArrived(): void {
    void Promise.resolve().then(() => runOutside(() => this.#pool.beginClosing()));
  }

  /** What it belongs to ends: it is closed, and what fails then is thrown there. */
  override orphan(around: Scope): void {
    around.hold();
    runOutside(() => this.#pool.close()).then(
      () => around.release(),
      (error: unknown) => around.release({ error }),
    );
  }

  /** Nothing is left. What failed and nobody was told of, as nobody has closed the pool, is thrown by what it belongs to. */
  end(untold: readonly unknown[]): void {
    const { parent } = this;
    parent?.hold();
    this.close();
    parent?.release(untold.length > 0 ? { error: combine(untold, parent) } : undefined);
  }

  /** Runs `fn` in `scope`, a child of this one: cancelled after `ms`, or with the pool. */
  begin<T>(scope: Scope, ms: number, fn: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
    if (ms !== Infinity) scope.expireAt(clock.now() + ms);
    const whenCancelled = (): never => {
      resultOfCancelled(scope, ms);
      throw scope.cancellation;
    };
    return within(scope, fn, { whenCancelled });
  }

  /** Runs `fn` to its end, the cancellation of the pool notwithstanding, for `ms` at most. */
  conclude<T>(name: string, ms: number, fn: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
    return leaving(this, name, ms, fn);
  }
}

/** Somebody who waits for what is done in the scope of a pool, which his own scope does not show. */
export class PoolOperation<T> extends LineOperation<T> {
  readonly #pool: PoolScope;

  constructor(scope: Scope | undefined, kind: string, line: WaitLine<T, PoolOperation<T>>, pool: PoolScope) {
    super(scope, kind, line);
    this.#pool = pool;
  }

  override get foreign(): boolean {
    return this.#pool.waitsForForeign();
  }
}

/** Somebody who waits for a resource of a pool. */
export class Borrower<R> extends PoolOperation<Lease<R>> {
  readonly #alarm: Alarm | undefined;

  constructor(scope: Scope | undefined, pool: PoolScope, line: WaitLine<Lease<R>, Borrower<R>>, ms: number) {
    super(scope, pool.name, line, pool);
    if (ms === Infinity) return;
    this.#alarm = new Alarm(() => this.fail(new TimeoutError(ms, `acquire from ${pool.name}`)));
    this.#alarm.set(ms);
  }

  override leave(happened: boolean): void {
    this.#alarm?.clear();
    super.leave(happened);
  }
}

/** How many of those being made are to be waited for. */
export function inTime(making: Iterable<Scope>): number {
  let count = 0;
  for (const scope of making) if (!scope.cancelled) count++;
  return count;
}
