import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TaskCancelledError,
  currentScope,
  currentTask,
  forEach,
  isCancelled,
  map,
  sleep,
  sleepForever,
  suppressedErrors,
  withScope,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

/** An async source that notes what is done with it. */
async function* source(trace: string[], items: number, failAt = Infinity): AsyncGenerator<number> {
  try {
    for (let n = 0; n < items; n++) {
      if (n === failAt) throw new Error(`no ${n}`);
      trace.push(`pull ${n}`);
      yield n;
    }
  } finally {
    trace.push('closed');
  }
}

test(
  'map: results stand in the order of the items, whatever the order of completion',
  virtually(async (clock) => {
    const results = await map([30, 10, 20], (ms) => sleep(ms).then(() => ms * 2));
    assert.deepEqual(results, [60, 20, 40]);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'map: { ordered: false } gives them in the order of completion',
  virtually(async () => {
    assert.deepEqual(await map([30, 10, 20], (ms) => sleep(ms).then(() => ms), { ordered: false }), [10, 20, 30]);
  }),
);

test(
  'map: calls with item, index and the scope of a task of its own',
  virtually(async () => {
    const seen = await map(new Set(['a', 'b']), (item, index, scope) => {
      assert.equal(scope, currentScope());
      return `${item}${index}`;
    });
    assert.deepEqual(seen, ['a0', 'b1']);
  }),
);

test(
  'map: of nothing is nothing',
  virtually(async () => {
    assert.deepEqual(await map([], () => assert.fail('called')), []);
    assert.deepEqual(await map(source([], 0), () => assert.fail('called')), []);
  }),
);

test(
  'map: a function without waiting works through any number of items',
  virtually(async () => {
    const results = await map(Array.from({ length: 5_000 }).keys(), (n) => n + 1, { concurrency: 3 });
    assert.equal(results.length, 5_000);
    assert.equal(results[4_999], 5_000);
  }),
);

test(
  'map: never more than concurrency at a time, and the input is read no faster',
  virtually(async () => {
    const trace: string[] = [];
    let running = 0;
    await map(
      source(trace, 5),
      async (n) => {
        trace.push(`begin ${n}`);
        assert.ok(++running <= 2);
        await sleep(10);
        running--;
        trace.push(`end ${n}`);
      },
      { concurrency: 2 },
    );
    const pulledBeforeAnyEnd = trace.slice(0, trace.indexOf('end 0')).filter((line) => line.startsWith('pull'));
    assert.deepEqual(pulledBeforeAnyEnd, ['pull 0', 'pull 1']);
    assert.equal(trace.filter((line) => line.startsWith('end')).length, 5);
  }),
);

test(
  'map: the first failure cancels what runs, stops reading, closes the input, and is thrown last',
  virtually(async () => {
    const failure = new Error('item 1');
    const trace: string[] = [];
    const error = await failureOf(
      map(
        source(trace, 100),
        async (n) => {
          if (n === 1) {
            await sleep(10);
            throw failure;
          }
          await sleepForever().finally(() => trace.push(`cut ${n}`));
        },
        { concurrency: 3 },
      ),
    );
    trace.push('rejected');
    assert.equal(error, failure);
    assert.deepEqual(trace, ['pull 0', 'pull 1', 'pull 2', 'cut 0', 'cut 2', 'closed', 'rejected']);
  }),
);

test(
  'map: several failures travel with the first',
  virtually(async () => {
    const error = await failureOf(
      map([1, 2, 3], (n) => (n === 2 ? Promise.reject(new Error('2')) : sleepForever().catch(() => Promise.reject(n)))),
    );
    assert.equal((error as Error).message, '2');
    assert.deepEqual(suppressedErrors(error), [1, 3]);
  }),
);

test(
  'map: an input that fails cancels what runs and is not closed again',
  virtually(async () => {
    const trace: string[] = [];
    const error = await failureOf(
      map(source(trace, 5, 2), (n) => sleepForever().finally(() => trace.push(`cut ${n}`))),
    );
    assert.equal((error as Error).message, 'no 2');
    assert.deepEqual(trace, ['pull 0', 'pull 1', 'closed', 'cut 0', 'cut 1']);
  }),
);

test(
  'map: a sync iterator that throws is treated alike, one that is left is closed',
  virtually(async () => {
    let closed = 0;
    const items = (fail: boolean): Iterable<number> => ({
      [Symbol.iterator]: () => {
        let n = 0;
        return {
          next: () => {
            if (fail && n === 2) throw new Error('input');
            return { done: false, value: n++ };
          },
          return: () => {
            closed++;
            return { done: true, value: undefined };
          },
        };
      },
    });
    assert.equal(((await failureOf(map(items(true), () => sleep(1), { concurrency: 1 }))) as Error).message, 'input');
    assert.equal(closed, 0);
    assert.equal(
      await failureOf(map(items(false), (n) => (n === 2 ? Promise.reject('x') : n), { concurrency: 1 })),
      'x',
    );
    assert.equal(closed, 1);
  }),
);

test(
  'map: an error while the input is closed is attached to the failure',
  virtually(async () => {
    const [failure, closing] = [new Error('item'), new Error('closing')];
    const items = (async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- that is the moment under test
        throw closing;
      }
    })();
    const error = await failureOf(map(items, () => Promise.reject(failure), { concurrency: 1 }));
    assert.equal(error, failure);
    assert.deepEqual(suppressedErrors(error), [closing]);
  }),
);

test(
  'map: cancelled from outside it cancels what runs, closes the input, and throws the cancellation',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      const mapped = map(source(trace, 100), (n) => sleepForever().finally(() => trace.push(`cut ${n}`)), {
        concurrency: 2,
      });
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(mapped), scope.reason);
    });
    assert.deepEqual(trace, ['pull 0', 'pull 1', 'cut 0', 'cut 1', 'closed']);
  }),
);

test(
  'map: cancelled before it begins it does not read its input',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      scope.cancel();
      assert.ok(isCancelled(await failureOf(map(source(trace, 3), () => assert.fail('called')))));
    });
    assert.deepEqual(trace, []);
  }),
);

test(
  'map: a function that ignores the cancellation gets no further items',
  virtually(async () => {
    const items: number[] = [];
    await withScope(async (scope) => {
      const mapped = map([1, 2, 3, 4], (n) => sleepForever().catch(() => items.push(n)), { concurrency: 2 });
      await sleep(1).then(() => scope.cancel());
      assert.ok(isCancelled(await failureOf(mapped)));
    });
    assert.deepEqual(items, [1, 2]);
  }),
);

test(
  'map: an item whose function was cancelled by itself is a TaskCancelledError, never a hole',
  virtually(async () => {
    const error = await failureOf(
      map(
        [1, 2, 3],
        async (n) => {
          if (n === 2) currentTask()?.cancel();
          await sleep(1);
          return n;
        },
        { concurrency: 1 },
      ),
    );
    assert.ok(error instanceof TaskCancelledError);
  }),
);

test(
  'forEach: visits all items and returns nothing',
  virtually(async (clock) => {
    const seen: number[] = [];
    const result: unknown = await forEach([3, 1, 2], (n) => sleep(n).then(() => seen.push(n)), { concurrency: 2 });
    assert.equal(result, undefined);
    assert.deepEqual(seen, [1, 3, 2]);
    assert.equal(clock.now(), 3);
  }),
);

test(
  'forEach: the first failure is thrown after the others have ended',
  virtually(async () => {
    const trace: string[] = [];
    const failure = new Error('x');
    const error = await failureOf(
      forEach([1, 2], (n) => (n === 2 ? Promise.reject(failure) : sleepForever().finally(() => trace.push('cut')))),
    );
    assert.equal(error, failure);
    assert.deepEqual(trace, ['cut']);
  }),
);

test('map, forEach: what is neither iterable nor function is refused', async () => {
  await assert.rejects(
    map(5 as never, () => 1),
    {
      name: 'TypeError',
      message: /takes an iterable: current value is 5$/,
    },
  );
  await assert.rejects(map([1], undefined as never), TypeError);
  await assert.rejects(
    forEach(undefined as never, () => 1),
    TypeError,
  );
  await assert.rejects(forEach([1], 'x' as never), TypeError);
  await assert.rejects(
    map([1], () => 1, { concurrency: -1 }),
    RangeError,
  );
});
