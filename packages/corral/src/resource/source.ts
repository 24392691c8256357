/** What can be used as a resource, as one shape: something to enter, a value, something to exit. */

import { shown } from '../internal/checks.ts';
import type { Scope } from '../core/scope.ts';
import { added, type Failure } from './failure.ts';
import { leaving } from './leaving.ts';

/** How a resource is told that it is over: gets what failed, and gives what fails after it. Never rejects. */
export type Exit = (failure: Failure | undefined, scope: Scope, ms: number) => Promise<Failure | undefined>;

/** A resource that has been entered. */
export interface Entry<T> {
  readonly value: T;
  readonly exit: Exit;
}

/** A resource that can be entered. */
export interface Source<T> {
  readonly name: string;
  /** Whether it is open already: then it is to be exited even if it cannot be entered. */
  readonly opened: boolean;
  /** Runs its set-up in what is current. */
  enter(): Promise<Entry<T>>;
}

/** What corral's own resources answer to. */
export const asSource: unique symbol = Symbol('corral.source');

/** Something open that is closed by its own method; its value is what is worked with. */
export interface Closeable<T> {
  readonly value: T;
  close(): unknown;
}

/** Something open that is its own value. */
export type Disposing = AsyncDisposable | Disposable;

/** Throws a TypeError unless `resource` is something that can be entered. */
export function sourceOf(resource: unknown, call: string): Source<unknown> {
  const given = (resource ?? {}) as Partial<
    { [asSource](): Source<unknown> } & AsyncDisposable & Disposable & Closeable<unknown>
  >;
  if (typeof given[asSource] === 'function') return given[asSource]();
  const dispose = given[Symbol.asyncDispose] ?? given[Symbol.dispose];
  if (typeof dispose === 'function') return opened(resource, resource, () => dispose.call(given));
  if (typeof given.close === 'function' && 'value' in given) {
    return opened(resource, given.value, () => (given as Closeable<unknown>).close());
  }
  const hint = typeof resource === 'function' ? ' (call it: the function that resource() gives makes one)' : '';
  throw new TypeError(
    `Cannot ${call} as it takes a resource, something disposable or a { value, close }: current value is ${shown(resource)}${hint}`,
  );
}

/** What is open already and is not told how it was used. */
function opened(resource: unknown, value: unknown, close: () => unknown): Source<unknown> {
  const name = (resource as object).constructor?.name ?? 'resource';
  const exit = plainExit(`close ${name}`, close);
  return { name, opened: true, enter: () => Promise.resolve({ value, exit }) };
}

/** An exit that is not told of the failure: what it throws itself is attached to it. */
export function plainExit(name: string, close: () => unknown): Exit {
  return async (failure, scope, ms) => {
    try {
      await leaving(scope, name, ms, async () => void (await close()));
      return failure;
    } catch (error) {
      return added(failure, { error }, scope);
    }
  };
}
