import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cleanup,
  currentScope,
  moveOnAfter,
  sleep,
  sleepForever,
  timeout,
  withScope,
  type TimeoutError,
} from '../../src/index.ts';
import { failureOf, untilCut, virtually } from '../core/virtually.ts';

test(
  'moveOnAfter: a body that is in time gives its value',
  virtually(async () => {
    assert.deepEqual(await moveOnAfter(10, () => sleep(5).then(() => 'value')), { timedOut: false, value: 'value' });
    assert.deepEqual(await moveOnAfter(10, () => undefined), { timedOut: false, value: undefined });
  }),
);

test(
  'moveOnAfter: a body that is not is cancelled and awaited, and nothing is thrown',
  virtually(async (clock) => {
    const result = await moveOnAfter(10, () => untilCut(() => cleanup(() => sleep(5))));
    assert.deepEqual(result, { timedOut: true });
    assert.equal(clock.now(), 15);
    assert.equal(currentScope()?.cancelled, false);
  }),
);

test(
  'moveOnAfter: a body that swallows the cancellation and returns was in time',
  virtually(async () => {
    const result = await moveOnAfter(10, () => sleepForever().catch(() => 'late'));
    assert.deepEqual(result, { timedOut: false, value: 'late' });
  }),
);

test(
  'moveOnAfter: an error of the body is thrown, before and after its time',
  virtually(async () => {
    const failure = new Error('body');
    assert.equal(await failureOf(moveOnAfter(10, () => Promise.reject(failure))), failure);
    assert.equal(await failureOf(moveOnAfter(10, () => sleepForever().catch(() => Promise.reject(failure)))), failure);
  }),
);

test(
  'moveOnAfter: passes on what comes from outside, a cancellation or an outer timeout',
  virtually(async () => {
    await withScope(async (scope) => {
      const moved = moveOnAfter(100, () => sleepForever());
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(moved), scope.reason);
    });
    const error = await failureOf(timeout(10, () => moveOnAfter(10, () => sleepForever())));
    assert.equal((error as TimeoutError).name, 'TimeoutError');
  }),
);

test(
  'moveOnAfter: a TimeoutError from within is an error like others',
  virtually(async () => {
    const error = await failureOf(moveOnAfter(100, () => timeout(10, () => sleepForever())));
    assert.equal((error as TimeoutError).ms, 10);
  }),
);

test(
  'moveOnAfter: zero lets the body run to its first wait, none means no limit',
  virtually(async () => {
    assert.deepEqual(await moveOnAfter(0, () => sleep(0)), { timedOut: true });
    assert.deepEqual(await moveOnAfter(0, () => 'sync'), { timedOut: false, value: 'sync' });
    for (const none of [undefined, null, Infinity]) {
      assert.deepEqual(await moveOnAfter(none, () => sleep(1_000).then(() => 1)), { timedOut: false, value: 1 });
    }
  }),
);

test(
  'moveOnAfter: cancelled by its own scope it did not time out',
  virtually(async () => {
    const result = await moveOnAfter(10, async (scope) => {
      scope.cancel();
      await sleep(1);
    });
    assert.equal(result.timedOut, false);
  }),
);

test(
  'moveOnAfter: its time can be moved',
  virtually(async (clock) => {
    const result = await moveOnAfter(10, async (scope) => {
      scope.reschedule(clock.now() + 50);
      await sleep(40);
      return 'in time after all';
    });
    assert.deepEqual(result, { timedOut: false, value: 'in time after all' });
  }),
);

test('moveOnAfter: wrong arguments are refused before the body runs', async () => {
  await assert.rejects(
    moveOnAfter(Number.NaN, () => assert.fail('ran')),
    RangeError,
  );
  await assert.rejects(moveOnAfter(1, undefined as never), TypeError);
});
