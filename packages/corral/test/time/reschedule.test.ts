import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScopeClosedError, TimeoutError, sleep, sleepForever, timeout, type Scope } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

// asyncio test_timeouts.py::test_reschedule
test(
  'reschedule: moves the deadline while it is active, both ways, and can take it away',
  virtually(async (clock) => {
    const error = await failureOf(
      timeout(10, async (scope) => {
        scope.reschedule(clock.now() + 100);
        assert.equal(scope.deadline, 100);
        await sleep(50);
        scope.reschedule(undefined);
        assert.equal(scope.deadline, Infinity);
        await sleep(450);
        scope.reschedule(new Date(510));
        await sleepForever();
      }),
    );
    assert.ok(error instanceof TimeoutError);
    assert.equal(clock.now(), 510);
  }),
);

test(
  'reschedule: to a time that has passed it expires at once',
  virtually(async (clock) => {
    const error = await failureOf(
      timeout(100, async (scope) => {
        await sleep(10);
        scope.reschedule(5);
        assert.equal(scope.cancelled, true);
        await sleep(0);
      }),
    );
    assert.ok(error instanceof TimeoutError);
    assert.equal(clock.now(), 10);
  }),
);

// asyncio test_timeouts.py::test_timeout_expired, test_timeout_expiring, test_timeout_finished
test(
  'reschedule: throws once the deadline has passed, while the body cleans up and afterwards',
  virtually(async () => {
    const trace: string[] = [];
    let ended: Scope | undefined;
    await failureOf(
      timeout(10, async (scope) => {
        ended = scope;
        await sleepForever().finally(() => {
          assert.throws(() => scope.reschedule(1_000), { name: 'TypeError', message: /cause is deadline$/ });
          trace.push('expiring');
        });
      }),
    );
    assert.throws(() => ended?.reschedule(1_000), ScopeClosedError);
    assert.deepEqual(trace, ['expiring']);
  }),
);

test(
  'reschedule: of a scope that ended in time throws, too, and NaN is refused',
  virtually(async () => {
    const ended = await timeout(10, (scope) => {
      assert.throws(() => scope.reschedule(Number.NaN), RangeError);
      return scope;
    });
    assert.throws(() => ended.reschedule(1_000), { name: 'ScopeClosedError' });
  }),
);
