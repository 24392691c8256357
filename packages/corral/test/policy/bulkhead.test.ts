import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bulkhead, LineFullError, gather, sleep, taskGroup, timeout, withScope } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

test(
  'Bulkhead: refuses at once what finds the line full',
  virtually(async (clock) => {
    const bulkhead = new Bulkhead({ concurrency: 1, maxWaiting: 1, name: 'db' });
    await taskGroup(async (group) => {
      group.spawn(() => bulkhead.run(() => sleep(10)));
      group.spawn(() => bulkhead.run(() => sleep(10)));
      await sleep(1);
      assert.deepEqual(bulkhead.snapshot(), { name: 'db', concurrency: 1, maxWaiting: 1, running: 1, waiting: 1 });
      const error = await failureOf(bulkhead.run(() => assert.fail('called')));
      assert.ok(error instanceof LineFullError);
      assert.match(error.message, /^Cannot wait for db as no more than 1 may wait: so many do already$/);
      assert.equal(error.code, 'CORRAL_LINE_FULL');
      assert.equal(error.maxWaiting, 1);
      assert.equal(clock.now(), 1);
    });
    assert.equal(clock.now(), 20);
  }),
);

test(
  'Bulkhead: whoever leaves the line makes place in it',
  virtually(async () => {
    const bulkhead = new Bulkhead({ maxWaiting: 1 });
    await taskGroup(async (group) => {
      group.spawn(() => bulkhead.run(() => sleep(10)));
      const waiting = group.spawn(() => bulkhead.run(() => sleep(10)));
      await sleep(1);
      waiting.cancel();
      assert.equal(await bulkhead.run(() => 'served'), 'served');
    });
  }),
);

test(
  'Bulkhead: with no line it refuses what cannot begin at once',
  virtually(async () => {
    const bulkhead = new Bulkhead();
    const results = await gather([() => bulkhead.run(() => sleep(1)), () => bulkhead.run(() => sleep(1))], {
      settled: true,
    });
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected'],
    );
    assert.equal(await bulkhead.run(() => 'free again'), 'free again');
  }),
);

test(
  'Bulkhead: a timed-out run holds its place until it has ended',
  virtually(async () => {
    const bulkhead = new Bulkhead();
    const slow = async (): Promise<void> => {
      try {
        await sleep(100);
      } finally {
        assert.equal(bulkhead.snapshot().running, 1);
      }
    };
    await assert.rejects(
      timeout(10, () => bulkhead.run(slow)),
      { name: 'TimeoutError' },
    );
    assert.equal(bulkhead.snapshot().running, 0);
  }),
);

test('Bulkhead: misuse is refused', async () => {
  assert.throws(() => new Bulkhead({ concurrency: 0 }), RangeError);
  assert.throws(() => new Bulkhead(5 as never), /Cannot call new Bulkhead\(\) as it takes an object of options/);
  assert.throws(() => new Bulkhead({ maxWaiting: -1 }), RangeError);
  await assert.rejects(new Bulkhead().run(5 as never), TypeError);
  await withScope(async (scope) => {
    scope.cancel();
    assert.equal(await failureOf(new Bulkhead().run(() => 1, { scope })), scope.reason);
  });
});

test(
  'Bulkhead: without a line it says that nobody may wait',
  virtually(async () => {
    const bulkhead = new Bulkhead({ name: 'small' });
    await taskGroup(async (group) => {
      group.spawn(() => bulkhead.run(() => sleep(10)));
      await sleep(1);
      const error = await failureOf(bulkhead.run(() => assert.fail('called')));
      assert.equal((error as Error).message, 'Cannot wait for small as nobody may wait');
    });
  }),
);
