import { checkCount, checkFunction, checkOneOf, checkOptions, shown } from '../internal/checks.ts';
import type { ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import type { Scope } from '../core/scope.ts';

/**
 * Options of {@link Pool}. The callbacks run in the pool's own scope, never in that of a borrower, nor in its context: no
 * request id, trace or cancellation of whoever came first sticks to what all use.
 */
export interface PoolOptions<R> extends NameOption {
  /** Makes a resource. */
  readonly create: (scope: Scope) => R | PromiseLike<R>;
  /** Ends one; `error` is what `lease.destroy` was given. Default: disposes what is disposable. */
  readonly destroy?: ((resource: R, error: unknown, scope: Scope) => unknown) | undefined;
  /** Asked each time before an existing one is lent: false, or throwing, and it is replaced. Default: always good. */
  readonly validate?: ((resource: R, scope: Scope) => boolean | PromiseLike<boolean>) | undefined;
  /** How many there are to be at least, from the first borrower on. Default: 0. */
  readonly min?: number | undefined;
  /** How many there are at most, with those being made and those being destroyed. Default: 10. */
  readonly max?: number | undefined;
  /** Milliseconds without use after which one is destroyed, down to `min`. Default: Infinity. */
  readonly idleMs?: number | undefined;
  /** Milliseconds after its making at which one is destroyed, as soon as nobody uses it. Default: Infinity. */
  readonly lifetimeMs?: number | undefined;
  /** Which of the idle ones is lent: the one that was used last, or the one that was not for longest. Default: lifo. */
  readonly order?: 'fifo' | 'lifo' | undefined;
  /** How many may wait; more are refused. Default: Infinity. */
  readonly maxWaiting?: number | undefined;
  /** Milliseconds that a borrower waits at most. Default: Infinity. */
  readonly acquireTimeoutMs?: number | undefined;
  /** Milliseconds that `create` may take before it is cancelled; others are made then if there is room. Default: 30,000. */
  readonly createTimeoutMs?: number | undefined;
  /** Milliseconds that `validate` may take before the resource counts as broken. Default: 5,000. */
  readonly validateTimeoutMs?: number | undefined;
  /** Milliseconds that `destroy` may take before it is given up. Default: 10,000. */
  readonly destroyTimeoutMs?: number | undefined;
  /** Milliseconds that closing waits for what is lent, before it destroys that as well. Default: 5,000. */
  readonly drainMs?: number | undefined;
  /** The scope that the pool lives in: when that ends or is cancelled, the pool is closed. Default: none, only `close`. */
  readonly scope?: Scope | undefined;
}

/** Options of `pool.acquire` and `pool.use`. */
export interface AcquireOptions extends ScopeOption {
  /** Milliseconds to wait at most. Default: the pool's `acquireTimeoutMs`. */
  readonly timeoutMs?: number | undefined;
}

/** A frozen picture of a pool. */
export interface PoolSnapshot {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** All that take a place: the sum of the five that follow. */
  readonly size: number;
  readonly idle: number;
  readonly borrowed: number;
  readonly creating: number;
  readonly validating: number;
  readonly destroying: number;
  /** How many wait in line. */
  readonly waiting: number;
  readonly closed: boolean;
}

/** The options with their defaults. */
export interface PoolSettings<R> {
  readonly create: (scope: Scope) => R | PromiseLike<R>;
  readonly destroy: (resource: R, error: unknown, scope: Scope) => unknown;
  readonly validate: ((resource: R, scope: Scope) => boolean | PromiseLike<boolean>) | undefined;
  readonly min: number;
  readonly max: number;
  readonly idleMs: number;
  readonly lifetimeMs: number;
  readonly fifo: boolean;
  readonly maxWaiting: number;
  readonly acquireTimeoutMs: number;
  readonly createTimeoutMs: number;
  readonly validateTimeoutMs: number;
  readonly destroyTimeoutMs: number;
  readonly drainMs: number;
}

/** Checks the options and fills in the defaults. */
export function poolSettings<R>(options: PoolOptions<R>): PoolSettings<R> {
  const { create, destroy, validate, order } = checkOptions(options, 'new Pool', true);
  checkFunction(create, 'make a pool: create');
  if (destroy !== undefined) checkFunction(destroy, 'make a pool: destroy');
  if (validate !== undefined) checkFunction(validate, 'make a pool: validate');
  checkOneOf(order, ['fifo', 'lifo'], 'set the order of a pool');
  const max = checkCount(options.max ?? 10, 'set max of a pool');
  return {
    create,
    destroy: destroy ?? dispose,
    validate,
    max,
    min: checkCount(options.min ?? 0, 'set min of a pool', 0, max),
    fifo: order === 'fifo',
    maxWaiting: checkCount(options.maxWaiting ?? Infinity, 'set maxWaiting of a pool', 0),
    idleMs: duration(options.idleMs, 'idleMs', Infinity),
    lifetimeMs: duration(options.lifetimeMs, 'lifetimeMs', Infinity),
    acquireTimeoutMs: duration(options.acquireTimeoutMs, 'acquireTimeoutMs', Infinity),
    createTimeoutMs: duration(options.createTimeoutMs, 'createTimeoutMs', 30_000),
    validateTimeoutMs: duration(options.validateTimeoutMs, 'validateTimeoutMs', 5_000),
    destroyTimeoutMs: duration(options.destroyTimeoutMs, 'destroyTimeoutMs', 10_000),
    drainMs: duration(options.drainMs, 'drainMs', 5_000, 0),
  };
}

/** Throws a RangeError unless `value` is a number of milliseconds that is long enough. */
export function duration(value: unknown, option: string, otherwise: number, least = Number.MIN_VALUE): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && value >= least) return value;
  const what = least === 0 ? 'a number of milliseconds, zero or more' : 'a positive number of milliseconds';
  throw new RangeError(`Cannot set ${option} of a pool as it takes ${what}: current value is ${shown(value)}`);
}

/** Ends a resource in the way that it offers itself. */
function dispose(resource: unknown): unknown {
  const given = (resource ?? {}) as Partial<AsyncDisposable & Disposable>;
  return given[Symbol.asyncDispose] ? given[Symbol.asyncDispose]?.() : given[Symbol.dispose]?.();
}
