/** A server for downloads, with their faults: each request is answered by the next of the faults, or well. */
import { createCipheriv, createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers a request in its own way; undefined to have it answered well. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => unknown;

export class RangeServer {
  content: Buffer;
  etag: string | undefined = '"v1"';
  lastModified: string | undefined;
  /** Whether ranges and lengths are told; else bodies are chunked. */
  lengths = true;
  ranges = true;
  readonly faults: Fault[] = [];
  readonly requests: IncomingHttpHeaders[] = [];
  readonly #server = createServer((request, response) => this.#answer(request, response));

  private constructor(content: Buffer) {
    this.content = content;
  }

  static async open(content: Buffer): Promise<RangeServer> {
    const server = new RangeServer(content);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/file.bin`;
  }

  /** The headers Range of all requests. */
  get asked(): (string | undefined)[] {
    return this.requests.map(({ range }) => range);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(request.headers);
    const fault = this.faults.shift();
    if (fault?.(request, response) !== undefined) return;
    this.answer(request, response);
  }

  /** Answers well, the first `cutAt` bytes of the body at most: then the connection breaks. */
  answer(request: IncomingMessage, response: ServerResponse, cutAt = Infinity): void {
    if (this.etag !== undefined) response.setHeader('etag', this.etag);
    if (this.lastModified !== undefined) response.setHeader('last-modified', this.lastModified);
    const from = this.#from(request.headers);
    const total = this.content.length;
    if (from !== undefined && from >= total) {
      response.writeHead(416, { 'content-range': `bytes */${total}` }).end();
      return;
    }
    if (from !== undefined) {
      response.statusCode = 206;
      response.setHeader('content-range', `bytes ${from}-${total - 1}/${total}`);
    }
    const body = this.content.subarray(from ?? 0);
    if (this.lengths) response.setHeader('content-length', body.length);
    else response.flushHeaders(); // or end() would tell the length
    if (cutAt >= body.length) {
      response.end(body);
      return;
    }
    response.flushHeaders();
    response.write(body.subarray(0, cutAt), () => response.socket?.destroySoon());
  }

  #from({ range, 'if-range': condition }: IncomingHttpHeaders): number | undefined {
    const match = /^bytes=(\d+)-$/.exec(range ?? '');
    if (!match || !this.ranges) return undefined;
    if (condition !== undefined && condition !== this.etag && condition !== this.lastModified) return undefined;
    return Number(match[1]);
  }
}

/** Breaks the connection after so many bytes of the body. */
export function cut(server: RangeServer, at: number): Fault {
  return (request, response) => {
    server.answer(request, response, at);
    return true;
  };
}

/** Sends so many bytes of the body, and then nothing. */
export function stall(server: RangeServer, at: number): Fault {
  return (_request, response) => {
    response.writeHead(200, { etag: server.etag ?? '', 'content-length': server.content.length });
    return response.write(server.content.subarray(0, at)) || true;
  };
}

/** Bytes that are the same for the same seed, and for no other. */
export function bytesOf(seed: string, size: number): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
