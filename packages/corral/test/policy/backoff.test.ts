import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { retry, type RetryOptions } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';

/** The waits between so many attempts that all fail. */
async function waits(options: RetryOptions, attempts = 8, seed?: number): Promise<number[]> {
  const delays: number[] = [];
  const clock = new VirtualClock({ seed });
  const fail = (): Promise<never> => Promise.reject(new Error('failure'));
  const onRetry = (_error: unknown, _attempt: number, delayMs: number): number => delays.push(delayMs);
  await clock.run(() => retry(fail, { ...options, attempts, onRetry }).catch(() => {}));
  assert.equal(
    clock.now(),
    delays.reduce((sum, ms) => sum + ms, 0),
  );
  return delays;
}

test('backoff: exponential doubles up to the maximum', async () => {
  const delays = await waits({ jitter: 'none', maxMs: 3_000 });
  assert.deepEqual(delays, [100, 200, 400, 800, 1_600, 3_000, 3_000]);
});

test('backoff: base and factor are as given, nothing included', async () => {
  assert.deepEqual(await waits({ jitter: 'none', baseMs: 10, factor: 3 }, 5), [10, 30, 90, 270]);
  assert.deepEqual(await waits({ jitter: 'none', baseMs: 0 }, 5), [0, 0, 0, 0]);
  assert.deepEqual(await waits({ jitter: 'none', factor: 1 }, 4), [100, 100, 100]);
});

test('backoff: constant stays, without jitter unless it is asked for', async () => {
  assert.deepEqual(await waits({ backoff: 'constant', baseMs: 250 }, 4), [250, 250, 250]);
  const jittered = await waits({ backoff: 'constant', baseMs: 250, jitter: 'equal' }, 50);
  assert.ok(jittered.every((ms) => ms >= 125 && ms <= 250));
  assert.ok(new Set(jittered).size > 10);
});

test('backoff: a function gets attempt, wait before and error, and is capped by maxMs only if that is given', async () => {
  const seen: unknown[] = [];
  const backoff = (attempt: number, previousMs: number, error: unknown): number => {
    seen.push([attempt, previousMs, (error as Error).message]);
    return attempt * 40_000;
  };
  assert.deepEqual(await waits({ backoff }, 3), [40_000, 80_000]);
  assert.deepEqual(seen, [
    [1, 0, 'failure'],
    [2, 40_000, 'failure'],
  ]);
  assert.deepEqual(await waits({ backoff, maxMs: 50_000 }, 3), [40_000, 50_000]);
});

test('backoff: a function that gives no number of milliseconds is misuse', async () => {
  for (const bad of [Number.NaN, -1, undefined as never, '5' as never]) {
    const clock = new VirtualClock();
    const fail = (): Promise<never> => Promise.reject(new Error('failure'));
    await assert.rejects(
      clock.run(() => retry(fail, { backoff: () => bad })),
      {
        name: 'RangeError',
        message: /^Cannot wait as backoff gives a number of milliseconds from 0: current value is /,
      },
    );
  }
});

test('backoff: a wait without end gives up at once', async () => {
  assert.deepEqual(await waits({ backoff: () => Infinity }), []);
  assert.deepEqual(await waits({ retryAfter: () => Infinity }), []);
});

test('backoff: full jitter is the default and lies anywhere below the wait', async () => {
  const delays = await waits({ baseMs: 1_000, factor: 1 }, 300);
  assert.ok(delays.every((ms) => ms >= 0 && ms <= 1_000 && Number.isInteger(ms)));
  assert.ok(Math.min(...delays) < 50);
  assert.ok(Math.max(...delays) > 950);
  const mean = delays.reduce((sum, ms) => sum + ms, 0) / delays.length;
  assert.ok(mean > 430 && mean < 570, `mean ${mean}`);
});

test('backoff: the same seed gives the same waits, and so does none', async () => {
  const options: RetryOptions = { backoff: 'decorrelated' };
  assert.deepEqual(await waits(options, 8, 42), await waits(options, 8, 42));
  assert.notDeepEqual(await waits(options, 8, 42), await waits(options, 8, 43));
  assert.deepEqual(await waits(options), await waits(options));
});

test('backoff: exact waits under a seed', async () => {
  assert.deepEqual(await waits({}, 6, 1), [73, 65, 114, 430, 1_400]);
});

test('backoff: decorrelated waits lie between the base and the factor times the wait before', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 1, max: 5 }),
      async (seed, baseMs, factor) => {
        const delays = await waits({ backoff: 'decorrelated', baseMs, factor, maxMs: 2_000 }, 12, seed);
        let previous = baseMs;
        for (const ms of delays) {
          assert.ok(ms >= Math.min(baseMs, 2_000) && ms <= Math.min(Math.ceil(previous * factor), 2_000));
          previous = Math.max(ms, baseMs);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('backoff: a thousand attempts do not overflow', async () => {
  const delays = await waits({ jitter: 'none', factor: 1e6, baseMs: 1 }, 1_200);
  assert.equal(delays.at(-1), 30_000);
  const decorrelated = await waits({ backoff: 'decorrelated', maxMs: Number.MAX_VALUE, factor: 1e6 }, 60);
  assert.ok(decorrelated.every((ms) => Number.isFinite(ms)));
});
