/** Several streams as one: at the same time, one after the other, or side by side. */

import { checkpointIn } from '../core/checkpoint.ts';
import type { Scope } from '../core/scope.ts';
import { clock } from '../internal/clock.ts';
import { closeAfter, closeAll, failureOf } from './failures.ts';
import { Feed, type BufferOverflow } from './feed.ts';
import { END, type End, type Opener, type Pull, type Step } from './pull.ts';

/** A task that reads ahead, up to `capacity` values. */
export function buffered<T>(open: Opener<T>, capacity: number, overflow: BufferOverflow | undefined): Opener<T> {
  return (home) => {
    const upstream = open(home);
    const begin = (feed: Feed<T>): void =>
      feed.spawn('buffer reader', (scope) => pour(upstream, scope, (value) => feed.put(scope, value)));
    return new Feed(home, { name: 'buffer', capacity, overflow, begin, upstreams: [upstream] });
  };
}

/** All at the same time, each read by a task of its own. */
export function merged<T>(openers: readonly Opener<T>[]): Opener<T> {
  return (home) => {
    const upstreams = openers.map((open) => open(home));
    const begin = (feed: Feed<T>): void => {
      for (const upstream of upstreams) {
        feed.spawn('merge reader', (scope) => pour(upstream, scope, (value) => feed.put(scope, value)));
      }
    };
    // No room: a value is only asked for when the one before it has been taken.
    return new Feed(home, { name: 'merge', capacity: 0, begin, upstreams });
  };
}

/** What `fn` makes of the items of `open`, up to `concurrency` at the same time. */
export function flatMerged<T, R>(
  open: Opener<T>,
  fn: (item: T, scope: Scope) => Pull<R> | Promise<Pull<R>>,
  concurrency: number,
): Opener<R> {
  return (home) => {
    const upstream = open(home);
    const readers = new Readers(upstream, fn, concurrency);
    return new Feed<R>(home, {
      name: 'flatMap',
      capacity: 0,
      begin: (feed) => readers.hire(feed),
      upstreams: [upstream],
    });
  };
}

/** Each takes an item, makes sure that there is another one to take the next, and reads what comes of it. */
class Readers<T, R> {
  readonly #upstream: Pull<T>;
  readonly #fn: (item: T, scope: Scope) => Pull<R> | Promise<Pull<R>>;
  readonly #limit: number;
  #count = 0;
  #exhausted = false;

  constructor(upstream: Pull<T>, fn: (item: T, scope: Scope) => Pull<R> | Promise<Pull<R>>, limit: number) {
    this.#upstream = upstream;
    this.#fn = fn;
    this.#limit = limit;
  }

  /** One at a time looks for the next item: the last who was hired, or who has read his to the end. */
  #looking = false;

  hire(feed: Feed<R>): void {
    if (this.#looking || this.#exhausted || this.#count >= this.#limit) return;
    this.#looking = true;
    this.#count++;
    feed.spawn('flatMap reader', (scope) => this.#live(feed, scope));
  }

  async #live(feed: Feed<R>, scope: Scope): Promise<void> {
    const step = this.#upstream.next(scope);
    const item = step instanceof Promise ? await step : step;
    this.#looking = false;
    if (item === END) {
      this.#exhausted = true;
      return;
    }
    this.hire(feed);
    const inner = await this.#fn(item, scope);
    const failure = await failureOf(() => pour(inner, scope, (value) => feed.put(scope, value)));
    await closeAfter(inner, failure, scope);
    this.#count--;
    this.hire(feed);
  }
}

/** Reads all there is. */
export async function pour<T>(
  upstream: Pull<T>,
  scope: Scope,
  put: (value: T) => Promise<void> | undefined,
): Promise<void> {
  for (;;) {
    const step = upstream.next(scope);
    const value = step instanceof Promise ? await step : step;
    if (value === END) return;
    await put(value);
    if (scope.visible || clock.starving()) await checkpointIn(scope);
  }
}

/** One after the other: what `fn` makes of each item is read to its end before the next item is asked for. */
export class FlatPull<T, R> implements Pull<R> {
  readonly #upstream: Pull<T>;
  readonly #fn: (item: T, scope: Scope) => Pull<R> | Promise<Pull<R>>;
  #inner: Pull<R> | undefined = undefined;

  constructor(upstream: Pull<T>, fn: (item: T, scope: Scope) => Pull<R> | Promise<Pull<R>>) {
    this.#upstream = upstream;
    this.#fn = fn;
  }

  next(scope: Scope): Step<R> {
    const step = this.#step(scope);
    if (step !== END && !(step instanceof Promise)) return step;
    return this.#later(step, scope);
  }

  #step(scope: Scope): Step<R> {
    return this.#inner ? this.#inner.next(scope) : END;
  }

  async #later(pending: Step<R>, scope: Scope): Promise<R | End> {
    for (let step = pending; ; step = this.#step(scope)) {
      const value = step instanceof Promise ? await step : step;
      if (value !== END) return value;
      await this.#closeInner(undefined, scope);
      if (scope.visible || clock.starving()) await checkpointIn(scope);
      const outer = this.#upstream.next(scope);
      const item = outer instanceof Promise ? await outer : outer;
      if (item === END) return END;
      this.#inner = await this.#fn(item, scope);
    }
  }

  async #closeInner(failure: { readonly error: unknown } | undefined, scope: Scope): Promise<void> {
    const inner = this.#inner;
    this.#inner = undefined;
    await closeAfter(inner, failure, scope);
  }

  async close(scope: Scope): Promise<void> {
    const failure = await failureOf(() => this.#closeInner(undefined, scope));
    await closeAfter(this.#upstream, failure, scope);
  }
}

/** One after the other; the next is begun when the one before it has ended. */
export function concatenated<T>(openers: readonly Opener<T>[]): Opener<T> {
  return (home) => new FlatPull(new ListPull(openers), (open) => open(home));
}

/** The items of a list. */
class ListPull<T> implements Pull<T> {
  readonly #items: Iterator<T>;
  constructor(items: Iterable<T>) {
    this.#items = items[Symbol.iterator]();
  }
  next(): Step<T> {
    const { done, value } = this.#items.next();
    return done ? END : value;
  }
  async close(): Promise<void> {}
}

/** Side by side: the first values together, then the second ones; ends with the shortest. */
export class ZipPull implements Pull<unknown[]> {
  readonly #upstreams: readonly Pull<unknown>[];

  constructor(upstreams: readonly Pull<unknown>[]) {
    this.#upstreams = upstreams;
  }

  next(scope: Scope): Step<unknown[]> {
    const values: unknown[] = [];
    for (let at = 0; at < this.#upstreams.length; at++) {
      const step = (this.#upstreams[at] as Pull<unknown>).next(scope);
      if (step instanceof Promise) return this.#later(values, step, scope);
      if (step === END) return END;
      values.push(step);
    }
    return values;
  }

  /** In turn, so that what one of them waits for needs no task: nothing is asked of the next when one has ended. */
  async #later(values: unknown[], pending: Promise<unknown>, scope: Scope): Promise<unknown[] | End> {
    let value = await pending;
    for (;;) {
      if (value === END) return END;
      values.push(value);
      const upstream = this.#upstreams[values.length];
      if (!upstream) return values;
      const step = upstream.next(scope);
      value = step instanceof Promise ? await step : step;
    }
  }

  async close(scope: Scope): Promise<void> {
    await closeAll(this.#upstreams, scope);
  }
}
