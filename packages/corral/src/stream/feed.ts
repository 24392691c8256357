/** A bounded buffer between tasks that put in and the one who reads. */

import { passThrough } from '../core/checkpoint.ts';
import { entering, rejected } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { ScopeClosedError } from '../errors.ts';
import { Fifo } from '../internal/fifo.ts';
import { Crew } from './crew.ts';
import { closeAll, failureOf, joined } from './failures.ts';
import { END, type End, type Pull, type Step } from './pull.ts';

/** What becomes of a value for which there is no room: whoever brings it waits, or one of them is dropped. */
export type BufferOverflow = 'wait' | 'drop-oldest' | 'drop-newest';
export const OVERFLOWS: readonly BufferOverflow[] = ['wait', 'drop-oldest', 'drop-newest'];

/** What a feed is made of. */
export interface FeedOptions<T> {
  readonly name: string;
  readonly capacity: number;
  readonly overflow?: BufferOverflow | undefined;
  /** Starts what puts in, when the first value is asked for. */
  readonly begin: (feed: Feed<T>) => void;
  /** What the tasks read: closed when they have ended. */
  readonly upstreams?: readonly Pull<unknown>[] | undefined;
}

/**
 *     tasks ──► putters: wait in line ──► buffer: up to `capacity` ──► takers: wait in line ──► consumer
 *
 * Putters wait only while the buffer is full, takers only while it is empty. It ends when all tasks have.
 */
export class Feed<T> implements Pull<T> {
  readonly name: string;
  readonly #options: FeedOptions<T>;
  readonly #crew: Crew;
  readonly #buffer = new Fifo<T>();
  readonly #putters = new WaitLine<void, Put<T>>();
  readonly #takers = new WaitLine<T | End>();
  #size = 0;
  #tasks = 0;
  #begun = false;
  /** Nothing may be put in any more. */
  #over = false;

  constructor(home: Scope, options: FeedOptions<T>) {
    this.name = options.name;
    this.#options = options;
    this.#crew = new Crew(options.name, home, () => {
      this.#crew.failAll(this.#takers);
    });
  }

  // Putting in ---------------------------------------------------------------------------------------------------

  /** Starts a task that puts in. */
  spawn(name: string, work: (scope: Scope) => Promise<void>): void {
    this.#tasks++;
    this.#crew.spawn(name, async (scope) => {
      await work(scope);
      if (--this.#tasks > 0) return;
      this.#over = true;
      this.#takers.commitAll(END);
    });
  }

  /** Puts a value in: at once, or when there is room. */
  put(scope: Scope, value: T): Promise<void> | undefined {
    if (this.#takers.first?.commit(value)) return undefined;
    const { capacity, overflow } = this.#options;
    if (this.#size < capacity) {
      this.#store(value);
      return undefined;
    }
    if (overflow === 'drop-newest') return undefined;
    if (overflow === 'drop-oldest') {
      this.#buffer.shift();
      this.#buffer.push(value);
      return undefined;
    }
    return entering(scope, () => new Put(scope, `room in ${this.name}`, this.#putters, value).promise);
  }

  /** Like `put`, as an operation: refuses in a cancelled scope, and gives the event loop its turn. */
  emit(scope: Scope, value: T): Promise<void> {
    return entering(scope, () => {
      // Not every caller lives in a scope that has ended by then.
      if (this.#over) return rejected(this.#closed());
      return this.put(scope, value) ?? passThrough(undefined);
    });
  }

  #closed(): ScopeClosedError {
    return new ScopeClosedError(this.name, 'emit');
  }

  #store(value: T): void {
    this.#size++;
    this.#buffer.push(value);
  }

  // Taking out ---------------------------------------------------------------------------------------------------

  next(scope: Scope): Step<T> {
    if (!this.#begun) {
      this.#begun = true;
      this.#options.begin(this);
    }
    if (this.#size > 0) {
      const value = this.#buffer.shift() as T;
      this.#size--;
      const put = this.#admit();
      if (put) this.#store(put.value);
      return value;
    }
    const put = this.#admit();
    if (put) return put.value;
    if (this.#crew.stopped) return this.#crew.failure(scope);
    if (this.#tasks === 0) return END;
    return entering(scope, this.#wait);
  }

  /** Lets the first in who waits for room. */
  #admit(): Put<T> | undefined {
    const put = this.#putters.first;
    return put?.commit(undefined) ? put : undefined;
  }

  readonly #wait = (scope: Scope | undefined): Promise<T | End> =>
    new LineOperation(scope, `the next of ${this.name}`, this.#takers).promise;

  async close(scope: Scope): Promise<void> {
    this.#over = true;
    const failure = await failureOf(() => this.#crew.dismiss(scope));
    this.#putters.failEach(() => this.#closed());
    const later = await failureOf(() => closeAll(this.#options.upstreams ?? [], scope));
    const all = joined(failure, later, scope);
    if (all) throw all.error;
  }
}

class Put<T> extends LineOperation<void> {
  readonly value: T;
  constructor(scope: Scope, kind: string, line: WaitLine<void, Put<T>>, value: T) {
    super(scope, kind, line);
    this.value = value;
  }
}
