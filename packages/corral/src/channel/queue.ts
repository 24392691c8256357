import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import { entering, rejected, type Operation } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { attempt, enlist, type Selectable } from '../core/selectable.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { QueueShutDownError } from '../errors.ts';
import { checkCount, checkFunction, checkNoPromise, checkOneOf, checkOptions, shown } from '../internal/checks.ts';
import { ItemIterator, ended, type Next } from './item-iterator.ts';
import type { PutManyOptions, QueueOptions, QueueSnapshot, ShutdownOptions } from './queue-options.ts';
import { checkOrdered, storeFor, type QueueOrder, type Store } from './store.ts';
import { Getter, Putter, type Batch, type PutProgress } from './waiting.ts';

/**
 * Items that some put in and others get out.
 *
 * Guarantees: first come first served, no barging: an item goes to the first who waits for one, and a place that gets
 * free to the first who waits to put. What is cancelled did not happen: no item is lost or comes twice. Semantics:
 * asyncio's Queue, LifoQueue and PriorityQueue, with `shutdown`. In a priority queue of objects or arrays say how they
 * `compare`: `<` would compare them as strings, so putting one in without is a TypeError.
 *
 * @example A producer and two workers
 * ```ts run
 * import { Queue, taskGroup } from 'corral';
 *
 * const jobs = new Queue<number>({ capacity: 10 });
 * await taskGroup(async (group) => {
 *   for (const worker of ['a', 'b']) {
 *     group.spawn(async () => {
 *       for await (const job of jobs) console.log(worker, job);
 *     });
 *   }
 *   for (let job = 0; job < 20; job++) await jobs.put(job);
 *   jobs.shutdown(); // the workers drain it, then their loops end
 * });
 * ```
 */
export class Queue<T> implements Selectable<T>, AsyncIterable<T, undefined> {
  readonly name: string;
  /** How many items it holds before `put` waits. */
  readonly capacity: number;
  readonly order: QueueOrder;
  readonly #store: Store<T>;
  /** Whether an item may be put in. */
  readonly #check: (item: T, action: string) => T = checkNoPromise;
  /** What who waits is waiting for. */
  readonly #getting: string;
  readonly #putting: string;
  // Who waits to get finds the queue empty, who waits to put finds it full: never both, and no slot is free meanwhile.
  readonly #getters = new WaitLine<T | T[] | Next<T>, Getter<T>>();
  readonly #putters = new WaitLine<void, Putter<T>>();
  readonly #joiners = new WaitLine<void>();
  #unfinished = 0;
  #shutDown = false;

  /** @throws {RangeError} when `capacity` is not a positive integer or Infinity; a TypeError for other bad options. */
  constructor(options?: QueueOptions<T>) {
    const given = checkOptions(options, 'new Queue') ?? {};
    const { capacity = Infinity, order = 'fifo', compare, name = 'queue' } = given;
    this.capacity = checkCount(capacity, 'make a queue');
    checkOneOf(order, ['fifo', 'lifo', 'priority'], 'order a queue');
    if (compare !== undefined) checkFunction(compare, 'compare the items of a queue');
    this.order = order;
    this.#store = storeFor(order, compare);
    if (order === 'priority' && !compare) this.#check = checkOrdered;
    this.name = name;
    this.#getting = `get from ${this.name}`;
    this.#putting = `put into ${this.name}`;
  }

  /** How many items are in it. */
  get size(): number {
    return this.#store.size;
  }

  get isEmpty(): boolean {
    return this.#store.size === 0;
  }

  get isFull(): boolean {
    return this.#store.size >= this.capacity;
  }

  /** Whether `shutdown` was called. */
  get isShutDown(): boolean {
    return this.#shutDown;
  }

  // Putting ------------------------------------------------------------------------------------------------------

  /**
   * Puts an item in, when there is a place for it.
   *
   * Cancellable: it is not in then.
   *
   * @throws {QueueShutDownError} when the queue was shut down, before or while it waited.
   */
  put(item: T, options?: ScopeOption): Promise<void> {
    try {
      return entering(scopeFor('Queue.put', options), this.#beginPut, item);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Puts an item in if there is a place for it; else false.
   *
   * @throws {QueueShutDownError} when the queue was shut down.
   */
  tryPut(item: T): boolean {
    if (this.#shutDown) throw this.#shutDownError('put into');
    return this.#accept(item);
  }

  /**
   * Puts items in, in their order, as places get free. Nobody who comes later gets a place in between.
   *
   * Cancellable: those that are in stay in, from the first on, and `progress.put` says how many; the others are not.
   *
   * @throws {QueueShutDownError} when the queue was shut down, before or meanwhile; likewise.
   */
  putMany(items: readonly T[], options?: PutManyOptions): Promise<void> {
    try {
      if (!Array.isArray(items)) {
        throw new TypeError(`Cannot put many into ${this.name} as it takes an array: current value is ${shown(items)}`);
      }
      const progress = options?.progress;
      if (progress) progress.put = 0;
      const checked = items.map((item) => this.#check(item, `put many into ${this.name}`));
      return entering(scopeFor('Queue.putMany', options), this.#beginPutMany, { items: checked, progress });
    } catch (error) {
      return rejected(error);
    }
  }

  /** For `select`: the branch that puts an item in. */
  putting(item: T): Selectable<void> {
    return {
      [attempt]: () => (this.tryPut(item) ? [undefined] : undefined),
      [enlist]: () => new Putter(undefined, this.#putting, this.#putters, item),
    };
  }

  // Getting ------------------------------------------------------------------------------------------------------

  /**
   * Takes the next item out, when there is one.
   *
   * Cancellable: nothing is taken then.
   *
   * @throws {QueueShutDownError} when the queue was shut down and is empty, before or while it waited.
   */
  get(options?: ScopeOption): Promise<T> {
    try {
      return entering(scopeFor('Queue.get', options), this.#beginGet);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Takes the next item out; undefined when there is none.
   *
   * @throws {QueueShutDownError} when the queue was shut down and is empty.
   */
  tryGet(): T | undefined {
    if (this.#store.size > 0) return this.#take();
    if (this.#shutDown) throw this.#shutDownError('get from');
    return undefined;
  }

  /**
   * Takes out what there is, up to `max` items in their order, as soon as there is at least one.
   *
   * Cancellable: nothing is taken then.
   *
   * @throws {QueueShutDownError} when the queue was shut down and is empty; a RangeError when `max` is not a positive
   *   integer or Infinity.
   */
  getMany(max = Infinity, options?: ScopeOption): Promise<T[]> {
    try {
      checkCount(max, `get many from ${this.name}`);
      return entering(scopeFor('Queue.getMany', options), this.#beginGetMany, max);
    } catch (error) {
      return rejected(error);
    }
  }

  /** The items as they come, until the queue is shut down and drained: `for await` over it, in a scope given by hand. */
  values(options?: ScopeOption): AsyncIterableIterator<T, undefined> {
    return new ItemIterator('Queue.values', this.#beginNext, options);
  }

  /**
   * The items as they come, until the queue is shut down and drained. Leaving the loop loses none.
   *
   * Cancellable: nothing is taken then.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return this.values();
  }

  [attempt](): readonly [value: T] | undefined {
    if (this.#store.size > 0) return [this.#take()];
    if (this.#shutDown) throw this.#shutDownError('get from');
    return undefined;
  }

  /** @internal */
  [enlist](): Operation<T> {
    return new Getter(undefined, this.#getting, this.#getters, 'item') as Operation<unknown> as Operation<T>;
  }

  // Ending -------------------------------------------------------------------------------------------------------

  /**
   * Says of an item that was taken out, or of several, that its work is done.
   *
   * @throws {RangeError} when that was said more often than items were put in.
   */
  taskDone(count = 1): void {
    checkCount(count, `mark items of ${this.name} as done`);
    if (count > this.#unfinished) {
      const found = `${this.#unfinished} unfinished, ${shown(count)} marked as done`;
      throw new RangeError(
        `Cannot mark items of ${this.name} as done as each is marked once: current value is ${found}`,
      );
    }
    this.#finish(count);
  }

  /**
   * Waits until all items that were put in are done; at once when none is unfinished.
   *
   * Cancellable: only the waiting ends.
   */
  join(options?: ScopeOption): Promise<void> {
    try {
      return entering(scopeFor('Queue.join', options), this.#beginJoin);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Lets nothing in any more. Whoever waits to put fails; what is in can still be taken out, after that getting fails,
   * too. `immediate`: what is in is thrown away, counts as done, and is returned. May be called again.
   */
  shutdown(options?: ShutdownOptions): T[] {
    const immediate = checkOptions(options, 'Queue.shutdown')?.immediate;
    const drained: T[] = [];
    this.#shutDown = true;
    this.#putters.failEach(() => this.#shutDownError('put into'));
    for (let getter = this.#getters.first; getter; getter = this.#getters.first) {
      if (getter.wanted === 'next') getter.commit(ended);
      else getter.fail(this.#shutDownError('get from'));
    }
    if (!immediate) return drained;
    while (this.#store.size > 0) drained.push(this.#store.take());
    this.#finish(Math.min(drained.length, this.#unfinished));
    return drained;
  }

  snapshot(): QueueSnapshot {
    const { name, order, capacity, size } = this;
    return Object.freeze({
      name,
      order,
      capacity,
      size,
      unfinished: this.#unfinished,
      waitingGetters: this.#getters.length,
      waitingPutters: this.#putters.length,
      shutDown: this.#shutDown,
    });
  }

  // Inside -------------------------------------------------------------------------------------------------------

  readonly #beginPut = (scope: Scope | undefined, item: T): Promise<void> => {
    if (this.#shutDown) return rejected(this.#shutDownError('put into'));
    if (this.#accept(item)) return passThrough(undefined);
    return new Putter(scope, this.#putting, this.#putters, item).promise;
  };

  readonly #beginPutMany = (scope: Scope | undefined, batch: Batch<T>): Promise<void> => {
    if (this.#shutDown) return rejected(this.#shutDownError('put into'));
    const { items, progress } = batch;
    const put = this.#acceptMany(items, progress);
    if (put === items.length) return passThrough(undefined);
    return new Putter(scope, this.#putting, this.#putters, items[put] as T, items, put, progress).promise;
  };

  readonly #beginGet = (scope: Scope | undefined): Promise<T> => {
    if (this.#store.size > 0) return passThrough(this.#take());
    if (this.#shutDown) return rejected(this.#shutDownError('get from'));
    return new Getter(scope, this.#getting, this.#getters, 'item').promise as Promise<T>;
  };

  readonly #beginGetMany = (scope: Scope | undefined, max: number): Promise<T[]> => {
    if (this.#store.size > 0) return passThrough(this.#takeMany(max));
    if (this.#shutDown) return rejected(this.#shutDownError('get from'));
    return new Getter(scope, this.#getting, this.#getters, max).promise as Promise<T[]>;
  };

  readonly #beginNext = (scope: Scope | undefined): Promise<Next<T>> => {
    if (this.#store.size > 0) return passThrough({ done: false, value: this.#take() });
    if (this.#shutDown) return passThrough(ended);
    return new Getter(scope, this.#getting, this.#getters, 'next').promise as Promise<Next<T>>;
  };

  readonly #beginJoin = (scope: Scope | undefined): Promise<void> => {
    if (this.#unfinished === 0) return passThrough(undefined);
    return new LineOperation(scope, `join ${this.name}`, this.#joiners).promise;
  };

  /** Takes an item in, or hands it to who waits for one; false when there is no place. */
  #accept(item: T): boolean {
    this.#check(item, this.#putting);
    if (!this.#getters.first?.give(item)) {
      if (this.#store.size >= this.capacity) return false;
      this.#store.push(item);
    }
    this.#unfinished++;
    return true;
  }

  /** As many as there are places for, or as are waited for; returns how many. */
  #acceptMany(items: readonly T[], progress: PutProgress | undefined): number {
    let put = 0;
    try {
      do {
        for (; put < items.length && this.#store.size < this.capacity; put++) {
          this.#store.push(items[put] as T);
          this.#unfinished++;
        }
      } while (this.#serve() && put < items.length);
    } finally {
      if (progress) progress.put = put;
      this.#serve(); // a comparison that threw has left some of them in
    }
    return put;
  }

  /** Hands out what is in to those who wait; false when nobody does. */
  #serve(): boolean {
    let served = false;
    for (let next = this.#getters.first; next?.pending && this.#store.size > 0; next = this.#getters.first) {
      try {
        if (typeof next.wanted === 'number') next.commit(this.#takeMany(next.wanted));
        else next.give(this.#take());
      } catch (error) {
        next.fail(error);
      }
      served = true;
    }
    return served;
  }

  #take(): T {
    const item = this.#store.take();
    if (this.#putters.first) this.#refill();
    return item;
  }

  #takeMany(max: number): T[] {
    const items = [this.#take()];
    try {
      while (items.length < max && this.#store.size > 0) items.push(this.#take());
    } catch {
      // A comparison threw: what was taken before is not lost by it, and the next to get will see it.
    }
    return items;
  }

  /** Lets in, into the places that got free, what waits. */
  #refill(): void {
    for (let next = this.#putters.first; next?.pending && !this.isFull; next = this.#putters.first) {
      try {
        this.#store.push(next.item);
      } catch (error) {
        next.fail(error); // a comparison threw: that is the affair of who put the item
        continue;
      }
      this.#unfinished++;
      next.advance();
    }
  }

  #finish(count: number): void {
    this.#unfinished -= count;
    if (this.#unfinished === 0) this.#joiners.commitAll(undefined);
  }

  #shutDownError(action: string): QueueShutDownError {
    return new QueueShutDownError(this.name, action);
  }
}
