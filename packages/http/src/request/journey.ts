/** One request of the caller from its beginning to its end: all hops, all tries, and what they share. */

import type { Attempt, HttpError, RequestFacts, RequestPhase } from '../errors.ts';
import { redactUrl } from '../headers/redact.ts';
import type { RequestTrace } from '../trace.ts';
import type { Timeouts } from '../timeouts.ts';

export class Journey {
  readonly method: string;
  readonly timeouts: Timeouts;
  readonly trace: RequestTrace | undefined;
  /** What has been tried and is over. */
  readonly attempts: Attempt[] = [];
  /** When the time is up for all of it, on the scale of performance.now(); known from the first admission on. */
  totalAt = Infinity;
  #url: URL;

  constructor(method: string, url: URL, timeouts: Timeouts, trace: RequestTrace | undefined) {
    this.method = method;
    this.#url = url;
    this.timeouts = timeouts;
    this.trace = trace;
  }

  /** Where it has come to, as errors show it. */
  get shownUrl(): string {
    return redactUrl(this.#url);
  }

  movedTo(url: URL): void {
    this.#url = url;
  }

  /** The total time begins with the first admission. */
  begun(now: number): void {
    if (this.totalAt === Infinity) this.totalAt = now + this.timeouts.totalMs;
  }

  facts(phase: RequestPhase, requestSent: boolean, retryable: boolean, last?: Attempt): RequestFacts {
    const attempts = Object.freeze(last ? [...this.attempts, last] : [...this.attempts]);
    return { method: this.method, url: this.shownUrl, phase, requestSent, retryable, attempts };
  }
}

/** Makes an error of a request. */
export type ErrorFactory = (facts: RequestFacts) => HttpError;
