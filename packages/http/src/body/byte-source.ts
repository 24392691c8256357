import { shown } from '../internal/checks.ts';
import { listenForErrors, readBytes } from './byte-iterator.ts';

/** Streams of a body: strings are sent as UTF-8. */
export type BodyStream =
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array | string>;

/** Bodies that are there as a whole, or can be read as often as need be. */
export type BodyBytes = string | Uint8Array | ArrayBuffer | ArrayBufferView | Blob;

/** Makes the body anew each time it is sent. */
export type BodyFactory = () => BodyStream | BodyBytes | Promise<BodyStream | BodyBytes>;

/** What can be sent: only a stream that was made already can be sent but once. */
export type BodyData = BodyBytes | BodyStream | BodyFactory;

/** Where the bytes of a body, or of a part of one, come from. */
export interface ByteSource {
  /** What it says itself about its type. */
  readonly type: string | undefined;
  readonly length: number | undefined;
  /** Whether `open` can be called again. */
  readonly replayable: boolean;
  readonly used: boolean;
  /** All of it, where it is in memory anyway. */
  readonly bytes?: Uint8Array;
  open(): Uint8Array | AsyncIterableIterator<Uint8Array>;
  /** Gives up a stream that was never opened, so that what it holds is released. */
  discard(): Promise<void>;
}

/** @throws {TypeError} when that cannot be sent. `what` is how it is named. */
export function byteSource(data: unknown, what: string): ByteSource {
  if (typeof data === 'string') return new Bytes(new TextEncoder().encode(data), 'text/plain;charset=UTF-8');
  if (data instanceof Uint8Array) return new Bytes(data);
  if (ArrayBuffer.isView(data)) return new Bytes(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  if (data instanceof ArrayBuffer) return new Bytes(new Uint8Array(data));
  if (isBlob(data)) return new Made(() => data.stream(), what, data.size, data.type || undefined);
  if (typeof data === 'function') return new Made(data as BodyFactory, what);
  if (Array.isArray(data)) return new Made(() => data as (Uint8Array | string)[], what);
  if (isStream(data)) return new OneShot(data, what);
  const hint = isThenable(data)
    ? ' (await it first)'
    : typeof data === 'object' && data
      ? ' (is it meant as json?)'
      : '';
  throw new TypeError(
    `Cannot send ${what} as it takes a string, bytes, a Blob, a stream or a function that makes one: ` +
      `current value is ${shown(data)}${hint}`,
  );
}

class Bytes implements ByteSource {
  readonly type: string | undefined;
  readonly length: number;
  readonly replayable = true;
  readonly used = false;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, type?: string) {
    this.bytes = bytes;
    this.length = bytes.length;
    this.type = type;
  }

  open(): Uint8Array {
    return this.bytes;
  }

  async discard(): Promise<void> {}
}

class Made implements ByteSource {
  readonly type: string | undefined;
  readonly length: number | undefined;
  readonly replayable = true;
  readonly used = false;
  readonly #make: BodyFactory;
  readonly #what: string;

  constructor(make: BodyFactory, what: string, length?: number, type?: string) {
    this.#make = make;
    this.#what = what;
    this.length = length;
    this.type = type;
  }

  /** What the function throws is thrown here: it is called at once, in the context of whoever sends. */
  open(): AsyncIterableIterator<Uint8Array> {
    return readBytes(this.#make(), this.#what);
  }

  async discard(): Promise<void> {}
}

class OneShot implements ByteSource {
  readonly type = undefined;
  readonly length = undefined;
  readonly replayable = false;
  readonly #stream: BodyStream;
  readonly #what: string;
  #used = false;

  constructor(stream: BodyStream, what: string) {
    if ((stream as { locked?: unknown }).locked === true) {
      throw new TypeError(`Cannot send ${what} as nobody else may be reading it: current value is a locked stream`);
    }
    listenForErrors(stream);
    this.#stream = stream;
    this.#what = what;
  }

  get used(): boolean {
    return this.#used;
  }

  open(): AsyncIterableIterator<Uint8Array> {
    if (this.#used) {
      throw new TypeError(
        `Cannot send ${this.#what} again as a stream can be read only once: give a function that makes the stream`,
      );
    }
    this.#used = true;
    return readBytes(this.#stream, this.#what);
  }

  async discard(): Promise<void> {
    if (!this.#used) await this.open().return?.();
  }
}

/** By its tag: a Blob may come from a package of its own. */
export function isBlob(value: unknown): value is Blob {
  return hasTag(value, ['Blob', 'File']) && typeof (value as { stream?: unknown }).stream === 'function';
}

export function isFormData(value: unknown): value is FormData {
  return hasTag(value, ['FormData']) && typeof (value as { entries?: unknown }).entries === 'function';
}

function hasTag(value: unknown, tags: readonly string[]): boolean {
  return typeof value === 'object' && value !== null && tags.includes(String(Reflect.get(value, Symbol.toStringTag)));
}

function isStream(value: unknown): value is BodyStream {
  if (typeof value !== 'object' || value === null) return false;
  return Symbol.asyncIterator in value || Symbol.iterator in value || 'getReader' in value;
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
