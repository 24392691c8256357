import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';

import { refusesAddress } from '../address-policy.ts';
import type { ConnectionInfo, ConnectPhase, TransportOptions } from '../wire/transport.ts';
import { dialFailure, lookupFailure, tlsFailure, type ConnectFailure } from './connect-failure.ts';
import { Dial, openSocket } from './dial.ts';
import { DnsCache, type HostAddress } from './dns-cache.ts';
import { outside } from './outside.ts';
import { certificateName, handshake, secureContextOf, TlsSessions } from './tls-handshake.ts';
import { Tunnel } from './proxy-tunnel.ts';

/** Where a connection leads, and by which way. */
export interface Route {
  readonly hostname: string;
  readonly port: number;
  readonly secure: boolean;
  /** Undefined for a direct connection; with `tunnel` the target is reached through it by CONNECT. */
  readonly proxy: URL | undefined;
  readonly tunnel: boolean;
}

/** A connection that has just been made. */
export interface Link {
  readonly socket: Socket;
  readonly info: ConnectionInfo;
}

/** Who waits for a connection. Nothing is called before `connect` has returned, nor after `abort()`. */
export interface ConnectListener {
  onPhase(phase: ConnectPhase): void;
  onLink(link: Link): void;
  onFailure(failure: ConnectFailure): void;
}

/** Makes connections: looks names up, dials, goes through proxies, speaks TLS. */
export class Connector {
  readonly options: TransportOptions;
  readonly dns: DnsCache;
  readonly sessions = new TlsSessions();
  #secureContext: SecureContext | undefined;

  constructor(options: TransportOptions) {
    this.options = options;
    // Faults in what is given are found now; without, there is nothing to be found, and much to be read.
    if (options.tls) this.#secureContext = secureContextOf(options.tls);
    this.dns = new DnsCache({ ttlMs: options.dnsCacheMs, lookup: options.lookup });
  }

  /** Certificates and keys, read once. */
  get secureContext(): SecureContext {
    return (this.#secureContext ??= secureContextOf(undefined));
  }

  connect(route: Route, listener: ConnectListener): ConnectAttempt {
    return new ConnectAttempt(this, route, listener);
  }
}

/** One connection that is being made. */
export class ConnectAttempt {
  readonly #connector: Connector;
  readonly #route: Route;
  /** Let go of at the end: the socket's listeners keep the attempt, but shall not keep the exchange. */
  #listener: ConnectListener | undefined;
  /** Undoes the step that is under way. */
  #leave: (() => void) | undefined;
  /** The socket as far as it has come. */
  #socket: Socket | undefined;
  /** Whether the proxy has let it through: what fails then is not the proxy's affair. */
  #through = false;
  #over = false;
  #phase: ConnectPhase | undefined;
  #stepBegan = 0;
  #dnsMs: number | undefined;
  #tcpMs: number | undefined;
  #tlsMs: number | undefined;

  constructor(connector: Connector, route: Route, listener: ConnectListener) {
    this.#connector = connector;
    this.#route = route;
    this.#listener = listener;
    process.nextTick(() => this.#begin());
  }

  /** How far it has come. */
  get phase(): ConnectPhase | undefined {
    return this.#phase;
  }

  /** Ends it at once: sockets are destroyed, nothing is called any more. */
  abort(): void {
    this.#over = true;
    this.#listener = undefined;
    this.#leave?.();
    this.#leave = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #begin(): void {
    if (this.#over) return;
    const { socketPath } = this.#connector.options;
    if (socketPath !== undefined && !this.#route.proxy) return this.#openPath(socketPath);
    if (!this.#enter('dns')) return;
    const { hostname } = this.#hop();
    const leave = this.#connector.dns.resolve(hostname, (error, addresses) => {
      this.#leave = undefined;
      if (this.#over) return;
      this.#dnsMs = this.#took();
      if (error) this.#fail(lookupFailure(error, hostname));
      else this.#dial(hostname, addresses);
    });
    // An address, and what is known already, is answered at once: that has gone on by now.
    if (this.#phase === 'dns' && !this.#over) this.#leave = leave;
    else leave();
  }

  /** What the socket leads to: the host itself, or the proxy. */
  #hop(): { hostname: string; port: number; secure: boolean } {
    const { proxy } = this.#route;
    if (!proxy) return this.#route;
    const secure = proxy.protocol === 'https:';
    return { hostname: bare(proxy.hostname), port: Number(proxy.port) || (secure ? 443 : 80), secure };
  }

  #openPath(path: string): void {
    if (!this.#enter('tcp')) return;
    const socket = outside(openSocket, { path });
    this.#socket = socket;
    socket.once('connect', () => {
      if (this.#over) return;
      this.#tcpMs = this.#took();
      this.#secureHop(socket);
    });
    socket.once('error', (error) => {
      if (!this.#over && this.#phase === 'tcp') this.#fail(dialFailure([error], path));
    });
  }

  #dial(hostname: string, addresses: readonly HostAddress[]): void {
    const { addressPolicy, happyEyeballsMs, localAddress } = this.#connector.options;
    const { port } = this.#hop();
    let allowed: readonly HostAddress[];
    try {
      allowed = addresses.filter((each) => !refusesAddress(addressPolicy, each.address, hostname));
    } catch (error) {
      return this.#fail({ kind: 'policy', phase: 'dns', message: 'the address policy threw', cause: error });
    }
    if (allowed.length === 0) {
      const list = addresses.map((each) => each.address).join(', ');
      const message = `the address policy refuses ${hostname === list ? list : `${hostname} (${list})`}`;
      return this.#fail({ kind: 'policy', phase: 'dns', message, cause: undefined });
    }
    if (!this.#enter('tcp')) return;
    const options = { port, addresses: allowed, happyEyeballsMs, localAddress };
    const dial = outside(
      () =>
        new Dial(options, (socket, errors) => {
          this.#leave = undefined;
          if (!socket) {
            this.#connector.dns.forget(hostname);
            return this.#fail(dialFailure(errors, `${hostname}:${port}`));
          }
          this.#tcpMs = this.#took();
          this.#socket = socket;
          this.#secureHop(socket);
        }),
    );
    this.#leave = () => dial.abort();
  }

  #secureHop(socket: Socket): void {
    const hop = this.#hop();
    if (!hop.secure) this.#afterHop(socket);
    else if (this.#route.proxy) this.#handshake(socket, hop, ['http/1.1'], (secure) => this.#afterHop(secure));
    else this.#handshake(socket, hop, this.#protocols(), (secure) => this.#finish(secure));
  }

  #afterHop(socket: Socket): void {
    const { proxy, tunnel, secure } = this.#route;
    if (!proxy || !tunnel) return this.#finish(socket);
    if (!this.#enter('proxy')) return;
    const through = new Tunnel(socket, proxy, this.#route, (message, cause) => {
      this.#leave = undefined;
      if (message !== undefined) return this.#fail({ kind: 'connect', phase: 'proxy', message, cause });
      this.#through = true;
      if (!secure) return this.#finish(socket);
      this.#handshake(socket, this.#route, this.#protocols(), (inner) => this.#finish(inner));
    });
    this.#leave = () => through.abort();
  }

  #protocols(): readonly string[] {
    return this.#connector.options.http === 'auto' ? ['h2', 'http/1.1'] : ['http/1.1'];
  }

  #handshake(
    socket: Socket,
    target: { readonly hostname: string; readonly port: number },
    protocols: readonly string[],
    next: (secure: Socket) => void,
  ): void {
    if (!this.#enter('tls')) return;
    const { hostname, port } = target;
    const { options, sessions, secureContext } = this.#connector;
    const settings = { hostname, port, tls: options.tls, secureContext, protocols, sessions };
    const raw = socket;
    this.#socket = outside(() =>
      handshake(raw, settings, (secure, error) => {
        if (this.#over) return;
        if (!secure) {
          raw.destroy();
          const name = certificateName(hostname, options.tls);
          return this.#fail(tlsFailure(error ?? new Error('no TLS'), `${hostname}:${port}`, name));
        }
        this.#tlsMs = (this.#tlsMs ?? 0) + this.#took();
        next(secure);
      }),
    );
    this.#leave = () => raw.destroy();
  }

  #finish(socket: Socket): void {
    const listener = this.#listener;
    this.#over = true;
    this.#listener = undefined;
    this.#leave = undefined;
    this.#socket = undefined;
    const { alpnProtocol } = socket as Socket & { alpnProtocol?: string | false };
    listener?.onLink({
      socket,
      info: {
        reused: false,
        protocol: alpnProtocol === 'h2' ? 'h2' : 'h1',
        remoteAddress: socket.remoteAddress,
        dnsMs: this.#dnsMs,
        tcpMs: this.#tcpMs,
        tlsMs: this.#tlsMs,
      },
    });
  }

  #fail(failure: ConnectFailure): void {
    const { proxy } = this.#route;
    const listener = this.#listener;
    this.abort();
    // Whatever keeps the proxy from being reached is the proxy's affair, whichever step it was.
    if (!proxy || failure.kind !== 'connect' || this.#through) return listener?.onFailure(failure);
    const message =
      failure.phase === 'proxy' ? failure.message : `no way through proxy ${proxy.host}: ${failure.message}`;
    listener?.onFailure({ ...failure, phase: 'proxy', message });
  }

  /** False when it was aborted by whom it told. */
  #enter(phase: ConnectPhase): boolean {
    this.#stepBegan = performance.now();
    this.#phase = phase;
    this.#listener?.onPhase(phase);
    return !this.#over;
  }

  #took(): number {
    return performance.now() - this.#stepBegan;
  }
}

/** A host as sockets want it: an address of IPv6 without its brackets. */
export function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
