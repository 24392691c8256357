/** One function over many items: workers pull from the input, so it is read no faster than it is worked off. */

import { checkFunction, shown } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { TaskCancelledError, TimeoutError } from '../errors.ts';
import { checkpointIn } from './checkpoint.ts';
import { abortable } from './abortable.ts';
import type { Group } from './group.ts';
import { inGroup } from './in-group.ts';
import { rejecting } from './operation.ts';
import { reportIn } from './report-in.ts';
import { openAndRun } from './with-scope.ts';
import type { Scope } from './scope.ts';
import { WaitLine, waitInLine } from './wait-line.ts';
import type { GroupOptions } from './task-group.ts';

/**
 * What {@link map} and {@link forEach} call for each item. The scope is that of a worker, which goes on to other items: for
 * a limit on one item use `timeout` inside.
 */
export type ItemFunction<T, R> = (item: T, index: number, scope: Scope) => R | PromiseLike<R>;

/** Options of {@link map}. */
export interface MapOptions extends GroupOptions {
  /** Whether the results stand in the order of the items, not of completion. Default: true. */
  readonly ordered?: boolean | undefined;
}

/**
 * Calls `fn` for every item of a sync or async iterable, `concurrency` at a time, and returns the results.
 *
 * Guarantees: the input is read only when there is a place free; on the first failure the input is closed, what runs is
 * cancelled and awaited, and the failure is thrown.
 *
 * Cancellable: likewise.
 *
 * @example Ten at a time
 * ```ts run
 * import { map, sleep } from 'corral';
 *
 * const squares = await map([1, 2, 3], (n) => sleep(1).then(() => n * n), { concurrency: 10 });
 * console.log(squares); // [1, 4, 9]
 * ```
 */
export function map<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: ItemFunction<T, R>,
  options?: MapOptions,
): Promise<Awaited<R>[]> {
  const ordered = options?.ordered !== false;
  const results: Awaited<R>[] = [];
  const collect = (result: Awaited<R>, index: number): void => {
    if (ordered) results[index] = result;
    else results.push(result);
  };
  return each('map', items, fn, collect, () => results, options);
}

/**
 * Calls `fn` for every item of a sync or async iterable, `concurrency` at a time; drops the results, so memory does not
 * grow with the input (unless `concurrency` is Infinity).
 *
 * Guarantees and cancellation: those of {@link map}.
 *
 * @example Work off a stream of lines
 * ```ts run
 * import { forEach } from 'corral';
 *
 * async function* lines() {
 *   yield 'first';
 *   yield 'second';
 * }
 * await forEach(lines(), async (line, index) => console.log(index, line), { concurrency: 4 });
 * ```
 */
export function forEach<T>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: ItemFunction<T, unknown>,
  options?: GroupOptions,
): Promise<void> {
  return each(
    'forEach',
    items,
    fn,
    () => {},
    () => {},
    options,
  );
}

function each<T, R, V>(
  call: string,
  items: Iterable<T> | AsyncIterable<T>,
  fn: ItemFunction<T, R>,
  collect: (result: Awaited<R>, index: number) => void,
  result: () => V,
  options: GroupOptions | undefined,
): Promise<V> {
  return rejecting(() => {
    checkFunction(fn, call, items);
    const input = new Input(items, call);
    const body = async (group: Group): Promise<void> => {
      const workers = new Workers(group, input, fn, collect);
      workers.spawn();
      await group.join({ scope: group.scope });
      // A callback that cancelled its own scope has cut its item off: not a result.
      if (workers.unfinished > 0) throw new TaskCancelledError(`${group.scope.name} worker`);
    };
    // Only when all workers have ended has the last pull: a generator may be closed.
    return inGroup(call, body, options, { atEnd: (group) => closeInput(input, group), result });
  });
}

/** Milliseconds that the clean-up of an input that is not read to its end may take. */
const CLOSING_MS = 10_000;

/** Closes the input although the scope may be cancelled, and not for ever; what it throws is the group's failure. */
async function closeInput<T>(input: Input<T>, group: Group): Promise<void> {
  const options = { shield: true, deadlineMs: CLOSING_MS, scope: group.scope };
  const close = (scope: Scope): Promise<void> => abortable(input.close(), { scope, abandon: true });
  try {
    await openAndRun('closing the input', close, options);
  } catch (error) {
    if (error instanceof TimeoutError) reportIn(group.scope, error, `the input of ${group.scope.name} did not close`);
    else group.fail(error, `the input of ${group.scope.name}`);
  }
}

/** Each worker pulls an item, makes sure that there is another one to pull the next, and works it off. */
class Workers<T, R> {
  readonly #group: Group;
  readonly #input: Input<T>;
  readonly #fn: ItemFunction<T, R>;
  readonly #collect: (result: Awaited<R>, index: number) => void;
  readonly #limit: number;
  /** Items that were begun and have not come to an end. */
  unfinished = 0;
  #count = 0;
  #index = 0;

  constructor(
    group: Group,
    input: Input<T>,
    fn: ItemFunction<T, R>,
    collect: (result: Awaited<R>, index: number) => void,
  ) {
    this.#collect = collect;
    this.#group = group;
    this.#input = input;
    this.#fn = fn;
    this.#limit = group.concurrency;
    // The number of workers is the limit. One that spawns its successor must not have to wait for a place.
    group.concurrency = Infinity;
  }

  spawn(item?: IteratorResult<T>): void {
    if (this.#count >= this.#limit || (this.#input.exhausted && !item)) return;
    this.#count++;
    this.#group.spawn((scope) => this.#work(scope, item), { name: `${this.#group.scope.name} worker` });
  }

  async #work(scope: Scope, item: IteratorResult<T> | undefined): Promise<void> {
    for (let next = item; ; next = undefined) {
      try {
        // A function that ignores its cancellation must not keep the others busy.
        if (scope.reason) throw scope.reason;
        const pulled = next ?? this.#input.pull(scope);
        next = pulled instanceof Promise ? await pulled : pulled;
        if (next.done) return;
        if (scope.reason) throw scope.reason;
      } catch (error) {
        this.#replace(scope, next);
        throw error;
      }
      const index = this.#index++;
      this.unfinished++;
      this.spawn();
      this.#collect(await this.#fn(next.value, index, scope), index);
      this.unfinished--;
      if (clock.starving()) await checkpointIn(scope);
    }
  }

  /** A callback got hold of its worker's scope and cancelled it, not the others: somebody else takes over. */
  #replace(scope: Scope, item: IteratorResult<T> | undefined): void {
    if (!scope.cancelled || this.#group.scope.cancelled) return;
    this.#count--;
    this.spawn(item);
  }
}

/** The items, pulled one at a time whoever pulls. */
class Input<T> {
  exhausted = false;
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #async: boolean;
  readonly #turns = new WaitLine<void>();
  #pulling = false;
  #begun = false;

  constructor(items: Iterable<T> | AsyncIterable<T>, call: string) {
    const source = items as Partial<Iterable<T> & AsyncIterable<T>> | null | undefined;
    const iterator = source?.[Symbol.asyncIterator]?.() ?? source?.[Symbol.iterator]?.();
    if (!iterator) throw new TypeError(`Cannot ${call} as it takes an iterable: current value is ${shown(items)}`);
    this.#async = source?.[Symbol.asyncIterator] !== undefined;
    this.#iterator = iterator;
  }

  pull(scope: Scope): IteratorResult<T> | Promise<IteratorResult<T>> {
    return this.#async ? this.#pullInTurn(scope) : (this.#next() as IteratorResult<T>);
  }

  async #pullInTurn(scope: Scope): Promise<IteratorResult<T>> {
    if (this.#pulling) await waitInLine(scope, 'its turn to read the input', this.#turns);
    this.#pulling = true;
    try {
      return await this.#next();
    } finally {
      // Handed over: to the next in line it still is being pulled.
      if (!this.#turns.first?.commit(undefined)) this.#pulling = false;
    }
  }

  #next(): IteratorResult<T> | Promise<IteratorResult<T>> {
    if (this.exhausted) return { done: true, value: undefined };
    this.#begun = true;
    const ended = (next: IteratorResult<T>): IteratorResult<T> => {
      if (next.done) this.exhausted = true;
      return next;
    };
    try {
      const next = this.#iterator.next();
      return next instanceof Promise ? next.then(ended, (error: unknown) => this.#broken(error)) : ended(next);
    } catch (error) {
      return this.#broken(error);
    }
  }

  /** An iterator that has thrown is not to be closed. */
  #broken(error: unknown): never {
    this.exhausted = true;
    throw error;
  }

  /** Tells the source that nobody will read on. */
  async close(): Promise<void> {
    if (this.exhausted || !this.#begun) return;
    this.exhausted = true;
    await this.#iterator.return?.();
  }
}
