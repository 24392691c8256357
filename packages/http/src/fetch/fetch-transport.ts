import type {
  Transport,
  TransportCapabilities,
  TransportSnapshot,
  WireCall,
  WireRequest,
  WireSink,
} from '../wire/transport.ts';
import { FetchExchange } from './fetch-exchange.ts';

/** The platforms whose fetch differs in what matters here. */
export type FetchHost = 'browser' | 'server';

/**
 * The transport of platforms that offer fetch and nothing below it: Bun, Deno, workerd, browsers.
 *
 * fetch shows neither connections nor what they cost, decodes bodies by itself, and in a browser follows redirects and
 * keeps cookies by itself. Its one way to end something is an AbortController, so each exchange has one.
 */
export class FetchTransport implements Transport {
  readonly capabilities: TransportCapabilities;
  readonly #exchanges = new Set<FetchExchange>();
  #destroyed = false;

  constructor(host: FetchHost) {
    const server = host === 'server';
    this.capabilities = Object.freeze({
      connectTimeout: false,
      proxy: false,
      addressPolicy: false,
      tls: false,
      redirects: server,
      rawBodies: false,
      http2: false,
      forbiddenHeaders: server,
    });
  }

  send(request: WireRequest, sink: WireSink): WireCall {
    const { redirects } = this.capabilities;
    const exchange = new FetchExchange(request, sink, redirects, () => this.#exchanges.delete(exchange));
    this.#exchanges.add(exchange);
    exchange.begin(this.#destroyed);
    return exchange;
  }

  /** What is under way: of connections nothing is known. */
  snapshot(): TransportSnapshot {
    return Object.freeze({ open: this.#exchanges.size, idle: 0, connecting: 0 });
  }

  destroy(): Promise<void> {
    this.#destroyed = true;
    for (const exchange of this.#exchanges) exchange.destroy();
    return Promise.resolve();
  }
}
