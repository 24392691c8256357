import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TaskCancelledError,
  checkpoint,
  cleanup,
  currentScope,
  moveOnAfter,
  sleep,
  sleepForever,
  stream,
  suppressedErrors,
  withScope,
} from '../../src/index.ts';
import { failureOf, untilCut, virtually } from '../core/virtually.ts';
import { Counting, OPERATORS, slow, stalling } from './every-operator.ts';

test(
  'Stream.map: { concurrency } gives the results in the order of the items',
  virtually(async (clock) => {
    const times = stream([30, 10, 20]).map((ms) => sleep(ms).then(() => ms), { concurrency: 3 });
    assert.deepEqual(await times.toArray(), [30, 10, 20]);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'Stream.map: { ordered: false } gives them in the order of completion',
  virtually(async () => {
    const options = { concurrency: 3, ordered: false };
    const times = stream([30, 10, 20]).map((ms) => sleep(ms).then(() => ms), options);
    assert.deepEqual(await times.toArray(), [10, 20, 30]);
  }),
);

for (const ordered of [true, false]) {
  test(
    `Stream.map: never more than concurrency at a time, and as many as long as there are items (ordered: ${ordered})`,
    virtually(async (clock) => {
      let running = 0;
      const counts: number[] = [];
      await stream(new Counting(20))
        .map(
          async (n) => {
            counts.push(++running);
            await sleep(10 + (n % 3));
            running--;
          },
          { concurrency: 4, ordered },
        )
        .toArray();
      assert.equal(Math.max(...counts), 4);
      assert.ok(clock.now() < 60, `${clock.now()}`);
    }),
  );

  test(
    `Stream.map: while nobody takes the results as many wait as run (ordered: ${ordered})`,
    virtually(async () => {
      const source = new Counting();
      const mapped = stream(source).map(async (n) => n, { concurrency: 3, ordered });
      const numbers = mapped[Symbol.asyncIterator]();
      await numbers.next();
      await sleep(100);
      assert.equal(source.read, 1 + 6);
      await numbers.return();
    }),
  );

  test(
    `Stream.map: the first failure is thrown when all others have ended, later ones are attached (ordered: ${ordered})`,
    virtually(async (clock) => {
      const [first, later] = [new Error('first'), new Error('later')];
      const trace: string[] = [];
      const work = [
        () => sleep(5),
        () => sleep(10).then(() => Promise.reject(first)),
        () => sleepForever().catch(() => Promise.reject(later)),
        () => untilCut(() => cleanup(() => sleep(5)).then(() => trace.push(`cut at ${clock.now()}`))),
      ];
      const seen: unknown[] = [];
      const error = await failureOf(
        stream(work)
          .map((fn, index) => fn().then(() => index), { concurrency: 4, ordered })
          .forEach((index) => void seen.push(index)),
      );
      assert.equal(error, first);
      assert.deepEqual(suppressedErrors(error), [later]);
      assert.deepEqual(trace, ['cut at 15']);
      assert.deepEqual(seen, [0]);
    }),
  );
}

// streaming-iterables' parallelMap raises an unhandled rejection here.
test(
  'Stream.map: a later item that fails while an earlier one is pending fails the stream, and nothing else',
  virtually(async (clock) => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const error = await failureOf(
      stream([50, 1, 2])
        .map((ms) => sleep(ms).then(() => (ms < 50 ? Promise.reject(ms) : ms)), { concurrency: 3 })
        .toArray(),
    );
    assert.equal(error, 1);
    assert.equal(clock.now(), 1);
    await new Promise((resolve) => void setImmediate(resolve));
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  }),
);

test(
  'Stream.map: a falsy failure is a failure',
  virtually(async () => {
    for (const error of [undefined, null, 0, '', false]) {
      const failing = stream([1, 2]).map(() => Promise.reject(error), { concurrency: 2 });
      assert.equal(await failureOf(failing.toArray()), error);
    }
  }),
);

test(
  'Stream.map: results that were ready when a failure came are given first',
  virtually(async () => {
    const seen: number[] = [];
    const error = await failureOf(
      stream([1, 2, 3])
        .map((n) => sleep(n).then(() => (n === 3 ? Promise.reject('x') : n)), { concurrency: 3 })
        .forEach((n) => sleep(10).then(() => seen.push(n))),
    );
    assert.equal(error, 'x');
    assert.deepEqual(seen, [1, 2]);
  }),
);

test(
  'Stream.map: leaving early cancels what runs and waits for it, before the source is closed',
  virtually(async (clock) => {
    const trace: string[] = [];
    const source = new Counting(Infinity, undefined, () => trace.push('closed'));
    const work = (n: number): Promise<number> =>
      n === 0 ? sleep(1).then(() => n) : untilCut(() => cleanup(() => sleep(n)).then(() => trace.push(`cut ${n}`)));
    for await (const n of stream(source).map(work, { concurrency: 3 })) {
      trace.push(`got ${n}`);
      break;
    }
    trace.push(`left at ${clock.now()}`);
    assert.deepEqual(
      trace,
      ['got 0', 'cut 1', 'cut 2', 'cut 3', 'closed', 'left at 4'].filter((line) => trace.includes(line)),
    );
    assert.ok(trace.indexOf('closed') > trace.indexOf('cut 2'));
  }),
);

test(
  'Stream.map: each worker has a scope of its own, and the loop body that of the loop',
  virtually(async () => {
    const around = currentScope();
    const scopes = new Set<unknown>();
    const numbers = stream([1, 2, 3]).map(
      async (n, _index, scope) => {
        assert.equal(scope, currentScope());
        scopes.add(scope);
        await sleep(1);
        return n;
      },
      { concurrency: 3 },
    );
    for await (const _ of numbers) assert.equal(currentScope(), around);
    assert.equal(scopes.size, 3);
    assert.equal(scopes.has(around), false);
  }),
);

test(
  'Stream.map: a worker that is cancelled by itself fails the stream: its item has no result',
  virtually(async () => {
    const error = await failureOf(
      stream([1, 2, 3])
        .map(
          async (n, _index, scope) => {
            if (n === 2) scope.cancel();
            await sleep(1);
            return n;
          },
          { concurrency: 2 },
        )
        .toArray(),
    );
    assert.ok(error instanceof TaskCancelledError);
  }),
);

test(
  'Stream.map: a source whose next() calls may not overlap is asked one at a time, whatever the concurrency',
  virtually(async () => {
    let asking = 0;
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => {
        let at = 0;
        return {
          next: async () => {
            assert.equal(++asking, 1);
            await sleep(1);
            asking--;
            return at < 10 ? { done: false, value: at++ } : { done: true, value: undefined };
          },
        };
      },
    };
    const numbers = await stream(source)
      .map((n) => sleep(10 - n).then(() => n), { concurrency: 5 })
      .toArray();
    assert.deepEqual(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }),
);

test(
  'Stream.filter: { concurrency } keeps the order, and what is dropped keeps no place',
  virtually(async (clock) => {
    const source = new Counting(100);
    const kept = await stream(source)
      .filter((n) => sleep(10).then(() => n % 50 === 0), { concurrency: 10 })
      .toArray();
    assert.deepEqual(kept, [0, 50]);
    assert.equal(clock.now(), 100);
  }),
);

test(
  'Stream.filter: what is dropped behind one that waits to be taken is not given',
  virtually(async () => {
    const kept = stream([5, 1, 2, 3, 4]).filter((n) => sleep(n).then(() => n > 3), { concurrency: 5 });
    const seen: number[] = [];
    for await (const n of kept) await sleep(10).then(() => seen.push(n));
    assert.deepEqual(seen, [5, 4]);
  }),
);

// One that was on its way to wait for its turn when the others were sent home was never woken.
test(
  'Stream.map: left at any moment, all workers go',
  virtually(async () => {
    const lately = (n: number): Promise<void> =>
      n % 3 === 0 ? sleep(n % 5) : n % 3 === 1 ? checkpoint() : Promise.resolve();
    const source = async function* (): AsyncGenerator<number> {
      for (let n = 0; n < 40; n++) yield lately(n).then(() => n);
    };
    for (const concurrency of [2, 3, 5]) {
      for (let after = 0; after < 30; after++) {
        const numbers = stream(source).filter((n) => lately(n).then(() => n % 2 === 0), { concurrency });
        let seen = 0;
        for await (const _ of numbers) if (seen++ === after) break;
      }
    }
  }),
);

test(
  'Stream.flatMap: { concurrency } reads so many at a time, as they come',
  virtually(async (clock) => {
    let open = 0;
    const trace: string[] = [];
    const inner = (n: number) =>
      stream<string>(async (emit) => {
        open++;
        for (const part of ['a', 'b']) {
          await sleep(10);
          await emit(`${n}${part} of ${open} at ${clock.now()}`);
        }
        open--;
      });
    for await (const text of stream([1, 2, 3]).flatMap(inner, { concurrency: 2 })) trace.push(text);
    assert.deepEqual(trace, [
      '1a of 2 at 10',
      '2a of 2 at 10',
      '1b of 2 at 20',
      '2b of 2 at 20',
      '3a of 1 at 30',
      '3b of 1 at 40',
    ]);
  }),
);

test(
  'Stream.flatMap: an error in one closes all, inner and outer, before it is thrown',
  virtually(async () => {
    for (const concurrency of [1, 3]) {
      const outer = new Counting();
      const inners: Counting[] = [];
      const failing = stream(outer).flatMap(
        (n) => {
          const inner = new Counting(n === 0 ? 2 : Infinity, { error: 'x' });
          inners.push(inner);
          return inner;
        },
        { concurrency },
      );
      assert.equal(await failureOf(failing.toArray()), 'x');
      assert.equal(outer.returned, 1);
      assert.deepEqual(
        inners.map((inner) => inner.returned),
        [0, ...inners.slice(1).map(() => 1)],
      );
    }
  }),
);

test(
  'Stream.buffer: reads ahead while the consumer is busy, up to its size',
  virtually(async (clock) => {
    const numbers = stream(new Counting(4))
      .tap(() => sleep(10))
      .buffer(2);
    for await (const _ of numbers) await sleep(10);
    assert.equal(clock.now(), 50);
  }),
);

test(
  'Stream.buffer: drops the oldest or the newest when there is no room',
  virtually(async () => {
    const burst = stream<number>(async (emit) => {
      for (let n = 1; n <= 6; n++) await emit(n);
      await sleep(10);
    });
    const late = async (overflow: 'drop-oldest' | 'drop-newest'): Promise<number[]> => {
      const seen: number[] = [];
      for await (const n of burst.buffer(2, overflow)) {
        seen.push(n);
        await sleep(5);
      }
      return seen;
    };
    assert.deepEqual(await late('drop-newest'), [1, 2, 3]);
    assert.deepEqual(await late('drop-oldest'), [1, 5, 6]);
  }),
);

test(
  'Stream: cancelled while results wait, nothing of the stream is left',
  virtually(async () => {
    const source = new Counting();
    await withScope(async (scope) => {
      const numbers = stream(source).map(async (n) => n, { concurrency: 2 });
      for await (const _ of numbers) {
        await sleep(1);
        scope.cancel();
      }
    });
    assert.equal(source.returned, 1);
  }),
);

for (const { name, apply } of OPERATORS) {
  test(
    `stream, ${name}: after a step that took too long, time goes on for what cleans up`,
    virtually(async (clock) => {
      const steps = apply(stream(() => stalling([], 0)))[Symbol.asyncIterator]();
      assert.equal((await moveOnAfter(10, () => steps.next())).timedOut, true);
      assert.ok(clock.now() < 100);
    }),
  );

  test(
    `stream, ${name}: after a failure before it, time goes on for what cleans up`,
    virtually(async (clock) => {
      const failing = stream<number>(async () => {
        await sleep(5);
        throw new Error('failing');
      });
      const cleaning = stream(() => slow([], 1_000));
      const error = await failureOf(apply(failing.merge(cleaning)).toArray());
      assert.equal((error as Error).message, 'failing');
      assert.ok(clock.now() < 1_000);
    }),
  );
}
