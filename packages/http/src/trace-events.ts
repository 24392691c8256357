/** What all events of requests have; they are frozen. Times in milliseconds. */
export interface RequestEvent {
  /** The request, by number: all its events have the same, redirects and retries included. */
  readonly id: number;
  readonly method: string;
  /** Redacted: no credentials. Of the redirect that is being followed, where there is one. */
  readonly url: string;
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number;
}

/** It was let in. */
export interface AdmittedEvent extends RequestEvent {
  /** How long it waited. */
  readonly queueMs: number;
}

/** A part of making a connection was done: a name was looked up, TCP or TLS was set up. */
export interface ConnectionEvent extends RequestEvent {
  readonly ms: number;
  readonly remoteAddress: string | undefined;
}

/** It goes over a connection that had served before. */
export interface ReuseEvent extends RequestEvent {
  readonly remoteAddress: string | undefined;
}

/** It is being written. */
export interface SentEvent extends RequestEvent {
  readonly protocol: 'h1' | 'h2' | undefined;
}

/** The head of a response came; with 1xx an informational one. */
export interface HeadersEvent extends RequestEvent {
  readonly status: number;
}

/** Some of the body came. */
export interface ChunkEvent extends RequestEvent {
  /** As it was sent. */
  readonly bytes: number;
}

/** A redirect is being followed. */
export interface RedirectEvent extends RequestEvent {
  readonly status: number;
  /** Where to, redacted. */
  readonly to: string;
}

/** It will be sent again. */
export interface RetryEvent extends RequestEvent {
  /** The attempt that failed; 1 is the first. */
  readonly attempt: number;
  readonly delayMs: number;
  /** Whether it is sent anew as an idle connection was closed: this is no attempt. */
  readonly reconnect: boolean;
  readonly status: number | undefined;
  readonly error: unknown;
}

/** It has failed. */
export interface ErrorEvent extends RequestEvent {
  readonly error: unknown;
}

/** The body has ended. */
export interface EndEvent extends RequestEvent {
  readonly status: number;
  /** Of the body, as it was sent. */
  readonly bytes: number;
}

/**
 * Hears of the requests of a session. What it does is called at once, where it happens, in the async context of the caller
 * of the request: it should be quick. One that throws, or whose promise rejects, is not called any more.
 *
 * Each event is published to the diagnostics channel `corral:http:<event>` as well, where the platform has them.
 *
 *     queued? ─► admitted ─► dns? connect? tls? | reuse ─► sent ─► information* ─► headers ─► chunk* ─► end
 *                   ▲                                                   ├─ redirect ─┐
 *                   └───────────────────────────────────────────────────┴─ retry ────┘
 *     at any time: error or cancelled, and none after
 */
export interface SessionEvents {
  /** It has to wait for its turn. */
  onQueued?(event: RequestEvent): void;
  onAdmitted?(event: AdmittedEvent): void;
  onDns?(event: ConnectionEvent): void;
  onConnect?(event: ConnectionEvent): void;
  onTls?(event: ConnectionEvent): void;
  onReuse?(event: ReuseEvent): void;
  onSent?(event: SentEvent): void;
  onInformation?(event: HeadersEvent): void;
  onHeaders?(event: HeadersEvent): void;
  onChunk?(event: ChunkEvent): void;
  onRedirect?(event: RedirectEvent): void;
  onRetry?(event: RetryEvent): void;
  onEnd?(event: EndEvent): void;
  onError?(event: ErrorEvent): void;
  onCancelled?(event: RequestEvent): void;
}
