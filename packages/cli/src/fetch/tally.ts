import type { Outcome } from './record.ts';

/** How many hosts are remembered for the list of the slowest. */
const HOSTS = 10_000;

interface HostTimes {
  requests: number;
  ms: number;
}

/** What has happened so far, counted. */
export class Tally {
  readonly startedAt = Date.now();
  readonly #since = performance.now();
  readonly counts: Record<Outcome, number> = { ok: 0, failed: 0, skipped: 0, cancelled: 0 };
  /** Of the failed ones: those that failed in an earlier run, and were not tried again. */
  failedBefore = 0;
  retries = 0;
  /** Received in this run, the bytes of failed attempts included. */
  bytes = 0;
  /** How many there are, once that is known. */
  total: number | undefined;
  /** How many have been read from the input. */
  seen = 0;
  readonly #hosts = new Map<string, HostTimes>();

  get elapsedMs(): number {
    return performance.now() - this.#since;
  }

  /** How many have come to their end. */
  get done(): number {
    return this.counts.ok + this.counts.failed + this.counts.skipped;
  }

  took(host: string, ms: number): void {
    const times = this.#hosts.get(host);
    if (times !== undefined) {
      times.requests++;
      times.ms += ms;
    } else if (this.#hosts.size < HOSTS) this.#hosts.set(host, { requests: 1, ms });
  }

  /** The hosts that took longest for a request on average. */
  slowestHosts(count: number): { host: string; requests: number; meanMs: number }[] {
    const hosts = [...this.#hosts].map(([host, { requests, ms }]) => ({ host, requests, meanMs: ms / requests }));
    return hosts.sort((one, other) => other.meanMs - one.meanMs).slice(0, count);
  }
}
