/** What the tests of transports share: requests, a sink that remembers, servers that close. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';

import { UndiciTransport } from '../../src/node/undici-transport.ts';
import type {
  ConnectionInfo,
  ConnectPhase,
  TransportOptions,
  WireFailure,
  WireHead,
  WireRequest,
  WireSink,
} from '../../src/wire/transport.ts';

export const defaults: TransportOptions = {
  http: 1,
  keepAliveMs: 15_000,
  addressPolicy: 'any',
  tls: undefined,
  dnsCacheMs: 10_000,
  lookup: undefined,
  happyEyeballsMs: 2_000,
  maxHeaderBytes: 16_384,
  localAddress: undefined,
  socketPath: undefined,
};

/** A transport that is destroyed at the end of its block. */
export function transportOf(options?: Partial<TransportOptions>): UndiciTransport & AsyncDisposable {
  const transport = new UndiciTransport({ ...defaults, ...options });
  return Object.assign(transport, { [Symbol.asyncDispose]: () => transport.destroy() });
}

export function get(url: string | URL, changes?: Partial<WireRequest>): WireRequest {
  return {
    method: 'GET',
    url: new URL(url),
    headers: [],
    body: null,
    bodyLength: undefined,
    proxy: undefined,
    ...changes,
  };
}

/** Remembers what it was told; `settled` resolves at the end, whichever. */
export class Recorder implements WireSink {
  readonly phases: ConnectPhase[] = [];
  readonly informations: number[] = [];
  readonly chunks: Uint8Array[] = [];
  readonly trace: string[] = [];
  info: ConnectionInfo | undefined;
  head: WireHead | undefined;
  trailers: readonly string[] | undefined;
  failure: WireFailure | undefined;
  sentBytes = 0;
  /** What `onData` gives. */
  more = true;
  readonly settled: Promise<this>;
  readonly #settle: () => void;
  readonly #waiting: { readonly event: string; readonly resolve: () => void }[] = [];

  constructor() {
    let settle!: () => void;
    this.settled = new Promise((resolve) => {
      settle = () => resolve(this);
    });
    this.#settle = settle;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  /** Resolves when something is told, or was told before. */
  when(event: string): Promise<void> {
    if (this.trace.includes(event)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ event, resolve }));
  }

  onConnecting(phase: ConnectPhase): void {
    this.phases.push(phase);
    this.#note(`connecting ${phase}`);
  }
  onSend(info: ConnectionInfo): void {
    this.info = info;
    this.#note('send');
  }
  onBodySent(bytes: number): void {
    this.sentBytes += bytes;
    this.#note('body-sent');
  }
  onInformation(status: number): void {
    this.informations.push(status);
    this.#note(`information ${status}`);
  }
  onHead(head: WireHead): void {
    this.head = head;
    this.#note('head');
  }
  onData(chunk: Uint8Array): boolean {
    this.chunks.push(chunk);
    this.#note('data');
    return this.more;
  }
  onEnd(trailers: readonly string[]): void {
    this.trailers = trailers;
    this.#note('end');
    this.#settle();
  }
  onError(failure: WireFailure): void {
    this.failure = failure;
    this.#note('error');
    this.#settle();
  }

  #note(event: string): void {
    this.trace.push(event);
    for (const each of this.#waiting) if (each.event === event) each.resolve();
  }
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly sockets: Set<Socket>;
  /** How many connections were accepted in all. */
  readonly accepted: number;
  /** Resolves as soon as no connection is open. */
  empty(): Promise<void>;
}

export async function httpServer(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<TestServer & { readonly server: Server }> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handle);
  return Object.assign(await listening(server), { server });
}

export async function tcpServer(handle: (socket: Socket) => void): Promise<TestServer> {
  return listening(
    createTcpServer((socket) => {
      handle(socket);
      // Who does not read does not hear of the end.
      socket.resume();
    }),
  );
}

export async function listening(server: TcpServer, scheme = 'http'): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const waiting: (() => void)[] = [];
  server.on('connection', (socket: Socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) for (const resolve of waiting.splice(0)) resolve();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${port}/`,
    port,
    sockets,
    get accepted() {
      return accepted;
    },
    empty: () => (sockets.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
