import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Queue, sleep, taskGroup } from '../../src/index.ts';
import { virtually } from '../core/virtually.ts';
import { ask, outcomes } from './asking.ts';

test(
  'getMany: gives what there is, up to so many, and waits for at least one',
  virtually(async (clock) => {
    const queue = new Queue<number>();
    await queue.putMany([1, 2, 3]);
    assert.deepEqual(await queue.getMany(2), [1, 2]);
    assert.deepEqual(await queue.getMany(), [3]);
    await taskGroup(async (group) => {
      const many = group.spawn(() => queue.getMany(5));
      await sleep(10);
      await queue.put(4);
      assert.deepEqual(await many.join(), [4]);
    });
    assert.equal(clock.now(), 10);
  }),
);

test(
  'getMany: takes also what waits for a place, in the order of the line',
  virtually(async () => {
    const queue = new Queue<number>({ capacity: 1 });
    queue.tryPut(0);
    const asked = [1, 2, 3].map((n) => ask((scope) => queue.put(n, { scope })));
    assert.deepEqual(await queue.getMany(3), [0, 1, 2]);
    await Promise.all(asked.map(({ done }) => done));
    assert.equal(queue.tryGet(), 3);
  }),
);

test(
  'putMany: hands a batch to who waits for one, the rest to the next',
  virtually(async () => {
    const queue = new Queue<number>();
    const asked = [ask((scope) => queue.getMany(2, { scope })), ask((scope) => queue.getMany(9, { scope }))];
    await queue.putMany([1, 2, 3, 4]);
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), [
      [1, 2],
      [3, 4],
    ]);
  }),
);

test(
  'putMany: more than the capacity goes in as places get free, and nobody comes in between',
  virtually(async () => {
    const queue = new Queue<number>({ capacity: 2 });
    const many = ask((scope) => queue.putMany([1, 2, 3, 4], { scope }));
    const later = ask((scope) => queue.put(5, { scope }));
    const got: number[] = [];
    for (let n = 0; n < 5; n++) got.push(await queue.get());
    assert.deepEqual(got, [1, 2, 3, 4, 5]);
    await Promise.all([many.done, later.done]);
    assert.deepEqual(outcomes([many, later]), [undefined, undefined]);
  }),
);

test(
  'putMany: cancelled, what is in stays in, progress says how many, and the others are not in',
  virtually(async () => {
    const queue = new Queue<number>({ capacity: 2 });
    const progress = { put: 0 };
    const many = ask((scope) => queue.putMany([1, 2, 3, 4], { scope, progress }));
    assert.equal(progress.put, 2);
    assert.equal(queue.tryGet(), 1);
    assert.equal(progress.put, 3);
    many.cancel();
    await many.done;
    assert.equal(many.outcome, 'cancelled');
    assert.deepEqual(await queue.getMany(), [2, 3]);
    assert.equal(queue.isEmpty, true);
    assert.equal(progress.put, 3);
  }),
);

test(
  'putMany: of nothing is done at once; changing the array later changes nothing',
  virtually(async () => {
    const queue = new Queue<number>({ capacity: 1 });
    await queue.putMany([]);
    const items = [1, 2];
    const many = ask((scope) => queue.putMany(items, { scope }));
    items[1] = 9;
    assert.deepEqual([await queue.get(), await queue.get()], [1, 2]);
    await many.done;
    await assert.rejects(
      queue.putMany(new Set([1]) as never),
      /takes an array: current value is an object of class Set$/,
    );
  }),
);

test('getMany: takes a positive integer or Infinity', async () => {
  const queue = new Queue<number>();
  for (const max of [0, -1, 0.5, Number.NaN]) await assert.rejects(queue.getMany(max), RangeError);
});

test(
  'putMany: into a priority queue, who waits gets the least of the batch',
  virtually(async () => {
    const queue = new Queue<number>({ order: 'priority' });
    const asked = [ask((scope) => queue.get({ scope })), ask((scope) => queue.getMany(2, { scope }))];
    await queue.putMany([5, 1, 4, 2]);
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), [1, [2, 4]]);
    assert.equal(queue.tryGet(), 5);
  }),
);

// Comparisons that throw ---------------------------------------------------------------------------------------------

test(
  'Queue: a comparison that throws fails the put whose item it was, and the queue is as it was',
  virtually(async () => {
    const compare = (a: number, b: number): number => {
      if (a < 0 || b < 0) throw new TypeError('negative');
      return a - b;
    };
    const queue = new Queue<number>({ order: 'priority', compare, capacity: 2 });
    await queue.putMany([2, 1]);
    const asked = [-1, 0].map((item) => ask((scope) => queue.put(item, { scope })));
    assert.equal(await queue.get(), 1);
    await asked[0]?.done;
    await asked[1]?.done;
    assert.deepEqual(outcomes(asked), ['TypeError', undefined]);
    assert.deepEqual([await queue.get(), await queue.get()], [0, 2]);
    queue.tryPut(3);
    assert.throws(() => queue.tryPut(-1), TypeError);
    assert.equal(queue.tryGet(), 3);
    const progress = { put: 0 };
    await assert.rejects(queue.putMany([4, -1], { progress }), TypeError);
    assert.equal(progress.put, 1);
    assert.deepEqual(await queue.getMany(), [4]);
    assert.equal(queue.snapshot().unfinished, 5);
  }),
);

test('Queue: a comparison that changes the queue is refused', () => {
  const queue: Queue<number> = new Queue<number>({
    order: 'priority',
    compare: (a, b) => {
      queue.tryGet();
      return a - b;
    },
  });
  queue.tryPut(1);
  assert.throws(() => queue.tryPut(2), /its compare function must not use it$/);
  assert.equal(queue.size, 1);
});
