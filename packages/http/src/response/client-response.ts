import type { Exchange } from '../request/exchange.ts';
import type { Attempt, StatusError } from '../errors.ts';
import { parseLinks, type Link } from '../headers/link.ts';
import type { StandardSchemaV1 } from '../standard-schema.ts';
import type { ResponseBody } from './response-body.ts';

/** A response that was a redirect, and was followed. */
export interface RedirectStep {
  readonly status: number;
  /** Redacted. */
  readonly url: string;
}

/** How long things took, in milliseconds. Those of the last try; undefined where they do not apply. */
export interface ResponseTimings {
  readonly queueMs: number;
  readonly dnsMs: number | undefined;
  readonly connectMs: number | undefined;
  readonly tlsMs: number | undefined;
  readonly headersMs: number | undefined;
}

/** @internal What a response is made of. */
export interface ResponseParts {
  readonly status: number;
  readonly statusText: string;
  readonly rawHeaders: readonly string[];
  readonly url: URL;
  /** Whether the platform has followed redirects of which nothing else is known. */
  readonly moved: boolean;
  readonly history: readonly RedirectStep[];
  readonly http: '1.1' | '2';
  readonly body: ResponseBody;
  readonly exchange: Exchange;
  readonly owner: ResponseOwner;
}

/** @internal Who made the request. */
export interface ResponseOwner {
  attempts(exchange: Exchange): readonly Attempt[];
  statusError(exchange: Exchange, response: ClientResponse, snippet: string): StatusError;
}

/**
 * A response whose head has come. Its body has not: read it, or release it.
 *
 * Guarantees: it belongs to the scope in which the request was made, and is released when that ends; `text`, `json` and
 * `bytes` release it themselves. A body that is not read to its end costs its connection, unless little of it is left.
 */
export class ClientResponse implements AsyncDisposable {
  readonly status: number;
  readonly statusText: string;
  /** Where it came from at last, without credentials. */
  get url(): string {
    return this.#parts.url.href;
  }
  /** What was followed to get here, the first one first. */
  readonly history: readonly RedirectStep[];
  /** The version of HTTP that it came by. */
  readonly http: '1.1' | '2';
  readonly body: ResponseBody;
  readonly #parts: ResponseParts;
  #headers: Headers | undefined;

  /** @internal */
  constructor(parts: ResponseParts) {
    this.status = parts.status;
    this.statusText = parts.statusText;
    this.history = parts.history;
    this.http = parts.http;
    this.body = parts.body;
    this.#parts = parts;
  }

  /** Whether the status is one of 2xx. */
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299;
  }

  get redirected(): boolean {
    return this.history.length > 0 || this.#parts.moved;
  }

  /** The headers as a `Headers` of their own. */
  get headers(): Headers {
    return (this.#headers ??= toHeaders(this.#parts.rawHeaders));
  }

  /** Names and values in turns, in the order in which they came; names in lower case. */
  get rawHeaders(): readonly string[] {
    return this.#parts.rawHeaders;
  }

  /** The first value of a header, or undefined. `name` in lower case. */
  header(name: string): string | undefined {
    const raw = this.#parts.rawHeaders;
    for (let at = 0; at < raw.length; at += 2) if (raw[at] === name) return raw[at + 1];
    return undefined;
  }

  /** All values of a header, in the order in which they came. `name` in lower case. */
  headerValues(name: string): string[] {
    const raw = this.#parts.rawHeaders;
    return raw.filter((_value, at) => at % 2 === 1 && raw[at - 1] === name);
  }

  /** What the header Link points to. */
  get links(): readonly Link[] {
    const value = this.headers.get('link');
    return value === null ? [] : parseLinks(value);
  }

  /** All tries that were made for it, the one that brought it last. */
  get attempts(): readonly Attempt[] {
    const { owner, exchange } = this.#parts;
    return owner.attempts(exchange);
  }

  get timings(): ResponseTimings {
    const { queueMs, dnsMs, connectMs, tlsMs, headersMs } = this.attempts.at(-1) as Attempt;
    return { queueMs, dnsMs, connectMs, tlsMs, headersMs };
  }

  /**
   * The body as text, by the character set of its Content-Type, else UTF-8. Releases the response.
   *
   * Cancellable: the connection is ended.
   *
   * @throws {BodyLimitError} when it is larger than `maxBytes`; {@link DecodeError}, {@link TruncatedError},
   * {@link HttpTimeoutError}.
   */
  text(): Promise<string> {
    return this.body.text();
  }

  /** The body, whole. As {@link text}. */
  bytes(): Promise<Uint8Array> {
    return this.body.bytes();
  }

  /**
   * The body as JSON, checked and converted by `schema` when there is one: any Standard Schema (zod, valibot, arktype…).
   * As {@link text}.
   *
   * @throws {DecodeError} when it is not JSON, or the schema refuses it: `cause` has the issues.
   */
  json<T = unknown>(schema?: StandardSchemaV1<unknown, T>): Promise<T> {
    return this.body.json(schema);
  }

  /**
   * Gives the response back when its status is less than 400.
   *
   * Cancellable: while the beginning of the body is read for the error.
   *
   * @throws {StatusError} with the beginning of the body, else; the response is released then.
   */
  async raiseForStatus(): Promise<this> {
    if (this.status < 400) return this;
    const snippet = await this.body.snippet();
    await this.release();
    const { owner, exchange } = this.#parts;
    throw owner.statusError(exchange, this, snippet);
  }

  /** Gives up what has not been read. Idempotent; waits for nothing. */
  release(): Promise<void> {
    this.body.release();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** @internal What a Headers cannot hold is left out. */
export function toHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at < raw.length; at += 2) {
    try {
      headers.append(raw[at] as string, raw[at + 1] as string);
    } catch {
      // What a Headers cannot hold is in rawHeaders still.
    }
  }
  return headers;
}
