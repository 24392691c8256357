import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deferred, sleep, taskGroup } from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { unhandledOf } from '../internal/observe.ts';

test(
  'Deferred: brings its value to all who wait, and to all who come later',
  virtually(async () => {
    const deferred = new Deferred<number>({ name: 'answer' });
    const trace: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ['a', 'b']) group.spawn(() => deferred.wait().then((value) => trace.push(`${name} ${value}`)));
      await waitAllTasksBlocked();
      assert.deepEqual({ ...deferred.snapshot() }, { name: 'answer', state: 'pending', waiting: 2 });
      assert.equal(deferred.resolve(42), true);
      assert.equal(await deferred.wait(), 42);
    });
    assert.deepEqual(trace, ['a 42', 'b 42']);
    assert.deepEqual({ ...deferred.snapshot() }, { name: 'answer', state: 'fulfilled', waiting: 0 });
  }),
);

test(
  'Deferred: brings its error to all who wait, and to all who come later',
  virtually(async () => {
    const deferred = new Deferred<void>();
    for (const failure of [new Error('no'), undefined, null, 0]) {
      const rejected = new Deferred<void>();
      const waiting = failureOf(rejected.wait());
      assert.equal(rejected.reject(failure), true);
      assert.equal(await waiting, failure);
      assert.equal(await failureOf(rejected.wait()), failure);
      assert.equal(rejected.state, 'rejected');
    }
    assert.equal(deferred.settled, false);
  }),
);

test(
  'Deferred: is settled once, the first wins',
  virtually(async () => {
    const one = new Deferred<number>();
    assert.deepEqual([one.resolve(1), one.resolve(2), one.reject(new Error('late'))], [true, false, false]);
    assert.equal(await one.wait(), 1);
    const other = new Deferred<number>();
    assert.deepEqual([other.reject('x'), other.resolve(1), other.reject('y')], [true, false, false]);
    assert.equal(await failureOf(other.wait()), 'x');
    assert.equal(other.settled, true);
  }),
);

// anyio test_futures.py::test_cancelled_waiter_allows_other
test(
  'Deferred: cancelling one waiter leaves it for the others',
  virtually(async () => {
    const deferred = new Deferred<string>();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const a = group.spawn(() => deferred.wait().then((value) => trace.push(`a ${value}`)));
      group.spawn(() => deferred.wait().then((value) => trace.push(`b ${value}`)));
      await waitAllTasksBlocked();
      a.cancel();
      await sleep(1);
      assert.equal(deferred.state, 'pending');
      deferred.resolve('value');
    });
    assert.deepEqual(trace, ['b value']);
  }),
);

test('Deferred: an error that nobody waits for is silent', async () => {
  const unhandled = await unhandledOf(() => {
    new Deferred().reject(new Error('nobody asked'));
  });
  assert.deepEqual(unhandled, []);
});

test('Deferred.resolve: a promise is refused, and it stays pending', () => {
  const deferred = new Deferred<unknown>();
  assert.throws(() => deferred.resolve(Promise.resolve(1)), {
    name: 'TypeError',
    message: 'Cannot resolve deferred as it takes a value: current value is a promise (await it first)',
  });
  assert.equal(deferred.state, 'pending');
});
