import { AsyncResource } from 'node:async_hooks';

import { util, type Dispatcher } from 'undici';

import type { ConnectPhase, WireCall, WireFailure, WireRequest, WireSink } from '../wire/transport.ts';
import type { ConnectFailure } from './connect-failure.ts';
import type { Connection } from './connection.ts';
import { proxyAuthorization } from './proxy-tunnel.ts';
import { outside } from './outside.ts';
import type { Listed } from '../internal/roster.ts';
import { Upload } from '../wire/upload.ts';
import { wireFailure } from './wire-failure.ts';

/** How many header fields a response may have. */
const MAX_FIELDS = 256;
/** A shared connection on which nothing came for so long, while an exchange waited, is not trusted any more. */
const SILENCE_MS = 1_000;

/** What an exchange wants of the pool. */
export interface ExchangeOwner {
  readonly maxHeaderBytes: number;
  readonly keepAlive: boolean;
  /** It wants a connection, again if the one it was given was closed before anything was written. */
  start(exchange: WireExchange): void;
  /** It waits for none any more. */
  leave(exchange: WireExchange): void;
  /** It is done with its connection, which may serve others. */
  release(connection: Connection, exchange: WireExchange): void;
}

/** One exchange: the handler that undici calls. */
export class WireExchange implements WireCall, Listed {
  rosterIndex = -1;
  readonly request: WireRequest;
  readonly key: string;
  readonly #owner: ExchangeOwner;
  readonly #sink: WireSink;
  #connection: Connection | undefined;
  #upload: Upload | undefined;
  #context: AsyncResource | undefined;
  #abortRequest: ((reason?: Error) => void) | undefined;
  #resumeReading: (() => void) | undefined;
  #over = false;
  /** Whether undici has it: before, the connection is as it was. */
  #dispatched = false;
  #begunAt = 0;
  #receivedBefore = 0;
  #reused = false;
  #headSeen = false;
  /** Whether a server has refused it once, over HTTP/2. */
  #refused = false;
  /** Its status says that there is no body, whatever its headers say. */
  #bodyless = false;
  #dispatching = false;
  /** While data is handed over: undici may be resumed only after it was paused. */
  #handingOver = false;
  #resumed = false;

  constructor(owner: ExchangeOwner, request: WireRequest, sink: WireSink, key: string) {
    this.#owner = owner;
    this.request = request;
    this.#sink = sink;
    this.key = key;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Whether the body to be sent streams. */
  get streams(): boolean {
    const { body } = this.request;
    return body !== null && !(body instanceof Uint8Array);
  }

  onConnecting(phase: ConnectPhase): void {
    if (!this.#over) this.#sink.onConnecting(phase);
  }

  onNoConnection(failure: ConnectFailure): void {
    this.#fail({ ...failure, reused: false });
  }

  /** It will wait for a connection, and connections are made outside of every context. */
  keepContext(): void {
    this.#context ??= new AsyncResource('CorralExchange');
  }

  /** Calls something in the context that was kept. */
  inContext<A>(action: (this: this, value: A) => void, value: A): void {
    const context = this.#context;
    this.#context = undefined;
    if (context) context.runInAsyncScope(action, this, value);
    else action.call(this, value);
  }

  /** Begins on a connection that has a place for it. */
  begin(connection: Connection): void {
    this.#connection = connection;
    this.#reused = connection.served > 0;
    connection.take();
    connection.served += 1;
    if (connection.multiplexed) {
      this.#receivedBefore = connection.received;
      this.#begunAt = performance.now();
    }
    // A server may close it together with its last answer. That has to be read first, which takes a turn: undici's own
    // pause ends in the very turn in which the answer was read.
    if (this.#reused && !connection.multiplexed) setImmediate(() => this.#dispatchReused(connection));
    else this.#dispatch(connection);
  }

  #dispatchReused(connection: Connection): void {
    if (this.#over) return;
    if (connection.usable) this.#dispatch(connection);
    else this.#again();
  }

  #dispatch(connection: Connection): void {
    this.#dispatched = true;
    const { request } = this;
    let { body } = request;
    if (body !== null && !(body instanceof Uint8Array)) {
      body = this.#upload = new Upload(body, request.bodyLength);
      if (request.bodyLength === 0) body = null;
    }
    if (connection.multiplexed && body !== null && (request.method === 'GET' || request.method === 'HEAD')) {
      return this.#refuse(`there is no ${request.method} with a body over HTTP/2`);
    }
    const { method, url } = request;
    const path = url.pathname + url.search;
    const secure = url.protocol === 'https:';
    const forward = request.proxy !== undefined && !secure;
    this.#dispatching = true;
    connection.client.dispatch(
      new DispatchOptions({
        method,
        path: forward ? url.origin + path : path,
        headers: this.#headers(forward) as string[],
        body: body as Uint8Array | null,
        reset: connection.multiplexed ? null : this.#reset(),
        servername: secure ? url.hostname : null,
      }) as Dispatcher.DispatchOptions,
      this as unknown as Dispatcher.DispatchHandler,
    );
    this.#dispatching = false;
  }

  /** undici closes after HEAD in case a body follows. Whatever follows without being asked for ends the connection anyway. */
  #reset(): boolean | null {
    if (!this.#owner.keepAlive) return true;
    const { method, body } = this.request;
    return method === 'HEAD' && body === null ? false : null;
  }

  #headers(forward: boolean): readonly string[] {
    const { headers, proxy, url, bodyLength } = this.request;
    const measured = this.streams && bodyLength !== undefined && !has(headers, 'content-length');
    if (!proxy && !measured) return headers;
    const all: string[] = [];
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      // What is for the proxy is not for the target behind it.
      if (proxy && !forward && name.toLowerCase() === 'proxy-authorization') continue;
      all.push(name, headers[i + 1] as string);
    }
    if (measured) all.push('content-length', String(bodyLength));
    if (proxy && forward) {
      if (!has(headers, 'host')) all.push('host', url.host);
      const authorization = proxyAuthorization(proxy);
      if (authorization !== undefined && !has(headers, 'proxy-authorization')) {
        all.push('proxy-authorization', authorization);
      }
    }
    return all;
  }

  // What the session calls.

  resume(): void {
    if (this.#over) return;
    if (this.#handingOver) {
      this.#resumed = true;
      return;
    }
    const resumeReading = this.#resumeReading;
    // undici may set its timer for idle connections in here.
    if (resumeReading) outside(resumeReading);
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#end(true);
  }

  /** Ends it from the transport's side. */
  destroyed(message: string): void {
    const kind = this.#connection ? (this.#headSeen ? 'truncated' : 'closed') : 'connect';
    this.#fail({ kind, phase: undefined, message, cause: undefined, reused: this.#reused });
  }

  // What undici calls.

  onConnect(abort: (reason?: Error) => void): void {
    this.#abortRequest = abort;
    if (this.#over) return abort();
    const connection = this.#connection as Connection;
    this.#sink.onSend(this.#reused ? connection.reusedInfo : connection.link.info);
  }

  onHeaders(status: number, rawHeaders: readonly (Buffer | string)[], resume: () => void, statusText: string): boolean {
    if (this.#over) return true;
    if (this.#connection) this.#connection.answered = true;
    const { maxHeaderBytes } = this.#owner;
    if (rawHeaders.length > 2 * MAX_FIELDS) this.#violate(`the head has more than ${MAX_FIELDS} fields`);
    else if (this.#connection?.multiplexed === true && sizeOf(rawHeaders) > maxHeaderBytes) {
      this.#violate(`the head is larger than ${maxHeaderBytes} bytes`);
    } else if (status === 101) this.#violate('the server switched protocols without being asked');
    else if (status < 200) this.#sink.onInformation(status);
    else {
      this.#headSeen = true;
      this.#bodyless = status === 204 || status === 304;
      this.#resumeReading = resume;
      this.#sink.onHead({ status, statusText, headers: fields(rawHeaders) });
    }
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#over) return true;
    this.#handingOver = true;
    this.#resumed = false;
    const more = this.#sink.onData(chunk) || this.#resumed;
    this.#handingOver = false;
    return more;
  }

  onBodySent(chunk: Uint8Array): void {
    if (!this.#over) this.#sink.onBodySent(chunk.byteLength);
  }

  onComplete(trailers: unknown): void {
    if (this.#over) return;
    const list = trailerFields(trailers);
    if (list.length > 2 * MAX_FIELDS) return this.#violate(`the trailer has more than ${MAX_FIELDS} fields`);
    this.#complete(list, false);
  }

  #complete(trailers: readonly string[], broken: boolean): void {
    this.#over = true;
    this.#end(broken);
    this.#sink.onEnd(trailers);
  }

  onError(error: Error & { code?: string }): void {
    if (this.#over) return;
    // Called from within `dispatch`: `send` has not returned yet.
    if (this.#dispatching) {
      process.nextTick(onErrorLater, this, error);
      return;
    }
    // A 304 may say how long the body would be (RFC 9110, section 8.6): undici misses it, and gives the connection up.
    if (this.#bodyless && error.code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return this.#complete([], true);
    const written = this.#abortRequest !== undefined;
    if (!written && this.#reused && !String(error.code).startsWith('UND_ERR_')) return this.#again();
    if (!this.#refused && !this.#headSeen && !this.streams && isRefusal(error)) return this.#onRefused();
    const { failure } = this.#upload ?? {};
    const reused = this.#reused;
    if (failure) {
      const cause = failure.error;
      const text = cause instanceof Error ? cause.message : String(cause);
      return this.#fail({ kind: 'upload', phase: undefined, message: `the body failed: ${text}`, cause, reused });
    }
    const { maxHeaderBytes } = this.#owner;
    this.#fail(wireFailure(error, { headSeen: this.#headSeen, reused, maxHeaderBytes }));
  }

  /** Nothing was written: the connection it was given had just been closed. */
  #again(): void {
    const connection = this.#connection as Connection;
    this.#connection = undefined;
    this.#dispatched = false;
    this.#upload = undefined;
    connection.running -= 1;
    connection.destroy();
    this.#owner.start(this);
  }

  /**
   * The server has not acted upon it (RFC 9113, section 8.7): it was one of those that were begun before the server had
   * said how many it takes. By now it has, and what is too much waits.
   */
  #onRefused(): void {
    this.#refused = true;
    const connection = this.#connection as Connection;
    this.#connection = undefined;
    this.#abortRequest = undefined;
    connection.release();
    process.nextTick(startLater, this.#owner, this);
  }

  #refuse(message: string): void {
    this.#fail({ kind: 'unsupported', phase: undefined, message, cause: undefined, reused: this.#reused });
  }

  #violate(message: string): void {
    this.#fail({ kind: 'protocol', phase: undefined, message, cause: undefined, reused: this.#reused });
  }

  #fail(failure: WireFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#end(true);
    this.#sink.onError(failure);
  }

  /** Frees all it has, once. */
  #end(broken: boolean): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (!connection) this.#owner.leave(this);
    else if (!broken || !this.#dispatched) this.#owner.release(connection, this);
    else this.#break(connection);
    // What was opened for a connection that never came is ended all the same.
    const upload = this.#upload ?? Upload.of(this.request);
    upload?.stop();
    this.#resumeReading = undefined;
  }

  /** Given up on after a while in which nothing came for anybody: the next would wait in vain as well. */
  #silent(connection: Connection): boolean {
    const silent = !connection.answered || connection.received === this.#receivedBefore;
    return silent && performance.now() - this.#begunAt > SILENCE_MS;
  }

  #break(connection: Connection): void {
    this.#abortRequest?.();
    if (connection.multiplexed) {
      if (this.#silent(connection)) connection.retire();
      return this.#owner.release(connection, this);
    }
    this.#owner.leave(this);
    connection.running -= 1;
    connection.destroy();
  }
}

/** What undici takes as null although its types do not say so. */
type Given = Pick<DispatchOptions, 'method' | 'path' | 'headers' | 'body' | 'reset' | 'servername'>;

/** What undici is told of a request. */
class DispatchOptions {
  readonly method: string;
  readonly path: string;
  readonly headers: string[];
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  readonly reset: boolean | null;
  readonly servername: string | null;
  // Neither has undici's meaning here: one is what HTTP/2 needs to multiplex, of the other it knows the connection.
  readonly idempotent = true;
  readonly blocking = false;

  constructor({ method, path, headers, body, reset, servername }: Given) {
    this.method = method;
    this.path = path;
    this.headers = headers;
    this.body = body;
    this.reset = reset;
    this.servername = servername;
  }
}
// undici would find in Object.prototype what is not here. (A literal with `__proto__: null` is slow: it becomes a table.)
Object.setPrototypeOf(DispatchOptions.prototype, null);

function startLater(owner: ExchangeOwner, exchange: WireExchange): void {
  if (!exchange.over) owner.start(exchange);
}

function isRefusal(error: Error & { code?: string }): boolean {
  return error.code === 'ERR_HTTP2_STREAM_ERROR' && error.message.includes('NGHTTP2_REFUSED_STREAM');
}

function onErrorLater(exchange: WireExchange, error: Error): void {
  exchange.onError(error);
}

function has(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if ((headers[i] as string).toLowerCase() === name) return true;
  return false;
}

/** Names in lower case and values without white space around them. */
function fields(raw: readonly (Buffer | string)[]): string[] {
  const all: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    // undici knows the common names by their bytes: nothing is decoded for them.
    all.push(util.headerNameToString(raw[i] ?? ''), text(raw[i + 1]).trim());
  }
  return all;
}

/** undici counts the bytes of HTTP/1.1 by itself. */
function sizeOf(raw: readonly (Buffer | string)[]): number {
  let size = 0;
  for (const part of raw) size += part.length;
  return size;
}

function text(value: Buffer | string | undefined): string {
  return typeof value === 'string' ? value : (value?.toString('latin1') ?? '');
}

/** HTTP/1.1 brings a list, HTTP/2 an object. */
function trailerFields(trailers: unknown): string[] {
  if (Array.isArray(trailers)) return trailers.length === 0 ? [] : fields(trailers as Buffer[]);
  const all: string[] = [];
  for (const [name, value] of Object.entries((trailers ?? {}) as Record<string, string | string[]>)) {
    for (const each of Array.isArray(value) ? value : [value]) all.push(name, each);
  }
  return all;
}
