import { shown } from '../internal/checks.ts';
import type { BodyBytes, BodyStream } from './byte-source.ts';

type Readable = BodyStream | BodyBytes;
/** What iterators and the readers of web streams have in common. */
interface Source {
  next(): Promise<IteratorResult<unknown>> | IteratorResult<unknown>;
  return(): unknown;
}

/**
 * Reads the bytes of something, or of what a promise of it brings.
 *
 * Guarantees: nothing is read ahead; empty chunks are left out; `return()` reaches the source even while it is being waited
 * for, and one that comes later is returned when it has come. Calls of `next` must not overlap.
 */
export function readBytes(from: Readable | Promise<Readable>, what: string): AsyncIterableIterator<Uint8Array> {
  return new ByteIterator(from, what);
}

class ByteIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #what: string;
  readonly #source: Source | Promise<Source>;
  #ended = false;

  constructor(from: Readable | Promise<Readable>, what: string) {
    this.#what = what;
    if (isPromise(from)) {
      this.#source = Promise.resolve(from).then((made) => sourceOf(made, what));
      // It is told to whoever asks for the first chunk; until then nobody listens.
      this.#source.catch(() => {});
    } else this.#source = sourceOf(from, what);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    while (!this.#ended) {
      const { done, value } = await this.#pull();
      if (done) break;
      if (this.#ended) return { done: true, value: undefined };
      const bytes = toBytes(value);
      if (!bytes) return this.#refuse(value);
      if (bytes.length > 0) return { done: false, value: bytes };
    }
    this.#ended = true;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#ended) {
      this.#ended = true;
      if (this.#source instanceof Promise) this.#source.then(release, () => {});
      else await this.#source.return();
    }
    return { done: true, value: undefined };
  }

  async #pull(): Promise<IteratorResult<unknown>> {
    try {
      const source = this.#source instanceof Promise ? await this.#source : this.#source;
      if (this.#ended) return { done: true, value: undefined };
      return await source.next();
    } catch (error) {
      this.#ended = true;
      throw error;
    }
  }

  async #refuse(value: unknown): Promise<never> {
    await this.return().catch(() => {});
    throw new TypeError(
      `Cannot send ${this.#what} as its chunks take bytes and strings: current value is ${shown(value)}`,
    );
  }
}

/** Nobody waits for it: what it throws has nobody to be told to. */
async function release(source: Source): Promise<void> {
  try {
    await source.return();
  } catch {
    // See above.
  }
}

function sourceOf(from: Readable, what: string): Source {
  const whole = toBytes(from);
  if (whole) return ofIterator([whole][Symbol.iterator]());
  if (typeof from !== 'object' || from === null) throw none(from, what);
  if (typeof (from as Blob).stream === 'function') return ofReader((from as Blob).stream().getReader());
  if ('getReader' in (from as object)) return ofReader((from as ReadableStream<Uint8Array>).getReader());
  const iterable = from as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
  if (!iterator) throw none(from, what);
  return isNodeStream(from) ? ofNodeStream(from, iterator) : ofIterator(iterator);
}

function none(from: unknown, what: string): TypeError {
  return new TypeError(
    `Cannot send ${what} as its function takes to give a stream or bytes: current value is ${shown(from)}`,
  );
}

function ofIterator(iterator: AsyncIterator<unknown> | Iterator<unknown>): Source {
  return { next: () => iterator.next(), return: () => iterator.return?.() };
}

/** What streams of Node have beside being iterable. */
interface NodeStream {
  on(event: 'error', listener: () => void): unknown;
  destroy(): unknown;
}

function isNodeStream(value: unknown): value is NodeStream {
  const { on, destroy } = (value ?? {}) as Partial<NodeStream>;
  return typeof on === 'function' && typeof destroy === 'function';
}

/** A stream of Node works before anybody reads it: what it fails with is told to whoever reads it then. */
export function listenForErrors(stream: unknown): void {
  if (isNodeStream(stream)) stream.on('error', () => {});
}

/** Its iterator does nothing about the stream before it was asked, nor while it waits. */
function ofNodeStream(stream: NodeStream, iterator: AsyncIterator<unknown> | Iterator<unknown>): Source {
  listenForErrors(stream);
  return { next: () => iterator.next(), return: () => stream.destroy() };
}

function ofReader(reader: ReadableStreamDefaultReader<unknown>): Source {
  return {
    next: async () => {
      const { done, value } = await reader.read();
      return done ? { done, value: undefined } : { done, value };
    },
    return: () => reader.cancel(),
  };
}

function toBytes(chunk: unknown): Uint8Array | undefined {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string') return new TextEncoder().encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : undefined;
}

function isPromise(value: unknown): value is Promise<Readable> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
