/** A network that is worse than loopback: a TCP proxy that is slow, cuts, goes silent or refuses. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** `up` is to the server, `down` is to the client. */
export type Direction = 'up' | 'down';

/** Can be changed at any time with `set()`; what is on the way goes by the old ones. */
export interface TcpProxySettings {
  /** Each way, in milliseconds. Default 0. */
  readonly latencyMs?: number;
  /** Each way, per connection. Default Infinity. */
  readonly bytesPerSecond?: number;
  /** Connections end after so many bytes to the client. Default Infinity. */
  readonly cutAfterBytes?: number;
  /** How they end. Default `fin`. */
  readonly cutWith?: 'fin' | 'rst';
}

/** What a pipe may hold before it stops reading. */
const HELD_BYTES = 262_144;
/** What is sent right before a RST can be lost with it: this is how long it gets to arrive. */
const ARRIVAL_MS = 20;

/** Starts a proxy on a free port of 127.0.0.1, to a port of `host`. */
export async function startTcpProxy(
  port: number,
  settings: TcpProxySettings & { readonly host?: string } = {},
): Promise<TcpProxy> {
  const proxy = new TcpProxy(port, settings);
  await proxy.accept();
  return proxy;
}

export class TcpProxy {
  readonly host = '127.0.0.1';
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  readonly #clients = new Set<Socket>();
  readonly #frozen = new Map<Direction, { readonly promise: Promise<void>; readonly resolve: () => void }>();
  #settings: Required<TcpProxySettings>;
  #server: Server | undefined;
  #port = 0;
  #total = 0;

  /** @internal Use `startTcpProxy()`. */
  constructor(port: number, { host = '127.0.0.1', ...settings }: TcpProxySettings & { readonly host?: string }) {
    this.#target = { host, port };
    this.#settings = { latencyMs: 0, bytesPerSecond: Infinity, cutAfterBytes: Infinity, cutWith: 'fin', ...settings };
  }

  get port(): number {
    return this.#port;
  }

  /** From clients: `open` now, `total` ever. */
  get connections(): { readonly open: number; readonly total: number } {
    return { open: this.#clients.size, total: this.#total };
  }

  /** The URL with this proxy's port. */
  through(url: string): string {
    const { protocol, hostname, port } = new URL(url);
    return url.replace(`${protocol}//${hostname}:${port}`, `${protocol}//${hostname}:${this.#port}`);
  }

  set(settings: TcpProxySettings): void {
    this.#settings = { ...this.#settings, ...settings };
  }

  /** Listens (again), on the same port. */
  async accept(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#open(client));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#port, this.host, resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Refuses new connections, until `accept()`; those that are open stay. */
  refuse(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Accepts and reads, but forwards nothing any more that way (both, if none is named), not even FIN. */
  freeze(...directions: readonly Direction[]): void {
    for (const direction of directions.length > 0 ? directions : (['up', 'down'] as const)) {
      if (this.#frozen.has(direction)) continue;
      let resolve = () => {};
      const promise = new Promise<void>((thaw) => (resolve = thaw));
      this.#frozen.set(direction, { promise, resolve });
    }
  }

  /** Forwards what was held back, and all that follows. */
  thaw(): void {
    for (const { resolve } of this.#frozen.values()) resolve();
    this.#frozen.clear();
  }

  /** Ends the connections that are open. */
  cut(how: 'fin' | 'rst'): void {
    for (const client of this.#clients) {
      if (how === 'rst') client.resetAndDestroy();
      else client.end();
    }
  }

  /** Refuses, and destroys what is open. */
  async close(): Promise<void> {
    this.refuse();
    const gone = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of this.#sockets) socket.destroy();
    this.thaw();
    await Promise.all(gone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #open(client: Socket): void {
    this.#total++;
    const server = connect({ ...this.#target, allowHalfOpen: true });
    this.#clients.add(client);
    client.once('close', () => this.#clients.delete(client));
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket.setNoDelay(true));
      socket.on('error', () => other.resetAndDestroy());
      // Whatever ends one of them without a FIN ends both.
      socket.once('close', () => this.#sockets.delete(socket) && socket.errored === null && other.destroySoon());
    }
    void this.#forward(client, server, 'up');
    void this.#forward(server, client, 'down');
  }

  /** Reads while not too much is held, and delivers each piece when it is due: latency delays, it does not slow down. */
  async #forward(from: Socket, to: Socket, direction: Direction): Promise<void> {
    let held = 0;
    let freeAt = 0;
    let sent = 0;
    let tail = Promise.resolve();
    const deliver = async (piece: Buffer, at: number) => {
      const { latencyMs, bytesPerSecond, cutAfterBytes, cutWith } = this.#settings;
      freeAt = Math.max(freeAt, at + latencyMs) + (piece.length / bytesPerSecond) * 1_000;
      await waitUntil(freeAt);
      await this.#frozen.get(direction)?.promise;
      held -= piece.length;
      const room = direction === 'down' ? Math.max(0, cutAfterBytes - sent) : Infinity;
      sent += piece.length;
      if (to.writable) to.write(piece.subarray(0, room));
      if (piece.length < room) return;
      if (cutWith === 'rst') await waitUntil(performance.now() + ARRIVAL_MS);
      from.destroy();
      if (cutWith === 'rst') to.resetAndDestroy();
      else to.end();
    };
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        const size = Math.max(1, Math.min(chunk.length, Math.ceil(this.#settings.bytesPerSecond / 20)));
        for (let at = 0; at < chunk.length; at += size) {
          const [piece, now] = [chunk.subarray(at, at + size), performance.now()];
          held += piece.length;
          tail = tail.then(() => deliver(piece, now));
        }
        while (held > HELD_BYTES || to.writableNeedDrain) await tail.then(() => drained(to));
      }
      const end = performance.now() + this.#settings.latencyMs;
      await tail.then(() => waitUntil(end));
      await this.#frozen.get(direction)?.promise;
      to.end();
    } catch {
      // The socket failed: its error event has told the other side.
    }
  }
}

async function waitUntil(time: number): Promise<void> {
  const ms = time - performance.now();
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

async function drained(socket: Socket): Promise<void> {
  if (!socket.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
