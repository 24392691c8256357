import { isIP } from 'node:net';

import type {
  Transport,
  TransportCapabilities,
  TransportOptions,
  TransportSnapshot,
  WireCall,
  WireRequest,
  WireSink,
} from '../wire/transport.ts';
import type { ConnectFailure } from './connect-failure.ts';
import { Roster } from '../internal/roster.ts';
import { Connection } from './connection.ts';
import { bare, Connector, type ConnectAttempt, type Link, type Route } from './connector.ts';
import { WireExchange } from './wire-exchange.ts';

const CAPABILITIES: TransportCapabilities = Object.freeze({
  connectTimeout: true,
  proxy: true,
  addressPolicy: true,
  tls: true,
  redirects: true,
  rawBodies: true,
  http2: true,
  forbiddenHeaders: true,
});

/** So many connections with nothing to do are kept: each is an open file, and a session may visit thousands of hosts. */
const MAX_IDLE = 256;

/** A connection that is being made, and who waits for it: one exchange, or all of an origin whose protocol is not known yet. */
interface Opening {
  readonly attempt: ConnectAttempt;
  readonly waiting: Set<WireExchange>;
  readonly shared: boolean;
}

/** The connections of one origin, by one way. */
interface Origin {
  /** HTTP/1.1 connections with nothing to do; the last used is taken first. */
  readonly idle: Connection[];
  readonly multiplexed: Set<Connection>;
  /** What is being made and may turn out to speak HTTP/2. */
  probing: Opening | undefined;
  protocol: 'h1' | 'h2' | undefined;
  /** Open and being made. */
  count: number;
}

/**
 * The transport of Node: undici's parsers over connections of our own.
 *
 * undici's agents give no say in which connection carries a request, and their attempts to connect outlive it. So each
 * undici client here has one connection, made beforehand, and never makes another.
 */
export class UndiciTransport implements Transport {
  readonly capabilities = CAPABILITIES;
  readonly maxHeaderBytes: number;
  readonly keepAlive: boolean;
  readonly #options: TransportOptions;
  readonly #connector: Connector;
  readonly #origins = new Map<string, Origin>();
  readonly #connections = new Set<Connection>();
  /** Of all origins, those with nothing to do, the one unused for longest first. */
  readonly #resting = new Set<Connection>();
  readonly #openings = new Map<WireExchange, Opening>();
  readonly #attempts = new Set<ConnectAttempt>();
  readonly #exchanges = new Roster<WireExchange>();
  #destroyed = false;

  constructor(options: TransportOptions) {
    if (options.socketPath !== undefined && options.addressPolicy !== 'any') {
      throw new TypeError(
        `Cannot make a transport as an address policy leaves no way over a socket of the file system: current value is ${options.socketPath}`,
      );
    }
    if (options.localAddress !== undefined && isIP(options.localAddress) === 0) {
      throw new TypeError(
        `Cannot make a transport as localAddress must be an address: current value is ${options.localAddress}`,
      );
    }
    this.#options = options;
    this.#connector = new Connector(options);
    this.maxHeaderBytes = options.maxHeaderBytes;
    this.keepAlive = options.keepAliveMs > 0;
  }

  send(request: WireRequest, sink: WireSink): WireCall {
    const exchange = new WireExchange(this, request, sink, keyOf(request));
    this.#exchanges.add(exchange);
    // What is being given back in this very turn is there in the next.
    process.nextTick(begin, this, exchange);
    return exchange;
  }

  snapshot(): TransportSnapshot {
    let idle = 0;
    for (const connection of this.#connections) if (connection.running === 0) idle += 1;
    return Object.freeze({ open: this.#connections.size, idle, connecting: this.#attempts.size });
  }

  async destroy(): Promise<void> {
    this.#destroyed = true;
    const closing = [...this.#connections].map(
      ({ link: { socket } }) => new Promise<void>((resolve) => void socket.once('close', () => resolve())),
    );
    // With the last exchange that waits for it an attempt ends as well.
    for (const exchange of this.#exchanges.all()) exchange.destroyed('the transport was closed');
    for (const connection of this.#connections) connection.destroy();
    await Promise.all(closing);
  }

  // What exchanges call.

  start(exchange: WireExchange): void {
    if (exchange.over) return;
    const refusal = this.#refusal(exchange.request);
    if (refusal) return exchange.onNoConnection(refusal);
    const origin = this.#origin(exchange.key);
    const connection = this.#find(origin, exchange);
    if (connection) {
      this.#resting.delete(connection);
      exchange.begin(connection);
    } else this.#open(origin, exchange);
  }

  leave(exchange: WireExchange): void {
    this.#exchanges.delete(exchange);
    const opening = this.#openings.get(exchange);
    if (!opening) return;
    this.#openings.delete(exchange);
    opening.waiting.delete(exchange);
    if (opening.waiting.size > 0) return;
    opening.attempt.abort();
    this.#settled(exchange.key, opening);
    this.#forget(exchange.key);
  }

  release(connection: Connection, exchange: WireExchange): void {
    this.#exchanges.delete(exchange);
    // undici decides only after its callback whether the connection can be kept.
    process.nextTick(giveBack, this, connection);
  }

  /** Only for the end of the turn in which an exchange ended. */
  giveBack(connection: Connection): void {
    if (!connection.release()) return;
    if (!connection.multiplexed) this.#origin(connection.key).idle.push(connection);
    if (connection.running > 0) return;
    this.#resting.add(connection);
    if (this.#resting.size <= MAX_IDLE) return;
    const [oldest] = this.#resting;
    oldest?.destroy();
  }

  onGone(connection: Connection): void {
    this.#connections.delete(connection);
    this.#resting.delete(connection);
    const origin = this.#origins.get(connection.key);
    if (!origin) return;
    origin.multiplexed.delete(connection);
    const at = origin.idle.lastIndexOf(connection);
    if (at >= 0) origin.idle.splice(at, 1);
    origin.count -= 1;
    this.#forget(connection.key);
  }

  #refusal(request: WireRequest): ConnectFailure | undefined {
    const { proxy } = request;
    const refuse = (kind: ConnectFailure['kind'], message: string): ConnectFailure => ({
      kind,
      phase: undefined,
      message,
      cause: undefined,
    });
    if (this.#destroyed) return refuse('connect', 'the transport was closed');
    if (!proxy) return undefined;
    if (proxy.protocol !== 'http:' && proxy.protocol !== 'https:') {
      return refuse('unsupported', `a proxy must be http: or https:, and this is ${proxy.protocol}`);
    }
    if (this.#options.addressPolicy !== 'any') {
      return refuse('policy', 'behind a proxy there is no address policy: the proxy finds the addresses by itself');
    }
    return undefined;
  }

  #origin(key: string): Origin {
    let origin = this.#origins.get(key);
    if (!origin) {
      origin = { idle: [], multiplexed: new Set(), probing: undefined, protocol: undefined, count: 0 };
      this.#origins.set(key, origin);
    }
    return origin;
  }

  #forget(key: string): void {
    const origin = this.#origins.get(key);
    if (origin && origin.count <= 0) this.#origins.delete(key);
  }

  #find(origin: Origin, exchange: WireExchange): Connection | undefined {
    for (const connection of origin.multiplexed) {
      // undici lets what streams wait until nothing else runs, and all behind it.
      if (connection.usable && (!exchange.streams || connection.running === 0)) return connection;
    }
    for (let connection = origin.idle.pop(); connection; connection = origin.idle.pop()) {
      // Bytes that nobody asked for were sent by no honest server.
      if (connection.usable && connection.link.socket.readableLength === 0) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #open(origin: Origin, exchange: WireExchange): void {
    exchange.keepContext();
    const { request, key } = exchange;
    const shared = this.#options.http === 'auto' && request.url.protocol === 'https:' && origin.protocol !== 'h1';
    const probing = shared ? origin.probing : undefined;
    if (probing) {
      probing.waiting.add(exchange);
      this.#openings.set(exchange, probing);
      const { phase } = probing.attempt;
      if (phase) exchange.onConnecting(phase);
      return;
    }
    const waiting = new Set([exchange]);
    const attempt = this.#connector.connect(routeOf(request), {
      onPhase: (phase) => {
        for (const each of waiting) each.onConnecting(phase);
      },
      onLink: (link) => this.#opened(key, opening, link),
      onFailure: (failure) => this.#failed(key, opening, failure),
    });
    const opening: Opening = { attempt, waiting, shared };
    this.#attempts.add(attempt);
    this.#openings.set(exchange, opening);
    origin.count += 1;
    if (shared) origin.probing = opening;
  }

  /** An attempt is over, in whichever way. */
  #settled(key: string, opening: Opening): void {
    if (!this.#attempts.delete(opening.attempt)) return;
    const origin = this.#origin(key);
    origin.count -= 1;
    if (origin.probing === opening) origin.probing = undefined;
    for (const exchange of opening.waiting) this.#openings.delete(exchange);
  }

  #opened(key: string, opening: Opening, link: Link): void {
    this.#settled(key, opening);
    const origin = this.#origin(key);
    origin.protocol = link.info.protocol;
    origin.count += 1;
    const [first] = opening.waiting;
    const { url, proxy } = (first as WireExchange).request;
    const base = proxy && url.protocol === 'http:' ? proxy.origin : url.origin;
    const connection = new Connection(key, base, link, this.#options, this);
    this.#connections.add(connection);
    if (connection.multiplexed) origin.multiplexed.add(connection);
    else origin.idle.push(connection);
    const waiting = [...opening.waiting];
    opening.waiting.clear();
    for (const exchange of waiting) exchange.inContext(startIn, this);
  }

  #failed(key: string, opening: Opening, failure: ConnectFailure): void {
    this.#settled(key, opening);
    this.#forget(key);
    for (const exchange of opening.waiting) exchange.onNoConnection(failure);
  }
}

function startIn(this: WireExchange, transport: UndiciTransport): void {
  transport.start(this);
}

function begin(transport: UndiciTransport, exchange: WireExchange): void {
  transport.start(exchange);
}

function giveBack(transport: UndiciTransport, connection: Connection): void {
  transport.giveBack(connection);
}

/** All that a connection depends on beside the options of the transport, which are the same for all. */
function keyOf({ url, proxy }: WireRequest): string {
  if (!proxy) return url.origin;
  return url.protocol === 'http:' ? `forward ${proxy.href}` : `${url.origin} through ${proxy.href}`;
}

function routeOf({ url, proxy }: WireRequest): Route {
  const secure = url.protocol === 'https:';
  const port = Number(url.port) || (secure ? 443 : 80);
  return { hostname: bare(url.hostname), port, secure, proxy, tunnel: proxy !== undefined && secure };
}
