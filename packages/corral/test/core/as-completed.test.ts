import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TaskCancelledError,
  asCompleted,
  cleanup,
  currentScope,
  currentTask,
  isCancelled,
  sleep,
  sleepForever,
  suppressedErrors,
  timeout,
  withScope,
} from '../../src/index.ts';
import { failureOf, untilCut, virtually } from './virtually.ts';

const after = (ms: number) => (): Promise<number> => sleep(ms).then(() => ms);

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

// asyncio test_tasks.py::BaseTaskTests::test_as_completed
test(
  'asCompleted: yields the values in the order of completion, as they come',
  virtually(async (clock) => {
    const trace: string[] = [];
    for await (const ms of asCompleted([30, 10, 20].map(after))) trace.push(`${ms} at ${clock.now()}`);
    assert.deepEqual(trace, ['10 at 10', '20 at 20', '30 at 30']);
  }),
);

// asyncio test_tasks.py::BaseTaskTests::test_as_completed_concurrent
test(
  'asCompleted: values of one tick come in the order of the functions, none is lost',
  virtually(async () => {
    const same = [1, 2, 3].map((n) => () => sleep(10).then(() => n));
    assert.deepEqual(await collect(asCompleted(same)), [1, 2, 3]);
  }),
);

test(
  'asCompleted: values that come while the loop is busy wait for it',
  virtually(async (clock) => {
    const trace: string[] = [];
    for await (const ms of asCompleted([10, 20, 30].map(after))) {
      trace.push(`${ms} at ${clock.now()}`);
      await sleep(100);
    }
    assert.deepEqual(trace, ['10 at 10', '20 at 110', '30 at 210']);
  }),
);

test(
  'asCompleted: of nothing there is nothing',
  virtually(async () => {
    assert.deepEqual(await collect(asCompleted([])), []);
  }),
);

test(
  'asCompleted: undefined is a value',
  virtually(async () => {
    assert.deepEqual(await collect(asCompleted([() => undefined, async () => undefined])), [undefined, undefined]);
  }),
);

test(
  'asCompleted: nothing is started before the first value is asked for',
  virtually(async () => {
    let started = false;
    const values = asCompleted([() => void (started = true)]);
    await sleep(10);
    assert.equal(started, false);
    await collect(values);
    assert.equal(started, true);
  }),
);

// asyncio test_tasks.py::BaseTaskTests::test_as_completed_resume_iterator
test(
  'asCompleted: asked by hand it goes on where it stopped, nothing lost or repeated',
  virtually(async (clock) => {
    const values = asCompleted([10, 20, 30].map(after));
    assert.deepEqual(await values.next(), { done: false, value: 10 });
    await sleep(5);
    assert.deepEqual(await values.next(), { done: false, value: 20 });
    assert.deepEqual(await collect(values), [30]);
    assert.deepEqual(await values.next(), { done: true, value: undefined });
    assert.equal(clock.now(), 30);
  }),
);

// deviates from asyncio's test_as_completed_resume_iterator; anyio test_concurrency_utils.py::test_as_completed_early_exit
test(
  'asCompleted: leaving the loop early cancels the rest and waits for it',
  virtually(async (clock) => {
    const trace: string[] = [];
    const slow = (): Promise<never> => untilCut(() => cleanup(() => sleep(5)).then(() => trace.push('slow ended')));
    const values = asCompleted([after(10), slow]);
    for await (const ms of values) {
      trace.push(`got ${ms}`);
      break;
    }
    trace.push(`left at ${clock.now()}`);
    assert.deepEqual(trace, ['got 10', 'slow ended', 'left at 15']);
    assert.deepEqual(await values.next(), { done: true, value: undefined });
    assert.equal(currentScope()?.cancelled, false);
  }),
);

test(
  'asCompleted: an error in the loop body cancels the rest and is thrown',
  virtually(async () => {
    const failure = new Error('body');
    const trace: string[] = [];
    const error = await failureOf(
      (async () => {
        for await (const _ of asCompleted([after(1), () => sleepForever().finally(() => trace.push('cut'))])) {
          throw failure;
        }
      })(),
    );
    assert.equal(error, failure);
    assert.deepEqual(trace, ['cut']);
  }),
);

test(
  'asCompleted: the first failure is thrown after the others have ended, and what came before it is yielded',
  virtually(async () => {
    const failure = new Error('first');
    const later = new Error('later');
    const trace: unknown[] = [];
    const error = await failureOf(
      (async () => {
        const values = asCompleted([
          after(5),
          () => sleep(10).then(() => Promise.reject(failure)),
          () => sleepForever().catch(() => Promise.reject(later)),
          () => sleepForever().finally(() => trace.push('cut')),
        ]);
        for await (const value of values) trace.push(value);
      })(),
    );
    assert.equal(error, failure);
    assert.deepEqual(suppressedErrors(error), [later]);
    assert.deepEqual(trace, [5, 'cut']);
  }),
);

test(
  'asCompleted: values that were ready when a failure came are yielded first',
  virtually(async () => {
    const trace: unknown[] = [];
    const error = await failureOf(
      (async () => {
        const values = asCompleted([after(1), after(2), () => sleep(3).then(() => Promise.reject('x'))]);
        for await (const value of values) {
          trace.push(value);
          await sleep(10);
        }
      })(),
    );
    assert.equal(error, 'x');
    assert.deepEqual(trace, [1, 2]);
  }),
);

// asyncio test_tasks.py::BaseTaskTests::test_as_completed_with_timeout
test(
  'asCompleted: under a timeout it yields what came in time; the rest is cancelled',
  virtually(async (clock) => {
    const seen: number[] = [];
    const error = await failureOf(
      timeout(25, async () => {
        for await (const ms of asCompleted([10, 20, 30].map(after))) seen.push(ms);
      }),
    );
    assert.equal((error as Error).name, 'TimeoutError');
    assert.deepEqual(seen, [10, 20]);
    assert.equal(clock.now(), 25);
  }),
);

// asyncio test_tasks.py::BaseTaskTests::test_as_completed_with_unused_timeout
test(
  'asCompleted: a timeout that is not reached changes nothing',
  virtually(async () => {
    assert.deepEqual(await timeout(1_000, () => collect(asCompleted([10, 20].map(after)))), [10, 20]);
  }),
);

test(
  'asCompleted: cancelled from outside it throws the cancellation when all have ended',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      const loop = collect(asCompleted([() => sleepForever().finally(() => trace.push('cut'))]));
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(loop), scope.reason);
    });
    assert.deepEqual(trace, ['cut']);
  }),
);

// asyncio test_tasks.py::BaseTaskTests::test_as_completed_duplicate_coroutines deviates: it is called each time.
test(
  'asCompleted: the same function twice is called twice',
  virtually(async () => {
    let calls = 0;
    const count = (): number => ++calls;
    assert.deepEqual(await collect(asCompleted([count, count])), [1, 2]);
  }),
);

test(
  'asCompleted: concurrency bounds how many run at a time',
  virtually(async (clock) => {
    const values = await collect(asCompleted([20, 10, 10].map(after), { concurrency: 1 }));
    assert.deepEqual(values, [20, 10, 10]);
    assert.equal(clock.now(), 40);
  }),
);

test(
  'asCompleted: a function that was cancelled by itself is told by a TaskCancelledError at the end',
  virtually(async () => {
    const seen: unknown[] = [];
    const error = await failureOf(
      (async () => {
        const quit = async (): Promise<void> => {
          currentTask()?.cancel();
          await sleep(1);
        };
        for await (const value of asCompleted([quit, after(10)])) seen.push(value);
      })(),
    );
    assert.ok(error instanceof TaskCancelledError);
    assert.deepEqual(seen, [10]);
  }),
);

test(
  'asCompleted: one that is dropped half-way ends with the scope around it',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async () => {
      const values = asCompleted([after(1), () => sleepForever().finally(() => trace.push('cut'))]);
      assert.equal((await values.next()).value, 1);
      trace.push('got 1');
    });
    assert.deepEqual(trace, ['got 1', 'cut']);
    assert.equal(clock.now(), 1);
  }),
);

test(
  'asCompleted: what the loop body waits for belongs to the loop, not to the functions',
  virtually(async () => {
    const around = currentScope();
    for await (const _ of asCompleted([after(1), after(2)])) assert.equal(currentScope(), around);
  }),
);

// asyncio test_tasks.py::BaseTaskTests::test_as_completed_invalid_args
test('asCompleted: what is not a list of functions is refused at the first step', async () => {
  await assert.rejects(asCompleted([Promise.resolve(1) as never]).next(), TypeError);
  await assert.rejects(asCompleted(after(1) as never).next(), TypeError);
  await assert.rejects(asCompleted([after(1)], { concurrency: 0 }).next(), RangeError);
});

test(
  '{ signal }: asCompleted cancels its functions and throws the very reason of the signal',
  virtually(async () => {
    const controller = new AbortController();
    const loop = collect(asCompleted([() => sleepForever()], { signal: controller.signal }));
    await sleep(1).then(() => controller.abort('user left'));
    const error = await failureOf(loop);
    assert.equal(error, 'user left');
    assert.equal(isCancelled(error), false);
  }),
);
