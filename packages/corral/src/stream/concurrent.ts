/** One function for several items at a time: workers read the stream before it, two items ahead for each. */

import { checkpointIn } from '../core/checkpoint.ts';
import { entering } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { isThenable } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { Fifo } from '../internal/fifo.ts';
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
 * An item takes its place when it is asked for and keeps it until its result is taken. There are twice as many places as
 * workers: results that wait, or that wait for a slow one before them, do not keep all workers from going on.
 */
export class ConcurrentPull<T, R> implements Pull<R> {
  readonly #upstream: Pull<T>;
  readonly #work: Work<T, R>;
  readonly #limit: number;
  readonly #places: number;
  readonly #ordered: boolean;
  readonly #crew: Crew;
  readonly #name: string;
  readonly #takers = new WaitLine<R | End>();
  /** Who waits to read: one at a time does. */
  readonly #turns = new Fifo<() => void>();
  #first: Place<T, R> | undefined = undefined;
  #last: Place<T, R> | undefined = undefined;
  #taken = 0;
  #workers = 0;
  #index = 0;
  #reading = false;
  /** What workers wait for while all places are taken. */
  #room: Promise<void> | undefined = undefined;
  #makeRoom: (() => void) | undefined = undefined;
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
    this.#places = 2 * options.concurrency;
    this.#ordered = options.ordered;
    this.#crew = new Crew(name, home, () => {
      this.#release();
      this.#crew.failAll(this.#takers);
    });
  }

  next(scope: Scope): Step<R> {
    if (this.#workers === 0) this.#hire();
    for (let first = this.#first; first && first.result !== PENDING; first = this.#first) {
      this.#remove(first);
      if (first.result !== SKIP) return first.result;
    }
    if (this.#crew.stopped) return this.#crew.failure(scope);
    if (this.#exhausted && this.#taken === 0) return END;
    return entering(scope, this.#wait);
  }

  async close(scope: Scope): Promise<void> {
    // Only when all workers have ended has the last read: a generator may be closed.
    const failure = await failureOf(() => this.#crew.dismiss(scope));
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
      while (!this.#exhausted && (this.#reading || this.#taken >= this.#places)) {
        // Nobody wakes who comes after the crew was stopped.
        if (scope.visible) throw scope.reason;
        // It waits for nothing foreign: a virtual clock wants to know.
        const { extra } = scope;
        extra.observed = (extra.observed ?? 0) + 1;
        await this.#turnOrRoom();
        extra.observed--;
      }
      if (this.#exhausted) return;
      if (scope.visible) throw scope.reason;
      this.#taken++;
      let item = this.#upstream.next(scope);
      if (item instanceof Promise) {
        // What fails here stops all: nobody needs the turn any more.
        this.#reading = true;
        item = await item;
        this.#reading = false;
      }
      const place = this.#seat(item);
      if (!place) return;
      if (this.#turns.empty) this.#hire();
      else this.#turns.shift()?.();
      const result = this.#work(place.item, place.index, scope);
      this.#deliver(place, isThenable(result) ? await result : result);
      if (scope.visible || clock.starving()) await checkpointIn(scope);
    }
  }

  /** What to wait for. Not an operation: one for each item would cost more than the item. */
  #turnOrRoom(): Promise<void> {
    if (this.#reading) return new Promise((resolve) => this.#turns.push(resolve));
    return (this.#room ??= new Promise((resolve) => (this.#makeRoom = resolve)));
  }

  /** Items take their places in the order in which they were asked for. */
  #seat(item: T | End): Place<T, R> | undefined {
    if (item === END) {
      this.#exhausted = true;
      this.#release();
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
      if (first.result !== SKIP && !this.#takers.first?.commit(first.result)) return;
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
    // What is old must not hold on to what is new, or none of it is collected young.
    first.next = undefined;
    if (!this.#first) this.#last = undefined;
    this.#vacate();
  }

  #vacate(): void {
    this.#taken--;
    if (this.#exhausted && this.#taken === 0) this.#takers.commitAll(END);
    else if (this.#taken <= this.#limit) this.#unpark();
  }

  /** There is room again: all go on, as one by one each would have to wait anew for its next item. */
  #unpark(): void {
    this.#makeRoom?.();
    this.#room = undefined;
    this.#makeRoom = undefined;
  }

  /** Nothing is read any more: nobody need wait for it. */
  #release(): void {
    this.#unpark();
    for (let next = this.#turns.shift(); next; next = this.#turns.shift()) next();
  }
}
