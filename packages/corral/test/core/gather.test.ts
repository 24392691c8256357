import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TaskCancelledError,
  TaskGroupError,
  cleanup,
  currentTask,
  detach,
  gather,
  isCancelled,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
} from '../../src/index.ts';
import { failureOf, untilCut, virtually } from './virtually.ts';

// asyncio test_tasks.py::GatherTestsBase::test_success
test(
  'gather: results stand in the order of the functions, not of completion',
  virtually(async (clock) => {
    const results = await gather([
      () => sleep(30).then(() => 'a'),
      () => sleep(10).then(() => 'b'),
      () => 'c',
      async () => undefined,
    ]);
    assert.deepEqual(results, ['a', 'b', 'c', undefined]);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'gather: a record of functions gives a record of results, and its keys name the tasks',
  virtually(async () => {
    const name = (): string | undefined => currentTask()?.name;
    assert.deepEqual(await gather({ user: name, posts: () => sleep(1).then(name) }), { user: 'user', posts: 'posts' });
  }),
);

// asyncio test_tasks.py::FutureGatherTests::test_constructor_empty_sequence
test(
  'gather: nothing gathers to nothing',
  virtually(async () => {
    assert.deepEqual(await gather([]), []);
    assert.deepEqual(await gather({}), {});
    assert.deepEqual(await gather([], { settled: true }), []);
  }),
);

// asyncio test_tasks.py::GatherTestsBase::test_one_exception deviates: the others are cancelled and awaited.
test(
  'gather: the first failure cancels the others, waits for them and is thrown',
  virtually(async (clock) => {
    const failure = new Error('first');
    const trace: string[] = [];
    const error = await failureOf(
      gather([
        () => untilCut(() => cleanup(() => sleep(10)).then(() => trace.push('cleaned up'))),
        () => sleep(5).then(() => Promise.reject(failure)),
      ]),
    );
    trace.push('rejected');
    assert.equal(error, failure);
    assert.deepEqual(trace, ['cleaned up', 'rejected']);
    assert.equal(clock.now(), 15);
  }),
);

// asyncio test_tasks.py::CoroutineGatherTests::test_exception_marking
test(
  'gather: later failures are attached; { errors: aggregate } throws them together',
  virtually(async () => {
    const [first, later] = [new Error('first'), new Error('later')];
    const fns = [
      () => sleepForever().catch(() => Promise.reject(later)),
      () => sleep(5).then(() => Promise.reject(first)),
    ] as const;
    const error = await failureOf(gather(fns));
    assert.equal(error, first);
    assert.deepEqual(suppressedErrors(error), [later]);
    const aggregate = await failureOf(gather(fns, { errors: 'aggregate' }));
    assert.ok(aggregate instanceof TaskGroupError);
    assert.deepEqual(aggregate.errors, [first, later]);
  }),
);

// asyncio test_tasks.py::GatherTestsBase::test_return_exceptions
test(
  'gather: with settled nothing is cancelled, and every entry says how it ended',
  virtually(async (clock) => {
    const failure = new Error('x');
    const results = await gather(
      [
        () => sleep(20).then(() => 'value'),
        () => Promise.reject(failure),
        async () => {
          currentTask()?.cancel();
          await sleep(1);
        },
      ],
      { settled: true },
    );
    assert.deepEqual(results.slice(0, 2), [
      { status: 'fulfilled', value: 'value' },
      { status: 'rejected', reason: failure },
    ]);
    assert.ok((results[2] as PromiseRejectedResult).reason instanceof TaskCancelledError);
    assert.equal(clock.now(), 20);
  }),
);

test(
  'gather: a record with settled keeps its keys',
  virtually(async () => {
    const results = await gather({ good: () => 1, bad: () => Promise.reject(new Error('x')) }, { settled: true });
    assert.deepEqual(Object.keys(results), ['good', 'bad']);
    assert.equal(results.good.status, 'fulfilled');
    assert.equal(results.bad.status, 'rejected');
  }),
);

// asyncio test_tasks.py::FutureGatherTests::test_one_cancellation
test(
  'gather: a function that was cancelled by itself is a TaskCancelledError; the others are waited for',
  virtually(async (clock) => {
    const error = await failureOf(
      gather([
        async () => {
          currentTask()?.cancel();
          await sleep(1);
        },
        () => sleep(20),
      ]),
    );
    assert.ok(error instanceof TaskCancelledError);
    assert.equal(clock.now(), 20);
  }),
);

// asyncio test_tasks.py::CoroutineGatherTests::test_cancellation_broadcast
test(
  'gather: cancelling whoever waits for it cancels every function',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const wait = (name: string) => (): Promise<void> => sleepForever().finally(() => trace.push(name));
      const waiter = group.spawn(() => gather([wait('a'), wait('b'), wait('c')]));
      await sleep(1);
      waiter.cancel();
      assert.equal((await waiter.settled).status, 'cancelled');
    });
    assert.deepEqual(trace.sort(), ['a', 'b', 'c']);
  }),
);

// asyncio test_tasks.py::BaseTaskTests::test_cancel_gather_1
test(
  'gather: cancelled when all functions have returned, the results arrive',
  virtually(async () => {
    await withScope(async (scope) => {
      const results = await gather([
        () => sleep(10).then(() => 1),
        () =>
          sleep(10).then(() => {
            scope.cancel();
            return 2;
          }),
      ]);
      assert.deepEqual(results, [1, 2]);
      assert.ok(isCancelled(await failureOf(sleep(0))));
    });
  }),
);

// asyncio test_tasks.py::BaseTaskTests::test_cancel_gather_2, test_yield_future_passes_cancel
test(
  'gather: cancelled through several levels it throws the one cancellation, plain',
  virtually(async () => {
    await withScope(async (scope) => {
      const nested = gather([() => gather([() => gather([() => sleepForever()])]), () => sleepForever()]);
      await sleep(1).then(() => scope.cancel('why'));
      assert.equal(await failureOf(nested), scope.reason);
    });
  }),
);

test(
  'gather: with settled it is cancelled from outside all the same',
  virtually(async () => {
    await withScope(async (scope) => {
      const gathered = gather([() => sleepForever(), () => 1], { settled: true });
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(gathered), scope.reason);
    });
  }),
);

// asyncio test_tasks.py::BaseTaskTests::test_gather_shield
test(
  'gather: cancelled while it joins detached tasks, only the joining ends',
  virtually(async () => {
    await taskGroup(async (group) => {
      const tasks = [1, 2].map((n) => detach(() => sleep(50).then(() => n), group));
      const error = await failureOf(timeout(10, () => gather(tasks.map((task) => () => task.join()))));
      assert.equal((error as Error).name, 'TimeoutError');
      assert.deepEqual(await gather(tasks.map((task) => () => task.join())), [1, 2]);
    });
  }),
);

test(
  'gather: concurrency bounds how many run at a time, the results keep their order',
  virtually(async (clock) => {
    let running = 0;
    let most = 0;
    const results = await gather(
      [5, 4, 3, 2, 1].map((n) => async () => {
        most = Math.max(most, ++running);
        await sleep(n * 10);
        running--;
        return n;
      }),
      { concurrency: 2 },
    );
    assert.deepEqual(results, [5, 4, 3, 2, 1]);
    assert.equal(most, 2);
    assert.equal(clock.now(), 80);
  }),
);

test(
  'gather: after a failure functions that had no place yet are never called',
  virtually(async () => {
    const failure = new Error('first');
    const never = (): never => assert.fail('called');
    assert.equal(await failureOf(gather([() => Promise.reject(failure), never, never], { concurrency: 1 })), failure);
  }),
);

// asyncio test_tasks.py::CoroutineGatherTests::test_duplicate_coroutines deviates: a function is called each time it is listed.
test(
  'gather: the same function twice is called twice',
  virtually(async () => {
    let calls = 0;
    const count = (): number => ++calls;
    assert.deepEqual(await gather([count, count]), [1, 2]);
  }),
);

test('gather: a promise in place of a function is refused before anything starts', async () => {
  const never = (): never => assert.fail('called');
  await assert.rejects(gather([never, Promise.resolve(1) as never]), {
    name: 'TypeError',
    message: /entry 1 as it takes a function: current value is a promise \(it has started already: write \(\) => …\)$/,
  });
  await assert.rejects(gather({ a: never, b: 5 as never }), { name: 'TypeError', message: /entry b/ });
  await assert.rejects(gather(Promise.resolve([never]) as never), TypeError);
  await assert.rejects(gather(undefined as never), TypeError);
  // oxlint-disable-next-line no-sparse-arrays -- a hole is what is tested
  await assert.rejects(gather([never, , never] as never), TypeError);
  await assert.rejects(gather([never], { concurrency: 0 }), RangeError);
});

test(
  '{ signal }: gather cancels its functions and throws the very reason of the signal',
  virtually(async () => {
    const controller = new AbortController();
    const trace: string[] = [];
    const gathered = gather([() => sleepForever().finally(() => trace.push('cut'))], { signal: controller.signal });
    await sleep(1).then(() => controller.abort('user left'));
    assert.equal(await failureOf(gathered), 'user left');
    assert.deepEqual(trace, ['cut']);
  }),
);
