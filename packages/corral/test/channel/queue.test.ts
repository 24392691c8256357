import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Broadcast,
  Queue,
  channel,
  checkpoint,
  select,
  sleep,
  taskGroup,
  timeout,
  withScope,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { ask, outcomes } from './asking.ts';

// asyncio test_queues.py::QueueBasicTests, LifoQueueTests, PriorityQueueTests::test_order
test(
  'Queue: items come out oldest first, newest first, or least first',
  virtually(async () => {
    const expected = { fifo: [3, 1, 2], lifo: [2, 1, 3], priority: [1, 2, 3] } as const;
    for (const order of ['fifo', 'lifo', 'priority'] as const) {
      const queue = new Queue<number>({ order });
      for (const item of [3, 1, 2]) await queue.put(item);
      assert.deepEqual([await queue.get(), await queue.get(), await queue.get()], expected[order]);
    }
  }),
);

test('Queue: priority is stable, items that compare equal come out in the order they were put', () => {
  const queue = new Queue<{ rank: number; n: number }>({ order: 'priority', compare: (a, b) => a.rank - b.rank });
  for (let n = 0; n < 300; n++) queue.tryPut({ rank: n % 3, n });
  const out = Array.from({ length: 300 }, () => queue.tryGet() as { rank: number; n: number });
  const sorted = [...out].sort((a, b) => a.rank - b.rank || a.n - b.n);
  assert.deepEqual(out, sorted);
});

test('Queue: priority compares by < unless told otherwise', () => {
  const words = new Queue<string>({ order: 'priority' });
  for (const word of ['b', 'c', 'a']) words.tryPut(word);
  assert.deepEqual([words.tryGet(), words.tryGet(), words.tryGet()], ['a', 'b', 'c']);
  const greatest = new Queue<number>({ order: 'priority', compare: (a, b) => b - a });
  for (const item of [1, 3, 2]) greatest.tryPut(item);
  assert.deepEqual([greatest.tryGet(), greatest.tryGet(), greatest.tryGet()], [3, 2, 1]);
});

test('Queue: what < does not put in order is refused where a priority queue has no compare', async () => {
  const refused = [
    [10, 'a'],
    {},
    Symbol('x'),
    () => 1,
    undefined,
    null,
    Number.NaN,
    new Date(Number.NaN),
    Promise.resolve(),
  ];
  for (const item of refused) {
    const queue = new Queue<unknown>({ order: 'priority', name: 'jobs' });
    assert.throws(() => queue.tryPut(item), { name: 'TypeError', message: /^Cannot put into jobs as / });
    await assert.rejects(queue.put(item), TypeError);
    await assert.rejects(queue.putMany([1, item]), { name: 'TypeError', message: /^Cannot put many into jobs as / });
    assert.equal(queue.size, 0);
  }
  assert.throws(() => new Queue<unknown>({ order: 'priority' }).tryPut([10, 'a']), {
    message:
      'Cannot put into queue as without compare it takes numbers, strings, bigints, booleans or Dates: current value is an array of 2',
  });
});

test('Queue: Dates and bigints are put in order without compare', () => {
  for (const items of [
    [new Date(2), new Date(1)],
    [2n, 1n],
    [Infinity, -Infinity],
    [true, false],
  ]) {
    const queue = new Queue<unknown>({ order: 'priority' });
    for (const item of items) queue.tryPut(item);
    assert.deepEqual([queue.tryGet(), queue.tryGet()], [...items].reverse());
  }
});

// asyncio test_queues.py::QueueBasicTests::test_maxsize
test(
  'put: waits while the queue is full, and those who wait get in in their order',
  virtually(async () => {
    const queue = new Queue<number>({ capacity: 2 });
    const trace: unknown[] = [];
    await taskGroup(async (group) => {
      for (let n = 0; n < 4; n++) group.spawn(() => queue.put(n).then(() => trace.push(`put ${n}`)));
      await sleep(10);
      assert.deepEqual(trace, ['put 0', 'put 1']);
      assert.deepEqual([queue.size, queue.isFull, queue.snapshot().waitingPutters], [2, true, 2]);
      for (let n = 0; n < 4; n++) {
        assert.equal(await queue.get(), n);
        await sleep(10);
        trace.push(`got ${n}`);
      }
    });
    assert.deepEqual(trace, ['put 0', 'put 1', 'put 2', 'got 0', 'put 3', 'got 1', 'got 2', 'got 3']);
  }),
);

// asyncio test_queues.py::QueueGetTests::test_blocking_get_wait
test(
  'get: waits while the queue is empty, and an item goes to the first who waits',
  virtually(async (clock) => {
    const queue = new Queue<string>();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ['first', 'second']) {
        group.spawn(() => queue.get().then((item) => trace.push(`${name} ${item} at ${clock.now()}`)));
      }
      await sleep(10);
      await queue.put('a');
      await sleep(10);
      await queue.put('b');
    });
    assert.deepEqual(trace, ['first a at 10', 'second b at 20']);
  }),
);

test(
  'get: nobody barges, an item that was handed to who waits cannot be taken in between',
  virtually(async () => {
    const queue = new Queue<number>();
    const waiting = ask((scope) => queue.get({ scope }));
    queue.tryPut(1);
    assert.equal(queue.tryGet(), undefined);
    assert.equal(queue.size, 0);
    await waiting.done;
    assert.equal(waiting.outcome, 1);
  }),
);

test(
  'put: nobody barges, a place that gets free goes to who waits for it',
  virtually(async () => {
    const queue = new Queue<number>({ capacity: 1 });
    queue.tryPut(1);
    const waiting = ask((scope) => queue.put(2, { scope }));
    assert.equal(queue.tryGet(), 1);
    assert.equal(queue.tryPut(3), false);
    await waiting.done;
    assert.equal(queue.tryGet(), 2);
  }),
);

// asyncio test_queues.py::QueueGetTests::test_nonblocking_get_exception, QueuePutTests::test_nonblocking_put_exception
test('tryPut and tryGet: say at once that there is no place and no item', () => {
  const queue = new Queue<number>({ capacity: 1 });
  assert.equal(queue.tryGet(), undefined);
  assert.equal(queue.tryPut(1), true);
  assert.equal(queue.tryPut(2), false);
  assert.deepEqual([queue.tryGet(), queue.tryGet()], [1, undefined]);
});

// asyncio test_queues.py::QueuePutTests::test_get_cancel_drop_one_pending_reader
test(
  'get: cancelled in the instant of the hand-over the item is delivered; cancelled before it goes to the next',
  virtually(async () => {
    const queue = new Queue<number>();
    const asked = [0, 1].map(() => ask((scope) => queue.get({ scope })));
    queue.tryPut(1);
    asked[0]?.cancel(); // too late
    await asked[0]?.done;
    await checkpoint();
    assert.deepEqual(outcomes(asked), [1, 'waiting']);
    asked[1]?.cancel();
    queue.tryPut(2); // too early
    await asked[1]?.done;
    assert.deepEqual(outcomes(asked), [1, 'cancelled']);
    assert.equal(queue.tryGet(), 2);
  }),
);

// asyncio test_queues.py::QueuePutTests::test_put_cancel_drop, test_put_cancelled_race
test(
  'put: cancelled while waiting it is not in, and those behind it keep their order',
  virtually(async () => {
    const queue = new Queue<string>({ capacity: 1 });
    queue.tryPut('in');
    const asked = ['a', 'b', 'c'].map((item) => ask((scope) => queue.put(item, { scope })));
    asked[0]?.cancel();
    assert.equal(await queue.get(), 'in');
    asked[1]?.cancel(); // too late: it is in
    assert.equal(await queue.get(), 'b');
    assert.equal(await queue.get(), 'c');
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), ['cancelled', undefined, undefined]);
    assert.equal(queue.isEmpty, true);
  }),
);

// asyncio test_queues.py::QueueGetTests::test_cancelled_getters_not_being_held_in_self_getters
test(
  'get: one that timed out leaves nothing behind, and takes nothing later',
  virtually(async () => {
    const queue = new Queue<number>();
    for (let n = 0; n < 10; n++) {
      assert.equal(((await failureOf(timeout(1, () => queue.get()))) as Error).name, 'TimeoutError');
    }
    assert.equal(queue.snapshot().waitingGetters, 0);
    await queue.put(1);
    assert.equal(queue.size, 1);
  }),
);

test(
  'Queue: in a cancelled scope nothing is put or taken',
  virtually(async () => {
    const queue = new Queue<number>({ capacity: 2 });
    queue.tryPut(1);
    await withScope(async (scope) => {
      scope.cancel();
      const progress = { put: 7 };
      const waits = [queue.put(2), queue.get(), queue.getMany(), queue.putMany([2], { progress }), queue.join()];
      for (const wait of waits) assert.equal(await failureOf(wait), scope.reason);
      assert.equal(progress.put, 0);
      assert.equal(await failureOf(queue.values().next()), scope.reason);
    });
    assert.equal(queue.size, 1);
  }),
);

test('Queue: capacity is a positive integer or Infinity', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN, '5', null, -Infinity]) {
    assert.throws(() => new Queue({ capacity: capacity as number }), {
      name: 'RangeError',
      message: /^Cannot make a queue as it takes an integer of at least 1, or Infinity: current value is /,
    });
  }
  assert.equal(new Queue().capacity, Infinity);
  assert.equal(new Queue({ capacity: Infinity }).isFull, false);
});

test('Queue: bad options are refused when it is made', () => {
  assert.throws(() => new Queue(10 as never), TypeError); // asyncio's maxsize: without this it would be unbounded
  assert.throws(() => new Queue({ order: 'random' as never }), TypeError);
  assert.throws(() => new Queue({ order: 'priority', compare: 5 as never }), TypeError);
  assert.throws(() => new Queue({ compare: () => 0 }), /its order must be priority: current value is fifo$/);
});

test('snapshot: a frozen picture of the queue', () => {
  const queue = new Queue<number>({ capacity: 2, name: 'jobs' });
  queue.tryPut(1);
  const snapshot = queue.snapshot();
  assert.ok(Object.isFrozen(snapshot));
  assert.deepEqual(
    { ...snapshot },
    {
      name: 'jobs',
      order: 'fifo',
      capacity: 2,
      size: 1,
      unfinished: 1,
      waitingGetters: 0,
      waitingPutters: 0,
      shutDown: false,
    },
  );
});

test(
  'Queue: takes its scope by hand',
  virtually(async () => {
    const queue = new Queue<number>({ capacity: 1 });
    await withScope(async (outer) => {
      await withScope(async () => {
        const waits = [
          queue.get({ scope: outer }),
          queue.getMany(2, { scope: outer }),
          queue.values({ scope: outer }).next(),
        ];
        outer.cancel();
        for (const wait of waits) assert.equal(await failureOf(wait), outer.reason);
      });
    });
    await assert.rejects(queue.get({ scope: 5 as never }), TypeError);
    assert.deepEqual(queue.snapshot().waitingGetters, 0);
  }),
);

test(
  'Queue: a hundred thousand who wait are served and leave in linear time',
  virtually(async () => {
    const count = 100_000;
    const queue = new Queue<number>({ capacity: 1 });
    await withScope(async (scope) => {
      const gets = Array.from({ length: count }, () => queue.get());
      for (let n = 0; n < count; n++) queue.tryPut(n);
      assert.ok((await Promise.all(gets)).every((item, n) => item === n));
      for (let n = 0; n < count; n++) queue.put(n).catch(() => {});
      assert.equal(queue.snapshot().waitingPutters, count - 1);
      scope.cancel();
      assert.equal(queue.snapshot().waitingPutters, 0);
    });
  }),
);

test(
  'Queue, channel, Broadcast: a promise is no item, and changes nothing',
  virtually(async () => {
    const queue = new Queue<unknown>();
    const [sender, receiver] = channel<unknown>(1);
    const news = new Broadcast<unknown>();
    const promise = Promise.resolve(1);
    for (const put of [() => queue.tryPut(promise), () => sender.trySend(promise), () => news.trySend(promise)]) {
      assert.throws(put, { name: 'TypeError', message: /^Cannot .* a promise \(await it first\)$/ });
    }
    for (const wait of [
      queue.put(promise),
      queue.putMany([1, promise]),
      sender.send(promise),
      news.send(promise),
      select({ put: queue.putting(promise) }),
    ]) {
      await assert.rejects(wait, TypeError);
    }
    assert.deepEqual([queue.size, receiver.snapshot().buffered], [0, 0]);
  }),
);
