import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Queue, QueueShutDownError, checkpoint, sleep, taskGroup, withScope } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { ask, outcomes } from './asking.ts';

const orders = ['fifo', 'lifo', 'priority'] as const;

// asyncio test_queues.py::_QueueJoinTestMixin::test_task_done_underflow
test('shutdown: options that are no object are refused, and nothing has happened', () => {
  const queue = new Queue<number>();
  assert.throws(() => queue.shutdown(true as never), TypeError);
  assert.equal(queue.isShutDown, false);
});

test('taskDone: more often than items were put in is a RangeError, and changes nothing', () => {
  const queue = new Queue<number>({ name: 'jobs' });
  assert.throws(() => queue.taskDone(), {
    name: 'RangeError',
    message: /^Cannot mark items of jobs as done as each is marked once: current value is 0 unfinished, 1 marked/,
  });
  queue.tryPut(1);
  assert.throws(() => queue.taskDone(2), RangeError);
  for (const count of [0, -1, 0.5, Number.NaN, Infinity]) assert.throws(() => queue.taskDone(count), RangeError);
  queue.taskDone();
  assert.equal(queue.snapshot().unfinished, 0);
});

// asyncio test_queues.py::_QueueJoinTestMixin::test_task_done, test_join_empty_queue
for (const order of orders) {
  test(
    `join: waits until all that was put in is done (${order})`,
    virtually(async (clock) => {
      const queue = new Queue<number>({ order });
      await queue.join();
      let sum = 0;
      await taskGroup(async (group) => {
        for (let n = 0; n < 2; n++) {
          group.spawn(
            async () => {
              for await (const item of queue) {
                sum += item;
                await sleep(10);
                queue.taskDone();
              }
            },
            { background: true },
          );
        }
        for (let n = 0; n < 100; n++) await queue.put(n);
        await queue.join();
        assert.equal(clock.now(), 500);
        await queue.join();
      });
      assert.equal(sum, (99 * 100) / 2);
    }),
  );
}

test(
  'join: an item that was handed over directly counts until it is done',
  virtually(async () => {
    const queue = new Queue<number>();
    const got = ask((scope) => queue.get({ scope }));
    await queue.put(1);
    const joined = ask((scope) => queue.join({ scope }));
    await got.done;
    await checkpoint();
    assert.equal(joined.outcome, 'waiting');
    queue.taskDone();
    await joined.done;
    assert.equal(joined.state, 'got');
  }),
);

test(
  'taskDone: after a batch takes how many',
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.putMany([1, 2, 3]);
    queue.taskDone((await queue.getMany()).length);
    await queue.join();
  }),
);

// asyncio test_queues.py::_QueueShutdownTestMixin::test_shutdown_empty
test(
  'shutdown: of an empty queue wakes who waits to get, and lets nothing in',
  virtually(async () => {
    const queue = new Queue<number>({ name: 'jobs' });
    const asked = [
      ask((scope) => queue.get({ scope })),
      ask((scope) => queue.getMany(2, { scope })),
      ask((scope) => queue.values({ scope }).next()),
    ];
    queue.shutdown();
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), ['QueueShutDownError', 'QueueShutDownError', { done: true, value: undefined }]);
    assert.equal(asked[0]?.message, 'Cannot get from jobs as it must not be shut down');
    for (const wait of [queue.put(1), queue.putMany([]), queue.get(), queue.getMany()]) {
      assert.ok((await failureOf(wait)) instanceof QueueShutDownError);
    }
    assert.throws(() => queue.tryPut(1), QueueShutDownError);
    assert.throws(() => queue.tryGet(), QueueShutDownError);
    assert.deepEqual([queue.isShutDown, queue.snapshot().shutDown], [true, true]);
    await queue.join();
  }),
);

// asyncio test_queues.py::_QueueShutdownTestMixin::test_shutdown_nonempty
for (const order of orders) {
  test(
    `shutdown: what is in can be drained, who waits to put fails, join waits for what is not done (${order})`,
    virtually(async () => {
      const queue = new Queue<number>({ capacity: 2, order });
      await queue.putMany([1, 2]);
      const progress = { put: 0 };
      const asked = [
        ask((scope) => queue.put(3, { scope })),
        ask((scope) => queue.putMany([4, 5], { scope, progress })),
      ];
      const joined = ask((scope) => queue.join({ scope }));
      assert.deepEqual(queue.shutdown(), []);
      await Promise.all(asked.map(({ done }) => done));
      assert.deepEqual(outcomes(asked), ['QueueShutDownError', 'QueueShutDownError']);
      assert.equal(progress.put, 0);
      assert.deepEqual(new Set([await queue.get(), queue.tryGet()]), new Set([1, 2]));
      await assert.rejects(queue.get(), QueueShutDownError);
      assert.equal(joined.outcome, 'waiting');
      queue.taskDone(2);
      await joined.done;
    }),
  );
}

// asyncio test_queues.py::_QueueShutdownTestMixin::test_shutdown_immediate
test(
  'shutdown: immediate throws away what is in, gives it back, and ends join',
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.putMany([1, 2]);
    const joined = ask((scope) => queue.join({ scope }));
    assert.deepEqual(queue.shutdown({ immediate: true }), [1, 2]);
    await joined.done;
    assert.equal(joined.state, 'got');
    await assert.rejects(queue.get(), QueueShutDownError);
    assert.throws(() => queue.taskDone(), RangeError);
  }),
);

// asyncio test_queues.py::_QueueShutdownTestMixin::test_shutdown_immediate_with_unfinished
test(
  'shutdown: immediate does not count as done what was taken out before',
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.putMany([1, 2]);
    await queue.get();
    const joined = ask((scope) => queue.join({ scope }));
    queue.shutdown({ immediate: true });
    await checkpoint();
    assert.equal(joined.outcome, 'waiting');
    queue.taskDone();
    await joined.done;
    assert.throws(() => queue.taskDone(), RangeError);
  }),
);

// asyncio test_queues.py::_QueueShutdownTestMixin::test_shutdown_repr and following: twice is allowed
test(
  'shutdown: may be called again, immediate after not',
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.putMany([1, 2]);
    queue.shutdown();
    queue.shutdown();
    assert.equal(queue.size, 2);
    assert.deepEqual(queue.shutdown({ immediate: true }), [1, 2]);
    assert.deepEqual(queue.shutdown({ immediate: true }), []);
    await queue.join();
  }),
);

test(
  'shutdown: a cancellation in the same instant, before it or after it, the first wins',
  virtually(async () => {
    const queue = new Queue<number>();
    const asked = [ask((scope) => queue.get({ scope })), ask((scope) => queue.get({ scope }))];
    asked[0]?.cancel();
    queue.shutdown();
    asked[1]?.cancel();
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), ['cancelled', 'QueueShutDownError']);
  }),
);

// Iterating ----------------------------------------------------------------------------------------------------------

test(
  'for await: goes over the items until the queue is shut down and drained',
  virtually(async () => {
    const queue = new Queue<number>();
    const seen: number[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => {
        for await (const item of queue) seen.push(item);
        seen.push(-1);
      });
      for (const item of [1, 2]) await queue.put(item);
      await sleep(10);
      await queue.putMany([3, 4]);
      queue.shutdown();
    });
    assert.deepEqual(seen, [1, 2, 3, 4, -1]);
  }),
);

test(
  'for await: leaving the loop loses no item, and another loop goes on',
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.putMany([1, 2, 3]);
    for await (const item of queue) if (item === 1) break;
    assert.equal(queue.size, 2);
    queue.shutdown();
    const rest: number[] = [];
    for await (const item of queue) rest.push(item);
    assert.deepEqual(rest, [2, 3]);
  }),
);

test(
  'for await: its values are values once it has been left: it stays ended',
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.putMany([1, 2]);
    const values = queue.values();
    assert.deepEqual(await values.next(), { done: false, value: 1 });
    assert.deepEqual(await values.return?.(), { done: true, value: undefined });
    assert.deepEqual(await values.next(), { done: true, value: undefined });
    assert.equal(values[Symbol.asyncIterator](), values);
    assert.equal(queue.size, 1);
  }),
);

test(
  'for await: cancelled while it waits it takes nothing',
  virtually(async () => {
    const queue = new Queue<number>();
    await withScope(async (scope) => {
      const loop = (async () => {
        for await (const _ of queue);
      })();
      scope.cancel();
      assert.equal(await failureOf(loop), scope.reason);
    });
    queue.tryPut(1);
    assert.equal(queue.size, 1);
  }),
);
