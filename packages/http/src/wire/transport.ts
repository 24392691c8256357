/**
 * What a transport is to the session: it carries one exchange at a time over some connection, and nothing else.
 *
 *     session ──► gate ──► exchange ──send()──► transport ──► connection
 *                             ▲                    │
 *                             └────── WireSink ────┘
 *
 * Limits on requests in flight, deadlines, redirects, retries, decoding and cancellation are not its affair. It never
 * throws from `send`, never calls the sink before `send` has returned, and calls nothing after `onEnd`, `onError` or
 * `abort()`.
 */

/** Where an exchange is, as deadlines and errors name it. */
export type ConnectPhase = 'dns' | 'tcp' | 'tls' | 'proxy';

/** One request as it goes over the wire: all of it decided, checked and merged. */
export interface WireRequest {
  readonly method: string;
  /** Absolute, http or https, without credentials and fragment. */
  readonly url: URL;
  /** Names and values in turns, in the order in which they are sent. */
  readonly headers: readonly string[];
  /** Null where there is none. What streams is opened for this exchange alone and ended by the transport. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | null;
  /** The length of a body that streams, where it is known. */
  readonly bodyLength: number | undefined;
  /** The proxy to go through; undefined for none. */
  readonly proxy: URL | undefined;
}

/** How a connection came to be. Times in milliseconds; undefined where they do not apply or are not known. */
export interface ConnectionInfo {
  readonly reused: boolean;
  /** 'h1' or 'h2'; undefined where the platform does not say. */
  readonly protocol: 'h1' | 'h2' | undefined;
  readonly remoteAddress: string | undefined;
  readonly dnsMs: number | undefined;
  readonly tcpMs: number | undefined;
  readonly tlsMs: number | undefined;
}

/** The head of a response. */
export interface WireHead {
  readonly status: number;
  readonly statusText: string;
  /** Names, in lower case, and values in turns, in the order in which they came. */
  readonly headers: readonly string[];
  /** Where the platform's own redirects have led, without credentials; undefined when it followed none. */
  readonly url?: URL | undefined;
}

/** Why an exchange failed, as the transport sees it. */
export interface WireFailure {
  readonly kind:
    | 'connect' // no connection: nothing was sent
    | 'policy' // the address may not be connected to: nothing was sent
    | 'closed' // the connection ended, or was reset, before the head of a response
    | 'truncated' // it ended within the body
    | 'protocol' // what came is not HTTP, or breaks its rules
    | 'upload' // the body that was to be sent failed: `cause` is its error
    | 'unsupported'; // the platform cannot do what was asked
  /** While connecting: how far it had come. */
  readonly phase: ConnectPhase | undefined;
  /** In words, without the URL: 'connection refused by 127.0.0.1:80'. */
  readonly message: string;
  readonly cause: unknown;
  /** Whether the connection had served an exchange before: a server may close an idle one at any moment. */
  readonly reused: boolean;
}

/** What a transport tells of an exchange. None of them may throw. */
export interface WireSink {
  /** A new connection is being made, and has come so far. */
  onConnecting(phase: ConnectPhase): void;
  /** There is a connection, and the first byte of the request is about to be written. */
  onSend(info: ConnectionInfo): void;
  /** Some of the body has gone. */
  onBodySent(bytes: number): void;
  /** A response with a status of 1xx. */
  onInformation(status: number): void;
  onHead(head: WireHead): void;
  /** Some of the body. False pauses the transport until `resume()`; what has been read already may still come. */
  onData(chunk: Uint8Array): boolean;
  onEnd(trailers: readonly string[]): void;
  onError(failure: WireFailure): void;
}

/** An exchange under way. */
export interface WireCall {
  /** Goes on after `onData` gave false. */
  resume(): void;
  /**
   * Ends it now, whatever it is doing: a connection that is being made for it alone, or that carries it alone, is
   * destroyed. The sink hears nothing any more.
   */
  abort(): void;
}

/** What a platform can do; what it cannot is refused when a session is made that asks for it. */
export interface TransportCapabilities {
  readonly connectTimeout: boolean;
  readonly proxy: boolean;
  readonly addressPolicy: boolean;
  readonly tls: boolean;
  /** Whether redirects can be seen and followed by the session; else the platform follows them. */
  readonly redirects: boolean;
  /** Whether bodies arrive as they were sent; else the platform has decoded them. */
  readonly rawBodies: boolean;
  readonly http2: boolean;
  /** Whether the headers `cookie`, `host`, `user-agent` and the like may be set. */
  readonly forbiddenHeaders: boolean;
}

/** How many connections there are. */
export interface TransportSnapshot {
  /** Connections that are open, those with nothing to do included. */
  readonly open: number;
  readonly idle: number;
  readonly connecting: number;
}

/** Options of a transport: those of the session that concern connections. */
export interface TransportOptions {
  readonly http: 1 | 'auto';
  readonly keepAliveMs: number;
  readonly addressPolicy: AddressPolicy;
  readonly tls: TlsOptions | undefined;
  /** Milliseconds that a looked-up address may be used. */
  readonly dnsCacheMs: number;
  readonly lookup: LookupFunction | undefined;
  /** Milliseconds that one address is tried before the next one is tried as well. */
  readonly happyEyeballsMs: number;
  readonly maxHeaderBytes: number;
  readonly localAddress: string | undefined;
  readonly socketPath: string | undefined;
}

/** Finds the addresses of a name: a resolver of one's own. */
export type LookupFunction = (
  hostname: string,
) => Promise<readonly { readonly address: string; readonly family: 4 | 6 }[]>;

/**
 * Which addresses may be connected to: 'any'; 'public', none that is private, loopback, link-local, shared, multicast
 * or reserved; or a function that gives true for those that may. It is asked with the address that is then connected to,
 * so no redirect and no change in the DNS gets around it.
 */
export type AddressPolicy = 'any' | 'public' | ((address: string, hostname: string) => boolean);

/** How servers are authenticated, and how the client is. PEM texts or bytes. */
export interface TlsOptions {
  /** Authorities to trust instead of the platform's. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  readonly passphrase?: string | undefined;
  /** Default: true. False accepts any certificate: for tests alone. */
  readonly rejectUnauthorized?: boolean | undefined;
  /** The name that the certificate must have. Default: the host of the URL. */
  readonly servername?: string | undefined;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
}

export interface Transport {
  readonly capabilities: TransportCapabilities;
  send(request: WireRequest, sink: WireSink): WireCall;
  snapshot(): TransportSnapshot;
  /** Ends all connections at once, those that are being made included. Exchanges under way fail. Idempotent. */
  destroy(): Promise<void>;
}
