import type { ClientHttp2Session } from 'node:http2';
import type { Duplex } from 'node:stream';

// The entry of undici loads all of it, fetch and WebSocket too: that takes longer than all else that a session needs.
import UndiciClient from 'undici/lib/dispatcher/client.js';
import type { buildConnector, Client } from 'undici';

import type { ConnectionInfo, TransportOptions } from '../wire/transport.ts';
import type { Link } from './connector.ts';
import { outside } from './outside.ts';

/** Why a client may not connect again: it has one connection, made before, and no other. */
export class ConnectionGone extends Error {
  readonly code = 'CORRAL_CONNECTION_GONE';
}

/** What a connection tells the pool. */
export interface ConnectionOwner {
  onGone(connection: Connection): void;
}

/** How much earlier than the server an idle connection is closed, where the server says when it will. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

/** The longest that a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One open connection, and the undici client that speaks over it and over no other. */
export class Connection {
  /** Of whom it is: a name of the pool's. */
  readonly key: string;
  readonly link: Link;
  /** What exchanges after the first are told of it. */
  readonly reusedInfo: ConnectionInfo;
  readonly client: Client;
  readonly multiplexed: boolean;
  /** Exchanges under way. */
  running = 0;
  /** How many exchanges it was given. */
  served = 0;
  /** Whether a response ever began on it. */
  answered = false;
  #gone = false;
  #retired = false;
  readonly #owner: ConnectionOwner;
  readonly #keepAliveMs: number;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(key: string, origin: string, link: Link, options: TransportOptions, owner: ConnectionOwner) {
    this.key = key;
    this.link = link;
    this.reusedInfo = { ...link.info, reused: true, dnsMs: undefined, tcpMs: undefined, tlsMs: undefined };
    this.multiplexed = link.info.protocol === 'h2';
    this.#owner = owner;
    this.#keepAliveMs = Math.min(options.keepAliveMs, MAX_TIMER_MS);
    // Before undici's own listeners: see #onError.
    link.socket.on('error', this.#onError);
    link.socket.once('close', () => this.#onClose());
    this.client = new UndiciClient(origin, {
      __proto__: null,
      connect: this.#connect,
      pipelining: this.multiplexed ? 4_096 : 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: Math.max(1, this.#keepAliveMs),
      keepAliveMaxTimeout: Math.max(1, this.#keepAliveMs),
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      maxHeaderSize: options.maxHeaderBytes,
      strictContentLength: true,
      pingInterval: 0,
    } as Client.Options);
    this.client.on('error' as 'connectionError', ignore);
  }

  /** Whether an exchange may begin on it. */
  get usable(): boolean {
    const { socket } = this.link;
    return (
      !this.#gone && !this.#retired && !socket.destroyed && socket.writable && !socket.readableEnded && !socket.errored
    );
  }

  /** Takes a place on it. */
  take(): void {
    this.running += 1;
    clearTimeout(this.#idleTimer);
  }

  /** Gives the place back; true when it may serve again. */
  release(): boolean {
    this.running -= 1;
    if (!this.usable) {
      if (this.running === 0) this.destroy();
      return false;
    }
    // For HTTP/1.1 undici has such a timer, which knows what the server's Keep-Alive says.
    if (this.multiplexed && this.running === 0) {
      this.#idleTimer = outside(setTimeout, () => this.destroy(), this.#keepAliveMs).unref();
    }
    return true;
  }

  /** How many bytes have come over it. */
  get received(): number {
    return this.link.socket.bytesRead;
  }

  /**
   * Tells the next stream of HTTP/2 that is made. undici keeps it to itself, and ends what it gives up as if all had been
   * sent: to a server, half a body would be a whole one.
   */
  onStream(tell: (stream: Duplex) => void): void {
    const { socket } = this.link;
    const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'http2Session');
    const session = key && (socket as unknown as Record<symbol, ClientHttp2Session>)[key];
    if (!session) return;
    const { request } = session;
    session.request = (...given) => {
      session.request = request;
      const stream = request.apply(session, given);
      tell(stream);
      return stream;
    };
  }

  /** No exchange begins on it any more; it ends with the last. */
  retire(): void {
    this.#retired = true;
  }

  /** Ends it now. Idempotent. */
  destroy(): void {
    if (!this.client.destroyed) this.client.destroy(new ConnectionGone('the connection was closed'), ignore);
    // Where the client was never connected, it does not know the socket.
    this.link.socket.destroy(new ConnectionGone('the connection was closed'));
    this.#onClose();
  }

  #used = false;

  readonly #connect = (_options: buildConnector.Options, callback: buildConnector.Callback): void => {
    if (this.#used || this.#gone) {
      process.nextTick(callback, new ConnectionGone('the connection is gone'), null);
      return;
    }
    this.#used = true;
    // What undici sets up for the connection lives as long as it does.
    outside(process.nextTick, callback, null, this.link.socket);
  };

  /**
   * undici takes a reset for the end of a response that is not kept alive: a body without a length would pass for whole
   * when it is not, and while the parser is paused an assertion would fail in an event handler.
   */
  readonly #onError = (error: Error & { code?: string }): void => {
    if (error.code === 'ECONNRESET') error.code = 'ECONNABORTED';
  };

  #onClose(): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#idleTimer);
    this.#owner.onGone(this);
    if (!this.client.destroyed) process.nextTick(destroyClient, this.client);
  }
}

function destroyClient(client: Client): void {
  client.destroy(new ConnectionGone('the connection is gone'), ignore);
}

function ignore(): void {}
