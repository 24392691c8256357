/**
 * A client for a service that is slow, refuses and fails: policies compose by nesting, from the inside out.
 *
 * Look at: the order. The timeout is inside the breaker, or a call that is too slow would be a cancellation to it and
 * count for nothing. The breaker is inside the retry, so each attempt counts; and what the breaker refuses is retried
 * when it says. The limiter is inside the retry too, so that retries keep to the rate like everything else.
 */
import { CircuitBreaker, CircuitOpenError, RateLimiter, RetryBudget, hedge, retry, timeout } from 'corral';

/** Something that can be asked, and that can be called off. */
export type Ask = (question: string) => Promise<string>;

export class Client {
  readonly #ask: Ask;
  readonly #limiter = new RateLimiter({ limit: 50, perMs: 1_000 });
  readonly #breaker = new CircuitBreaker({ failureRate: 0.5, window: { ms: 10_000 }, halfOpenAfterMs: 2_000 });
  readonly #budget = new RetryBudget({ ratio: 0.2, reserve: 20 });

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** What may be asked twice is: the second time when no answer has come for 200 ms. */
  read(question: string): Promise<string> {
    return hedge(() => this.ask(question), { afterMs: 200, max: 2 });
  }

  /** Asks up to five times, for ten seconds in all. */
  ask(question: string): Promise<string> {
    return retry(() => this.#once(question), {
      attempts: 5,
      deadlineMs: 10_000,
      budget: this.#budget,
      retryAfter: (error) => (error instanceof CircuitOpenError ? error.retryAfterMs : undefined),
    });
  }

  async #once(question: string): Promise<string> {
    await this.#limiter.acquire();
    return this.#breaker.run(() => timeout(1_000, () => this.#ask(question)));
  }
}
