import { connect, type NetConnectOpts, type Socket } from 'node:net';

import type { HostAddress } from './dns-cache.ts';

/** Where to, and how. */
export interface DialOptions {
  readonly port: number;
  /** In the order in which they are tried. */
  readonly addresses: readonly HostAddress[];
  /** Milliseconds until the next address is tried as well. */
  readonly happyEyeballsMs: number;
  readonly localAddress: string | undefined;
}

/** Calls with a connected socket, or with the error of each address. */
export type DialDone = (socket: Socket | undefined, errors: readonly Error[]) => void;

/**
 * Connects to the first address that answers (RFC 8305): a slow one is not given up when the next is tried as well.
 */
export class Dial {
  readonly #options: DialOptions;
  readonly #done: DialDone;
  readonly #trying = new Set<Socket>();
  readonly #errors: Error[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: DialOptions, done: DialDone) {
    this.#options = options;
    this.#done = done;
    this.#try();
  }

  /** Ends all tries at once; `done` is not called any more. */
  abort(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    for (const socket of this.#trying) socket.destroy();
    this.#trying.clear();
  }

  #try(): void {
    clearTimeout(this.#timer);
    const { addresses, port, happyEyeballsMs, localAddress } = this.#options;
    const target = addresses[this.#next++];
    if (!target) return;
    const socket = openSocket({
      host: target.address,
      port,
      family: target.family,
      ...(localAddress === undefined ? undefined : { localAddress }),
    });
    this.#trying.add(socket);
    const onError = (error: Error): void => this.#fail(socket, error);
    socket.on('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      this.#succeed(socket);
    });
    if (this.#next < addresses.length) this.#timer = setTimeout(() => this.#try(), happyEyeballsMs);
  }

  #succeed(socket: Socket): void {
    if (this.#over) return;
    this.#trying.delete(socket);
    this.abort();
    this.#done(socket, []);
  }

  #fail(socket: Socket, error: Error): void {
    if (this.#over) return;
    this.#trying.delete(socket);
    this.#errors.push(error);
    if (this.#next < this.#options.addresses.length) return this.#try();
    if (this.#trying.size > 0) return;
    this.#over = true;
    this.#done(undefined, this.#errors);
  }
}

/** Own properties, so that what is in Object.prototype does not decide where a socket leads to. */
const NONE = {
  path: undefined,
  signal: undefined,
  localAddress: undefined,
  localPort: undefined,
  lookup: undefined,
  fd: undefined,
};

/** A socket as every connection has it: its errors are always listened to, so that none escapes. */
export function openSocket(
  where: { host: string; port: number; family: 4 | 6; localAddress?: string } | { path: string },
): Socket {
  const options = { ...NONE, ...where, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 };
  const socket = connect(options as NetConnectOpts);
  socket.on('error', () => {});
  return socket;
}
