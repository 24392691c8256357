import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledError,
  TimeoutError,
  cleanup,
  currentScope,
  isCancelled,
  now,
  sleep,
  sleepForever,
  timeout,
  timeoutAt,
  withScope,
} from '../../src/index.ts';
import { failureOf, pledge, untilCut, virtually } from '../core/virtually.ts';

// asyncio test_timeouts.py::test_timeout_basic, test_waiter_cancelled, test_outer_task_is_not_cancelled; test_waitfor.py::test_wait_for
test(
  'timeout: cancels the body after ms, kind deadline, and throws TimeoutError',
  virtually(async (clock) => {
    let cut: unknown;
    const error = await failureOf(
      timeout(10, async () => {
        await sleep(1_000).catch((error: unknown) => {
          cut = error;
          throw error;
        });
        assert.fail('not reached');
      }),
    );
    assert.ok(error instanceof TimeoutError);
    assert.deepEqual([error.name, error.code, error.ms], ['TimeoutError', 'CORRAL_TIMEOUT', 10]);
    assert.equal(error.message, 'Timed out after 10 ms in timeout');
    assert.ok(cut instanceof CancelledError);
    assert.equal(cut.cause.kind, 'deadline');
    assert.equal(clock.now(), 10);
    assert.equal(currentScope()?.cancelled, false);
  }),
);

// asyncio test_timeouts.py::test_timeout_not_called
test(
  'timeout: a body that is faster returns its value, and no timer is left',
  virtually(async (clock) => {
    assert.equal(await timeout(10, () => sleep(5).then(() => 'value')), 'value');
    assert.equal(await timeout(10, () => 'sync'), 'sync');
    await sleep(100);
    assert.equal(clock.now(), 105);
  }),
);

// asyncio test_timeouts.py::test_timeout_disabled, test_timeout_at_disabled
test(
  'timeout: null, undefined and Infinity mean none',
  virtually(async (clock) => {
    for (const none of [null, undefined, Infinity]) {
      const deadline = await timeout(none, (scope) => sleep(1_000).then(() => scope.deadline));
      assert.equal(deadline, Infinity);
    }
    assert.equal(clock.now(), 3_000);
  }),
);

test('timeout: NaN and what is no number is a RangeError, before the body runs', async () => {
  const body = (): never => assert.fail('ran');
  await assert.rejects(timeout(Number.NaN, body), {
    name: 'RangeError',
    message: /timeout.* takes a number of milliseconds: current value is NaN$/,
  });
  await assert.rejects(timeout('5' as never, body), RangeError);
  await assert.rejects(timeout(5, undefined as never), TypeError);
});

// asyncio test_timeouts.py::test_timeout_zero, test_timeout_zero_sleep_zero, test_timeout_in_the_past_sleep_zero
for (const ms of [0, -1, -1e9, -Infinity]) {
  test(
    `timeout: with ${ms} the body runs to its first wait, a checkpoint included`,
    virtually(async (clock) => {
      const trace: string[] = [];
      const error = await failureOf(
        timeout(ms, async () => {
          trace.push('begun');
          await Promise.resolve();
          trace.push('foreign await is no point');
          await sleep(0);
          trace.push('not reached');
        }),
      );
      assert.ok(error instanceof TimeoutError);
      assert.deepEqual(trace, ['begun', 'foreign await is no point']);
      assert.equal(clock.now(), 0);
    }),
  );
}

test(
  'timeout: an expired body that reaches no wait has succeeded',
  virtually(async () => {
    assert.equal(await timeout(0, () => 'sync'), 'sync');
    assert.equal(await timeout(-1, async () => Promise.resolve('async')), 'async');
  }),
);

// asyncio test_waitfor.py::test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started
test(
  '{ startIfExpired: false }: without time to begin with the body is not called',
  virtually(async (clock) => {
    const never = (): never => assert.fail('called');
    for (const ms of [0, -1]) {
      const error = await failureOf(timeout(ms, never, { startIfExpired: false }));
      assert.ok(error instanceof TimeoutError);
      assert.equal(error.ms, ms);
    }
    const at = await failureOf(timeoutAt(clock.now(), never, { startIfExpired: false }));
    assert.ok(at instanceof TimeoutError);
    assert.equal(await timeout(1, () => 'time enough', { startIfExpired: false }), 'time enough');
  }),
);

// asyncio test_timeouts.py::test_timeout_at_basic
test(
  'timeoutAt: takes a point in time on the scale of now(), or a Date',
  virtually(
    async (clock) => {
      const begun = now();
      assert.equal(begun, Date.UTC(2030, 0, 1));
      assert.ok((await failureOf(timeoutAt(begun + 20, () => sleepForever()))) instanceof TimeoutError);
      assert.equal(clock.now(), begun + 20);
      const error = await failureOf(timeoutAt(new Date(begun + 50), () => sleepForever(), { name: 'load' }));
      assert.equal((error as Error).message, 'Deadline of load passed');
      assert.equal((error as TimeoutError).ms, undefined);
      assert.equal(clock.now(), begun + 50);
    },
    { start: new Date('2030-01-01') },
  ),
);

test('timeoutAt: what is no time is a RangeError; none means no deadline', async () => {
  await assert.rejects(
    timeoutAt(Number.NaN, () => 1),
    RangeError,
  );
  await assert.rejects(
    timeoutAt(new Date('nonsense'), () => 1),
    RangeError,
  );
  await assert.rejects(
    timeoutAt('soon' as never, () => 1),
    RangeError,
  );
  assert.equal(await timeoutAt(undefined, () => 1), 1);
  assert.equal(await timeoutAt(null, () => 1), 1);
  assert.equal(await timeoutAt(Infinity, () => 1), 1);
});

test(
  'timeoutAt: a time that has passed lets the body run to its first wait',
  virtually(async () => {
    const trace: string[] = [];
    const error = await failureOf(
      timeoutAt(-5, async () => {
        trace.push('begun');
        await sleep(0);
        trace.push('not reached');
      }),
    );
    assert.ok(error instanceof TimeoutError);
    assert.deepEqual(trace, ['begun']);
  }),
);

// asyncio test_timeouts.py::test_foreign_exception_passed
test(
  'timeout: an error of the body is thrown as it is',
  virtually(async () => {
    const failure = new Error('body');
    assert.equal(await failureOf(timeout(10, () => Promise.reject(failure))), failure);
    assert.equal(
      await failureOf(
        timeout(10, () => {
          throw failure;
        }),
      ),
      failure,
    );
  }),
);

// asyncio test_timeouts.py::test_foreign_exception_on_timeout; test_waitfor.py::test_wait_for_reraises_exception_during_cancellation
test(
  'timeout: an error thrown in clean-up after it expired replaces the TimeoutError',
  virtually(async () => {
    const failure = new Error('clean-up');
    const error = await failureOf(timeout(10, () => untilCut(() => Promise.reject(failure))));
    assert.equal(error, failure);
  }),
);

// asyncio test_timeouts.py::test_foreign_cancel_doesnt_timeout_if_not_expired
test(
  'timeout: a cancellation from outside before it expires stays a cancellation',
  virtually(async (clock) => {
    await withScope(async (scope) => {
      const limited = timeout(50, () => sleepForever());
      await sleep(10).then(() => scope.cancel('outer'));
      assert.equal(await failureOf(limited), scope.reason);
    });
    assert.equal(clock.now(), 10);
  }),
);

test(
  'timeout: cancelling its own scope ends it normally, not by TimeoutError',
  virtually(async () => {
    const value = await timeout(50, async (scope) => {
      scope.cancel();
      await sleepForever();
      return 'not reached';
    });
    assert.equal(value, undefined);
    assert.equal(currentScope()?.cancelled, false);
  }),
);

// asyncio test_waitfor.py::test_wait_for_waits_for_task_cancellation, test_asyncio_wait_for_timeout
test(
  'timeout: settles only when the body has ended its clean-up',
  virtually(async (clock) => {
    const trace: string[] = [];
    const error = await failureOf(
      timeout(10, () => untilCut(() => cleanup(() => sleep(30)).then(() => trace.push('cleaned up')))),
    );
    trace.push('rejected');
    assert.ok(error instanceof TimeoutError);
    assert.deepEqual(trace, ['cleaned up', 'rejected']);
    assert.equal(clock.now(), 40);
  }),
);

// asyncio test_waitfor.py::test_wait_for_waits_for_task_cancellation_w_timeout_0
test(
  'timeout: with 0 it waits for clean-up, too',
  virtually(async (clock) => {
    const error = await failureOf(timeout(0, () => untilCut(() => cleanup(() => sleep(30)))));
    assert.ok(error instanceof TimeoutError);
    assert.equal(clock.now(), 30);
  }),
);

// asyncio test_waitfor.py::test_wait_for_cancel_suppressed, test_wait_for_cancellation_race_condition
test(
  'timeout: a body that swallows the cancellation and returns keeps its value',
  virtually(async () => {
    assert.equal(await timeout(10, () => sleepForever().catch(() => 'swallowed')), 'swallowed');
  }),
);

test(
  'timeout: a CancelledError kept from elsewhere and thrown before it expires is not taken for its own',
  virtually(async () => {
    const kept = await withScope(async (scope) => {
      scope.cancel();
      return failureOf(sleep(1));
    });
    const error = await failureOf(timeout(50, () => Promise.reject(kept)));
    assert.equal((error as Error).name, 'StrayCancellationError');
  }),
);

// asyncio test_waitfor.py::test_cancel_wait_for, test_cancel_blocking_wait_for, test_asyncio_wait_for_cancelled
test(
  'timeout: cancelling whoever awaits it cancels the body, and waits for its clean-up',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      const limited = failureOf(
        timeout(1_000, () => untilCut(() => cleanup(() => sleep(5)).then(() => trace.push('cleaned up')))),
      );
      await sleep(10).then(() => scope.cancel());
      assert.ok(isCancelled(await limited));
      trace.push('rejected');
    });
    assert.deepEqual(trace, ['cleaned up', 'rejected']);
    assert.equal(clock.now(), 15);
  }),
);

// asyncio test_waitfor.py::test_wait_for_issue86296
test(
  'timeout: a cancellation that comes when the body is done is not lost, it is seen at the next wait',
  virtually(async () => {
    const trace: unknown[] = [];
    await withScope(async (scope) => {
      const value = await timeout(50, async () => {
        await sleep(10);
        scope.cancel();
        return 'done';
      });
      trace.push(value, scope.cancelled);
      trace.push(isCancelled(await failureOf(sleep(0))));
    });
    assert.deepEqual(trace, ['done', true, true]);
  }),
);

// asyncio test_waitfor.py::test_wait_for_race_condition
test(
  'timeout: a body that is done at the very time of its deadline has succeeded when its wait came first',
  virtually(async () => {
    const value = await timeout(20, async (scope) => {
      const done = sleep(10).then(() => 'done');
      scope.reschedule(10);
      return done;
    });
    assert.equal(value, 'done');
  }),
);

test(
  'timeout: cannot interrupt a foreign promise, and waits for it',
  virtually(async (clock) => {
    const foreign = pledge<string>();
    const limited = timeout(10, () => foreign.promise);
    await clock.advance(50);
    foreign.resolve('late');
    assert.equal(await limited, 'late');
  }),
);
