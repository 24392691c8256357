import { scopeFor, type ScopeOption } from '../core/current.ts';
import { entering, rejected } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { checkOptions } from '../internal/checks.ts';

/** The next item, or the end, as an iterator gives it. */
export type Next<T> = IteratorResult<T, undefined>;

/** The end. */
export const ended: Next<never> = Object.freeze({ done: true, value: undefined });

/** Begins to wait for the next item. */
export type BeginNext<T> = (scope: Scope | undefined) => Promise<Next<T>>;

/**
 * Items as they come: what `for await` goes over. It takes an item when it is asked for one and not before, so leaving
 * the loop loses none.
 */
export class ItemIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #call: string;
  readonly #begin: BeginNext<T>;
  readonly #options: ScopeOption | undefined;
  #left = false;

  constructor(call: string, begin: BeginNext<T>, options: ScopeOption | undefined) {
    this.#call = call;
    this.#begin = begin;
    const scope = checkOptions(options, call)?.scope;
    this.#options = scope && { scope };
  }

  /** Each wait belongs to the scope of whoever asks, unless one was given. */
  next(): Promise<Next<T>> {
    if (this.#left) return Promise.resolve(ended);
    try {
      return entering(scopeFor(this.#call, this.#options), this.#begin);
    } catch (error) {
      return rejected(error);
    }
  }

  return(): Promise<Next<T>> {
    this.#left = true;
    return Promise.resolve(ended);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
