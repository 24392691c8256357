import { CircuitBreaker, RateLimiter, RetryBudget, hedge, retry } from '../../src/index.ts';
import type { CircuitState, Reservation, RetryOptions, Scope } from '../../src/index.ts';
import { expectType } from './equal.ts';

const text = async (): Promise<string> => 'text';
const count = (_scope: Scope, attempt: number): number => attempt;

// retry, hedge: what the function gives, awaited; it gets its scope and the number of the attempt.
expectType<string>()(await retry(text));
expectType<number>()(await retry(count, { attempts: 5, backoff: 'decorrelated', jitter: 'equal' }));
expectType<string>()(await hedge(text, { afterMs: 100, max: 3 }));
await retry((scope, attempt) => (expectType<Scope>()(scope), expectType<number>()(attempt)));

// retry: callbacks may be async where they are awaited; a function gives the backoff.
await retry(text, { retryIf: async () => true, onRetry: async () => {}, backoff: (attempt) => attempt * 100 });
await retry(text, { retryAfter: () => undefined, budget: new RetryBudget({ ratio: 0.2 }) });
// @ts-expect-error
await retry(text());
// @ts-expect-error
await retry(text, { backoff: 'linear' });
// @ts-expect-error
await retry(text, { retryAfter: () => 'soon' });
// @ts-expect-error
await hedge(text);
// @ts-expect-error
const misspelt: RetryOptions = { retries: 3 };
void misspelt;

// CircuitBreaker: passes the type through.
const breaker = new CircuitBreaker({ failureRate: 0.5, window: { ms: 1_000 } });
expectType<string>()(await breaker.run(text));
expectType<CircuitState>()(breaker.state);
expectType<number>()(await retry(() => breaker.run(() => 5)));
// @ts-expect-error
void new CircuitBreaker({ window: 100 });

// RateLimiter: what waits is a promise, what tries is a boolean.
const limiter = new RateLimiter({ limit: 10, perMs: 1_000 });
expectType<Promise<void>>()(limiter.acquire());
expectType<boolean>()(limiter.tryAcquire(2));
expectType<Reservation>()(limiter.reserve());
limiter.update({ limit: 5 });
// @ts-expect-error
void new RateLimiter({ limit: 10 });
