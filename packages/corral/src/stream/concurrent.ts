/** One function for several items at a time: workers read the stream before it, no further ahead than they are many. */

import { checkpointIn } from '../core/checkpoint.ts';
import { entering } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine, waitInLine } from '../core/wait-line.ts';
import { isThenable } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { Crew } from './crew.ts';
import { failureOf, closeAfter } from './failures.ts';
import { END, SKIP, type End, type Pull, type Skip, type Step } from './pull.ts';

const PENDING: unique symbol = Symbol('pending');

/** An item that was read and whose result has not been taken. */
interface Place<T, R> {
  readonly item: T;
  readonly index: number;
  result: R | Skip | typeof PENDING;
  next: Place<T, R> | undefined;
}

/** What is called for each item. */
export type Work<T, R> = (item: T, index: number, scope: Scope) => R | Skip | PromiseLike<R | Skip>;

/**
 *     upstream ──► workers, one item each ──► first ⇢ … ⇢ last: results in order, of items or of completion ──► consumer
 *
 * An item takes its place when it is asked for and keeps it until its result is taken: there are as many places as workers.
 */
export class ConcurrentPull<T, R> implements Pull<R> {
  readonly #upstream: Pull<T>;
  readonly #work: Work<T, R>;
  readonly #limit: number;
  readonly #ordered: boolean;
  readonly #crew: Crew;
  readonly #name: string;
  readonly #takers = new WaitLine<R | End>();
  readonly #turns = new WaitLine<void>();
  readonly #parked = new WaitLine<void>();
  #first: Place<T, R> | undefined = undefined;
  #last: Place<T, R> | undefined = undefined;
  #taken = 0;
  #workers = 0;
  #index = 0;
  #reading = false;
  #exhausted = false;

  constructor(
    name: string,
    home: Scope,
    upstream: Pull<T>,
    work: Work<T, R>,
    options: { readonly concurrency: number; readonly ordered: boolean },
  ) {
    this.#name = name;
    this.#upstream = upstream;
    this.#work = work;
    this.#limit = options.concurrency;
    this.#ordered = options.ordered;
    this.#crew = new Crew(name, home, () => {
      if (this.#takers.first) this.#wake(this.#crew.failure());
    });
  }

  next(scope: Scope): Step<R> {
    if (this.#workers === 0) this.#hire();
    const first = this.#first;
    if (first && first.result !== PENDING) {
      this.#remove(first);
      return first.result as R;
    }
    if (this.#crew.stopped) return this.#crew.failure();
    if (this.#exhausted && this.#taken === 0) return END;
    return entering(scope, this.#wait);
  }

  async close(scope: Scope): Promise<void> {
    // Only when all workers have ended has the last read: a generator may be closed.
    const failure = await failureOf(() => this.#crew.dismiss());
    await closeAfter(this.#upstream, failure, scope);
  }

  readonly #wait = (scope: Scope | undefined): Promise<R | End> =>
    new LineOperation(scope, `the next of ${this.#name}`, this.#takers).promise;

  // The workers --------------------------------------------------------------------------------------------------

  /** One more, unless there are enough. */
  #hire(): void {
    if (this.#workers >= this.#limit || this.#exhausted) return;
    this.#workers++;
    this.#crew.spawn(`${this.#name} worker`, (scope) => this.#live(scope));
  }

  async #live(scope: Scope): Promise<void> {
    for (;;) {
      while (this.#taken >= this.#limit && !this.#exhausted) await waitInLine(scope, 'a place', this.#parked);
      if (this.#exhausted) return;
      this.#taken++;
      const reading = this.#reading ? this.#readInTurn(scope) : this.#read(scope);
      const place = reading instanceof Promise ? await reading : reading;
      if (!place) return;
      this.#hire();
      const result = this.#work(place.item, place.index, scope);
      this.#deliver(place, (isThenable(result) ? await result : result) as R | Skip);
      if (scope.visible || clock.starving()) await checkpointIn(scope);
    }
  }

  /** Items take their places in the order in which they were asked for, one after the other. */
  #read(scope: Scope): Place<T, R> | undefined | Promise<Place<T, R> | undefined> {
    const item = this.#upstream.next(scope);
    return item instanceof Promise ? this.#readLater(item) : this.#seat(item);
  }

  async #readLater(asked: Promise<T | End>): Promise<Place<T, R> | undefined> {
    this.#reading = true;
    try {
      return this.#seat(await asked);
    } finally {
      // Handed over: the next in line is reading.
      if (!this.#turns.first?.commit(undefined)) this.#reading = false;
    }
  }

  async #readInTurn(scope: Scope): Promise<Place<T, R> | undefined> {
    await waitInLine(scope, 'its turn to read', this.#turns);
    let item: T | End = END;
    try {
      if (!this.#exhausted) item = await this.#upstream.next(scope);
      return this.#seat(item);
    } finally {
      if (!this.#turns.first?.commit(undefined)) this.#reading = false;
    }
  }

  #seat(item: T | End): Place<T, R> | undefined {
    if (item === END) {
      this.#exhausted = true;
      this.#parked.commitAll(undefined);
      this.#vacate();
      return undefined;
    }
    const place: Place<T, R> = { item, index: this.#index++, result: PENDING, next: undefined };
    if (this.#ordered) this.#append(place);
    return place;
  }

  // The results --------------------------------------------------------------------------------------------------

  #deliver(place: Place<T, R>, result: R | Skip): void {
    place.result = result;
    if (!this.#ordered) {
      if (result === SKIP) return this.#vacate();
      this.#append(place);
    }
    // What was dropped keeps no place, and a consumer that waits is served at once.
    for (let first = this.#first; first && first.result !== PENDING; first = this.#first) {
      if (first.result !== SKIP && !this.#takers.first?.commit(first.result as R)) return;
      this.#remove(first);
    }
  }

  #append(place: Place<T, R>): void {
    if (this.#last) this.#last.next = place;
    else this.#first = place;
    this.#last = place;
  }

  #remove(first: Place<T, R>): void {
    this.#first = first.next;
    if (!this.#first) this.#last = undefined;
    this.#vacate();
  }

  #vacate(): void {
    this.#taken--;
    if (!this.#exhausted) this.#parked.first?.commit(undefined);
    else if (this.#taken === 0) this.#wake(END);
  }

  #wake(result: Step<R>): void {
    // A promise is taken over by that of the operation.
    this.#takers.commitAll(result as R | End);
  }
}
