/**
 * faultd: an HTTP/1.1 server that does everything wrong, on request. In-process, on a free port, on bare sockets, so
 * that it can send anything.
 *
 *     await using server = await startFaultServer();
 *     const url = server.url('drip-body', { gap: 50 });      // http://127.0.0.1:PORT/fault/drip-body?gap=50
 *     …
 *     const request = await server.waitFor(({ requests }) => requests.find(({ abandoned }) => abandoned));
 *     await server.idle();                                   // no socket is open any more
 *
 * Faults (and some answers that are right) by the file that defines them; there is what they do, their parameters and
 * the defaults. Names and parameters are checked by the compiler and again by the server.
 *
 *     timing.ts          no-answer slow-start stall-head drip-head drip-body stall-body endless-body
 *     informational.ts   endless-1xx continues early-hints unsolicited-101
 *     framing.ts         cut-length cut-chunked long-length glued-answer two-lengths length-and-chunked bad-length
 *                        bad-chunk-size bad-chunk-end bad-transfer-encoding many-chunks trailers endless-trailers
 *                        body-on-204 body-on-head
 *     closing.ts         reset-before reset-in-head reset-in-body fin-before fin-in-head close-in-upload close-after
 *                        close-on-reuse says-close keep-alive
 *     encodings.ts       encoded negotiated gzip-bomb bomb endless-bomb corrupt-encoding cut-encoding
 *                        encoding-and-garbage many-encodings wrong-encoding
 *     redirects.ts       redirect redirect-nowhere redirect-twice redirect-loop redirect-endless redirect-chain
 *                        redirect-cookie redirect-endless-body
 *     headers.ts         large-header many-headers endless-headers header header-nul header-cr header-bare-lf
 *                        header-fold header-space header-no-colon header-bytes header-proto status-line
 *     not-http.ts        ssh-banner h2-preface http-0.9 tls-alert raw
 *     statuses.ts        status flaky busy rate-limited
 *     authentication.ts  basic-auth bearer-auth digest-auth
 *     bodies.ts          echo text json bytes
 *     streams.ts         lines endless-line events
 *     files.ts           file
 *     uploads.ts         upload upload-stall upload-refused no-continue expectation-failed
 *     cookies.ts         cookies set-cookie cookie-flood
 *
 * What one test alone needs is a route: `startFaultServer({ routes: { '/a': (exchange) => exchange.reset() } })`.
 * Beside it: certificates.ts for `tls`, h2-server.ts for the faults of HTTP/2, tcp-proxy.ts for a network that is slow or
 * fails, dead-ends.ts for addresses where nothing comes back, raw-client.ts, and ../servers for real servers.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, type TLSSocketOptions } from 'node:tls';
import { Connection, type RecordedConnection } from './connection.ts';
import { Exchange } from './exchange.ts';
import { readParams, type Fault, type Params } from './fault.ts';
import { RecordedRequest } from './recorded-request.ts';
import { RequestReader } from './request-reader.ts';
import { faults, type FaultName, type FaultParams } from './table.ts';

export interface FaultServerOptions {
  /** Default `127.0.0.1`; with `tls` it is what the certificate is for: `localhost`. */
  readonly host?: string;
  /**
   * Key and certificate (see certificates.ts), and what else the handshake needs; `requestCert` asks for one of the
   * client. Default: no TLS.
   */
  readonly tls?: TlsOptions;
  /** Answers of one test, by path: `{ '/users/1': (exchange) => exchange.json({ id: 1 }) }`; `/users/*` is all below. */
  readonly routes?: Readonly<Record<string, Route>>;
}

export interface TlsOptions extends SecureContextOptions {
  readonly requestCert?: boolean;
}

export type Route = (exchange: Exchange) => Promise<void> | void;

/** Starts a server on a free port of the loopback interface. */
export async function startFaultServer(options: FaultServerOptions = {}): Promise<FaultServer> {
  const server = new FaultServer(options);
  await server.listen();
  return server;
}

export class FaultServer {
  readonly host: string;
  /** What arrived, in order, from the moment its head was complete. */
  readonly requests: RecordedRequest[] = [];
  readonly #connections: Connection[] = [];
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #tls: TLSSocketOptions | undefined;
  readonly #server: Server;
  readonly #counts = new Map<string, number>();
  readonly #looks = new Set<() => void>();
  readonly #errors: unknown[] = [];
  #total = 0;
  #open = 0;
  #maxOpen = 0;
  #inFlight = 0;
  #maxInFlight = 0;

  /** @internal Use `startFaultServer()`. */
  constructor({ host, tls, routes = {} }: FaultServerOptions) {
    this.host = host ?? (tls ? 'localhost' : '127.0.0.1');
    this.#tls = tls && {
      isServer: true,
      secureContext: createSecureContext(tls),
      ALPNProtocols: ['http/1.1'],
      requestCert: tls.requestCert ?? false,
    };
    this.#routes = new Map(Object.entries(routes));
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** @internal */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      // `localhost` may be ::1 to us and 127.0.0.1 to the client.
      this.#server.listen(0, this.host === 'localhost' ? '127.0.0.1' : this.host, resolve);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `http://127.0.0.1:PORT` */
  get origin(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return `${this.#tls ? 'https' : 'http'}://${host}:${this.port}`;
  }

  /** The URL of a fault, with a path behind its name if the URL should look like that of a file; or of a path. */
  url<N extends FaultName>(name: N, params?: Partial<FaultParams<N>>, tail?: string): string;
  url(path: `/${string}`): string;
  url(name: string, params: Params = {}, tail = ''): string {
    if (name.startsWith('/')) return this.origin + name;
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(params)) query.set(key, String(value));
    readParams(find(name).defaults, query);
    const text = query.toString();
    return `${this.origin}/fault/${name}${tail && `/${tail}`}${text && `?${text}`}`;
  }

  /** `open` now, `total` ever, the most at once; `all` of them in order. TCP connections: also those without a request. */
  get connections(): {
    readonly open: number;
    readonly total: number;
    readonly maxOpen: number;
    readonly all: readonly RecordedConnection[];
  } {
    return { open: this.#open, total: this.#total, maxOpen: this.#maxOpen, all: this.#connections };
  }

  /** Requests whose answer is not over: `now`, and the most at once. */
  get inFlight(): { readonly now: number; readonly max: number } {
    return { now: this.#inFlight, max: this.#maxInFlight };
  }

  /**
   * Waits until `look` returns something truthy, and returns that. It is asked at once and after everything that
   * happens: a connection comes or goes, a head or a piece of a body arrives, an answer is over.
   */
  async waitFor<T>(look: (server: this) => T | undefined | null | false, timeoutMs = 10_000): Promise<T> {
    const first = look(this);
    if (first) return first;
    return await new Promise<T>((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        this.#looks.delete(again);
      };
      const again = () => {
        const found = look(this);
        if (!found) return;
        leave();
        resolve(found);
      };
      const giveUp = () => {
        leave();
        reject(new Error(`Cannot wait any longer for ${String(look)}: ${this.describe()}`));
      };
      const timer = timeoutMs === Infinity ? undefined : setTimeout(giveUp, timeoutMs);
      this.#looks.add(again);
    });
  }

  /** Waits until no socket is open any more, and no fault is busy. */
  async idle(timeoutMs = 10_000): Promise<void> {
    await this.waitFor(({ connections, inFlight }) => connections.open + inFlight.now === 0, timeoutMs);
  }

  /** Counts a call with this key, and says which it is: 1 the first time. */
  count(key: string): number {
    const now = this.counted(key) + 1;
    this.#counts.set(key, now);
    return now;
  }

  /** How many times `count()` was called with this key. */
  counted(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Forgets requests, counts and closed connections; the highest marks begin anew. */
  forget(): void {
    this.requests.length = 0;
    this.#counts.clear();
    this.#connections.splice(0, Infinity, ...this.#connections.filter(({ isOpen }) => isOpen));
    this.#total = this.#maxOpen = this.#connections.length;
    this.#maxInFlight = this.#inFlight;
  }

  /** Resets every open connection, as a server that crashes does; goes on listening. */
  resetConnections(): void {
    for (const connection of this.#connections) if (connection.isOpen) connection.reset();
  }

  /** In words, for messages. */
  describe(): string {
    const { open, total } = this.connections;
    const last = this.requests
      .slice(-5)
      .map(({ method, target, connection }) => `${method} ${target} on ${connection}`);
    return `${open} of ${total} connections open, ${this.#inFlight} of ${this.requests.length} requests in flight, the last: ${last.join('; ') || 'none'}`;
  }

  /**
   * Stops listening and cuts all connections.
   *
   * @throws {AggregateError} If a fault itself was faulty.
   */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.#connections) connection.destroy();
    await closed;
    await Promise.all(this.#connections.map(({ gone }) => gone));
    await this.waitFor(() => this.#inFlight === 0);
    if (this.#errors.length > 0) throw new AggregateError(this.#errors.splice(0), 'Faults that failed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(socket: Socket): void {
    this.#total++;
    const connection = new Connection(socket, this.#total, this.#tls, () => {
      this.#open--;
      this.#changed();
    });
    this.#connections.push(connection);
    this.#maxOpen = Math.max(this.#maxOpen, ++this.#open);
    this.#changed();
    this.#serve(connection).catch((error: unknown) => {
      this.#errors.push(error);
      connection.destroy();
    });
  }

  /** One request after the other, for as long as the client sends any and the faults leave the socket open. */
  async #serve(connection: Connection): Promise<void> {
    const { socket } = connection;
    const reader = new RequestReader(socket);
    for (let head = await reader.readHead(); head !== undefined; head = await reader.readHead()) {
      const request = new RecordedRequest(head, this.requests.length + 1, connection.number, ++connection.requests);
      this.requests.push(request);
      this.#maxInFlight = Math.max(this.#maxInFlight, ++this.#inFlight);
      this.#changed();
      const bodyEnd = this.#receive(reader, request);
      try {
        await this.#answer(new Exchange(this, request, connection, bodyEnd));
      } finally {
        this.#inFlight--;
        request.answered = connection.isServed;
        request.abandoned = !request.answered;
        this.#changed();
      }
      if (/^close$/i.test(request.headers['connection'] ?? '')) socket.end();
      await bodyEnd;
    }
  }

  async #receive(reader: RequestReader, request: RecordedRequest): Promise<void> {
    request.bodyComplete = await reader.readBody(request.headers, (chunk) => {
      request.take(chunk);
      this.#changed();
    });
    this.#changed();
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { path, query, fault } = exchange.request;
    const route = this.#routeOf(path);
    if (route) return await route(exchange);
    if (fault === undefined) return await exchange.respond(404, 'neither a fault nor a route');
    let found;
    let params;
    try {
      found = find(fault);
      params = readParams(found.defaults, query);
    } catch (error) {
      return await exchange.respond(400, String(error));
    }
    await found.run(exchange, params);
  }

  #routeOf(path: string): Route | undefined {
    const exact = this.#routes.get(path);
    if (exact) return exact;
    const above = [...this.#routes].find(([to]) => to.endsWith('/*') && path.startsWith(to.slice(0, -1)));
    return above?.[1];
  }

  #changed(): void {
    for (const look of this.#looks) look();
  }
}

function find(name: string): Fault {
  if (Object.hasOwn(faults, name)) return faults[name as FaultName];
  throw new TypeError(`Cannot find a fault as its name must be in table.ts: current value is ${name}`);
}
