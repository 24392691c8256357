import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ScopeClosedError,
  TimeoutError,
  cleanup,
  currentScope,
  isCancelled,
  moveOnAfter,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  timeoutAt,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { timersSetOn } from '../internal/observe.ts';
import { failureOf, virtually } from './virtually.ts';

const here = (): number => (currentScope() as Scope).effectiveDeadline;

// trio test_run.py::test_current_effective_deadline
test(
  'scope.effectiveDeadline: the earliest of its own and those around it',
  virtually(async () => {
    assert.equal(here(), Infinity);
    await timeout(1_000, async () => {
      assert.equal(here(), 1_000);
      await timeout(500, async (inner) => {
        assert.deepEqual([here(), inner.deadline], [500, 500]);
        await timeout(2_000, (later) => assert.deepEqual([here(), later.deadline], [500, 2_000]));
        await withScope((plain) => assert.deepEqual([here(), plain.deadline], [500, Infinity]));
      });
      assert.equal(here(), 1_000);
    });
    assert.equal(here(), Infinity);
  }),
);

// trio test_run.py::test_current_effective_deadline, anyio test_taskgroups.py (current_effective_deadline)
test(
  'scope.effectiveDeadline: a shield hides the deadlines around it, also one that is set later',
  virtually(async () => {
    await timeout(1_000, async () => {
      await shield(async (scope) => {
        assert.equal(here(), Infinity);
        await timeout(3_000, () => assert.equal(here(), 3_000));
        scope.shield = false;
        assert.equal(here(), 1_000);
      });
    });
  }),
);

test(
  'scope.effectiveDeadline: -Infinity once cancelled, own deadline or not',
  virtually(async () => {
    await timeout(1_000, async (scope) => {
      scope.cancel();
      assert.equal(here(), -Infinity);
      await withScope(() => assert.equal(here(), -Infinity));
      await shield(() => assert.equal(here(), Infinity));
      assert.equal(scope.deadline, 1_000);
    });
  }),
);

test(
  'scope.effectiveDeadline: is that of the tasks too',
  virtually(async () => {
    await timeout(1_000, () =>
      taskGroup(async (group) => {
        const task = group.spawn((scope) => scope.effectiveDeadline);
        assert.equal(await task.join(), 1_000);
      }),
    );
  }),
);

test(
  'deadlines compose: an earlier one around cuts the inner body off, and the outer call throws',
  virtually(async (clock) => {
    const trace: unknown[] = [];
    const failure = await failureOf(
      timeout(100, async () => {
        const inner = await failureOf(timeout(200, () => sleepForever()));
        trace.push(isCancelled(inner), clock.now());
        throw inner;
      }),
    );
    assert.ok(failure instanceof TimeoutError);
    assert.equal(failure.ms, 100);
    assert.deepEqual(trace, [true, 100]);
  }),
);

// asyncio test_timeouts.py::test_nested_timeouts
test(
  'deadlines compose: of several that have expired the outermost throws',
  virtually(async () => {
    const inner: unknown[] = [];
    const failure = await failureOf(
      timeoutAt(
        50,
        async () => {
          try {
            await timeoutAt(50, () => sleepForever());
          } catch (error) {
            inner.push(isCancelled(error));
            throw error;
          }
        },
        { name: 'outer' },
      ),
    );
    assert.ok(failure instanceof TimeoutError);
    assert.match(failure.message, /outer/);
    assert.deepEqual(inner, [true]);
  }),
);

// anyio test_taskgroups.py::test_nested_fail_after
test(
  'deadlines compose: an inner one that expires first is an error like others for those around',
  virtually(async (clock) => {
    await timeout(1_000, async (outer) => {
      const failure = await failureOf(timeout(100, () => timeout(500, () => sleepForever())));
      assert.equal((failure as TimeoutError).ms, 100);
      assert.equal(outer.cancelled, false);
      await sleep(10);
    });
    assert.equal(clock.now(), 110);
  }),
);

// semantics: outer cancelled and inner expired is a cancellation, never a TimeoutError
test(
  'deadlines: the outer scope is cancelled while the inner timeout unwinds: the cancellation wins',
  virtually(async () => {
    await withScope(async (outer) => {
      const failure = await failureOf(
        timeout(10, async () => {
          try {
            await sleepForever();
          } finally {
            outer.cancel('meanwhile');
          }
        }),
      );
      assert.equal(failure, outer.reason);
    });
  }),
);

test(
  'deadlines: an outer one expires while the inner timeout cleans up: the outer throws',
  virtually(async (clock) => {
    let inner: unknown;
    const failure = await failureOf(
      timeout(100, async () => {
        inner = await failureOf(
          timeout(50, async () => {
            try {
              await sleepForever();
            } finally {
              await cleanup(() => sleep(80));
            }
          }),
        );
        throw inner;
      }),
    );
    assert.ok(isCancelled(inner));
    assert.equal((failure as TimeoutError).ms, 100);
    assert.equal(clock.now(), 130);
  }),
);

// anyio test_taskgroups.py::test_fail_after_scope_cancelled_before_timeout
test(
  'deadlines: one that passes after cancel() changes nothing: no TimeoutError',
  virtually(async (clock) => {
    const value = await timeout(100, async (scope) => {
      scope.cancel('explicit');
      await shield(() => sleep(200));
      assert.equal(scope.reason?.cause.kind, 'explicit');
      await sleep(1);
    });
    assert.equal(value, undefined);
    assert.equal(clock.now(), 200);
  }),
);

// trio test_run.py::test_basic_timeout; anyio test_taskgroups.py::test_deadline_moved
test(
  'scope.reschedule: moves the deadline, later and earlier',
  virtually(async (clock) => {
    const later = await failureOf(
      timeout(100, async (scope) => {
        await sleep(90);
        scope.reschedule(150);
        assert.equal(scope.deadline, 150);
        await sleepForever();
      }),
    );
    assert.ok(later instanceof TimeoutError);
    assert.equal(clock.now(), 150);
    await moveOnAfter(100, async (scope) => {
      scope.reschedule(170);
      await sleepForever();
    });
    assert.equal(clock.now(), 170);
  }),
);

test(
  'scope.reschedule: takes the deadline away, or gives one to a scope that had none',
  virtually(async (clock) => {
    for (const none of [Infinity, undefined]) {
      await timeout(100, async (scope) => {
        scope.reschedule(none);
        assert.equal(scope.deadline, Infinity);
        await sleep(1_000);
      });
    }
    const failure = await failureOf(
      withScope(async (scope) => {
        scope.reschedule(new Date(clock.now() + 50));
        await sleepForever();
      }),
    );
    assert.ok(failure instanceof TimeoutError);
    assert.equal(clock.now(), 2_050);
  }),
);

test(
  'scope.reschedule: to a time that has passed cancels at once',
  virtually(async () => {
    const failure = await failureOf(
      withScope(async (scope) => {
        scope.reschedule(0);
        assert.equal(scope.reason?.cause.kind, 'deadline');
        await sleep(1);
      }),
    );
    assert.ok(failure instanceof TimeoutError);
  }),
);

// asyncio test_timeouts.py::test_timeout_expired, ::test_timeout_expiring
test(
  'scope.reschedule: throws once the scope is cancelled or has ended',
  virtually(async () => {
    let ended: Scope | undefined;
    await moveOnAfter(10, async (scope) => {
      ended = scope;
      await sleepForever().catch(() => {});
      assert.throws(() => scope.reschedule(1_000), TypeError);
    });
    assert.throws(() => ended?.reschedule(1_000), ScopeClosedError);
    const active = await withScope((scope) => scope);
    assert.throws(() => active.reschedule(undefined), ScopeClosedError);
  }),
);

test(
  'scope.reschedule: refuses what is no time and leaves the deadline as it was',
  virtually(async () => {
    await timeout(100, (scope) => {
      for (const wrong of [NaN, new Date(NaN), '100']) {
        assert.throws(() => scope.reschedule(wrong as never), RangeError);
      }
      assert.equal(scope.deadline, 100);
    });
  }),
);

// trio test_run.py::test_timekeeping
test(
  'deadlines: the time begins when the scope is entered and ends with it',
  virtually(async (clock) => {
    await sleep(500);
    await timeout(100, (scope) => {
      assert.equal(scope.deadline, 600);
      return sleep(99);
    });
    await sleep(1_000);
    assert.equal(clock.now(), 1_599);
  }),
);

// trio test_run.py::test_current_effective_deadline; anyio test_taskgroups.py::test_deadline_reached_on_start
test(
  'deadlines: one that has passed lets the body run to its first waiting operation',
  virtually(async () => {
    for (const ms of [0, -5]) {
      const trace: string[] = [];
      const body = async (scope: Scope): Promise<void> => {
        trace.push(`begun, cancelled: ${scope.cancelled}`);
        await Promise.resolve();
        trace.push('a raw await is no such operation');
        await sleep(0);
        trace.push('not reached');
      };
      assert.ok((await failureOf(withScope(body, { deadlineMs: ms }))) instanceof TimeoutError);
      assert.deepEqual(trace, ['begun, cancelled: true', 'a raw await is no such operation']);
    }
  }),
);

test(
  'deadlines: a body that ends without waiting again has succeeded, or failed with its own error',
  virtually(async (clock) => {
    const error = new Error('own');
    const late = <T>(end: () => T): Promise<T> =>
      timeout(100, async () => {
        await clock.advance(200);
        return end();
      });
    assert.equal(await late(() => 'value'), 'value');
    assert.equal(
      await failureOf(
        late(() => {
          throw error;
        }),
      ),
      error,
    );
  }),
);

// anyio test_taskgroups.py::test_shielded_deadline
test(
  'deadlines: a shield keeps an outer one out, not its own',
  virtually(async (clock) => {
    const failure = await failureOf(
      timeout(10, async () => {
        const result = await moveOnAfter(20, () => sleepForever(), { shield: true });
        assert.deepEqual([result.timedOut, clock.now()], [true, 20]);
        await sleep(1);
      }),
    );
    assert.equal((failure as TimeoutError).ms, 10);
    assert.equal(clock.now(), 20);
  }),
);

test(
  'deadlines: one that is not reached leaves nothing on the clock',
  virtually(async (clock) => {
    const timers = timersSetOn(clock);
    await timeout(60_000, () => Promise.resolve());
    await failureOf(timeout(60_000, () => Promise.reject(new Error('own'))));
    await timeout(60_000, (scope) => scope.reschedule(90_000));
    await timeout(60_000, (scope) => scope.cancel());
    assert.deepEqual(
      timers.map((timer) => timer.slot),
      timers.map(() => -1),
    );
    assert.ok(timers.length >= 4);
  }),
);
