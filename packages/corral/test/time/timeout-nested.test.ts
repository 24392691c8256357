import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TimeoutError,
  checkpoint,
  cleanup,
  currentScope,
  isCancelled,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  timeoutAt,
  withScope,
} from '../../src/index.ts';
import { failureOf, untilCut, virtually } from '../core/virtually.ts';

// asyncio test_timeouts.py::test_nested_timeouts
test(
  'timeout: of two with the same deadline only the outermost throws TimeoutError, the inner a cancellation',
  virtually(async () => {
    for (const outermostFirst of [true, false]) {
      let inner: unknown;
      const error = await failureOf(
        timeout(outermostFirst ? 10 : 1_000, async (outer) => {
          await timeout(10, async () => {
            if (!outermostFirst) outer.reschedule(outer.deadline - 990);
            await sleepForever();
          }).catch((error: unknown) => {
            inner = error;
            throw error;
          });
        }),
      );
      assert.ok(error instanceof TimeoutError);
      assert.ok(isCancelled(inner));
    }
  }),
);

test(
  'timeout: the inner one expires alone and is handled, the outer goes on',
  virtually(async (clock) => {
    const value = await timeout(100, async () => {
      const error = await failureOf(timeout(10, () => sleepForever()));
      assert.equal((error as TimeoutError).ms, 10);
      await sleep(10);
      return 'outer';
    });
    assert.equal(value, 'outer');
    assert.equal(clock.now(), 20);
  }),
);

// asyncio test_timeouts.py::test_nested_timeouts_concurrent
test(
  'timeout: the outer one expires during an inner one that has time left',
  virtually(async (clock) => {
    const error = await failureOf(timeout(10, () => timeout(100, () => sleepForever())));
    assert.equal((error as TimeoutError).ms, 10);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'timeout: the outer one that expires while the inner is cleaning up wins',
  virtually(async (clock) => {
    const trace: string[] = [];
    const error = await failureOf(
      timeout(20, async () => {
        try {
          await timeout(10, () => untilCut(() => cleanup(() => sleep(30))));
        } catch (error) {
          trace.push(isCancelled(error) ? 'inner cancelled' : 'inner timed out');
          throw error;
        }
      }),
    );
    assert.equal((error as TimeoutError).ms, 20);
    assert.deepEqual(trace, ['inner cancelled']);
    assert.equal(clock.now(), 40);
  }),
);

// asyncio test_timeouts.py::test_nested_timeouts_loop_busy deviates: there the inner one throws first; here the
// outermost that has expired wins, at the first wait.
test(
  'timeout: of nested ones that are all overdue after a busy stretch the outermost wins',
  virtually(async () => {
    const trace: string[] = [];
    const error = await failureOf(
      timeout(
        1_000,
        async (outer) => {
          try {
            await timeout(
              1_000,
              async (inner) => {
                inner.reschedule(0);
                outer.reschedule(0);
                await sleep(0);
                trace.push('not reached');
              },
              { name: 'inner' },
            );
          } finally {
            await sleep(0).catch(() => trace.push('outer cut'));
          }
        },
        { name: 'outer' },
      ),
    );
    assert.match((error as Error).message, /in outer$/);
    assert.deepEqual(trace, ['outer cut']);
  }),
);

test('timeout: after a really busy stretch the outermost of two that are overdue wins', async () => {
  const error = await failureOf(
    timeout(
      2,
      () =>
        timeout(1, async () => {
          const until = performance.now() + 10;
          while (performance.now() < until);
          await sleep(1_000);
        }),
      { name: 'outer' },
    ),
  );
  assert.ok(error instanceof TimeoutError);
  assert.match(error.message, /in outer$/);
});

// asyncio test_timeouts.py::test_timeout_after_cancellation deviates: with level-triggered cancellation it needs a shield
test(
  'timeout: the clean-up of a cancelled body may have a timeout of its own under a shield',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      await sleep(1).then(() => scope.cancel());
      try {
        await sleepForever();
      } finally {
        const error = await failureOf(shield(() => timeout(10, () => sleepForever())));
        trace.push((error as Error).name);
      }
    });
    assert.deepEqual(trace, ['TimeoutError']);
    assert.equal(clock.now(), 11);
  }),
);

// asyncio test_timeouts.py::test_cancel_in_timeout_after_cancellation
test(
  'timeout: without a shield the clean-up of a cancelled body is cut at its first wait, and no TimeoutError is made',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      await sleep(1).then(() => scope.cancel());
      try {
        await sleepForever();
      } finally {
        const error = await failureOf(timeout(10, () => sleep(5)));
        trace.push(isCancelled(error) ? 'cancelled' : 'timed out');
      }
    });
    assert.deepEqual(trace, ['cancelled']);
    assert.equal(clock.now(), 1);
  }),
);

// asyncio test_timeouts.py::test_nested_timeout_in_finally deviates: with level-triggered cancellation it needs a shield
test(
  'cleanup: its timeout works inside a timeout that has expired, which is thrown in the end',
  virtually(async (clock) => {
    const trace: string[] = [];
    const error = await failureOf(
      timeout(10, async () => {
        try {
          await sleepForever();
        } finally {
          const inner = await failureOf(cleanup(() => sleepForever(), { timeoutMs: 20 }));
          trace.push(`${(inner as Error).name} ${(inner as TimeoutError).ms} at ${clock.now()}`);
        }
      }),
    );
    assert.equal((error as TimeoutError).ms, 10);
    assert.deepEqual(trace, ['TimeoutError 20 at 30']);
  }),
);

test(
  'timeout: the earliest deadline around is in force, shields apart',
  virtually(async () => {
    await timeout(100, () =>
      timeout(500, async () => {
        assert.equal(currentScope()?.deadline, 500);
        assert.equal(currentScope()?.effectiveDeadline, 100);
        await shield(() =>
          timeout(300, () => {
            assert.equal(currentScope()?.effectiveDeadline, 300);
          }),
        );
      }),
    );
  }),
);

test(
  'timeout: an outer deadline moved forward lets the inner one throw',
  virtually(async (clock) => {
    const error = await failureOf(
      timeout(10, async (outer) => {
        outer.reschedule(1_000);
        await timeout(50, () => sleepForever());
      }),
    );
    assert.equal((error as TimeoutError).ms, 50);
    assert.equal(clock.now(), 50);
  }),
);

test(
  'timeout: the TimeoutError of an inner one is an ordinary error to the outer',
  virtually(async () => {
    const error = await failureOf(timeout(100, () => timeout(10, () => sleepForever())));
    assert.equal((error as TimeoutError).ms, 10);
  }),
);

test(
  'timeout: an inner TimeoutError on its way out when the outer expires is a real error and wins',
  virtually(async () => {
    const error = await failureOf(
      timeout(20, async () => {
        try {
          await timeout(10, () => sleepForever());
        } finally {
          await cleanup(() => sleep(50));
        }
      }),
    );
    assert.equal((error as TimeoutError).ms, 10);
  }),
);

// asyncio test_waitfor.py::test_wait_for_self_cancellation deviates: what holds the cancellation up is waited for.
test(
  'timeout: three levels, cancelled from outside while two have expired: a cancellation, never a TimeoutError',
  virtually(async () => {
    await withScope(async (scope) => {
      const limited = timeout(20, () => timeout(10, () => untilCut(() => cleanup(() => sleep(50)))));
      await sleep(30).then(() => scope.cancel());
      assert.equal(await failureOf(limited), scope.reason);
    });
  }),
);

test(
  'timeout: around each task of a group it cuts off that task, whose TimeoutError fails the group',
  virtually(async (clock) => {
    const error = await failureOf(
      taskGroup((group) => {
        for (const ms of [30, 10, 20]) group.spawn(() => timeout(ms, () => sleepForever()));
      }),
    );
    assert.equal((error as TimeoutError).ms, 10);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'timeoutAt: nested ones at the same time throw one TimeoutError, the outermost',
  virtually(async () => {
    const error = await failureOf(
      timeoutAt(10, () => timeoutAt(10, () => sleepForever(), { name: 'inner' }), { name: 'outer' }),
    );
    assert.equal((error as Error).message, 'Deadline of outer passed');
    await checkpoint();
  }),
);
