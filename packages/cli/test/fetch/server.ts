/** A server for tests: files whose content follows from their name, and faults on request. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Fault = 'none' | 'status-503' | 'status-429' | 'reset' | 'truncate' | 'slow';

export interface ServerOptions {
  /** What goes wrong with a request; `count` is how many there were for this path before. */
  readonly fault?: (path: string, count: number) => Fault;
  /** Answers itself what it wants to, and returns true. */
  readonly handle?: (request: IncomingMessage, response: ServerResponse, count: number) => boolean;
}

export interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly method: string;
  readonly at: number;
}

export class TestServer implements AsyncDisposable {
  readonly origin: string;
  readonly requests: Seen[] = [];
  /** The most requests that were under way at once. */
  peak = 0;
  readonly #server: Server;

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const counts = new Map<string, number>();
    let active = 0;
    const server = createServer((request, response) => {
      const path = request.url ?? '/';
      const count = counts.get(path) ?? 0;
      counts.set(path, count + 1);
      self.requests.push({ path, headers: request.headers, method: request.method ?? '', at: Date.now() });
      self.peak = Math.max(self.peak, ++active);
      response.on('close', () => active--);
      response.on('error', () => undefined);
      if (options.handle?.(request, response, count) === true) return;
      serve(request, response, options.fault?.(path, count) ?? 'none');
    });
    server.keepAliveTimeout = 1_000;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const self = new TestServer(server);
    return self;
  }

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** How often a path was asked for. */
  count(path: string): number {
    return this.requests.filter((request) => request.path === path).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** What is at a path: `/300000/x` has so many bytes. Everything is reproducible. */
export function contentOf(path: string): Buffer {
  const bytes = Number(/^\/(\d+)\//.exec(path)?.[1] ?? 64);
  const block = createHash('sha256').update(path).digest();
  return Buffer.alloc(bytes, block);
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function serve(request: IncomingMessage, response: ServerResponse, fault: Fault): void {
  const path = request.url ?? '/';
  if (fault === 'status-503' || fault === 'status-429') {
    response.statusCode = Number(fault.slice(-3));
    if (fault === 'status-429') response.setHeader('retry-after', '0');
    response.end();
    return;
  }
  if (path.startsWith('/missing')) {
    response.statusCode = 404;
    response.end('there is no such thing');
    return;
  }
  const content = contentOf(path);
  const etag = `"${sha256(content).slice(0, 16)}"`;
  response.setHeader('etag', etag);
  response.setHeader('accept-ranges', 'bytes');
  const start = startOf(request, etag);
  if (start !== undefined && start >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const body = content.subarray(start ?? 0);
  if (start !== undefined) {
    response.statusCode = 206;
    response.setHeader('content-range', `bytes ${start}-${content.length - 1}/${content.length}`);
  }
  response.setHeader('content-length', body.length);
  send(response, body, fault);
}

function startOf(request: IncomingMessage, etag: string): number | undefined {
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  return match === null || (condition !== undefined && condition !== etag) ? undefined : Number(match[1]);
}

function send(response: ServerResponse, body: Buffer, fault: Fault): void {
  if (fault === 'none') {
    response.end(body);
    return;
  }
  const half = body.subarray(0, Math.floor(body.length / 2));
  response.write(half, () => {
    if (fault === 'reset') response.socket?.resetAndDestroy();
    else if (fault === 'truncate') response.socket?.end();
    else setTimeout(() => response.end(body.subarray(half.length)), 20);
  });
}
