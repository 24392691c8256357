import { ClosedResourceError, LineFullError, TaskCancelledError, TimeoutError, isCancellation } from '../errors.ts';
import { Alarm } from '../internal/alarm.ts';
import { runOutside } from '../internal/ambient.ts';
import { checkFunction } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { passThrough } from '../core/checkpoint.ts';
import { currentVariables, scopeFor, type ScopeOption } from '../core/current.ts';
import { combine } from '../core/exit.ts';
import { entering, rejected, rejecting } from '../core/operation.ts';
import { quietly } from '../core/quietly.ts';
import { reportIn } from '../core/report-in.ts';
import { Scope } from '../core/scope.ts';
import { WaitLine } from '../core/wait-line.ts';
import { within } from '../core/within.ts';
import { Lease, lendFor } from './lease.ts';
import { ExitScope, alive } from './leaving.ts';
import { IdleList, type PoolEntry } from './pool-entry.ts';
import {
  duration,
  poolSettings,
  type AcquireOptions,
  type PoolOptions,
  type PoolSettings,
  type PoolSnapshot,
} from './pool-options.ts';
import { Borrower, PoolOperation, PoolScope, inTime } from './pool-scope.ts';

/** Milliseconds after a resource could not be made for the sake of `min`, before it is tried again. */
const REFILL_MS = 1_000;

/**
 * Resources that are made when they are needed, lent to one borrower at a time, and kept for the next.
 *
 * Guarantees: no resource has two borrowers; there are never more than `max`, with those being made and being destroyed;
 * first come first served, no barging: what is given back goes to the first in line before anybody else can take it.
 * Making is not the borrower's own doing: it goes on when the borrower is cancelled, and what comes of it goes to the
 * next in line or becomes idle; when it fails, the first in line gets the error and the next one another try. Errors that
 * nobody is there for go to the error reporter. Each resource that was made is destroyed once.
 *
 * A pool belongs to nobody but whoever closes it (`await using`, `close`), so that it may be made anywhere, also before
 * `run`, and outlive the request that made it; with `{ scope }` it belongs to that scope and is closed with it. Its timer
 * does not keep the process alive; what is open may.
 *
 * @example Two connections for everybody
 * ```ts run
 * import { Pool, map, sleep } from 'corral';
 *
 * let made = 0;
 * await using pool = new Pool({
 *   create: async () => ({ id: ++made, query: (n: number) => sleep(1).then(() => n * n) }),
 *   max: 2,
 * });
 * const squares = await map([1, 2, 3], (n) => pool.use((connection) => connection.query(n)));
 * console.log(squares, made); // [1, 4, 9] 2
 * ```
 */
export class Pool<R> implements AsyncDisposable {
  readonly name: string;
  readonly #settings: PoolSettings<R>;
  readonly #scope: PoolScope;
  readonly #line = new WaitLine<Lease<R>, Borrower<R>>(() => this.#serve());
  readonly #idle = new IdleList<R>();
  readonly #borrowed = new Set<PoolEntry<R>>();
  /** The scopes of those being made. */
  readonly #making = new Set<Scope>();
  #validating = 0;
  #destroying = 0;
  /** Whether somebody has come: `min` is kept from then on. */
  #warm = false;
  #refillAt = -Infinity;
  readonly #alarm = new Alarm(() => this.#tidy(), true);
  #alarmAt = Infinity;
  #closing = false;
  /** Whether somebody waits for its end, who is told of what fails. */
  #awaited = false;
  #gone = false;
  readonly #closers = new WaitLine<void, PoolOperation<void>>();
  readonly #drain = new Alarm(() => this.#tear());
  /** Closing no longer waits for those being made. */
  #gaveUp = false;
  readonly #errors: unknown[] = [];

  /** @throws {TypeError} or RangeError when an option is wrong; ScopeClosedError when the scope has ended. */
  constructor(options: PoolOptions<R>) {
    this.#settings = poolSettings(options);
    this.name = options.name ?? 'pool';
    const parent = options.scope === undefined ? undefined : scopeFor('Pool', { scope: options.scope });
    this.#scope = new PoolScope(parent, this.name, this);
    if (this.#scope.cancelled) this.beginClosing();
  }

  /**
   * Waits for a resource: `using lease = await pool.acquire()`, then `lease.value`.
   *
   * Cancellable: nothing is borrowed then.
   *
   * @throws what `create` throws; {@link ClosedResourceError} when the pool is closed, also meanwhile; TimeoutError when it
   *   takes too long; LineFullError when too many wait.
   */
  acquire(options?: AcquireOptions): Promise<Lease<R>> {
    return rejecting(() => {
      const ms = duration(options?.timeoutMs, 'timeoutMs', this.#settings.acquireTimeoutMs);
      return entering(scopeFor('Pool.acquire', options), this.#begin, ms);
    });
  }

  /**
   * Borrows a resource for as long as `body` runs; `lease.destroy()` in it says that the resource is broken.
   *
   * Cancellable: the body is; the resource has been given back then.
   *
   * @throws what {@link acquire} and `body` throw.
   */
  use<V>(
    body: (resource: R, lease: Lease<R>, scope: Scope) => V | PromiseLike<V>,
    options?: AcquireOptions,
  ): Promise<V> {
    return rejecting(() => {
      checkFunction(body, 'use a resource');
      const scope = scopeFor('Pool.use', options);
      return quietly(async () => lendFor(await this.acquire(options), body, scope, `use ${this.name}`));
    });
  }

  /**
   * Ends the pool: who waits gets ClosedResourceError, what is idle is destroyed, what is being made is cancelled, what is
   * lent is waited for, and after `drainMs` destroyed as well. Returns when all is gone; whoever calls it again waits, too.
   * Not a cancellation point.
   *
   * @throws what `destroy` has thrown, the first with the others attached, and TimeoutError when `drainMs` was not enough.
   */
  close(options?: ScopeOption): Promise<void> {
    return rejecting(() => {
      const first = !this.#awaited;
      this.#awaited = true;
      this.beginClosing();
      const around = alive(options?.scope && scopeFor('Pool.close', options));
      const own = new ExitScope(around, `close ${this.name}`, currentVariables(), true);
      return within(own, async () => {
        if (!this.#gone) await new PoolOperation(own, `end of ${this.name}`, this.#closers, this.#scope).promise;
        if (first && this.#errors.length > 0) throw combine(this.#errors, own);
      });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  snapshot(): PoolSnapshot {
    const { min, max } = this.#settings;
    return Object.freeze({
      name: this.name,
      min,
      max,
      size: this.#size,
      idle: this.#idle.length,
      borrowed: this.#borrowed.size,
      creating: this.#making.size,
      validating: this.#validating,
      destroying: this.#destroying,
      waiting: this.#line.length,
      closed: this.#closing,
    });
  }

  /** Those that there are, or will be. */
  get #living(): number {
    return this.#idle.length + this.#borrowed.size + this.#making.size + this.#validating;
  }

  get #size(): number {
    return this.#living + this.#destroying;
  }

  // Borrowing ----------------------------------------------------------------------------------------------------

  readonly #begin = (scope: Scope | undefined, ms: number): Promise<Lease<R>> => {
    if (this.#closing) return rejected(new ClosedResourceError(this.name, 'acquire from'));
    this.#warm = true;
    const line = this.#line;
    const { max, maxWaiting, validate } = this.#settings;
    const entry = line.empty && !validate ? this.#takeIdle() : undefined;
    if (entry) return passThrough(this.#lend(entry));
    // Those for whom there is a place, whoever makes what fills it, do not wait for others.
    if (line.length >= maxWaiting + max - this.#borrowed.size - this.#destroying) {
      return rejected(new LineFullError(maxWaiting, this.name));
    }
    const { promise } = new Borrower(scope, this.#scope, line, ms);
    this.#serve();
    return promise;
  };

  /** @internal */
  takeBack(entry: PoolEntry<R>, broken: { readonly error: unknown } | undefined): void {
    if (!this.#borrowed.delete(entry)) return; // closing has taken it
    if (broken || this.#closing || this.#expired(entry)) this.#end(entry, broken?.error);
    else if (this.#line.empty || this.#settings.validate) this.#rest(entry);
    else this.#hand(entry);
    this.#serve();
  }

  /** Gives what is idle to those who wait, and makes as many as are missing. */
  #serve(): void {
    const { validate, max, min } = this.#settings;
    while (!this.#closing && this.#line.length > this.#validating) {
      const entry = this.#takeIdle();
      if (!entry) break;
      if (validate) this.#check(entry, validate);
      else if (!this.#hand(entry)) break;
    }
    const missing = (): boolean =>
      this.#line.length > this.#validating + inTime(this.#making) ||
      (this.#warm && this.#living < min && clock.now() >= this.#refillAt);
    while (!this.#closing && this.#size < max && missing()) this.#make();
  }

  /** Takes the next of the idle ones out; destroys those on its way that have become too old. */
  #takeIdle(): PoolEntry<R> | undefined {
    for (;;) {
      const entry = this.#settings.fifo ? this.#idle.first : this.#idle.last;
      if (!entry) return undefined;
      this.#idle.remove(entry);
      if (!this.#expired(entry)) return entry;
      this.#end(entry, undefined);
    }
  }

  #lend(entry: PoolEntry<R>): Lease<R> {
    this.#borrowed.add(entry);
    return new Lease<R>(this, entry);
  }

  /** Lends it to the first in line; without one it becomes idle. */
  #hand(entry: PoolEntry<R>): boolean {
    if (this.#line.first?.commit(this.#lend(entry))) return true;
    this.#borrowed.delete(entry);
    this.#rest(entry);
    return false;
  }

  #rest(entry: PoolEntry<R>): void {
    entry.idleSince = clock.now();
    this.#idle.push(entry);
    this.#tidyAt(this.#dueAt(entry));
  }

  // Making, checking, destroying ---------------------------------------------------------------------------------

  #make(): void {
    const { create, createTimeoutMs } = this.#settings;
    const scope = new Scope(this.#scope, `create in ${this.name}`, undefined);
    this.#making.add(scope); // before anything of the user's runs, which may come back here
    // One that goes on although its time is over keeps its place, but nobody waits for it.
    scope.onCancel(() => clock.turn(() => this.#serve()));
    runOutside(() => {
      void this.#scope.begin(scope, createTimeoutMs, create).then(
        (resource) => this.#made(scope, resource),
        (error: unknown) => this.#notMade(scope, error),
      );
    });
  }

  #made(scope: Scope, resource: R): void {
    this.#making.delete(scope);
    const now = clock.now();
    const entry = { resource, madeAt: now, idleSince: now, ended: false, before: undefined, after: undefined };
    if (this.#closing) this.#end(entry, undefined);
    else this.#hand(entry);
    this.#settled();
  }

  #notMade(scope: Scope, cause: unknown): void {
    this.#making.delete(scope);
    const cancelled = isCancellation(cause);
    const error = cancelled ? new TaskCancelledError(scope.name, cause) : cause;
    if (!this.#line.first?.fail(error) && !(cancelled && this.#closing)) {
      reportIn(this.#scope, error, `${this.name} could not make a resource`);
      this.#refillAt = clock.now() + REFILL_MS;
      this.#tidyAt(this.#refillAt);
    }
    this.#settled();
  }

  #check(entry: PoolEntry<R>, validate: NonNullable<PoolSettings<R>['validate']>): void {
    this.#validating++;
    const { validateTimeoutMs } = this.#settings;
    const concluded = (good: boolean, error: unknown): void => {
      this.#validating--;
      if (good && !this.#closing) this.#hand(entry);
      else this.#end(entry, error);
      this.#settled();
    };
    runOutside(() => {
      const asked = (scope: Scope): boolean | PromiseLike<boolean> => validate(entry.resource, scope);
      void this.#scope.conclude(`validate in ${this.name}`, validateTimeoutMs, asked).then(
        (good) => concluded(good, undefined),
        (error: unknown) => concluded(false, error),
      );
    });
  }

  #end(entry: PoolEntry<R>, error: unknown): void {
    entry.ended = true;
    this.#destroying++;
    const { destroy, destroyTimeoutMs } = this.#settings;
    const concluded = (failure?: { readonly error: unknown }): void => {
      this.#destroying--;
      if (failure && this.#closing && !this.#gone) this.#errors.push(failure.error);
      else if (failure) reportIn(this.#scope, failure.error, `${this.name} could not destroy a resource`);
      this.#settled();
    };
    runOutside(() => {
      const destroyed = (scope: Scope): unknown => destroy(entry.resource, error, scope);
      void this.#scope.conclude(`destroy in ${this.name}`, destroyTimeoutMs, destroyed).then(
        () => concluded(),
        (failure: unknown) => concluded({ error: failure }),
      );
    });
  }

  /** Something has come to its end: there may be a place, or nothing left. */
  #settled(): void {
    if (this.#closing) this.#checkGone();
    else this.#serve();
  }

  // Growing old --------------------------------------------------------------------------------------------------

  #expired(entry: PoolEntry<R>): boolean {
    return entry.madeAt + this.#settings.lifetimeMs <= clock.now();
  }

  /** When something is to be done about an idle one. */
  #dueAt(entry: PoolEntry<R>): number {
    const { min, idleMs, lifetimeMs } = this.#settings;
    return Math.min(entry.madeAt + lifetimeMs, this.#living > min ? entry.idleSince + idleMs : Infinity);
  }

  /** One timer for all. It may come too early: then it is set anew. */
  #tidyAt(at: number): void {
    if (at >= this.#alarmAt) return;
    this.#alarmAt = at;
    runOutside(() => this.#alarm.set(at - clock.now()));
  }

  #tidy(): void {
    this.#alarmAt = Infinity;
    const now = clock.now();
    const all = [...this.#idle]; // destroying one may come back here and take others
    for (const entry of all) {
      if (!this.#idle.has(entry) || this.#dueAt(entry) > now) continue;
      this.#idle.remove(entry);
      this.#end(entry, undefined);
    }
    for (const entry of this.#idle) this.#tidyAt(this.#dueAt(entry));
    this.#serve();
  }

  // Closing ------------------------------------------------------------------------------------------------------

  /** @internal */
  beginClosing(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#alarm.clear();
    this.#line.failEach(() => new ClosedResourceError(this.name, 'acquire from'));
    for (let entry = this.#idle.first; entry; entry = this.#idle.first) {
      this.#idle.remove(entry);
      this.#end(entry, undefined);
    }
    for (const scope of this.#making) {
      scope.cancelFor({ kind: 'closed', by: this.name });
      scope.expireAt(Infinity); // one that never ends must not keep the process alive
    }
    if (this.#borrowed.size + this.#making.size > 0) this.#drain.set(this.#settings.drainMs);
    this.#checkGone();
  }

  /** Closing has waited long enough. */
  #tear(): void {
    this.#gaveUp = true;
    const error = new TimeoutError(this.#settings.drainMs, `close ${this.name}`);
    this.#errors.push(error);
    for (const entry of this.#borrowed) {
      this.#borrowed.delete(entry); // before it is destroyed, which may give it back
      this.#end(entry, error);
    }
    this.#checkGone();
  }

  #checkGone(): void {
    if (this.#gone || this.#size > (this.#gaveUp ? this.#making.size : 0)) return;
    this.#gone = true;
    this.#drain.clear();
    this.#scope.end(this.#awaited ? [] : this.#errors.splice(0));
    this.#closers.commitAll(undefined);
  }
}
