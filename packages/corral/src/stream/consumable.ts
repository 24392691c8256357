import type { ScopeOption } from '../core/current.ts';
import { rejecting } from '../core/operation.ts';
import { quietly } from '../core/quietly.ts';
import type { Scope } from '../core/scope.ts';
import { checkCount, checkFunction, checkOptions, isThenable } from '../internal/checks.ts';
import { ConcurrentPull } from './concurrent.ts';
import { ENOUGH, drain, iterate, type StreamIterator } from './iterate.ts';
import { OPEN, type Opener, type Pull } from './pull.ts';
import type { StageFunction } from './stages.ts';

/** Options of {@link Stream.forEach}. */
export interface StreamForEachOptions extends ScopeOption {
  /** How many calls at a time. Default: 1. */
  readonly concurrency?: number | undefined;
}

/**
 * The ways in which a {@link Stream} is read. Each begins an iteration of its own.
 *
 * Guarantees, for all: when it settles, nothing that was started for it is running any more, and what was read has been
 * closed.
 *
 * Cancellable: all that runs for it is cancelled and awaited first; what it had read ahead is lost.
 */
export abstract class Consumable<T> implements AsyncIterable<T> {
  /** @internal The scope that was given. */
  protected abstract readonly given: Scope | undefined;

  /** @internal */
  abstract get [OPEN](): Opener<T>;

  /**
   * Begins an iteration: `for await (const value of stream)`. The tasks behind it live in the scope of this call, each wait
   * for a value in that of whoever asks for it.
   */
  [Symbol.asyncIterator](): StreamIterator<T> {
    return iterate(this[OPEN], this.given);
  }

  /** @internal */
  iterateIn(scope: Scope): StreamIterator<T> {
    return iterate(this[OPEN], scope);
  }

  /** All values, as an array. */
  toArray(options?: ScopeOption): Promise<T[]> {
    return quietly(async () => {
      const values: T[] = [];
      await this.#each(options, (value) => void values.push(value));
      return values;
    });
  }

  /** Calls `fn` for each value and waits for it: one after the other, or, with `concurrency`, several at a time. */
  forEach(fn: StageFunction<T, unknown>, options?: StreamForEachOptions): Promise<void> {
    return rejecting(() => {
      const concurrency = checkCount(
        checkOptions(options, 'forEach')?.concurrency ?? 1,
        'set the concurrency of forEach',
      );
      if (concurrency === 1) return quietly(() => this.#indexed('forEach', fn, options, () => false));
      checkFunction(fn, 'call forEach of a stream');
      const read = this[OPEN];
      const open = (home: Scope): Pull<unknown> =>
        new ConcurrentPull('forEach', home, read(home), fn, { concurrency, ordered: false });
      return quietly(() => drain(open, options?.scope ?? this.given, () => undefined));
    });
  }

  /** Makes one value of all: `fn` gets what came of the ones before. */
  reduce<R>(
    fn: (state: R, value: T, index: number, scope: Scope) => R | PromiseLike<R>,
    initial: R,
    options?: ScopeOption,
  ): Promise<R> {
    return quietly(async () => {
      checkFunction(fn, 'reduce a stream');
      let state = initial;
      let index = 0;
      await this.#each(options, (value, scope) => {
        const next = fn(state, value, index++, scope);
        if (isThenable(next)) return Promise.resolve(next).then((truly) => void (state = truly));
        state = next;
        return undefined;
      });
      return state;
    });
  }

  /** The first value, after which nothing is read; undefined when there is none. */
  first(options?: ScopeOption): Promise<T | undefined> {
    return quietly(async () => {
      let first: T | undefined;
      await this.#each(options, (value) => {
        first = value;
        return ENOUGH;
      });
      return first;
    });
  }

  /** The last value; undefined when there is none. */
  last(options?: ScopeOption): Promise<T | undefined> {
    return quietly(async () => {
      let last: T | undefined;
      await this.#each(options, (value) => void (last = value));
      return last;
    });
  }

  /** How many values there are. */
  count(options?: ScopeOption): Promise<number> {
    return quietly(async () => {
      let count = 0;
      await this.#each(options, () => void count++);
      return count;
    });
  }

  /** Whether `fn` says yes to one of the values; nothing is read after that. */
  some(fn: StageFunction<T, unknown>, options?: ScopeOption): Promise<boolean> {
    return quietly(async () => {
      let found = false;
      await this.#indexed('some', fn, options, (yes) => (found = Boolean(yes)));
      return found;
    });
  }

  /** Whether `fn` says yes to all values; nothing is read after the first no. */
  every(fn: StageFunction<T, unknown>, options?: ScopeOption): Promise<boolean> {
    return quietly(async () => {
      let all = true;
      await this.#indexed('every', fn, options, (yes) => !(all = Boolean(yes)));
      return all;
    });
  }

  /** The first value to which `fn` says yes, after which nothing is read; undefined when there is none. */
  find<S extends T>(
    fn: (value: T, index: number, scope: Scope) => value is S,
    options?: ScopeOption,
  ): Promise<S | undefined>;
  find(fn: StageFunction<T, unknown>, options?: ScopeOption): Promise<T | undefined>;
  find(fn: StageFunction<T, unknown>, options?: ScopeOption): Promise<T | undefined> {
    return quietly(async () => {
      let found: T | undefined;
      await this.#indexed('find', fn, options, (yes, value) => {
        if (yes) found = value;
        return Boolean(yes);
      });
      return found;
    });
  }

  #each(options: ScopeOption | undefined, each: (value: T, scope: Scope) => unknown): Promise<void> {
    return drain(this[OPEN], options?.scope ?? this.given, each);
  }

  /** Calls `fn` for each value until `enough` says so of what it gave. */
  #indexed(
    call: string,
    fn: StageFunction<T, unknown>,
    options: ScopeOption | undefined,
    enough: (said: unknown, value: T) => boolean,
  ): Promise<void> {
    return rejecting(() => {
      checkFunction(fn, `call ${call} of a stream`);
      let index = 0;
      return this.#each(options, (value, scope) => {
        const said = fn(value, index++, scope);
        if (!isThenable(said)) return enough(said, value) ? ENOUGH : undefined;
        return Promise.resolve(said).then((truly) => (enough(truly, value) ? ENOUGH : undefined));
      });
    });
  }
}
