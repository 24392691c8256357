/**
 * What happened so far, in numbers. All tasks write to it without a lock: between two `await`s nobody else runs, and no
 * method here waits.
 */
import type { PageFacts } from './page-worker.ts';

export type RequestEnd = 'ok' | '4xx' | '429' | '5xx' | 'timeout' | 'network' | 'cancelled';

export interface Failure {
  readonly url: string;
  readonly reason: string;
}

export class Tally {
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
  inFlight = 0;
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
  retryAfterWaits = 0;
  waitedMs = 0;

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

  /** `attempt` is 1 for the first. */
  requestStarted(attempt: number): { ended(end: RequestEnd, bytes?: number): void } {
    const startedAt = performance.now();
    this.requests++;
    if (attempt > 1) this.retries++;
    this.inFlight++;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    return {
      ended: (end, bytes = 0) => {
        const ms = performance.now() - startedAt;
        this.inFlight--;
        this.ends[end]++;
        this.requestMs += ms;
        this.bytes += bytes;
        if (end !== 'cancelled') this.latencies.push(ms);
      },
    };
  }

  waits(waitMs: number, asked: boolean): void {
    this.waitedMs += waitMs;
    if (asked) this.retryAfterWaits++;
  }
}
