/**
 * One try of one hop: from asking for admission to the last byte of the body.
 *
 *     queued ──► connecting ──► sent ──► body ──► done
 *        │            │           │        │
 *        └────────────┴───────────┴────────┴────► failed, or aborted by who waits
 *
 * Whichever way it ends, `#finish` runs once: the slot goes back, the deadline is cleared, the transport is told.
 */

import {
  BodyLimitError,
  ProtocolError,
  QueueFullError,
  SessionClosedError,
  type Attempt,
  type HttpError,
  type RequestFacts,
  type RequestPhase,
  type TimeoutKind,
} from '../errors.ts';
import type { GatePlace, GateWaiter } from '../gate-host.ts';
import { GateFullError } from '../gate.ts';
import { captureContext, type InContext } from '../internal/time-source.ts';
import type { Listed } from '../internal/roster.ts';
import { IncomingBody } from '../response/incoming.ts';
import type { RetryFacts, RetryStage } from '../retry/decide.ts';
import type { SessionCore } from '../session/core.ts';
import { SpeedMeter } from '../speed-meter.ts';
import type { ConnectPhase, ConnectionInfo, WireCall, WireFailure, WireHead, WireSink } from '../wire/transport.ts';
import { acquireError, messageOf, reasonOf, releasedError, timeoutError, wireError } from './exchange-errors.ts';
import type { Hop } from './hop.ts';
import type { ErrorFactory, Journey } from './journey.ts';
import { PhaseDeadline } from './phase-deadline.ts';

/** So many responses of 1xx are one too many. */
const MAX_INFORMATIONAL = 32;
/** How much of a body that nobody wants is read for the sake of its connection, and for how long. */
const DRAIN_BYTES = 64 * 1024;
const DRAIN_MS = 50;

type State = 'new' | 'queued' | 'connecting' | 'sent' | 'body' | 'done' | 'failed' | 'aborted';

export class Exchange extends PhaseDeadline implements WireSink, GateWaiter, Listed {
  readonly hop: Hop;
  readonly body: IncomingBody;
  head: WireHead | undefined = undefined;
  connection: ConnectionInfo | undefined = undefined;
  /** Bytes of the body that came, as they were sent. */
  received = 0;
  error: HttpError | undefined = undefined;
  /** What who waits for it is to get, when it has failed: the error, or what the body that was sent has thrown. */
  thrown: { readonly error: unknown } | undefined = undefined;
  readonly #core: SessionCore;
  #state: State = 'new';
  #phase: RequestPhase = 'acquire';
  #slot = false;
  /** While it waits for its turn: that of whoever waits for it. */
  #inContext: InContext | undefined = undefined;
  #wire: WireCall | undefined = undefined;
  #resolve!: () => void;
  /** When a body of little interest is given up. */
  #hurryAt = Infinity;
  #information = 0;
  #maxReceived = Infinity;
  /** Whether the caller has the response: before, another one may take its place. */
  #delivered = false;
  /** Why it failed, in words. */
  #reason: string | undefined = undefined;
  #drainLeft = Infinity;
  #meter: SpeedMeter | undefined = undefined;
  // Times, on the scale of performance.now(); 0 is not yet.
  readonly #createdAt = performance.now();
  #admittedAt = 0;
  #sentAt = 0;
  #headAt = 0;
  #endedAt = 0;
  #activeAt = 0;

  rosterIndex = -1;
  /** Its place in the line of the gate. */
  place: GatePlace | undefined = undefined;

  constructor(core: SessionCore, journey: Journey, hop: Hop) {
    super(core.wheel, journey);
    this.#core = core;
    this.hop = hop;
    this.body = new IncomingBody(this);
  }

  // Beginning --------------------------------------------------------------------------------------------------------

  /**
   * Asks for admission and sends. Settles when there is a head, or what failed is in `thrown`; never when it is aborted.
   *
   * It never rejects: who was cancelled meanwhile leaves nobody to hear of a failure.
   */
  start(front: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#enter(front);
    });
  }

  #enter(front: boolean): void {
    const core = this.#core;
    // A redirect of what was under way is gone after within the grace; nothing else is begun.
    const under = this.journey.totalAt !== Infinity && !front;
    if (core.destroyed || (core.closed && !under)) {
      return this.#fail((facts) => new SessionClosedError('the session is closed', facts), false);
    }
    core.exchanges.add(this);
    this.#state = 'queued';
    try {
      if (core.gate.enter(this.hop.host, this, { front })) return this.#send(this.#createdAt);
    } catch (error) {
      if (!(error instanceof GateFullError)) throw error;
      const { queue } = core.options.gate;
      return this.#fail((facts) => new QueueFullError(`${queue} requests are waiting already`, facts), true);
    }
    // It will be let in by whoever leaves.
    this.#inContext = captureContext();
    this.journey.trace?.queued();
    // A listener may have closed the session.
    if (this.over) return;
    this.limit('acquire', this.journey.timeouts.acquireMs, performance.now());
  }

  /** Told by the gate, which is in the context of whoever has left it: it is its turn. */
  admitted(): void {
    const inContext = this.#inContext;
    this.#inContext = undefined;
    const now = performance.now();
    if (inContext) inContext(() => this.#send(now));
    else this.#send(now);
  }

  #send(now: number): void {
    const { journey, hop } = this;
    this.#slot = true;
    this.#state = 'connecting';
    this.#phase = 'tcp';
    this.#admittedAt = now;
    journey.begun(now);
    journey.trace?.admitted(now - this.#createdAt);
    // A listener may have closed the session.
    if (this.over) return;
    this.limit('connect', journey.timeouts.connectMs, now);
    try {
      this.#wire = this.#core.transport.send(hop.toWire(), this);
    } catch (error) {
      return this.onError({ kind: 'upload', phase: undefined, message: messageOf(error), cause: error, reused: false });
    }
    // And so may the function that opens the body.
    if (this.over) this.#wire.abort();
  }

  // What the transport tells -----------------------------------------------------------------------------------------

  onConnecting(phase: ConnectPhase): void {
    this.#phase = phase;
  }

  onSend(info: ConnectionInfo): void {
    this.connection = info;
    this.#state = 'sent';
    this.#phase = this.hop.body ? 'send' : 'headers';
    const now = performance.now();
    this.#sentAt = now;
    this.journey.trace?.sent(info);
    this.limit('headers', this.journey.timeouts.headersMs, now);
  }

  onBodySent(_bytes: number): void {
    // The server has that long from the last byte that it was sent.
    const now = performance.now();
    if (this.#state === 'sent') this.limitAt(now + this.journey.timeouts.headersMs, now);
  }

  onInformation(status: number): void {
    this.journey.trace?.information(status);
    if (++this.#information > MAX_INFORMATIONAL) {
      const message = `the server sent more than ${MAX_INFORMATIONAL} informational responses`;
      this.#fail((facts) => new ProtocolError(message, facts), false);
    }
  }

  onHead(head: WireHead): void {
    this.head = head;
    this.#state = 'body';
    this.#phase = 'body';
    const now = performance.now();
    this.#headAt = now;
    this.#activeAt = now;
    const { readMs, minSpeed } = this.journey.timeouts;
    if (minSpeed) this.#meter = new SpeedMeter(minSpeed, now);
    this.journey.trace?.headers(head.status);
    this.limit('read', Math.min(readMs, this.#meter?.everyMs ?? Infinity), now);
    this.#resolve();
  }

  onData(chunk: Uint8Array): boolean {
    this.received += chunk.byteLength;
    this.journey.trace?.chunk(chunk.byteLength);
    if (this.over) return false;
    if (this.received > this.#maxReceived) {
      const limit = this.#maxReceived;
      this.#fail((facts) => new BodyLimitError(limit, `the body is larger than ${limit} bytes`, facts), false);
      return false;
    }
    if ((this.#drainLeft -= chunk.byteLength) < 0) {
      this.abort();
      return false;
    }
    this.#activeAt = performance.now();
    this.#meter?.add(chunk.byteLength, this.#activeAt);
    const goesOn = this.body.push(chunk);
    if (!goesOn) this.#meter?.pause(this.#activeAt);
    return goesOn;
  }

  onEnd(_trailers: readonly string[]): void {
    this.#finish('done');
    this.body.finish();
  }

  onError(failure: WireFailure): void {
    const { kind } = failure;
    this.failure = failure;
    if (failure.phase) this.#phase = failure.phase;
    const mayHelp = kind === 'connect' || kind === 'closed' || kind === 'truncated';
    this.#fail((facts) => wireError(failure, this.received, facts), mayHelp, kind === 'upload' ? failure : undefined);
  }

  // Deadlines --------------------------------------------------------------------------------------------------------

  protected override timeIsUp(kind: TimeoutKind, now: number): void {
    if (this.#drainLeft !== Infinity) return this.abort();
    if (kind === 'read') return this.#checkReading(now);
    this.#timedOut(kind);
  }

  /** Silence counts from the last byte or, if that was later, from when the consumer wanted more. */
  #checkReading(now: number): void {
    const { readMs, minSpeed } = this.journey.timeouts;
    const { paused, beingRead, wantedAt } = this.body;
    this.#activeAt = Math.max(this.#activeAt, beingRead ? wantedAt : now);
    if (now - this.#activeAt >= readMs || now >= this.#hurryAt) return this.#timedOut('read');
    if (!paused && minSpeed && this.#meter?.tooSlow(now)) return this.#timedOut('minSpeed');
    const speedAt = now + (this.#meter?.everyMs ?? Infinity);
    this.limitAt(Math.min(this.#activeAt + readMs, this.#hurryAt, speedAt), now);
  }

  #timedOut(kind: TimeoutKind): void {
    const phase = this.#phase;
    this.failure = { kind: 'timeout', timeout: kind };
    const retryable = kind !== 'total' && (this.#sentAt === 0 || this.hop.idempotent);
    const { timeouts } = this.journey;
    const unread = kind === 'acquire' ? this.#core.unreadOf(this.hop.host) : 0;
    this.#fail((facts) => {
      if (kind === 'acquire') return acquireError(timeouts.acquireMs, unread, this.hop.host, facts);
      return timeoutError(kind, timeouts, phase, facts);
    }, retryable);
  }

  /** Whether a response has come, and its body holds the connection with nobody reading it. */
  get unread(): boolean {
    return this.#state === 'body' && this.body.paused && !this.body.beingRead;
  }

  /** Told by the body: the consumer has read what was there, and wants more. */
  resume(): void {
    const now = performance.now();
    this.#activeAt = now;
    this.#meter?.resume(now);
    this.#wire?.resume();
  }

  // Ending -----------------------------------------------------------------------------------------------------------

  /** No more than this many bytes of the body will be taken. @throws {BodyLimitError} when more have come. */
  limitTo(bytes: number): void {
    this.#maxReceived = bytes;
    if (this.received <= bytes) return;
    const make: ErrorFactory = (facts) => new BodyLimitError(bytes, `the body is larger than ${bytes} bytes`, facts);
    this.#fail(make, false);
    throw this.error ?? make(this.factsOfBody());
  }

  /** The body is of little interest: it has so long and no longer. */
  hurry(ms: number): void {
    if (this.over) return;
    const now = performance.now();
    this.#hurryAt = now + ms;
    this.limitBy(this.#hurryAt, now);
  }

  /** What is known of it, for an error of who reads the body. */
  factsOfBody(): RequestFacts {
    return this.journey.facts('body', true, false, this.attempt());
  }

  /** Whether it waits for its turn. */
  get queued(): boolean {
    return this.#state === 'queued';
  }

  /** How far it has come, for who decides about another try, before anybody reads the body. */
  get stage(): RetryStage {
    if (this.head) return 'head';
    return this.#sentAt > 0 ? 'sent' : 'unsent';
  }

  /** Why it failed: as the transport said, or which time was up. */
  failure: RetryFacts['failure'] = undefined;

  /** Whether it has ended, whichever way. */
  get over(): boolean {
    return this.#state === 'done' || this.#state === 'failed' || this.#state === 'aborted';
  }

  /** Nobody waits for it any more: ends it at once. Whoever reads it still is told `why`. */
  abort(why?: { readonly error: unknown }): void {
    if (this.over) return;
    const wire = this.#wire;
    this.#finish('aborted');
    wire?.abort();
    // Whoever reads it still is told.
    this.body.fail(why ? why.error : releasedError());
  }

  /** Nobody wants the rest of the body. A little is read, so that the connection can be used again; else it is ended. */
  discard(expected: number | undefined): void {
    if (this.over) return;
    this.#traceEnd();
    const left = expected === undefined ? DRAIN_BYTES : expected - this.received;
    if (this.#state !== 'body' || left > DRAIN_BYTES || this.#core.closed) return this.abort();
    this.#drainLeft = DRAIN_BYTES;
    const now = performance.now();
    this.limitAt(now + DRAIN_MS, now);
    this.body.discard();
  }

  /** The caller has the response: how it ends is how the request ends, also if it has ended already. */
  deliver(): void {
    this.#delivered = true;
    if (this.#state === 'failed') this.journey.trace?.error(this.error);
    else if (this.over) this.#traceEnd();
  }

  /** Of what is not delivered yet, or never will be, the request goes on. */
  #traceEnd(): void {
    if (this.#delivered) this.journey.trace?.end(this.head?.status ?? 0, this.received);
  }

  /** Ends it with an error that who waits, or reads, gets. */
  fail(make: ErrorFactory): void {
    this.#fail(make, false);
  }

  #fail(make: ErrorFactory, retryable: boolean, upload?: WireFailure): void {
    if (this.over) return;
    const hadHead = this.head !== undefined;
    const wire = this.#wire;
    const phase = this.#phase;
    this.#finish('failed');
    wire?.abort();
    const sent = this.#sentAt > 0;
    const safe = retryable && (!sent || this.hop.idempotent) && this.hop.replayable;
    // The last attempt tells the reason as well, in the words of the error.
    const facts = (last?: Attempt): RequestFacts => this.journey.facts(phase, sent, safe, last);
    this.#reason = reasonOf(make(facts()));
    const error = make(facts(this.attempt()));
    this.error = error;
    // What the source of an upload throws is the caller's own.
    const thrown = upload ? upload.cause : error;
    this.thrown = { error: thrown };
    if (!hadHead) return this.#resolve();
    if (this.#delivered) this.journey.trace?.error(error);
    this.body.fail(thrown);
  }

  #finish(state: 'done' | 'failed' | 'aborted'): void {
    this.#state = state;
    this.#endedAt = performance.now();
    const { gate, exchanges } = this.#core;
    this.clearLimit();
    exchanges.delete(this);
    if (this.place) gate.withdraw(this);
    if (this.#slot) {
      this.#slot = false;
      gate.leave(this.hop.host);
    }
    if (state === 'done') this.#traceEnd();
    if (this.#core.closed) this.#core.checkIdle();
  }

  /** What has come of it so far. */
  attempt(retryAfterMs?: number): Attempt {
    const connection = this.connection;
    return Object.freeze({
      url: this.journey.shownUrl,
      startedAt: performance.timeOrigin + this.#createdAt,
      queueMs: (this.#admittedAt || this.#endedAt || performance.now()) - this.#createdAt,
      dnsMs: connection?.dnsMs,
      connectMs: connection?.tcpMs,
      tlsMs: connection?.tlsMs,
      headersMs: this.#headAt ? this.#headAt - this.#sentAt : undefined,
      bodyMs: this.#headAt && this.#endedAt ? this.#endedAt - this.#headAt : undefined,
      reused: connection?.reused ?? false,
      status: this.head?.status,
      error: this.#reason,
      retryAfterMs,
    });
  }
}
