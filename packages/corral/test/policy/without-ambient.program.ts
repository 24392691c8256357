// A program for an engine as browsers are: no AsyncLocalStorage. It prints what became of each case.
import process from 'node:process';

Object.defineProperty(process, 'getBuiltinModule', { value: undefined, configurable: true });
Reflect.deleteProperty(globalThis, 'AsyncLocalStorage');

const { CircuitBreaker, RateLimiter, hedge, retry, run } = await import('../../src/index.ts');
const { VirtualClock } = await import('../../src/testing/index.ts');

const fail = async (): Promise<never> => {
  throw new Error('failure');
};
const outcome = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => String(error));

const lines: unknown[] = await new VirtualClock().run(async (scope) => {
  const limiter = new RateLimiter({ limit: 1, perMs: 10 });
  const breaker = new CircuitBreaker();
  let calls = 0;
  return [
    await retry((inner, attempt) => inner.sleep(5).then(() => (attempt < 3 ? fail() : attempt)), { scope }),
    await outcome(retry((inner) => inner.sleep(1_000), { scope, attemptTimeoutMs: 5, attempts: 2, name: 'slow' })),
    await outcome(retry((inner) => inner.sleep(1_000), { scope, deadlineMs: 5, name: 'slow' })),
    await hedge((inner, attempt) => inner.sleep(attempt === 1 ? 1_000 : 5).then(() => attempt), { scope, afterMs: 5 }),
    await breaker.run((inner) => inner.sleep(1).then(() => 'called'), { scope }),
    await outcome(breaker.run(fail, { scope })),
    [await limiter.acquire(1, { scope }), await limiter.acquire(1, { scope })].length,
    await outcome(retry(() => ++calls)),
    await outcome(breaker.run(() => ++calls)),
    await outcome(limiter.acquire()),
    await outcome(hedge(() => ++calls, { afterMs: 5 })),
    calls,
  ];
});
await run(() => console.log(JSON.stringify(lines)), { signals: false });
