import type { ScopeOption } from '../core/current.ts';
import { shown } from '../internal/checks.ts';
import type { Consumable } from './consumable.ts';
import { Remote } from './remote.ts';
import { Stream } from './stream.ts';
import { openSource } from './source.ts';

/**
 * What a web `ReadableStream` gives, as a stream.
 *
 * Guarantees: it is locked when the first value is asked for; leaving early cancels it and waits for that. It can be read
 * once.
 *
 * Cancellable: likewise.
 *
 * @throws {TypeError} when `readable` is none.
 *
 * @example The body of a response
 * ```ts run
 * import { fromWebStream } from 'corral';
 *
 * const body = new Blob(['one two']).stream();
 * let bytes = 0;
 * for await (const chunk of fromWebStream(body)) bytes += chunk.length;
 * console.log(bytes); // 7
 * ```
 */
export function fromWebStream<T>(readable: ReadableStream<T>, options?: ScopeOption): Stream<T> {
  if (typeof readable?.getReader !== 'function') {
    throw new TypeError(`Cannot read it as fromWebStream takes a ReadableStream: current value is ${shown(readable)}`);
  }
  return new Stream<T>((home) => openSource(chunksOf(readable), home, 'fromWebStream'), options?.scope);
}

/** By hand: the iterator of the platform cannot be stopped while a chunk is awaited, and Safari has none. */
function chunksOf<T>(readable: ReadableStream<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const reader = readable.getReader();
      return {
        async next(): Promise<IteratorResult<T>> {
          let over = true;
          try {
            const result = await reader.read();
            over = result.done;
            return result as IteratorResult<T>;
          } finally {
            if (over) reader.releaseLock();
          }
        },
        async return(): Promise<IteratorResult<T>> {
          await reader.cancel();
          reader.releaseLock();
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/**
 * A stream as a web `ReadableStream`: for a `Response`, or `pipeTo`.
 *
 * Guarantees: nothing is read before it is asked for, and nothing ahead; cancelling it cancels all that runs for it, and
 * waits for that. It belongs to the scope of this call: when that ends, so does it.
 *
 * Cancellable: by that scope; whoever reads gets the cancellation.
 *
 * @example Through a web transform
 * ```ts run
 * import { fromWebStream, stream, toWebStream } from 'corral';
 *
 * const bytes = toWebStream(stream(['a', 'b'])).pipeThrough(new TextEncoderStream());
 * console.log(await fromWebStream(bytes).count()); // 2
 * ```
 */
export function toWebStream<T>(source: Consumable<T>, options?: ScopeOption): ReadableStream<T> {
  const remote = new Remote(source, 'toWebStream', options);
  return new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await remote.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => remote.stop(),
    },
    { highWaterMark: 0 },
  );
}
