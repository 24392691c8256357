import { shown } from './internal/checks.ts';
import { captureContext, type InContext } from './internal/time-source.ts';
import type { Channel } from './platform/platform.ts';
import type {
  AdmittedEvent,
  ChunkEvent,
  ConnectionEvent,
  EndEvent,
  ErrorEvent,
  HeadersEvent,
  RedirectEvent,
  RequestEvent,
  RetryEvent,
  ReuseEvent,
  SentEvent,
  SessionEvents,
} from './trace-events.ts';
import type { ConnectionInfo } from './wire/transport.ts';

interface Events {
  queued: RequestEvent;
  admitted: AdmittedEvent;
  dns: ConnectionEvent;
  connect: ConnectionEvent;
  tls: ConnectionEvent;
  reuse: ReuseEvent;
  sent: SentEvent;
  information: HeadersEvent;
  headers: HeadersEvent;
  chunk: ChunkEvent;
  redirect: RedirectEvent;
  retry: RetryEvent;
  end: EndEvent;
  error: ErrorEvent;
  cancelled: RequestEvent;
}

type EventName = keyof Events;
/** What an event has of its own. */
type Details<N extends EventName> = Omit<Events[N], keyof RequestEvent>;

const METHODS: { readonly [N in EventName]: keyof SessionEvents } = {
  queued: 'onQueued',
  admitted: 'onAdmitted',
  dns: 'onDns',
  connect: 'onConnect',
  tls: 'onTls',
  reuse: 'onReuse',
  sent: 'onSent',
  information: 'onInformation',
  headers: 'onHeaders',
  chunk: 'onChunk',
  redirect: 'onRedirect',
  retry: 'onRetry',
  end: 'onEnd',
  error: 'onError',
  cancelled: 'onCancelled',
};
const NAMES = Object.keys(METHODS) as EventName[];
const KNOWN: readonly string[] = Object.values(METHODS);

/** What a listener would have to be, if it has a function for an event that there is none of. */
export function unknownEvent(listener: object): string | undefined {
  const odd = Object.keys(listener).find((name) => /^on/i.test(name) && !KNOWN.includes(name));
  return odd && `functions for ${KNOWN.join(', ')}, and not ${odd}`;
}

/** What a {@link Tracer} is made of. */
export interface TracerOptions {
  readonly listeners: readonly SessionEvents[];
  /** The platform's diagnostics channels. */
  readonly channel: (name: string) => Channel | undefined;
  /** A listener failed, and is not called any more. */
  readonly onFault: (error: unknown, listener: SessionEvents) => void;
}

let ids = 0;

/** Tells listeners and diagnostics channels of the requests of a session. */
export class Tracer {
  readonly #channels: readonly Channel[];
  readonly #channelOf: { readonly [N in EventName]?: Channel };
  readonly #onFault: TracerOptions['onFault'];
  #listeners: readonly SessionEvents[];

  /** @throws {TypeError} when a listener is no object. */
  constructor({ listeners, channel, onFault }: TracerOptions) {
    for (const listener of listeners) {
      if (typeof listener === 'object' && (listener as unknown) !== null) continue;
      throw new TypeError(`Cannot set events as a listener is an object: current value is ${shown(listener)}`);
    }
    const entries = NAMES.map((name) => [name, channel(`corral:http:${name}`)] as const);
    this.#channelOf = Object.fromEntries(entries.filter(([, found]) => found));
    this.#channels = Object.values(this.#channelOf);
    this.#listeners = [...listeners];
    this.#onFault = onFault;
  }

  /** Whether anybody listens. */
  get active(): boolean {
    return this.#listeners.length > 0 || this.#channels.some((channel) => channel.hasSubscribers);
  }

  /**
   * Follows a request, in whose caller's context it is called; undefined when nobody listens, so that each event costs the
   * test in `trace?.sent(…)`. Who subscribes to a channel later hears of the requests that begin later.
   *
   * @param url - Redacted.
   */
  start(method: string, url: string): RequestTrace | undefined {
    return this.active ? new RequestTrace(this, method, url) : undefined;
  }

  /** @internal Whether anybody wants to hear of this: each chunk is an event, and few care. */
  wants(name: EventName): boolean {
    if (this.#channelOf[name]?.hasSubscribers) return true;
    const method = METHODS[name];
    return this.#listeners.some((listener) => listener[method] !== undefined);
  }

  /** @internal */
  emit(name: EventName, event: RequestEvent): void {
    const channel = this.#channelOf[name];
    // Node keeps what subscribers throw from us.
    if (channel?.hasSubscribers) channel.publish(event);
    for (const listener of this.#listeners) this.#call(listener, name, event);
  }

  #call(listener: SessionEvents, name: EventName, event: RequestEvent): void {
    try {
      const method = listener[METHODS[name]] as ((event: RequestEvent) => unknown) | undefined;
      const result = method?.call(listener, event);
      if (result instanceof Promise) result.catch((error: unknown) => this.#disable(listener, error));
    } catch (error) {
      this.#disable(listener, error);
    }
  }

  #disable(listener: SessionEvents, error: unknown): void {
    if (!this.#listeners.includes(listener)) return;
    this.#listeners = this.#listeners.filter((other) => other !== listener);
    this.#onFault(error, listener);
  }
}

/** One request, as it is told: the exchange says what happens, `trace?.sent(…)`. After its end it says nothing. */
export class RequestTrace {
  readonly id = ++ids;
  readonly #tracer: Tracer;
  #method: string;
  #url: string;
  readonly #inContext: InContext | undefined = captureContext();
  #ended = false;

  /** @internal */
  constructor(tracer: Tracer, method: string, url: string) {
    this.#tracer = tracer;
    this.#method = method;
    this.#url = url;
  }

  queued(): void {
    this.#emit('queued', {});
  }

  admitted(queueMs: number): void {
    this.#emit('admitted', { queueMs });
  }

  /** Dns, connect and tls, as far as they apply, or reuse; then sent. */
  sent({ reused, protocol, remoteAddress, dnsMs, tcpMs, tlsMs }: ConnectionInfo): void {
    if (reused) this.#emit('reuse', { remoteAddress });
    else {
      if (dnsMs !== undefined) this.#emit('dns', { ms: dnsMs, remoteAddress });
      if (tcpMs !== undefined) this.#emit('connect', { ms: tcpMs, remoteAddress });
      if (tlsMs !== undefined) this.#emit('tls', { ms: tlsMs, remoteAddress });
    }
    this.#emit('sent', { protocol });
  }

  information(status: number): void {
    this.#emit('information', { status });
  }

  headers(status: number): void {
    this.#emit('headers', { status });
  }

  chunk(bytes: number): void {
    this.#emit('chunk', { bytes });
  }

  /**
   * @param to - Redacted; the events that follow have it as their URL.
   * @param method - What they have as their method. Default: the same as before.
   */
  redirect(status: number, to: string, method = this.#method): void {
    this.#emit('redirect', { status, to });
    this.#url = to;
    this.#method = method;
  }

  retry(details: Details<'retry'>): void {
    this.#emit('retry', details);
  }

  end(status: number, bytes: number): void {
    this.#emit('end', { status, bytes });
    this.#ended = true;
  }

  error(error: unknown): void {
    this.#emit('error', { error });
    this.#ended = true;
  }

  cancelled(): void {
    this.#emit('cancelled', {});
    this.#ended = true;
  }

  #emit<N extends EventName>(name: N, details: Details<N>): void {
    if (this.#ended || !this.#tracer.wants(name)) return;
    const event = Object.freeze({
      id: this.id,
      method: this.#method,
      url: this.#url,
      at: performance.timeOrigin + performance.now(),
      ...details,
    });
    if (this.#inContext) this.#inContext(() => this.#tracer.emit(name, event));
    else this.#tracer.emit(name, event);
  }
}
