import type { ConnectionInfo, WireCall, WireFailure, WireRequest, WireSink } from '../wire/transport.ts';
import { Upload } from '../wire/upload.ts';
import { decodedHeaders, fetchFailure } from './fetch-response.ts';

const UNKNOWN: ConnectionInfo = Object.freeze({
  reused: false,
  protocol: undefined,
  remoteAddress: undefined,
  dnsMs: undefined,
  tcpMs: undefined,
  tlsMs: undefined,
});

/** A body that streams says so; the type is not in every library. */
type StreamingInit = RequestInit & { readonly duplex?: 'half' };

/** One exchange over fetch. */
export class FetchExchange implements WireCall {
  readonly #request: WireRequest;
  readonly #sink: WireSink;
  readonly #redirects: boolean;
  readonly #onOver: () => void;
  readonly #controller = new AbortController();
  #upload: Upload | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #headSeen = false;
  #over = false;
  #paused = false;
  /** Ends the pause. */
  #wake: (() => void) | undefined;

  constructor(request: WireRequest, sink: WireSink, redirects: boolean, onOver: () => void) {
    this.#request = request;
    this.#sink = sink;
    this.#redirects = redirects;
    this.#onOver = onOver;
  }

  begin(refused: boolean): void {
    queueMicrotask(() => {
      if (this.#over) return;
      const { proxy } = this.#request;
      if (refused) this.#fail('connect', 'the transport was closed', undefined);
      else if (proxy) this.#fail('unsupported', 'there are no proxies on this platform', undefined);
      else void this.#run();
    });
  }

  resume(): void {
    this.#paused = false;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  abort(): void {
    this.#end(true);
  }

  destroy(): void {
    this.#fail(this.#headSeen ? 'truncated' : 'closed', 'the transport was closed', undefined);
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const request = this.#made();
    if (!request) return;
    this.#sink.onSend(UNKNOWN);
    const { body } = this.#request;
    if (body instanceof Uint8Array && !this.#over) this.#sink.onBodySent(body.byteLength);
    if (this.#over) return;
    try {
      const response = await fetch(request);
      if (this.#over) return void response.body?.cancel().catch(ignore);
      this.#take(response);
      await this.#read();
    } catch (error) {
      if (this.#over) return;
      const { failure } = this.#upload ?? {};
      if (failure) return this.#fail('upload', `the body failed: ${textOf(failure.error)}`, failure.error);
      const { kind, message } = fetchFailure(error, this.#headSeen);
      this.#fail(kind, message, error);
    }
  }

  /** What fetch refuses is refused here, before anything is sent. */
  #made(): Request | undefined {
    const { url, method, headers, body } = this.#request;
    const pairs: [string, string][] = [];
    for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i] as string, headers[i + 1] as string]);
    const init: StreamingInit = {
      method,
      headers: pairs,
      redirect: this.#redirects ? 'manual' : 'follow',
      signal: this.#controller.signal,
    };
    try {
      if (body === null) return new Request(url, init);
      if (body instanceof Uint8Array) return new Request(url, { ...init, body: body as Uint8Array<ArrayBuffer> });
      this.#upload = new Upload(body, this.#request.bodyLength);
      return new Request(url, { ...init, body: this.#stream(this.#upload), duplex: 'half' } as StreamingInit);
    } catch (error) {
      this.#fail('unsupported', textOf(error), error);
      return undefined;
    }
  }

  #stream(upload: Upload): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: async (controller) => {
          const { done, value } = await upload.next();
          if (done === true) return controller.close();
          controller.enqueue(value as Uint8Array<ArrayBuffer>);
          if (!this.#over) this.#sink.onBodySent(value.byteLength);
        },
        cancel: () => upload.stop(),
      },
      { highWaterMark: 0 },
    );
  }

  #take(response: Response): void {
    if (response.type === 'opaqueredirect') throw new TypeError('this platform does not show redirects');
    this.#headSeen = true;
    this.#reader = response.body?.getReader();
    const { status, statusText } = response;
    const url = response.redirected ? new URL(response.url) : undefined;
    // A server may have put credentials into it.
    if (url) url.username = url.password = '';
    this.#sink.onHead({ status, statusText, headers: decodedHeaders(response.headers), url });
  }

  async #read(): Promise<void> {
    for (;;) {
      if (this.#over) return;
      const result = await this.#reader?.read();
      if (this.#over) return;
      if (!result || result.done) break;
      this.#paused = true;
      if (this.#sink.onData(result.value)) this.#paused = false;
      if (this.#paused && !this.#over) await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#end(false);
    this.#sink.onEnd([]);
  }

  #fail(kind: WireFailure['kind'], message: string, cause: unknown): void {
    if (!this.#end(true)) return;
    this.#sink.onError({ kind, phase: undefined, message, cause, reused: false });
  }

  /** Frees all it has; false when that was done before. */
  #end(broken: boolean): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#onOver();
    if (broken) this.#controller.abort();
    const upload = this.#upload ?? Upload.of(this.#request);
    upload?.stop();
    if (broken) this.#reader?.cancel().catch(ignore);
    this.resume();
    return true;
  }
}

function ignore(): void {}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
