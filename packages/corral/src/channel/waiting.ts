/** Who waits for an item, or for a place for one. */

import type { Scope } from '../core/scope.ts';
import { LineOperation, type WaitLine } from '../core/wait-line.ts';
import type { Next } from './item-iterator.ts';

/** How an item is handed to somebody who waits for it: as it is, as the next of an iterator, or among up to so many. */
export type Wanted = 'item' | 'next' | number;

/** Waits for an item. */
export class Getter<T> extends LineOperation<T | T[] | Next<T>> {
  readonly wanted: Wanted;

  constructor(scope: Scope | undefined, kind: string, line: WaitLine<T | T[] | Next<T>, Getter<T>>, wanted: Wanted) {
    super(scope, kind, line);
    this.wanted = wanted;
  }

  /** Hands over one item. */
  give(item: T): boolean {
    const { wanted } = this;
    if (wanted === 'item') return this.commit(item);
    return this.commit(wanted === 'next' ? { done: false, value: item } : [item]);
  }
}

/** Kept up to date while `putMany` is under way. */
export interface PutProgress {
  /** How many of the items are in. */
  put: number;
}

/** Several items to be put in. */
export interface Batch<T> {
  readonly items: readonly T[];
  readonly progress: PutProgress | undefined;
}

/** Waits for a place for its item, or for each of several in turn. */
export class Putter<T> extends LineOperation<void> {
  /** The one that is next. */
  item: T;
  readonly #items: readonly T[] | undefined;
  readonly #progress: PutProgress | undefined;
  #put: number;

  constructor(
    scope: Scope | undefined,
    kind: string,
    line: WaitLine<void, Putter<T>>,
    item: T,
    items?: readonly T[],
    put = 0,
    progress?: PutProgress,
  ) {
    super(scope, kind, line);
    this.item = item;
    this.#items = items;
    this.#put = put;
    this.#progress = progress;
  }

  /** Its item is in: it goes on with the next, or has ended. */
  advance(): void {
    const items = this.#items;
    if (!items) return void this.commit(undefined);
    this.#put++;
    if (this.#progress) this.#progress.put = this.#put;
    if (this.#put === items.length) this.commit(undefined);
    else this.item = items[this.#put] as T;
  }
}
