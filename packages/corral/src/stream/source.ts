/** The beginning of a stream: something iterable that is not corral's. */

import { Operation, entering, refusal } from '../core/operation.ts';
import { realErrorIn } from '../core/exit.ts';
import { reportIn } from '../core/report-in.ts';
import { Scope } from '../core/scope.ts';
import { within } from '../core/within.ts';
import { TimeoutError } from '../errors.ts';
import { isThenable, shown } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { failureOf } from './failures.ts';
import { END, OPEN, type End, type Opener, type Pull, type Step, type StreamSource } from './pull.ts';

/** Milliseconds that the clean-up of a source may take that was left before its end. */
const CLOSING_MS = 10_000;

/** Begins to read `source`: one of corral's streams as such, what else is iterable by its iterator. */
export function openSource<T>(source: StreamSource<T>, home: Scope, call: string): Pull<T> {
  const own = (source as { [OPEN]?: Opener<T> } | null | undefined)?.[OPEN];
  if (own) return own.call(source, home);
  checkSource(source, call);
  return new SourcePull(source);
}

/** Whether `source` can be read as a stream. */
export function isSource(source: unknown): source is StreamSource<unknown> {
  const given = source as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined;
  return typeof given?.[Symbol.asyncIterator] === 'function' || typeof given?.[Symbol.iterator] === 'function';
}

/** Throws a TypeError unless `source` can be read as a stream. */
export function checkSource(source: unknown, call: string): void {
  if (isSource(source)) return;
  throw new TypeError(`Cannot ${call} as it takes an iterable or an async iterable: current value is ${shown(source)}`);
}

let resolveNext: ((value: never) => void) | undefined;
let rejectNext: ((error: unknown) => void) | undefined;
/** One executor for all, as in operations. */
function capture(resolve: (value: never) => void, reject: (error: unknown) => void): void {
  resolveNext = resolve;
  rejectNext = reject;
}

type AnyIterator<T> = Iterator<T | PromiseLike<T>> | AsyncIterator<T>;

/**
 * Reads an iterator. A `next()` that never settles keeps nobody from being cancelled: then the source is closed, which
 * may take its time but not for ever.
 */
class SourcePull<T> implements Pull<T> {
  readonly #source: StreamSource<T>;
  #iterator: AnyIterator<T> | undefined = undefined;
  /** What was asked for and has not come. */
  #asked: Promise<unknown> | undefined = undefined;
  /** Whether there is nothing to be closed: it ended or threw, or was closed. */
  #over = false;
  /** Where the result is waited for; undefined while nobody waits. */
  #waiting: Scope | undefined = undefined;
  #resolve: ((step: Step<T>) => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;

  constructor(source: StreamSource<T>) {
    this.#source = source;
  }

  next(scope: Scope): Step<T> {
    if (this.#over) return END;
    const error = refusal(scope);
    if (error) throw error;
    const iterator = (this.#iterator ??= iteratorOf(this.#source));
    let result: IteratorResult<T | PromiseLike<T>> | PromiseLike<IteratorResult<T>>;
    try {
      result = iterator.next();
    } catch (error) {
      this.#over = true;
      throw error;
    }
    if (!isThenable(result)) return this.#taken(result, scope);
    return this.#wait(Promise.resolve(result), scope);
  }

  /**
   * Waits for the next result. It is no operation: what the source waits for is, or is foreign. Cancelled while the source
   * is still at it, it rejects only when the source has been closed.
   */
  #wait(asked: Promise<IteratorResult<T | PromiseLike<T>>>, scope: Scope): Promise<T | End> {
    const promise = new Promise<T | End>(capture);
    this.#resolve = resolveNext as (step: Step<T>) => void;
    this.#reject = rejectNext;
    this.#asked = asked;
    this.#waiting = scope;
    // One call at a time, so these functions serve for all; `onCancel()` would make two more each time.
    (scope.extra.onCancel ??= new Set()).add(this.#cut);
    asked.then(this.#arrived, this.#broke);
    return promise;
  }

  /** Nobody waits any more. Where it was waited for; undefined when that is over already. */
  #endWait(): Scope | undefined {
    const scope = this.#waiting;
    this.#waiting = undefined;
    scope?.extras?.onCancel?.delete(this.#cut);
    return scope;
  }

  readonly #arrived = (result: IteratorResult<T | PromiseLike<T>>): void => {
    const scope = this.#endWait();
    if (!scope) return;
    try {
      this.#resolve?.(this.#taken(result, scope));
    } catch (error) {
      this.#reject?.(error); // what it gave is no result
    }
  };

  readonly #broke = (error: unknown): void => {
    if (!this.#endWait()) return;
    // An iterator that has thrown is not to be closed.
    this.#asked = undefined;
    this.#over = true;
    this.#reject?.(error);
  };

  readonly #cut = (reason: unknown): void => {
    // What was handed to the source in this very instant is on its way, and is not to be lost.
    clock.turn(() => void this.#giveUp(reason));
  };

  async #giveUp(reason: unknown): Promise<void> {
    const scope = this.#endWait();
    if (!scope) return;
    const failure = await failureOf(() => this.close(scope));
    this.#reject?.(failure ? failure.error : reason);
  }

  /** What came when it was asked. */
  #taken(result: IteratorResult<T | PromiseLike<T>>, scope: Scope): Step<T> {
    this.#asked = undefined;
    if (typeof result !== 'object' || result === null) {
      throw new TypeError(
        `Cannot read a stream as next() of its source gives an object: current value is ${shown(result)}`,
      );
    }
    if (result.done) {
      this.#over = true;
      return END;
    }
    const { value } = result;
    return isThenable(value) ? entering(scope, () => new ValueWait(scope, Promise.resolve(value)).promise) : value;
  }

  async close(scope: Scope): Promise<void> {
    const iterator = this.#iterator;
    const asked = this.#asked;
    this.#asked = undefined;
    if (this.#over || !iterator) return;
    this.#over = true;
    if (scope.phase !== 'open') return closeIterator(iterator, asked, scope);
    // The clean-up of a generator waits in the shield, although all around it may be cancelled.
    const shield = new Scope(scope, 'closing the source', scope.variables, true);
    shield.expireAt(clock.now() + CLOSING_MS);
    try {
      await within(shield, () => new CloseWait(shield, closeIterator(iterator, asked, scope)).promise, {
        ms: CLOSING_MS,
      });
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      reportIn(scope, error, 'the source of a stream did not close');
    }
  }
}

function iteratorOf<T>(source: StreamSource<T>): AnyIterator<T> {
  const given = source as Partial<Iterable<T> & AsyncIterable<T>>;
  const iterator = given[Symbol.asyncIterator]?.() ?? given[Symbol.iterator]?.();
  if (typeof iterator?.next === 'function') return iterator;
  throw new TypeError(`Cannot read a stream as its source gives an iterator: current value is ${shown(iterator)}`);
}

/**
 * Tells the source that nobody will read on. Generators take the message when they come to their next `yield`, in
 * whatever context they are then: so they are told after it. Others may be waiting for the message.
 */
async function closeIterator(
  iterator: AnyIterator<unknown>,
  asked: Promise<unknown> | undefined,
  around: Scope,
): Promise<void> {
  if (asked) {
    const inTurn =
      !iterator.return || (iterator as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'AsyncGenerator';
    if (!inTurn) asked.catch(() => {});
    else if (await endedBy(asked, around)) return;
  }
  await iterator.return?.();
}

/** Waits for what was asked for. Whether the source has ended by it; throws when it failed for a reason of its own. */
async function endedBy(asked: Promise<unknown>, around: Scope): Promise<boolean> {
  try {
    return ((await asked) as IteratorResult<unknown>).done === true;
  } catch (error) {
    // As seen from where it was cancelled, not from within the shield.
    const real = realErrorIn(around, error);
    if (real) throw real.error;
    return true;
  }
}

/** Waiting for a source to close. */
class CloseWait<T> extends Operation<T> {
  constructor(scope: Scope, promise: Promise<T>) {
    super(scope);
    promise.then(
      (value) => this.commit(value),
      (error: unknown) => this.fail(error),
    );
  }

  get kind(): string {
    return 'the source';
  }

  leave(): void {}
}

/** Waiting for a promise that is a value of a sync source. */
class ValueWait<T> extends CloseWait<T> {
  override get kind(): string {
    return this.foreign ? 'foreign promise' : 'a promise';
  }

  /** It may be of one of corral's operations, which waits in the same scope: only if none does it is foreign. */
  override get foreign(): boolean {
    const { scope } = this;
    return scope !== undefined && !scope.firstChild && scope.operations === this && !this.nextInScope;
  }
}
