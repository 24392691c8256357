/**
 * What happened so far, in numbers. All tasks write to it without a lock: between two `await`s nobody else runs, and no
 * method here waits.
 *
 * Look at: the methods `on…`. The session calls them for each of its requests (`listener: tally`), so what happens within
 * `session.get(url)`, such as its retries, is counted without a word in the code that fetches.
 */
import { HttpTimeoutError, SessionClosedError, type SessionEvents, StatusError } from '@corral/http';
import type { PageFacts } from './page-worker.ts';

export type RequestEnd = 'ok' | '4xx' | '429' | '5xx' | 'timeout' | 'network' | 'cancelled';

export interface Failure {
  readonly url: string;
  readonly reason: string;
}

type Told<Name extends keyof SessionEvents> = Parameters<NonNullable<SessionEvents[Name]>>[0];

export class Tally implements SessionEvents {
  /** Where the pages come from, for people. */
  source: string;
  readonly startedAt: number = performance.now();
  /** Pages to fetch; known once the sitemap or the list has been read. */
  pages = 0;
  /** Lines of the user's list that are no URL. */
  badLines = 0;
  readonly failures: Failure[] = [];
  readonly facts: PageFacts[] = [];

  requests = 0;
  maxInFlight = 0;
  readonly ends: Record<RequestEnd, number> = {
    ok: 0,
    '4xx': 0,
    '429': 0,
    '5xx': 0,
    timeout: 0,
    network: 0,
    cancelled: 0,
  };
  /** How long each request took, in ms; those cut off by a cancellation are left out. */
  readonly latencies: number[] = [];
  requestMs = 0;
  bytes = 0;

  retries = 0;
  /** Before retries, and in the line: a server that says Retry-After has everybody wait. */
  waitedMs = 0;
  queuedMs = 0;
  /** The requests in flight by number, and since when. */
  readonly #open = new Map<number, number>();

  constructor(source: string) {
    this.source = source;
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAt;
  }

  /** Pages that are through, one way or the other. */
  get done(): number {
    return this.facts.length + this.failures.length;
  }

  get inFlight(): number {
    return this.#open.size;
  }

  onAdmitted({ id, queueMs }: Told<'onAdmitted'>): void {
    this.queuedMs += queueMs;
    if (this.#open.has(id)) return; // it follows a redirect
    this.requests++;
    this.#open.set(id, performance.now());
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
  }

  onChunk({ bytes }: Told<'onChunk'>): void {
    this.bytes += bytes;
  }

  onRetry({ id, status, error, delayMs }: Told<'onRetry'>): void {
    this.#ended(id, status === undefined ? failure(error) : answer(status));
    this.retriesAfter(delayMs);
  }

  onEnd({ id, status }: Told<'onEnd'>): void {
    this.#ended(id, answer(status));
  }

  onError({ id, error }: Told<'onError'>): void {
    this.#ended(id, failure(error));
  }

  onCancelled({ id }: Told<'onCancelled'>): void {
    this.#ended(id, 'cancelled');
  }

  retriesAfter(waitMs: number): void {
    this.retries++;
    this.waitedMs += waitMs;
  }

  #ended(id: number, end: RequestEnd): void {
    const startedAt = this.#open.get(id);
    if (startedAt === undefined) return; // it waits: for its turn, or before a retry
    this.#open.delete(id);
    const ms = performance.now() - startedAt;
    this.ends[end]++;
    this.requestMs += ms;
    if (end !== 'cancelled') this.latencies.push(ms);
  }
}

function answer(status: number): RequestEnd {
  if (status < 400) return 'ok';
  if (status === 429) return '429';
  return status >= 500 ? '5xx' : '4xx';
}

function failure(error: unknown): RequestEnd {
  if (error instanceof StatusError) return answer(error.status);
  if (error instanceof SessionClosedError) return 'cancelled'; // with the scope of the session
  return error instanceof HttpTimeoutError ? 'timeout' : 'network';
}
