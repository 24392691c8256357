import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CircuitBreaker,
  CircuitOpenError,
  CorralError,
  TimeoutError,
  currentScope,
  gather,
  retry,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type CircuitBreakerOptions,
  type CircuitStateChange,
} from '../../src/index.ts';
import { installReporter } from '../../src/internal/report.ts';
import { failureOf, virtually } from '../core/virtually.ts';

const fine = async (): Promise<string> => 'fine';
const down = (): Promise<never> => Promise.reject(new Error('down'));

/** Calls that end at once, one after the other. */
async function calls(breaker: CircuitBreaker, outcomes: string): Promise<void> {
  for (const outcome of outcomes) await breaker.run(outcome === 'x' ? down : fine).catch(() => {});
}

/** What `body` has reported instead of throwing it. */
async function reportedBy(body: () => Promise<unknown>): Promise<string[]> {
  const reported: string[] = [];
  const before = installReporter((error, where) => reported.push(`${where}: ${(error as Error).message}`));
  try {
    await body();
  } finally {
    installReporter(before);
  }
  return reported;
}

test(
  'CircuitBreaker: closed, it passes values, errors, the scope and its own name on',
  virtually(async () => {
    const breaker = new CircuitBreaker();
    assert.equal(await breaker.run((scope) => (assert.equal(scope, currentScope()), 5)), 5);
    const error = new Error('down');
    assert.equal(await failureOf(breaker.run(() => Promise.reject(error))), error);
    assert.equal(
      await failureOf(
        breaker.run(() => {
          throw error;
        }),
      ),
      error,
    );
    assert.equal(breaker.snapshot().consecutiveFailures, 2);
  }),
);

test(
  'CircuitBreaker: opens after failures in a row, and calls nothing then',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 3, name: 'shop', halfOpenAfterMs: 1_000 });
    await calls(breaker, 'xx.xx');
    assert.equal(breaker.state, 'closed');
    await calls(breaker, 'x');
    assert.equal(breaker.state, 'open');
    await sleep(399.5);
    let called = 0;
    const error = await failureOf(breaker.run(() => ++called));
    assert.ok(error instanceof CircuitOpenError && error instanceof CorralError);
    assert.equal(error.code, 'CORRAL_CIRCUIT_OPEN');
    assert.equal(error.name, 'CircuitOpenError');
    assert.equal(error.retryAfterMs, 600.5);
    assert.equal(error.message, 'Cannot call through shop as it is open: it tries again in 601 ms');
    assert.equal(called, 0);
  }),
);

test(
  'CircuitBreaker: opens at the failure rate of the last calls, not before there are enough',
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureRate: 0.5, window: { calls: 4 }, minimumCalls: 4 });
    await calls(breaker, 'xxx');
    assert.equal(breaker.state, 'closed');
    const other = new CircuitBreaker({ failureRate: 0.5, window: { calls: 4 }, minimumCalls: 4 });
    await calls(other, 'x...x...x');
    assert.equal(other.state, 'closed');
    assert.deepEqual([other.snapshot().calls, other.snapshot().failures, other.snapshot().failureRate], [4, 1, 0.25]);
    await calls(other, 'x');
    assert.equal(other.state, 'open');
  }),
);

test(
  'CircuitBreaker: a window of time forgets what is older, a tenth at a time',
  virtually(async () => {
    const breaker = new CircuitBreaker({ failureRate: 0.5, window: { ms: 1_000 }, minimumCalls: 4 });
    await calls(breaker, 'xxx');
    await sleep(999);
    assert.equal(breaker.snapshot().calls, 3);
    await sleep(1);
    assert.equal(breaker.snapshot().calls, 0);
    await calls(breaker, 'x');
    assert.equal(breaker.state, 'closed');
    await sleep(500);
    await calls(breaker, '...');
    assert.equal(breaker.snapshot().failureRate, 0.25);
    await sleep(500);
    await calls(breaker, 'xxx');
    assert.equal(breaker.state, 'open');
  }),
);

test(
  'CircuitBreaker: tries again after its time, and closes when that succeeds',
  virtually(async () => {
    const changes: string[] = [];
    const onStateChange = ({ from, to, calls, failures }: CircuitStateChange): number =>
      changes.push(`${from} > ${to} after ${failures} of ${calls}`);
    const breaker = new CircuitBreaker({ failureRate: 1, minimumCalls: 2, halfOpenAfterMs: 1_000, onStateChange });
    await calls(breaker, 'xx');
    await sleep(999);
    await calls(breaker, '.');
    assert.equal(breaker.state, 'open');
    await sleep(1);
    assert.equal(await breaker.run(fine), 'fine');
    assert.equal(breaker.state, 'closed');
    assert.deepEqual(changes, [
      'closed > open after 2 of 2',
      'open > half-open after 0 of 0',
      'half-open > closed after 0 of 1',
    ]);
  }),
);

test(
  'CircuitBreaker: a failure while it tries opens it again, for as long as the function says',
  virtually(async (clock) => {
    const openings: number[] = [];
    const halfOpenAfterMs = (opening: number): number => {
      openings.push(opening);
      return 100 * 2 ** opening;
    };
    const breaker = new CircuitBreaker({ consecutiveFailures: 1, halfOpenAfterMs });
    await calls(breaker, 'x');
    for (const ms of [200, 400, 800]) {
      assert.equal(breaker.snapshot().retryAfterMs, ms);
      await sleep(ms);
      await calls(breaker, 'x');
    }
    await sleep(1_600);
    await calls(breaker, '.x');
    assert.deepEqual(openings, [1, 2, 3, 4, 1]);
    assert.equal(breaker.snapshot().since, clock.now());
  }),
);

test(
  'CircuitBreaker: in half-open no more calls than allowed are made at a time, and as many must succeed',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 1, halfOpenAfterMs: 10, halfOpenCalls: 3 });
    await calls(breaker, 'x');
    await sleep(10);
    let running = 0;
    let most = 0;
    const probe = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await sleep(5);
      running--;
    };
    const outcomes = await gather(
      Array.from({ length: 10 }, () => () => breaker.run(probe)),
      { settled: true },
    );
    assert.equal(most, 3);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    assert.equal(refused.length, 7);
    assert.ok(refused.every(({ reason }) => (reason as CircuitOpenError).retryAfterMs === undefined));
    assert.equal(breaker.state, 'closed');
  }),
);

test(
  'CircuitBreaker: of several that try, one that fails opens it, and the others count no more',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 1, halfOpenAfterMs: 10, halfOpenCalls: 2 });
    await calls(breaker, 'x');
    await sleep(10);
    await taskGroup(async (group) => {
      group.spawn(() => breaker.run(() => sleep(15)), { eager: true });
      await calls(breaker, 'x');
      assert.equal(breaker.state, 'open');
      await sleep(10);
      const next = group.spawn(() => breaker.run(() => sleep(10)), { eager: true });
      assert.equal(breaker.state, 'half-open');
      await sleep(6);
      // The late success of the older round is none of this one.
      assert.deepEqual([breaker.state, breaker.snapshot().trying, breaker.snapshot().calls], ['half-open', 1, 0]);
      await next.join();
      assert.deepEqual([breaker.state, breaker.snapshot().calls], ['half-open', 1]);
    });
  }),
);

test(
  'CircuitBreaker: late failures of calls that began while it was closed do not open it again',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 1, halfOpenAfterMs: 10 });
    await taskGroup(async (group) => {
      const straggler = group.spawn(() => breaker.run(() => sleep(20).then(down)).catch(() => {}), { eager: true });
      await calls(breaker, 'x');
      await sleep(10);
      await calls(breaker, '.');
      assert.equal(breaker.state, 'closed');
      await straggler.join();
      assert.equal(breaker.state, 'closed');
      assert.equal(breaker.snapshot().failures, 0);
    });
  }),
);

// Cancellation -------------------------------------------------------------------------------------------------------

test(
  'CircuitBreaker: a call that is cancelled counts neither as success nor as failure',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 2 });
    await calls(breaker, 'x');
    await taskGroup(async (group) => {
      const task = group.spawn(() => breaker.run(() => sleepForever()));
      const failing = group.spawn(() =>
        breaker.run(async () => {
          await sleepForever().catch(() => {});
          throw new DOMException('aborted', 'AbortError');
        }),
      );
      await sleep(1);
      task.cancel();
      failing.cancel();
    });
    await failureOf(timeout(5, () => breaker.run(() => sleepForever())));
    await breaker.run((scope) => void scope.cancel());
    assert.deepEqual([breaker.snapshot().calls, breaker.snapshot().consecutiveFailures], [1, 1]);
    await calls(breaker, 'x');
    assert.equal(breaker.state, 'open');
  }),
);

test(
  'CircuitBreaker: a timeout inside is a failure',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 1 });
    const error = await failureOf(breaker.run(() => timeout(5, () => sleepForever())));
    assert.ok(error instanceof TimeoutError);
    assert.equal(breaker.state, 'open');
  }),
);

test(
  'CircuitBreaker: one that tries and is cancelled gives its place to another',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 1, halfOpenAfterMs: 10 });
    await calls(breaker, 'x');
    await sleep(10);
    await taskGroup(async (group) => {
      const probe = group.spawn(() => breaker.run(() => sleepForever()), { eager: true });
      assert.ok((await failureOf(breaker.run(fine))) instanceof CircuitOpenError);
      probe.cancel();
      await probe.settled;
      assert.deepEqual([breaker.state, breaker.snapshot().trying], ['half-open', 0]);
      assert.equal(await breaker.run(fine), 'fine');
      assert.equal(breaker.state, 'closed');
    });
  }),
);

test(
  'CircuitBreaker: in a cancelled scope nothing is called, and no place is taken',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 1, halfOpenAfterMs: 10 });
    await calls(breaker, 'x');
    await sleep(10);
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(breaker.run(fine)), scope.reason);
    });
    assert.equal(breaker.state, 'open');
    assert.equal(await breaker.run(fine), 'fine');
  }),
);

// What counts --------------------------------------------------------------------------------------------------------

test(
  'CircuitBreaker: errors that are no failures count as success',
  virtually(async () => {
    const isFailure = (error: unknown): boolean => (error as Error).message !== '404';
    const breaker = new CircuitBreaker({ consecutiveFailures: 2, isFailure, halfOpenAfterMs: 10 });
    const missing = (): Promise<never> => Promise.reject(new Error('404'));
    await calls(breaker, 'x');
    assert.equal(((await failureOf(breaker.run(missing))) as Error).message, '404');
    await calls(breaker, 'x');
    assert.equal(breaker.state, 'closed');
    await calls(breaker, 'x');
    await sleep(10);
    await failureOf(breaker.run(missing));
    assert.equal(breaker.state, 'closed');
  }),
);

test(
  'CircuitBreaker: a call that is slow is a failure, whatever it returns',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 2, slowCallMs: 50 });
    await breaker.run(() => sleep(50));
    assert.equal(breaker.snapshot().failures, 0);
    assert.equal(await breaker.run(() => sleep(51).then(() => 'slow')), 'slow');
    await breaker.run(() => sleep(51));
    assert.equal(breaker.state, 'open');
  }),
);

test(
  'CircuitBreaker: isolated, it refuses until it is reset, and what is under way does not count',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 1, halfOpenAfterMs: 1 });
    await taskGroup(async (group) => {
      const under = group.spawn(() => breaker.run(() => sleep(5).then(down)).catch(() => {}), { eager: true });
      breaker.isolate();
      breaker.isolate();
      await under.join();
    });
    await sleep(1_000);
    const error = (await failureOf(breaker.run(fine))) as CircuitOpenError;
    assert.equal(error.message, 'Cannot call through circuit breaker as it is isolated');
    assert.equal(error.retryAfterMs, undefined);
    breaker.reset();
    assert.equal(await breaker.run(fine), 'fine');
    assert.equal(breaker.state, 'closed');
  }),
);

test(
  'CircuitBreaker: reset closes what is open and forgets what was counted',
  virtually(async () => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 2 });
    await calls(breaker, 'x');
    breaker.reset();
    await calls(breaker, 'x');
    assert.equal(breaker.state, 'closed');
    await calls(breaker, 'x');
    breaker.reset();
    assert.equal(await breaker.run(fine), 'fine');
  }),
);

// Callbacks ----------------------------------------------------------------------------------------------------------

test(
  'CircuitBreaker: what callbacks throw is reported, and the call has its own result',
  virtually(async () => {
    const bad = (): never => {
      throw new Error('bad callback');
    };
    const options: CircuitBreakerOptions = { consecutiveFailures: 1, name: 'shop' };
    const errors = await reportedBy(async () => {
      const breakers = [
        new CircuitBreaker({ ...options, onStateChange: bad }),
        new CircuitBreaker({ ...options, onStateChange: async () => bad() }),
        new CircuitBreaker({ ...options, isFailure: bad }),
        new CircuitBreaker({ ...options, halfOpenAfterMs: bad }),
        new CircuitBreaker({ ...options, halfOpenAfterMs: () => Number.NaN }),
      ];
      for (const breaker of breakers) {
        assert.equal(((await failureOf(breaker.run(down))) as Error).message, 'down');
        assert.equal(breaker.state, 'open');
        assert.equal(breaker.snapshot().retryAfterMs, 30_000);
      }
    });
    assert.deepEqual(errors.slice(0, 4), [
      'onStateChange of shop threw: bad callback',
      'onStateChange of shop threw: bad callback',
      'isFailure of shop threw: bad callback',
      'halfOpenAfterMs of shop failed: bad callback',
    ]);
    assert.match(errors[4] as string, /Cannot stay open as it takes a number of at least 0: current value is NaN/);
  }),
);

test(
  'CircuitBreaker: a callback may use the breaker that tells it',
  virtually(async () => {
    const trace: string[] = [];
    const breaker: CircuitBreaker = new CircuitBreaker({
      consecutiveFailures: 1,
      halfOpenAfterMs: 10,
      onStateChange: ({ to }) => {
        trace.push(to);
        if (to === 'half-open') breaker.isolate();
      },
    });
    await calls(breaker, 'x');
    await sleep(10);
    assert.ok((await failureOf(breaker.run(fine))) instanceof CircuitOpenError);
    assert.deepEqual(trace, ['open', 'half-open', 'isolated']);
    assert.equal(breaker.snapshot().trying, 0);
  }),
);

test(
  'CircuitBreaker: a retry around it can wait until it tries again',
  virtually(async (clock) => {
    const breaker = new CircuitBreaker({ consecutiveFailures: 1, halfOpenAfterMs: 5_000 });
    await calls(breaker, 'x');
    const retryAfter = (error: unknown): number | undefined =>
      error instanceof CircuitOpenError ? error.retryAfterMs : undefined;
    assert.equal(await retry(() => breaker.run(fine), { retryAfter }), 'fine');
    assert.equal(clock.now(), 5_000);
  }),
);

test(
  'CircuitBreaker: snapshot is a frozen record',
  virtually(async (clock) => {
    const breaker = new CircuitBreaker({ failureRate: 0.9, name: 'shop' });
    await sleep(5);
    await calls(breaker, '.x.x');
    const snapshot = breaker.snapshot();
    assert.ok(Object.isFrozen(snapshot));
    assert.deepEqual(snapshot, {
      name: 'shop',
      state: 'closed',
      since: 0,
      calls: 4,
      failures: 2,
      failureRate: 0.5,
      consecutiveFailures: 1,
      trying: 0,
      retryAfterMs: undefined,
    });
    assert.equal(clock.now(), 5);
  }),
);

test('CircuitBreaker: works outside every scope', async () => {
  const breaker = new CircuitBreaker();
  assert.equal(await breaker.run(fine), 'fine');
  await failureOf(breaker.run(down));
  assert.equal(breaker.snapshot().failures, 1);
});

test('CircuitBreaker: options that make no sense are refused', async () => {
  const bad: [CircuitBreakerOptions, RegExp][] = [
    [{ consecutiveFailures: 0 }, /consecutiveFailures/],
    [{ consecutiveFailures: 1.5 }, /consecutiveFailures/],
    [{ failureRate: 0 }, /failureRate/],
    [{ failureRate: 50 }, /failureRate as it takes a number above 0 and up to 1: current value is 50$/],
    [{ failureRate: Number.NaN }, /failureRate/],
    [{ window: { calls: 0 } }, /window.calls/],
    [{ slowCallMs: 0 }, /slowCallMs as it takes a number above 0: current value is 0$/],
    [{ window: { ms: 0 } }, /window.ms/],
    [{ window: { ms: 0.001 } }, /window.ms/],
    [{ window: 10 as never }, /^Cannot set window as it takes \{ calls \} or \{ ms \}: current value is 10$/],
    [5 as never, /object of options/],
    [{ window: {} as never }, /window.ms/],
    [{ minimumCalls: 0 }, /minimumCalls/],
    [{ window: { calls: 5 }, minimumCalls: 6 }, /minimumCalls as it takes an integer from 1 to 5: current value is 6$/],
    [{ halfOpenAfterMs: -1 }, /halfOpenAfterMs/],
    [{ halfOpenAfterMs: 'soon' as never }, /halfOpenAfterMs/],
    [{ halfOpenCalls: 0 }, /halfOpenCalls/],
    [{ slowCallMs: 0 }, /slowCallMs/],
    [{ isFailure: true as never }, /isFailure/],
    [{ onStateChange: 'log' as never }, /onStateChange/],
  ];
  for (const [options, message] of bad) assert.throws(() => new CircuitBreaker(options), { message });
  const breaker = new CircuitBreaker({ name: 'shop' });
  await assert.rejects(breaker.run(5 as never), { message: /^Cannot run through shop as it takes a function/ });
});
