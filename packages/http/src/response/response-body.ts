import { isCancelled, type Scope } from 'corral';
import { decodeText } from '../headers/content-type.ts';
import { ambientScope } from '../internal/ambient-scope.ts';
import type { DecodeLimits, Decoding } from '../platform/platform.ts';
import { overLimit, tooShort } from '../request/exchange-errors.ts';
import type { Exchange } from '../request/exchange.ts';
import { waitFor } from '../request/wait-for.ts';
import { validate, type StandardSchemaV1 } from '../standard-schema.ts';
import { ByteReader, joined } from './byte-reader.ts';
import { headerOf, lengthOf } from './head.ts';

const SNIPPET_BYTES = 1024;
/** What is not there by then is left out: the status is what matters. */
const SNIPPET_MS = 1_000;

/** @internal */
export interface BodyParts {
  readonly exchange: Exchange;
  /** What it was encoded with, and is to be decoded from; empty when as it is. */
  readonly codings: readonly string[];
  readonly decoding: Decoding | undefined;
  readonly limits: DecodeLimits;
  /** Whether there is none, whatever the head says. */
  readonly bodyless: boolean;
  /** The scope that it belongs to. */
  readonly scope: Scope;
  readonly owner: BodyOwner;
}

/** @internal Who made the request. */
export interface BodyOwner {
  /** An error of the decoding, with what is known of the request. */
  decodeError(exchange: Exchange, error: unknown): unknown;
}

/**
 * The body of a response: an async iterable of chunks, decoded.
 *
 * Guarantees: it is read once; between server and reader at most some 64 KiB wait; leaving a loop over it early releases
 * the response. What is broken off, decoded wrongly or too large throws, and never looks complete.
 */
export class ResponseBody implements AsyncIterable<Uint8Array> {
  readonly #parts: BodyParts;
  #used = false;
  #released = false;
  #reader: ByteReader | undefined;
  #onReleased: (() => void) | undefined;

  /** @internal */
  constructor(parts: BodyParts) {
    this.#parts = parts;
  }

  /** Its length in bytes as it was sent, where the server said. */
  get length(): number | undefined {
    const { bodyless, exchange } = this.#parts;
    return bodyless ? 0 : lengthOf(exchange.head);
  }

  /** How many bytes have come, as they were sent. */
  get receivedBytes(): number {
    return this.#parts.exchange.received;
  }

  // Whole ------------------------------------------------------------------------------------------------------------

  /** All of it. Releases the response. See {@link ClientResponse.text}. */
  async bytes(): Promise<Uint8Array> {
    if (this.#reader) return this.#reader.rest(this.#parts.limits.maxBytes);
    const there = this.#whole();
    if (there) return there;
    const { exchange, codings, decoding, limits } = this.#use();
    try {
      exchange.limitTo(limits.maxBytes);
      const raw = await this.#waitFor(exchange.body.collect());
      if (codings.length === 0 || !decoding) return raw;
      return await this.#waitFor(decoding.decodeWhole(raw, codings, limits));
    } catch (error) {
      if (isCancelled(error)) this.abort();
      throw this.#decodeError(error);
    } finally {
      this.release();
    }
  }

  /** All of it, when it has come already, and as it was sent. */
  #whole(): Uint8Array | undefined {
    const { exchange, codings, limits, scope } = this.#parts;
    const { body } = exchange;
    const fits = body.complete && !this.#used && !this.#released && body.buffered <= limits.maxBytes;
    if (!fits || codings.length > 0 || (ambientScope() ?? scope).cancelled) return undefined;
    this.#used = true;
    this.release();
    return body.takeAll();
  }

  #decodeError(error: unknown): unknown {
    const { owner, exchange } = this.#parts;
    return owner.decodeError(exchange, error);
  }

  async text(): Promise<string> {
    return this.#asText(this.#whole() ?? (await this.bytes()));
  }

  /** @internal As {@link text}, without a promise when all of it has come: a small body mostly comes with its head. */
  textSoon(): string | Promise<string> {
    const bytes = this.#whole();
    return bytes ? this.#asText(bytes) : this.text();
  }

  #asText(bytes: Uint8Array): string {
    try {
      return decodeText(bytes, headerOf(this.#parts.exchange.head, 'content-type'));
    } catch (error) {
      throw this.#decodeError(error);
    }
  }

  async json<T = unknown>(schema?: StandardSchemaV1<unknown, T>): Promise<T> {
    const text = await this.text();
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw this.#decodeError(new NotJson(text, error));
    }
    if (!schema) return value as T;
    try {
      return await this.#waitFor(validate(schema, value));
    } catch (error) {
      throw isCancelled(error) ? error : this.#decodeError(error);
    }
  }

  /** @internal The beginning of it as text, for an error. */
  async snippet(): Promise<string> {
    if (this.#used || this.#released) return '';
    const found: Uint8Array[] = [];
    let size = 0;
    this.#parts.exchange.hurry(SNIPPET_MS);
    try {
      for await (const chunk of this) {
        found.push(chunk);
        size += chunk.byteLength;
        if (size >= SNIPPET_BYTES) break;
      }
    } catch (error) {
      if (isCancelled(error)) throw error;
    }
    const bytes = joined(found, size).subarray(0, SNIPPET_BYTES);
    return new TextDecoder().decode(bytes, { stream: true });
  }

  // In pieces --------------------------------------------------------------------------------------------------------

  /** Chunks as they come, decoded. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this.#iterate();
  }

  /**
   * Line by line, without their ends (LF or CR LF); the last one need not have one.
   *
   * @throws {BodyLimitError} when a line is longer than `maxLineBytes` (default 1 MiB).
   *
   * @example Reading newline-delimited JSON
   * ```ts
   * import { ClientSession } from '@corral/http';
   *
   * await using session = new ClientSession();
   * await using response = await session.get('https://example.org/events.ndjson');
   * for await (const line of response.body.lines()) console.log(JSON.parse(line));
   * ```
   */
  lines(options?: { readonly maxLineBytes?: number | undefined }): AsyncIterableIterator<string> {
    return this.#bytes().lines(options?.maxLineBytes);
  }

  /** In pieces of exactly `size` bytes; the last one may be smaller. */
  chunks(size: number): AsyncIterableIterator<Uint8Array> {
    return this.#bytes().chunks(size);
  }

  /** Up to `size` bytes, at least one; an empty array at the end. */
  async read(size?: number): Promise<Uint8Array> {
    return this.#entered().read(size);
  }

  /**
   * Exactly `size` bytes.
   *
   * @throws {TruncatedError} when the body ends before; what there was has been read.
   */
  async readExactly(size: number): Promise<Uint8Array> {
    return this.#entered().readExactly(size);
  }

  /** Up to and with `separator`; at the end of the body what is left, undefined when nothing is. */
  async readUntil(separator: string | Uint8Array, maxBytes?: number): Promise<Uint8Array | undefined> {
    return this.#entered().readUntil(separator, maxBytes);
  }

  /** As a web stream. Cancelling it releases the response. */
  toWeb(): ReadableStream<Uint8Array> {
    const iterator = this.#iterate();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { done, value } = await iterator.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: () => this.release(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Writes all of it to a web stream, and closes that. Cancelled or failed, the stream is aborted. */
  async pipeTo(destination: WritableStream<Uint8Array>): Promise<void> {
    const writer = destination.getWriter();
    try {
      for await (const chunk of this) {
        await this.#waitFor(writer.ready);
        writer.write(chunk).catch(() => {}); // told by ready, or by close
      }
      await this.#waitFor(writer.close());
    } catch (error) {
      this.release();
      writer.abort(error).catch(() => {});
      throw error;
    } finally {
      writer.releaseLock();
    }
  }

  /** Gives up what has not been read. Idempotent. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    const { exchange } = this.#parts;
    if (!exchange.over) exchange.discard(this.length);
    this.#onReleased?.();
  }

  /** @internal As {@link release}, and the connection is ended. Whoever reads it meanwhile is told `why`. */
  abort(why?: { readonly error: unknown }): void {
    const { exchange } = this.#parts;
    if (!exchange.over) exchange.journey.trace?.cancelled();
    exchange.abort(why);
    this.release();
  }

  /** @internal The caller has it. */
  deliver(): void {
    this.#parts.exchange.deliver();
  }

  /** @internal Calls back when it is released: at once when it is. */
  whenReleased(callback: () => void): void {
    if (this.#released) callback();
    else this.#onReleased = callback;
  }

  /** @internal Each read is a cancellation point, also where nothing has to be waited for. */
  checkCancelled(): void {
    const current = ambientScope();
    const { reason } = current ?? this.#parts.scope;
    // Where nothing is current, what was released is told of by the body.
    if (reason && (current || !this.#released)) throw reason;
  }

  #entered(): ByteReader {
    const bytes = this.#bytes();
    this.checkCancelled();
    return bytes;
  }

  #bytes(): ByteReader {
    const { exchange } = this.#parts;
    return (this.#reader ??= new ByteReader(
      this.#iterate(),
      (limit) => overLimit(limit, exchange.factsOfBody()),
      (wanted, there) => tooShort(wanted, there, exchange.received, exchange.factsOfBody()),
    ));
  }

  /** It is read once. */
  #use(): BodyParts {
    if (this.#released && !this.#used) throw new TypeError('Cannot read the body as the response was released before');
    if (this.#used) throw new TypeError('Cannot read the body as it was read, or is being read, already');
    this.#used = true;
    return this.#parts;
  }

  #iterate(): AsyncIterator<Uint8Array, undefined> {
    const { codings, decoding, limits } = this.#use();
    const raw = new RawChunks(this, this.#parts);
    if (codings.length === 0 || !decoding) return raw;
    // How much is read in pieces is the reader's affair; how much of a little, is not.
    const decoded = decoding.decodeStream(raw, codings, { ...limits, maxBytes: Infinity })[Symbol.asyncIterator]();
    return new Decoded(this, decoded, this.#parts);
  }

  #waitFor<T>(promise: Promise<T>): Promise<T> {
    return waitAsReader(promise, this.#parts.scope);
  }
}

/** Waits in what is current. Where nothing is, the end of the request's scope ends it too: the body is released by that. */
async function waitAsReader<T>(promise: Promise<T>, own: Scope, onAbandoned?: (value: T) => void): Promise<T> {
  const scope = ambientScope();
  if (scope) return waitFor(promise, scope, onAbandoned);
  try {
    return await promise;
  } catch (error) {
    const { reason } = own;
    throw reason && reason.cause.kind !== 'closed' ? reason : error;
  }
}

/** What was sent, chunk by chunk. */
class RawChunks implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #owner: ResponseBody;
  readonly #parts: BodyParts;
  constructor(owner: ResponseBody, parts: BodyParts) {
    this.#owner = owner;
    this.#parts = parts;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { body } = this.#parts.exchange;
    if (body.beingRead) throw new TypeError('Cannot read the body as it is being read: await one read before the next');
    this.#owner.checkCancelled();
    const read = body.read();
    const chunk = read instanceof Promise ? await this.#wait(read) : read;
    if (chunk) return { done: false, value: chunk };
    this.#owner.release();
    return { done: true, value: undefined };
  }

  /** Cancelled, nothing is lost: the next who reads gets what comes. */
  async #wait(read: Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    const { body } = this.#parts.exchange;
    try {
      return await waitAsReader(read, this.#parts.scope, (chunk) => body.unread(chunk));
    } catch (error) {
      body.forget(read);
      throw error;
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#owner.release();
    return Promise.resolve({ done: true, value: undefined });
  }
}

/** What was sent, decoded. */
class Decoded implements AsyncIterator<Uint8Array, undefined> {
  readonly #owner: ResponseBody;
  readonly #inner: AsyncIterator<Uint8Array>;
  readonly #parts: BodyParts;
  constructor(owner: ResponseBody, inner: AsyncIterator<Uint8Array>, parts: BodyParts) {
    this.#owner = owner;
    this.#inner = inner;
    this.#parts = parts;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#owner.checkCancelled();
    try {
      const result = await this.#inner.next();
      return result.done ? { done: true, value: undefined } : result;
    } catch (error) {
      this.#owner.checkCancelled();
      throw this.#parts.owner.decodeError(this.#parts.exchange, error);
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#owner.release();
    await this.#inner.return?.();
    return { done: true, value: undefined };
  }
}

/** What came is not JSON; shows where it starts. */
export class NotJson extends Error {
  constructor(text: string, cause: unknown) {
    const start = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    super(`the body is not JSON: it begins with ${JSON.stringify(start)}`, { cause });
  }
}
