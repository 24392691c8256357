import assert from 'node:assert/strict';
import { test } from 'node:test';
import { any, race, sleep, sleepForever, suppressedErrors, timeout, withScope } from '../../src/index.ts';
import type { VirtualClock } from '../../src/testing/index.ts';
import { failureOf, virtually } from './virtually.ts';

/** Notes when it is started, and ends so much later: with its name, or by failing with it. */
function runner(clock: VirtualClock, trace: string[], name: string, ms: number, fails = false) {
  return async (): Promise<string> => {
    trace.push(`${name} at ${clock.now()}`);
    await sleep(ms);
    if (fails) throw new Error(name);
    return name;
  };
}

// asyncio test_staggered.py::StaggeredTests::test_first_timeout_second_successful
test(
  'staggerMs: the next one starts late, and not at all when one has won by then',
  virtually(async (clock) => {
    const trace: string[] = [];
    const value = await any(
      [
        runner(clock, trace, 'slow', 120),
        runner(clock, trace, 'slower', 200),
        runner(clock, trace, 'last', 30),
        runner(clock, trace, 'never', 1),
      ],
      { staggerMs: 50 },
    );
    assert.equal(value, 'slow');
    assert.deepEqual(trace, ['slow at 0', 'slower at 50', 'last at 100']);
    assert.equal(clock.now(), 120);
  }),
);

test(
  'staggerMs: a failure starts the next one at once',
  virtually(async (clock) => {
    const trace: string[] = [];
    const value = await any(
      [
        runner(clock, trace, 'broken', 10, true),
        runner(clock, trace, 'broken too', 20, true),
        runner(clock, trace, 'good', 5),
      ],
      { staggerMs: 1_000 },
    );
    assert.equal(value, 'good');
    assert.deepEqual(trace, ['broken at 0', 'broken too at 10', 'good at 30']);
  }),
);

test(
  'staggerMs: the failure of one that is not the last started does not hurry the next',
  virtually(async (clock) => {
    const trace: string[] = [];
    await any(
      [
        runner(clock, trace, 'first', 80, true),
        runner(clock, trace, 'second', 1_000),
        runner(clock, trace, 'third', 10),
      ],
      { staggerMs: 50 },
    );
    assert.deepEqual(trace, ['first at 0', 'second at 50', 'third at 100']);
  }),
);

test(
  'staggerMs: a function that throws synchronously starts the next one at once',
  virtually(async (clock) => {
    const trace: string[] = [];
    const value = await any(
      [
        (): never => {
          throw new Error('at once');
        },
        runner(clock, trace, 'good', 5),
      ],
      { staggerMs: 1_000 },
    );
    assert.equal(value, 'good');
    assert.deepEqual(trace, ['good at 0']);
  }),
);

// asyncio test_staggered.py::StaggeredTests::test_multiple_winners
test(
  'staggerMs: two that end in one tick have one winner, and no more are started',
  virtually(async (clock) => {
    const trace: string[] = [];
    const value = await race(
      [runner(clock, trace, 'first', 100), runner(clock, trace, 'second', 50), runner(clock, trace, 'third', 1)],
      { staggerMs: 50 },
    );
    assert.ok(value === 'first' || value === 'second');
    assert.deepEqual(
      trace.filter((line) => !line.startsWith('third')),
      ['first at 0', 'second at 50'],
    );
  }),
);

test(
  'staggerMs: with race a failure ends it, nothing more is started',
  virtually(async (clock) => {
    const trace: string[] = [];
    const error = await failureOf(
      race([runner(clock, trace, 'broken', 10, true), runner(clock, trace, 'never', 1)], { staggerMs: 50 }),
    );
    assert.equal((error as Error).message, 'broken');
    assert.deepEqual(trace, ['broken at 0']);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'staggerMs: when all fail, the first failure carries the others',
  virtually(async (clock) => {
    const error = await failureOf(
      any(
        ['a', 'b', 'c'].map((name) => runner(clock, [], name, 5, true)),
        { staggerMs: 50 },
      ),
    );
    assert.equal((error as Error).message, 'a');
    assert.deepEqual(
      suppressedErrors(error).map((later) => (later as Error).message),
      ['b', 'c'],
    );
    assert.equal(clock.now(), 15);
  }),
);

// asyncio test_staggered.py::StaggeredTests::test_cancelled
test(
  'staggerMs: two cancellations from outside both reach what runs, and the outer timeout converts the second',
  virtually(async () => {
    const trace: string[] = [];
    const error = await failureOf(
      timeout(
        1_000,
        (outer) =>
          timeout(1_000, (inner) =>
            race(
              [
                async () => {
                  inner.reschedule(0);
                  await sleep(0).catch(() => trace.push('cancelled once'));
                  outer.reschedule(0);
                  await sleep(0).finally(() => trace.push('cancelled twice'));
                },
              ],
              { staggerMs: 50 },
            ).finally(() => trace.push('race ended')),
          ),
        { name: 'outer' },
      ),
    );
    assert.match((error as Error).message, /in outer$/);
    assert.deepEqual(trace, ['cancelled once', 'cancelled twice', 'race ended']);
  }),
);

test(
  'staggerMs: cancelled while the next one is awaited, what runs is cancelled and a timeout says so',
  virtually(async (clock) => {
    const trace: string[] = [];
    const error = await failureOf(
      timeout(75, (scope) =>
        race(
          [
            () => sleepForever().finally(() => trace.push(`first cut at ${clock.now()}`)),
            () =>
              sleepForever()
                .finally(() => void scope.cancel('again'))
                .finally(() => trace.push('second cut')),
            () => assert.fail('started'),
          ],
          { staggerMs: 50 },
        ),
      ),
    );
    assert.equal((error as Error).name, 'TimeoutError');
    assert.deepEqual(trace, ['first cut at 75', 'second cut']);
  }),
);

test(
  'staggerMs: Infinity starts the next one only after a failure',
  virtually(async (clock) => {
    const trace: string[] = [];
    const value = await any(
      [runner(clock, trace, 'broken', 10_000, true), runner(clock, trace, 'good', 1), runner(clock, trace, 'spare', 1)],
      { staggerMs: Infinity },
    );
    assert.equal(value, 'good');
    assert.deepEqual(trace, ['broken at 0', 'good at 10000']);
  }),
);

test(
  'staggerMs: opened where all is cancelled, nothing is started',
  virtually(async () => {
    await withScope(async (scope) => {
      scope.cancel();
      const never = (): never => assert.fail('started');
      assert.equal(await failureOf(any([never, never], { staggerMs: 50 })), scope.reason);
    });
  }),
);
