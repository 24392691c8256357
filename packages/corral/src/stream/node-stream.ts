import type { ScopeOption } from '../core/current.ts';
import { shown } from '../internal/checks.ts';
import { hostProcess } from '../internal/host.ts';
import type { Consumable } from './consumable.ts';
import { Remote } from './remote.ts';
import { failureOf } from './failures.ts';
import { openSource } from './source.ts';
import { Stream } from './stream.ts';

/** What is needed of Node's Readable. */
export interface NodeReadableLike<T = unknown> extends AsyncIterable<T> {
  readonly closed?: boolean;
  on(name: string, listener: (...values: never[]) => void): unknown;
  once(name: string, listener: (...values: never[]) => void): unknown;
  destroy(error?: Error): unknown;
}

/**
 * What one of Node's Readables gives, as a stream.
 *
 * Guarantees: nothing is lost between this call and the reading; an `error` is thrown to whoever reads; leaving early
 * destroys it and waits until it is closed. It can be read once, and is to be read: errors come nowhere else any more.
 *
 * Cancellable: likewise.
 *
 * @throws {TypeError} when `readable` is none.
 *
 * @example Lines of a file, or of anything
 * ```ts run
 * import { fromNodeStream } from 'corral';
 * import { Readable } from 'node:stream';
 *
 * const words = fromNodeStream<string>(Readable.from(['one', 'two']));
 * console.log(await words.toArray()); // ['one', 'two']
 * ```
 */
export function fromNodeStream<T = unknown>(readable: NodeReadableLike, options?: ScopeOption): Stream<T> {
  if (typeof readable?.destroy !== 'function' || typeof readable[Symbol.asyncIterator] !== 'function') {
    throw new TypeError(`Cannot read it as fromNodeStream takes a Readable: current value is ${shown(readable)}`);
  }
  // An error that comes before the first step would end the process; it is kept by the stream and thrown then.
  readable.on('error', () => {});
  const chunks = chunksOf(readable as NodeReadableLike<T>);
  return new Stream<T>((home) => openSource(chunks, home, 'fromNodeStream'), options?.scope);
}

/** Its own iterator is a generator, which cannot be stopped while a chunk is awaited: destroying ends the wait. */
function chunksOf<T>(readable: NodeReadableLike<T>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = readable[Symbol.asyncIterator]();
      return {
        next: () => iterator.next(),
        async return(): Promise<IteratorResult<T>> {
          const closed = readable.closed || new Promise<void>((resolve) => readable.once('close', resolve));
          readable.destroy();
          await closed;
          // What it says now is the echo of having been destroyed.
          await iterator.return?.().catch(() => {});
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** Options of {@link toNodeStream}. */
export interface ToNodeStreamOptions extends ScopeOption {
  /** Whether the values are anything, or else strings and bytes. Default: true. */
  readonly objectMode?: boolean | undefined;
  /** How much is read ahead: values, or bytes where they are not objects. Default: 1, or 65,536 bytes. */
  readonly highWaterMark?: number | undefined;
}

/** What is asked of Node's Readable when one is made. */
interface MadeReadable {
  push(chunk: unknown): boolean;
  destroy(error?: unknown): void;
}

type ReadableClass = new (options: {
  readonly objectMode: boolean;
  readonly highWaterMark: number;
  read(this: MadeReadable): void;
  destroy(error: Error | null, finish: (error: unknown) => void): void;
}) => unknown;

/**
 * A stream as one of Node's Readables: for `pipeline` and all that takes one. Its type is `Readable`
 * to whom has Node's types: `toNodeStream(…) as Readable`.
 *
 * Guarantees: nothing is read further ahead than `highWaterMark`; destroying it cancels all that runs for it, and waits
 * for that before it is closed. It belongs to the scope of this call: when that ends, so does it.
 *
 * Cancellable: by that scope; whoever reads gets the cancellation, after what was read ahead.
 *
 * @throws {TypeError} where the platform has no `node:stream`.
 *
 * @example Into a pipeline
 * ```ts run
 * import { stream, toNodeStream } from 'corral';
 * import type { Readable } from 'node:stream';
 * import { text } from 'node:stream/consumers';
 *
 * console.log(await text(toNodeStream(stream(['a', 'b'])) as Readable)); // ab
 * ```
 */
export function toNodeStream<T>(source: Consumable<T>, options?: ToNodeStreamOptions): NodeReadableLike<T> {
  const host = hostProcess as { getBuiltinModule?: (name: string) => unknown } | undefined;
  const Readable = (host?.getBuiltinModule?.('node:stream') as { Readable?: ReadableClass } | undefined)?.Readable;
  if (!Readable) throw new TypeError('Cannot make a Readable as this platform has no node:stream: use toWebStream');
  const { objectMode = true, highWaterMark = objectMode ? 1 : 65_536 } = options ?? {};
  const remote = new Remote(source, 'toNodeStream', options);
  return new Readable({
    objectMode,
    highWaterMark,
    read() {
      remote.next().then(
        ({ done, value }) => push(this, done ? END_OF_STREAM : value),
        (error: unknown) => this.destroy(error),
      );
    },
    destroy(error, finish) {
      void failureOf(() => remote.stop()).then((failure) => finish(error ?? failure?.error));
    },
  }) as NodeReadableLike<T>;
}

const END_OF_STREAM = Symbol('end');

/** Null means the end to Node: as a value it would cut the stream short. */
function push(readable: MadeReadable, value: unknown): void {
  if (value === END_OF_STREAM) readable.push(null);
  else if (value !== null && value !== undefined) readable.push(value);
  else readable.destroy(new TypeError(`Cannot push it as a Readable takes no null: current value is ${shown(value)}`));
}
