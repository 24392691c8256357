/**
 * The errors of requests. All of them say which request it was, how far it had come, and whether trying again is safe.
 *
 * Cancellation is none of them: a cancelled request throws the CancelledError of its scope.
 */

import { CorralError } from 'corral';

/** Where a request was when it failed. */
export type RequestPhase =
  | 'acquire' // waiting for its turn
  | 'dns'
  | 'tcp'
  | 'tls'
  | 'proxy'
  | 'send' // writing the request
  | 'headers' // waiting for the response's head
  | 'body'; // reading the response's body

/** One try of a request. Times in milliseconds. */
export interface Attempt {
  /** Redacted: no credentials. */
  readonly url: string;
  /** When it began, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** How long it waited for its turn. */
  readonly queueMs: number;
  readonly dnsMs: number | undefined;
  readonly connectMs: number | undefined;
  readonly tlsMs: number | undefined;
  /** From when it was sent to the first byte of the head. */
  readonly headersMs: number | undefined;
  /** From the head to the end of the body, when it has ended. */
  readonly bodyMs: number | undefined;
  /** Whether its connection had served before. */
  readonly reused: boolean;
  readonly status: number | undefined;
  /** Why it failed, in words. */
  readonly error: string | undefined;
  /** How long the server asked to wait. */
  readonly retryAfterMs: number | undefined;
}

/** What is known of a request when an error is made. */
export interface RequestFacts {
  readonly method: string;
  /** Redacted: no credentials. */
  readonly url: string;
  readonly phase: RequestPhase;
  readonly requestSent: boolean;
  readonly retryable: boolean;
  readonly attempts: readonly Attempt[];
}

/** Base of the errors of requests. */
export abstract class HttpError extends CorralError {
  readonly method: string;
  /** Redacted: passwords and the values of parameters that are known to be secret are `***`. */
  readonly url: string;
  readonly phase: RequestPhase;
  /** Whether the server may have seen the request. */
  readonly requestSent: boolean;
  /** Whether sending it again is safe, and may help. */
  readonly retryable: boolean;
  /** Not an own property: an error on the console is to be read. */
  readonly #attempts: readonly Attempt[];

  constructor(message: string, facts: RequestFacts, cause?: unknown) {
    super(`${facts.method} ${facts.url}: ${message}`, cause === undefined ? undefined : { cause });
    this.method = facts.method;
    this.url = facts.url;
    this.phase = facts.phase;
    this.requestSent = facts.requestSent;
    this.retryable = facts.retryable;
    this.#attempts = facts.attempts;
  }

  /** All tries that were made, the failed one last. */
  get attempts(): readonly Attempt[] {
    return this.#attempts;
  }
}

/** No connection was made: `phase` says how far it came. */
export class ConnectError extends HttpError {
  override get name(): string {
    return 'ConnectError';
  }
  get code(): 'CORRAL_HTTP_CONNECT' {
    return 'CORRAL_HTTP_CONNECT';
  }
}

/** Which time was up. */
export type TimeoutKind = 'acquire' | 'connect' | 'headers' | 'read' | 'total' | 'minSpeed';

/** A time limit of the request passed. A `timeout()` around a request throws corral's TimeoutError instead. */
export class HttpTimeoutError extends HttpError {
  readonly kind: TimeoutKind;
  /** The limit, in milliseconds. */
  readonly ms: number;
  constructor(kind: TimeoutKind, ms: number, message: string, facts: RequestFacts) {
    super(message, facts);
    this.kind = kind;
    this.ms = ms;
  }
  override get name(): string {
    return 'HttpTimeoutError';
  }
  get code(): 'CORRAL_HTTP_TIMEOUT' {
    return 'CORRAL_HTTP_TIMEOUT';
  }
}

/** The connection broke, or what came over it is not HTTP. */
export class ProtocolError extends HttpError {
  override get name(): string {
    return 'ProtocolError';
  }
  get code(): 'CORRAL_HTTP_PROTOCOL' {
    return 'CORRAL_HTTP_PROTOCOL';
  }
}

/** The connection ended before the body did. What has been read is not all of it. */
export class TruncatedError extends HttpError {
  /** How many bytes of the body came, as they were sent. */
  readonly receivedBytes: number;
  constructor(receivedBytes: number, message: string, facts: RequestFacts, cause?: unknown) {
    super(message, facts, cause);
    this.receivedBytes = receivedBytes;
  }
  override get name(): string {
    return 'TruncatedError';
  }
  get code(): 'CORRAL_HTTP_TRUNCATED' {
    return 'CORRAL_HTTP_TRUNCATED';
  }
}

/** The server answered with a status of 400 or more, and that was asked to be an error. */
export class StatusError extends HttpError {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** The beginning of the body, at most 1 KiB of text. */
  readonly bodySnippet: string;
  /** When the server wants to be asked again, in milliseconds since the epoch; undefined when it did not say. */
  readonly retryAt: number | undefined;
  constructor(
    response: {
      status: number;
      statusText: string;
      headers: Headers;
      bodySnippet: string;
      retryAt: number | undefined;
    },
    facts: RequestFacts,
  ) {
    super(`the server answered ${response.status}${response.statusText ? ` ${response.statusText}` : ''}`, facts);
    this.status = response.status;
    this.statusText = response.statusText;
    this.headers = response.headers;
    this.bodySnippet = response.bodySnippet;
    this.retryAt = response.retryAt;
  }
  override get name(): string {
    return 'StatusError';
  }
  get code(): 'CORRAL_HTTP_STATUS' {
    return 'CORRAL_HTTP_STATUS';
  }
}

/** Why a redirect was not followed. */
export type RedirectReason = 'too-many' | 'scheme' | 'invalid' | 'downgrade' | 'refused' | 'body';

/** A redirect was not followed. */
export class RedirectError extends HttpError {
  readonly reason: RedirectReason;
  /** Where it led to, as the server sent it, redacted. */
  readonly location: string;
  constructor(reason: RedirectReason, location: string, message: string, facts: RequestFacts) {
    super(message, facts);
    this.reason = reason;
    this.location = location;
  }
  override get name(): string {
    return 'RedirectError';
  }
  get code(): 'CORRAL_HTTP_REDIRECT' {
    return 'CORRAL_HTTP_REDIRECT';
  }
}

/** The body was larger, or grew more in decoding, than is allowed. */
export class BodyLimitError extends HttpError {
  /** What is allowed, in bytes, or times the size that was sent. */
  readonly limit: number;
  constructor(limit: number, message: string, facts: RequestFacts) {
    super(message, facts);
    this.limit = limit;
  }
  override get name(): string {
    return 'BodyLimitError';
  }
  get code(): 'CORRAL_HTTP_BODY_LIMIT' {
    return 'CORRAL_HTTP_BODY_LIMIT';
  }
}

/** The body could not be decoded: its compression, its character set, its JSON, or what the schema says of it. */
export class DecodeError extends HttpError {
  override get name(): string {
    return 'DecodeError';
  }
  get code(): 'CORRAL_HTTP_DECODE' {
    return 'CORRAL_HTTP_DECODE';
  }
}

/** The address is not one that may be connected to. */
export class PolicyError extends HttpError {
  override get name(): string {
    return 'PolicyError';
  }
  get code(): 'CORRAL_HTTP_POLICY' {
    return 'CORRAL_HTTP_POLICY';
  }
}

/** As many requests as may wait were waiting already: nothing was sent. */
export class QueueFullError extends HttpError {
  override get name(): string {
    return 'QueueFullError';
  }
  get code(): 'CORRAL_HTTP_QUEUE_FULL' {
    return 'CORRAL_HTTP_QUEUE_FULL';
  }
}

/** The session was closed: the request was not sent, or did not end in time. */
export class SessionClosedError extends HttpError {
  override get name(): string {
    return 'SessionClosedError';
  }
  get code(): 'CORRAL_HTTP_SESSION_CLOSED' {
    return 'CORRAL_HTTP_SESSION_CLOSED';
  }
}
