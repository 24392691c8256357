import type { ScopeOption } from '../core/current.ts';
import type { Scope } from '../core/scope.ts';
import { checkCount, checkFunction, checkNumber, checkOneOf, checkOptions, isThenable } from '../internal/checks.ts';
import { BatchPull, TimedBatchPull } from './batch.ts';
import { FlatPull, ZipPull, buffered, concatenated, flatMerged, merged } from './combine.ts';
import { ConcurrentPull, type Work } from './concurrent.ts';
import { Consumable } from './consumable.ts';
import { OVERFLOWS, type BufferOverflow } from './feed.ts';
import { FusedPull, type StageMaker } from './fused.ts';
import { produce, type Producer, type StreamFunction } from './produce.ts';
import { OPEN, SKIP, type Opener, type Pull, type StreamSource } from './pull.ts';
import { recovered, retried } from './retry.ts';
import { checkSource, openSource } from './source.ts';
import * as stages from './stages.ts';
import type { StageFunction } from './stages.ts';
import { DebouncePull, ThrottlePull, TimeoutPull } from './timed.ts';

/** Options of {@link stream}. */
export interface StreamOptions extends ScopeOption {
  /** What it is called in messages and in the task tree. Default: the name of the producer. */
  readonly name?: string | undefined;
  /** How many values a producer may be ahead of whoever reads them; 0: each waits until it is taken. Default: 16. */
  readonly capacity?: number | undefined;
}

/** Options of {@link Stream.map} and {@link Stream.filter}. */
export interface ConcurrencyOptions {
  /** How many items at a time; twice as many are read ahead of whoever takes the results, at most. Default: 1. */
  readonly concurrency?: number | undefined;
  /** Whether the results come in the order of the items, not of completion. Default: true. */
  readonly ordered?: boolean | undefined;
}

/** Options of {@link Stream.batch}. */
export interface BatchOptions {
  /** Milliseconds after its first value came when a batch is given although it is not full. Default: never. */
  readonly maxWaitMs?: number | undefined;
}

/** Options of {@link Stream.throttle}. */
export interface StreamThrottleOptions {
  /** The length of time in which at most `limit` values pass, in milliseconds. Default: 1,000. */
  readonly perMs?: number | undefined;
  /** How many values pass in that time. Default: 1. */
  readonly limit?: number | undefined;
}

/** Options of {@link Stream.retry}. */
export interface StreamRetryOptions {
  /** How often the stream is begun in all. Default: 3. */
  readonly attempts?: number | undefined;
  /** Milliseconds to wait before it is begun anew, or a function of the attempts so far and the error. Default: 0. */
  readonly delayMs?: number | ((attempt: number, error: unknown) => number) | undefined;
  /** Whether to begin anew after this error. Default: always. */
  readonly retryIf?: ((error: unknown, attempt: number) => boolean | PromiseLike<boolean>) | undefined;
}

const CAPACITY = 16;

/**
 * Values that come one after the other: a lazy, immutable description of where they come from and what is done with them.
 *
 * Guarantees: nothing runs before it is read, and each reading is a run of its own. Nothing is read further ahead than
 * the stages say. However a reading ends (by its end, an error, `break`, cancellation, a timeout around it), all that was
 * started for it is cancelled and awaited before the loop's statement ends, and sources are closed once. A source that is
 * deaf to that is given ten seconds, and reported.
 *
 * Stages without concurrency run in the scope of whoever asks for a value, one loop for all of them; the others have tasks
 * in the scope in which the iteration was begun.
 */
export class Stream<T> extends Consumable<T> {
  /** @internal */
  protected readonly given: Scope | undefined;
  readonly #source: Opener<unknown>;
  readonly #stages: readonly StageMaker[];

  /** @internal Use `stream(source)`. */
  constructor(source: Opener<unknown>, given: Scope | undefined, makers: readonly StageMaker[] = []) {
    super();
    this.#source = source;
    this.#stages = makers;
    this.given = given;
  }

  /** @internal */
  get [OPEN](): Opener<T> {
    const makers = this.#stages;
    const source = this.#source;
    if (makers.length === 0) return source as Opener<T>;
    return (home) => new FusedPull<T>(source(home), makers);
  }

  #stage<R>(maker: StageMaker): Stream<R> {
    return new Stream<R>(this.#source, this.given, [...this.#stages, maker]);
  }

  #after<R>(open: Opener<R>): Stream<R> {
    return new Stream<R>(open, this.given);
  }

  /** The same stream, read in `scope`: for where nothing is ambient. */
  in(scope: Scope): Stream<T> {
    return new Stream<T>(this.#source, scope, this.#stages);
  }

  // Item by item -------------------------------------------------------------------------------------------------

  /**
   * What `fn` makes of each value. With `concurrency`, several at a time, each worker in a task of its own.
   *
   * Guarantees: after a failure what runs is cancelled and awaited, then the failure is thrown; results that were ready,
   * and next in order, come before it.
   */
  map<R>(fn: StageFunction<T, R>, options?: ConcurrencyOptions): Stream<Awaited<R>> {
    checkFunction(fn, 'map a stream');
    if (!concurrent(options, 'map')) return this.#stage(stages.mapping(fn));
    return this.#concurrently('map', fn as Work<T, Awaited<R>>, options);
  }

  /** The values to which `fn` says yes. */
  filter<S extends T>(fn: (value: T, index: number, scope: Scope) => value is S): Stream<S>;
  filter(fn: StageFunction<T, unknown>, options?: ConcurrencyOptions): Stream<T>;
  filter(fn: StageFunction<T, unknown>, options?: ConcurrencyOptions): Stream<T> {
    checkFunction(fn, 'filter a stream');
    if (!concurrent(options, 'filter')) return this.#stage(stages.filtering(fn));
    const keep: Work<T, T> = async (item, index, scope) => ((await fn(item, index, scope)) ? item : SKIP);
    return this.#concurrently('filter', keep, options);
  }

  #concurrently<R>(name: string, work: Work<T, R>, { concurrency = 1, ordered = true }: ConcurrencyOptions): Stream<R> {
    const open = this[OPEN];
    return this.#after((home) => new ConcurrentPull(name, home, open(home), work, { concurrency, ordered }));
  }

  /** Calls `fn` for each value on its way, and waits for it. */
  tap(fn: StageFunction<T, unknown>): Stream<T> {
    checkFunction(fn, 'tap a stream');
    return this.#stage(stages.tapping(fn));
  }

  /** The first `count` values; what comes after the last of them is not asked for. */
  take(count: number): Stream<T> {
    return this.#stage(stages.taking(checkCount(count, 'take from a stream', 0)));
  }

  /** The values before the first to which `fn` says no. */
  takeWhile(fn: StageFunction<T, unknown>): Stream<T> {
    checkFunction(fn, 'take from a stream');
    return this.#stage(stages.takingWhile(fn));
  }

  /** Without the first `count` values. */
  skip(count: number): Stream<T> {
    return this.#stage(stages.skipping(checkCount(count, 'skip in a stream', 0)));
  }

  /** The values from the first on to which `fn` says no. */
  skipWhile(fn: StageFunction<T, unknown>): Stream<T> {
    checkFunction(fn, 'skip in a stream');
    return this.#stage(stages.skippingWhile(fn));
  }

  /** What `fn` makes of each value and what came of the ones before, beginning with `initial`. */
  scan<R>(fn: (state: R, value: T, index: number, scope: Scope) => R | PromiseLike<R>, initial: R): Stream<R> {
    checkFunction(fn, 'scan a stream');
    return this.#stage(stages.scanning(fn as never, initial));
  }

  /** Without the values that have come before, or whose key has. It keeps all keys. */
  distinct(key?: StageFunction<T, unknown>): Stream<T> {
    if (key !== undefined) checkFunction(key, 'compare the values of a stream');
    return this.#stage(stages.unique(key));
  }

  /** Each value together with the one before it. */
  pairwise(): Stream<[T, T]> {
    return this.#stage(stages.pairing());
  }

  // Several streams ----------------------------------------------------------------------------------------------

  /**
   * The values of what `fn` makes of each value: one after the other, or, with `concurrency`, of several at a time as they
   * come.
   */
  flatMap<R>(
    fn: StageFunction<T, StreamSource<R>>,
    options?: { readonly concurrency?: number | undefined },
  ): Stream<R> {
    checkFunction(fn, 'flatMap a stream');
    const open = this[OPEN];
    const inner = (index: number, item: T, scope: Scope, home: Scope): Pull<R> | Promise<Pull<R>> =>
      opened(fn(item, index, scope), home);
    if (!concurrent(options, 'flatMap')) {
      return this.#after((home) => {
        let index = 0;
        return new FlatPull(open(home), (item, scope) => inner(index++, item, scope, home));
      });
    }
    const { concurrency = 1 } = options;
    return this.#after((home) => {
      let index = 0;
      return flatMerged(open, (item, scope) => inner(index++, item, scope, scope), concurrency)(home);
    });
  }

  /** Its values and those of the others, as they come. */
  merge<U = T>(...others: readonly StreamSource<U>[]): Stream<T | U> {
    return this.#after(merged<T | U>([this[OPEN], ...others.map((other) => openerOf(other, 'merge streams'))]));
  }

  /** Its values, then those of the others, one stream after the other. */
  concat<U = T>(...others: readonly StreamSource<U>[]): Stream<T | U> {
    return this.#after(concatenated<T | U>([this[OPEN], ...others.map((other) => openerOf(other, 'concat streams'))]));
  }

  /** Its values side by side with those of the others, asked for in turn; ends with the first of them that ends. */
  zip<U extends readonly unknown[]>(...others: { readonly [K in keyof U]: StreamSource<U[K]> }): Stream<[T, ...U]> {
    const openers = [this[OPEN], ...others.map((other) => openerOf<unknown>(other, 'zip streams'))];
    const open = (home: Scope): ZipPull => new ZipPull(openers.map((opener) => opener(home)));
    return this.#after(open as Opener<unknown> as Opener<[T, ...U]>);
  }

  // Ahead, and in time -------------------------------------------------------------------------------------------

  /**
   * Reads up to `count` values ahead, in a task of its own. When there is no room it waits; or drops the oldest that was
   * not taken, or the newest.
   */
  buffer(count: number, overflow?: BufferOverflow): Stream<T> {
    checkOneOf(overflow, OVERFLOWS, 'set the overflow of a buffer');
    return this.#after(buffered(this[OPEN], checkCount(count, 'buffer a stream'), overflow));
  }

  /**
   * Arrays of `count` values; the last may be shorter. With `maxWaitMs` the next batch is read while one is dealt with.
   * Values that came before an error come before it.
   */
  batch(count: number, options?: BatchOptions): Stream<T[]> {
    checkCount(count, 'batch a stream');
    const maxWaitMs = checkNumber(checkOptions(options, 'batch')?.maxWaitMs ?? Infinity, 'set maxWaitMs of a batch');
    const open = this[OPEN];
    if (maxWaitMs === Infinity) return this.#after((home) => new BatchPull(open(home), count));
    return this.#after((home) => new TimedBatchPull(home, open(home), count, maxWaitMs));
  }

  /** At most `limit` values in any `perMs` milliseconds; the others wait where they come from. */
  throttle(options: StreamThrottleOptions): Stream<T> {
    const { perMs = 1_000, limit = 1 } = checkOptions(options, 'throttle', true);
    checkNumber(perMs, 'set perMs of a throttle');
    checkCount(limit, 'set the limit of a throttle');
    const open = this[OPEN];
    return this.#after((home) => new ThrottlePull(open(home), limit, perMs));
  }

  /** The values after which nothing came for `ms` milliseconds, and the last one; the others are dropped. */
  debounce(ms: number): Stream<T> {
    checkNumber(ms, 'debounce a stream');
    const open = this[OPEN];
    return this.#after((home) => new DebouncePull(home, open(home), ms));
  }

  /** Throws a TimeoutError when a value that was asked for has not come within `ms` milliseconds. */
  timeout(ms: number): Stream<T> {
    checkNumber(ms, 'set the timeout of a stream');
    const open = this[OPEN];
    return this.#after((home) => new TimeoutPull(open(home), ms));
  }

  // Failures -----------------------------------------------------------------------------------------------------

  /** Begins anew when what is before it has failed and was closed; values that were given may so come again. */
  retry(options?: StreamRetryOptions): Stream<T> {
    const { attempts = 3, delayMs = 0, retryIf = () => true } = checkOptions(options, 'retry') ?? {};
    checkCount(attempts, 'set the attempts of retry');
    if (typeof delayMs !== 'function') checkNumber(delayMs, 'set delayMs of retry');
    checkFunction(retryIf, 'set retryIf of retry');
    const plan = { attempts, retryIf, delayMs: typeof delayMs === 'function' ? delayMs : () => delayMs };
    return this.#after(retried(this[OPEN], plan));
  }

  /** When what is before it has failed, goes on with the values of what `fn` gives; `fn` may throw as well. */
  catch<U = T>(fn: (error: unknown) => StreamSource<U> | PromiseLike<StreamSource<U>>): Stream<T | U> {
    checkFunction(fn, 'catch the error of a stream');
    const instead = async (error: unknown, home: Scope): Promise<Pull<T | U>> => opened<T | U>(fn(error), home);
    return this.#after(recovered<T | U>(this[OPEN], instead));
  }
}

function concurrent<O extends { readonly concurrency?: number | undefined; readonly ordered?: boolean | undefined }>(
  options: O | undefined,
  call: string,
): options is O {
  checkOptions(options, call);
  checkOneOf(options?.ordered, [true, false] as never, 'set ordered');
  return checkCount(options?.concurrency ?? 1, 'set the concurrency of a stream') > 1;
}

function openerOf<T>(source: StreamSource<T>, call: string): Opener<T> {
  checkSource(source, call);
  return (home) => openSource(source, home, call);
}

function opened<R>(source: StreamSource<R> | PromiseLike<StreamSource<R>>, home: Scope): Pull<R> | Promise<Pull<R>> {
  if (!isThenable(source)) return openSource(source, home, 'read on in a stream');
  return Promise.resolve(source).then((ready) => openSource(ready, home, 'read on in a stream'));
}

/**
 * A stream of what `source` gives: something iterable, sync or async, a queue or a receiver, or a function that emits
 * values. The function runs as a task behind a bounded buffer from when the first value is asked for, waits at
 * `await emit(value)` while that is full, belongs to whoever reads, and is cancelled and awaited when reading ends early.
 *
 * A function may also return what is to be read, and is then called for each reading: a generator function as it is, any
 * other in a task. Promises in a sync iterable are awaited, in order.
 *
 * Guarantees: those of {@link Stream}.
 *
 * Cancellable: wherever it is read.
 *
 * @throws {TypeError} when `source` is none of these.
 *
 * @example Ten at a time
 * ```ts run
 * import { sleep, stream } from 'corral';
 *
 * const squares = stream([1, 2, 3, 4])
 *   .filter((n) => n !== 2)
 *   .map((n) => sleep(1).then(() => n * n), { concurrency: 10 });
 * for await (const square of squares) console.log(square); // 1, 9, 16
 * ```
 *
 * @example A function that emits
 * ```ts run
 * import { sleep, stream } from 'corral';
 *
 * const beats = stream<number>(async (emit) => {
 *   for (let beat = 1; ; beat++) {
 *     await emit(beat);
 *     await sleep(1);
 *   }
 * });
 * console.log(await beats.take(3).toArray()); // [1, 2, 3]
 * ```
 */
export function stream<T>(source: StreamSource<T>, options?: StreamOptions): Stream<T>;
export function stream<T>(producer: Producer<T>, options?: StreamOptions): Stream<T>;
export function stream<T>(
  make: () => StreamSource<T> | PromiseLike<StreamSource<T>>,
  options?: StreamOptions,
): Stream<T>;
export function stream<T>(source: StreamSource<T> | StreamFunction<T>, options?: StreamOptions): Stream<T> {
  const { scope, capacity = CAPACITY, name } = checkOptions(options, 'stream') ?? {};
  checkCount(capacity, 'make a stream', 0);
  if (typeof source !== 'function') return new Stream<T>(openerOf(source, 'make a stream'), scope);
  return new Stream<T>(produce(source, capacity, name ?? (source.name || 'producer')), scope);
}
