import { scopeFor, type ScopeOption } from '../core/current.ts';
import { rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { ambientAvailable } from '../internal/ambient.ts';
import { pour } from './combine.ts';
import { closeAfter, failureOf } from './failures.ts';
import { Feed } from './feed.ts';
import type { Opener, StreamSource } from './pull.ts';
import { isSource, openSource } from './source.ts';

/**
 * Gives a value to whoever reads the stream.
 *
 * Cancellable: the value was not given.
 */
export type Emit<T> = (value: T, options?: ScopeOption) => Promise<void>;

/** A function that brings forth a stream, in a task of its own. */
export type Producer<T> = (emit: Emit<T>, scope: Scope) => void | PromiseLike<void>;

/** What a function may be that a stream is made of. */
export type StreamFunction<T> = (emit: Emit<T>, scope: Scope) => unknown;

/**
 * Begins a stream by calling a function: a generator function is read as it is, any other runs in a task behind a buffer,
 * where it emits values or returns what is to be read.
 */
export function produce<T>(fn: StreamFunction<T>, capacity: number, name: string): Opener<T> {
  if (/^(Async)?GeneratorFunction$/.test(String((fn as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]))) {
    const generate = fn as unknown as () => StreamSource<T>;
    // A generator's body begins with its first step: calling it runs nothing.
    return (home) => openSource(generate(), home, 'make a stream');
  }
  return (home) => {
    const begin = (feed: Feed<T>): void => feed.spawn(name, (scope) => run(fn, feed, scope));
    return new Feed(home, { name, capacity, begin });
  };
}

async function run<T>(fn: StreamFunction<T>, feed: Feed<T>, scope: Scope): Promise<void> {
  // Whoever emits waits: the producer, or a task that it has started.
  const emit: Emit<T> = (value, options) =>
    rejecting(() => {
      const caller = options?.scope || ambientAvailable ? scopeFor('emit', options) : scope;
      return feed.emit(caller ?? scope, value);
    });
  const made = await fn(emit, scope);
  if (!isSource(made)) return;
  const source = openSource(made as StreamSource<T>, scope, 'make a stream');
  const failure = await failureOf(() => pour(source, scope, (value) => feed.put(scope, value)));
  await closeAfter(source, failure, scope);
}
