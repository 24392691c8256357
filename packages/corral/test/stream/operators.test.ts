import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Event,
  channel,
  checkpoint,
  currentScope,
  events,
  isCancelled,
  moveOnAfter,
  sleep,
  sleepForever,
  stream,
  taskGroup,
  timeout,
  toNodeStream,
  toWebStream,
  withScope,
  type Scope,
  type Stream,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { unhandledOf } from '../internal/observe.ts';
import { Counting, slow } from './every-operator.ts';

const up = (to: number): number[] => Array.from({ length: to }, (_, n) => n);

test(
  'stream: reads arrays, sets, strings, generators, async iterables and other streams',
  virtually(async () => {
    assert.deepEqual(await stream([1, 2]).toArray(), [1, 2]);
    assert.deepEqual(await stream(new Set('ab')).toArray(), ['a', 'b']);
    assert.deepEqual(await stream('ab').toArray(), ['a', 'b']);
    assert.deepEqual(await stream(new Counting(3)).toArray(), [0, 1, 2]);
    assert.deepEqual(await stream(stream([1]).map((n) => n + 1)).toArray(), [2]);
    assert.deepEqual(await stream(slow([], 2)).toArray(), [0, 1]);
    assert.deepEqual(await stream([]).toArray(), []);
  }),
);

test(
  'stream: promises in a sync source are awaited in order; undefined and null are values',
  virtually(async () => {
    const later = sleep(5).then(() => 'later');
    assert.deepEqual(await stream([later, 'now', undefined, null]).toArray(), ['later', 'now', undefined, null]);
  }),
);

test(
  'stream: a generator function is called for each reading',
  virtually(async () => {
    let calls = 0;
    const numbers = stream(function* () {
      calls++;
      yield* [1, 2];
    });
    assert.deepEqual([...(await numbers.toArray()), ...(await numbers.toArray())], [1, 2, 1, 2]);
    assert.equal(calls, 2);
  }),
);

test('stream: what cannot be read is refused at once', () => {
  for (const wrong of [undefined, null, 1, {}, Promise.resolve([])]) {
    assert.throws(() => stream(wrong as never), TypeError);
    assert.throws(() => stream([]).merge(wrong as never), TypeError);
    assert.throws(() => stream([]).concat(wrong as never), TypeError);
    assert.throws(() => stream([]).zip(wrong as never), TypeError);
  }
  assert.throws(() => stream([], { capacity: -1 }), /^RangeError: Cannot make a stream as it takes an integer/);
});

test('stream: bad arguments of operators are refused at once', async () => {
  const numbers = stream([1]);
  for (const name of ['map', 'filter', 'flatMap', 'tap', 'takeWhile', 'skipWhile', 'scan', 'catch'] as const) {
    assert.throws(() => (numbers[name] as (fn: unknown) => unknown)(5), TypeError, name);
  }
  for (const wrong of [Number.NaN, -1, 1.5, '2']) {
    for (const name of ['take', 'skip', 'batch', 'buffer'] as const) {
      assert.throws(() => numbers[name](wrong as number), RangeError, name);
    }
    assert.throws(() => numbers.map((n) => n, { concurrency: wrong as number }), RangeError);
  }
  assert.throws(() => numbers.buffer(0), RangeError);
  assert.throws(() => numbers.buffer(1, 'drop' as never), TypeError);
  assert.throws(() => numbers.map((n) => n, { ordered: 'no' as never }), TypeError);
  for (const name of ['timeout', 'debounce'] as const) assert.throws(() => numbers[name](Number.NaN), RangeError);
  assert.throws(() => numbers.throttle({ limit: 0 }), RangeError);
  assert.throws(() => numbers.retry({ attempts: 0 }), RangeError);
  for (const name of ['forEach', 'some', 'every', 'find', 'reduce'] as const) {
    await assert.rejects((numbers[name] as (fn: unknown) => Promise<unknown>)(5), TypeError, name);
  }
});

test(
  'stream: stages are called with item, index and the scope in which it is read',
  virtually(async () => {
    const seen: unknown[] = [];
    const around = currentScope();
    await stream(['a', 'b'])
      .map((item, index, scope) => seen.push(item, index, scope === around))
      .toArray();
    assert.deepEqual(seen, ['a', 0, true, 'b', 1, true]);
  }),
);

test(
  'stream: each stage gives what its name says',
  virtually(async () => {
    const ten = stream(up(10));
    assert.deepEqual(
      await ten
        .map((n) => n * 2)
        .take(3)
        .toArray(),
      [0, 2, 4],
    );
    assert.deepEqual(await ten.filter((n) => n % 4 === 0).toArray(), [0, 4, 8]);
    assert.deepEqual(await ten.filter(async (n) => n > 7).toArray(), [8, 9]);
    assert.deepEqual(await ten.skip(7).toArray(), [7, 8, 9]);
    assert.deepEqual(await ten.takeWhile((n) => n < 2).toArray(), [0, 1]);
    assert.deepEqual(await ten.takeWhile(async (n) => n < 2).toArray(), [0, 1]);
    assert.deepEqual(await ten.skipWhile((n) => n !== 8).toArray(), [8, 9]);
    assert.deepEqual(await ten.skipWhile(async (n) => n !== 8).toArray(), [8, 9]);
    assert.deepEqual(
      await ten
        .take(4)
        .scan((sum, n) => sum + n, 0)
        .toArray(),
      [0, 1, 3, 6],
    );
    assert.deepEqual(
      await ten
        .take(3)
        .scan(async (sum, n) => sum + n, 10)
        .toArray(),
      [10, 11, 13],
    );
    assert.deepEqual(await stream([1, 1, 2, 1]).distinct().toArray(), [1, 2]);
    assert.deepEqual(await ten.distinct((n) => n % 3).toArray(), [0, 1, 2]);
    assert.deepEqual(await ten.distinct(async (n) => n % 2).toArray(), [0, 1]);
    assert.deepEqual(await ten.take(3).pairwise().toArray(), [
      [0, 1],
      [1, 2],
    ]);
    assert.deepEqual(await ten.take(1).pairwise().toArray(), []);
    assert.deepEqual(
      await ten
        .take(3)
        .flatMap((n) => up(n))
        .toArray(),
      [0, 0, 1],
    );
    assert.deepEqual(
      await ten
        .take(3)
        .flatMap(async (n) => stream(up(n)))
        .toArray(),
      [0, 0, 1],
    );
    assert.deepEqual(await ten.batch(4).toArray(), [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    assert.deepEqual(
      await stream([1])
        .concat([2], stream([3]))
        .toArray(),
      [1, 2, 3],
    );
    assert.deepEqual(await stream([1, 2, 3]).zip('ab', ten).toArray(), [
      [1, 'a', 0],
      [2, 'b', 1],
    ]);
    assert.deepEqual(
      (await stream([1, 2]).merge([3, 4]).toArray()).sort((a, b) => a - b),
      [1, 2, 3, 4],
    );
    assert.deepEqual(await ten.take(0).toArray(), []);
  }),
);

test(
  'stream: the terminals give what their names say, and stop reading when they know',
  virtually(async () => {
    const source = new Counting();
    const numbers = stream(source);
    assert.equal(await numbers.first(), 0);
    assert.equal(await numbers.find((n) => n > 2), 3);
    assert.equal(await numbers.find(async (n) => n > 2), 3);
    assert.equal(await numbers.some((n) => n === 1), true);
    assert.equal(await numbers.every((n) => n < 1), false);
    assert.equal(source.read, 1 + 4 + 4 + 2 + 2);
    assert.equal(source.returned, 5);
    const few = stream([1, 2, 3]);
    assert.equal(await few.last(), 3);
    assert.equal(await few.count(), 3);
    assert.equal(await few.reduce((sum, n) => sum + n, 0), 6);
    assert.equal(await few.reduce(async (sum, n, index) => sum + n * index, 0), 8);
    assert.equal(await few.some((n) => n > 3), false);
    assert.equal(await few.every(async (n) => n > 0), true);
    assert.equal(await few.find((n) => n > 3), undefined);
    const none = stream<number>([]);
    assert.deepEqual([await none.first(), await none.last(), await none.count()], [undefined, undefined, 0]);
    assert.deepEqual([await none.some(() => true), await none.every(() => false)], [false, true]);
  }),
);

test(
  'Stream.tap: waits for its function, and forEach for its own, one after the other',
  virtually(async (clock) => {
    const trace: string[] = [];
    await stream([1, 2])
      .tap((n) => sleep(10).then(() => trace.push(`tap ${n} at ${clock.now()}`)))
      .forEach((n) => sleep(10).then(() => trace.push(`each ${n} at ${clock.now()}`)));
    assert.deepEqual(trace, ['tap 1 at 10', 'each 1 at 20', 'tap 2 at 30', 'each 2 at 40']);
  }),
);

test(
  'Stream.take: does not ask for what comes after the last, and closes',
  virtually(async () => {
    const source = new Counting();
    assert.deepEqual(await stream(source).take(2).toArray(), [0, 1]);
    assert.deepEqual([source.read, source.returned], [2, 1]);
    assert.deepEqual(await stream(source).take(0).toArray(), []);
    assert.deepEqual([source.read, source.returned], [2, 1]);
  }),
);

test(
  'Stream.take: behind a filter that drops the last one it ends all the same',
  virtually(async () => {
    const source = new Counting();
    assert.deepEqual(
      await stream(source)
        .take(3)
        .filter((n) => n < 2)
        .toArray(),
      [0, 1],
    );
    assert.deepEqual(
      await stream(source)
        .take(3)
        .filter(async (n) => n < 2)
        .toArray(),
      [0, 1],
    );
    assert.equal(source.read, 6);
  }),
);

test(
  'Stream: an error of a stage closes the source and is thrown as it is',
  virtually(async () => {
    for (const error of [new Error('fn'), undefined, null, 0]) {
      for (const fn of [
        () => Promise.reject(error),
        () => {
          throw error;
        },
      ]) {
        for (const name of ['map', 'filter', 'tap', 'takeWhile', 'skipWhile', 'scan', 'distinct', 'flatMap'] as const) {
          const source = new Counting();
          const numbers = stream(source) as unknown as Record<typeof name, (fn: unknown) => Stream<unknown>>;
          assert.equal(await failureOf(numbers[name](fn).toArray()), error, name);
          assert.equal(source.returned, 1, name);
        }
      }
    }
  }),
);

test(
  'Stream.concat: begins the next only when the one before it has ended and is closed',
  virtually(async () => {
    const trace: string[] = [];
    const numbers = stream(() => slow(trace, 1)).concat(stream(() => slow(trace, 1)));
    for await (const n of numbers) trace.push(`got ${n}`);
    assert.deepEqual(trace, ['got 0', 'closed', 'got 0', 'closed']);
  }),
);

test(
  'Stream.merge: gives values as they come, asks for the next only when the last was taken, and ends with the last',
  virtually(async (clock) => {
    const beats = (ms: number, count: number) =>
      stream<string>(async (emit) => {
        for (let n = 1; n <= count; n++) {
          await sleep(ms);
          await emit(`${ms}/${n} at ${clock.now()}`);
        }
      });
    assert.deepEqual(await beats(10, 3).merge(beats(25, 2)).toArray(), [
      '10/1 at 10',
      '10/2 at 20',
      '25/1 at 25',
      '10/3 at 30',
      '25/2 at 50',
    ]);
  }),
);

test(
  'Stream.merge: an error of one closes all of them before it is thrown',
  virtually(async () => {
    const trace: string[] = [];
    const failing = stream<number>(() => sleep(3).then(() => Promise.reject('x')));
    assert.equal(
      await failureOf(
        stream(() => slow(trace))
          .merge(failing)
          .toArray(),
      ),
      'x',
    );
    assert.deepEqual(trace, ['closed']);
  }),
);

test(
  'Stream.zip: ends with the shortest and closes the others',
  virtually(async () => {
    const [one, other] = [new Counting(), new Counting(2)];
    assert.equal(await stream(one).zip(other).count(), 2);
    assert.deepEqual([one.returned, other.returned], [1, 0]);
  }),
);

test(
  'Stream.batch: what came before an error is a batch, then the error is thrown',
  virtually(async () => {
    const seen: unknown[] = [];
    const error = await failureOf(
      stream(new Counting(3, { error: 'x' }))
        .batch(2)
        .forEach((batch) => seen.push(batch)),
    );
    assert.equal(error, 'x');
    assert.deepEqual(seen, [[0, 1], [2]]);
  }),
);

test(
  'Stream.in: is read in the scope that was given',
  virtually(async () => {
    await withScope(async (inner) => {
      const scopes = await stream([1])
        .map((_n, _index, scope) => scope)
        .in(inner)
        .toArray();
      assert.deepEqual(scopes, [inner]);
      const given = await stream([1], { scope: inner })
        .map((_n, _index, scope) => scope)
        .first();
      assert.equal(given, inner);
      assert.equal(
        await stream([1])
          .map((_n, _index, scope) => scope)
          .first({ scope: inner }),
        inner,
      );
    });
  }),
);

test(
  'Stream: asked by hand its calls are served one after the other, and return() ends it',
  virtually(async () => {
    const trace: string[] = [];
    const numbers = stream(() => slow(trace))[Symbol.asyncIterator]();
    const results = await Promise.all([numbers.next(), numbers.next(), numbers.return(), numbers.next()]);
    assert.deepEqual(
      results.map(({ done, value }) => (done ? 'done' : value)),
      [0, 1, 'done', 'done'],
    );
    assert.deepEqual(trace, ['closed']);
    assert.deepEqual(await numbers.return(), { done: true, value: undefined });
    const thrown = stream(() => slow(trace))[Symbol.asyncIterator]();
    await thrown.next();
    assert.equal(await failureOf(thrown.throw('x')), 'x');
    assert.equal((await thrown.next()).done, true);
    await using disposed = stream(() => slow(trace))[Symbol.asyncIterator]();
    await disposed.next();
  }),
);

test(
  'Stream: one that is dropped half-way with tasks behind it ends with the scope around it',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async () => {
      const numbers = stream<number>(async (emit) => {
        try {
          for (let n = 0; ; n++) await emit(n);
        } finally {
          trace.push('cut');
        }
      })[Symbol.asyncIterator]();
      assert.equal((await numbers.next()).value, 0);
    });
    assert.deepEqual(trace, ['cut']);
  }),
);

test(
  'Stream: a source that does not close is given ten seconds, and reported',
  virtually(async (clock) => {
    const source = new Counting(Infinity, undefined, () => new Promise(() => {}));
    const reports: unknown[] = [];
    const { error } = console;
    console.error = (...values) => void reports.push(values);
    try {
      assert.equal(await stream(source).first(), 0);
    } finally {
      console.error = error;
    }
    assert.equal(clock.now(), 10_000);
    assert.equal(reports.length, 1);
  }),
);

test(
  'Stream: a generator that waits for ever for something foreign is given ten seconds, and reported',
  virtually(async (clock) => {
    const reports: unknown[] = [];
    const { error } = console;
    console.error = (...values) => void reports.push(values);
    try {
      const deaf = stream(async function* () {
        yield 1;
        yield await new Promise<number>(() => {});
      });
      await withScope(async (scope) => {
        setTimeout(() => scope.cancel(), 5);
        assert.equal(await failureOf(deaf.toArray()), scope.reason);
      });
    } finally {
      console.error = error;
    }
    assert.equal(clock.now(), 10_000);
    assert.equal(reports.length, 1);
  }),
);

test(
  'Stream: an error that a source throws for its cancellation wins over the cancellation',
  virtually(async () => {
    for (const concurrency of [1, 2]) {
      const rude = stream(async function* () {
        try {
          yield await sleep(60_000);
        } catch {
          throw new Error('rude');
        }
      });
      const error = await failureOf(
        withScope(async (scope) => {
          const reading = rude.map((n) => n, { concurrency }).toArray();
          reading.catch(() => {});
          await sleep(1).then(() => scope.cancel());
          await reading;
        }),
      );
      assert.equal((error as Error).message, 'rude');
    }
  }),
);

test(
  'Stream.forEach: { concurrency } calls so many at a time',
  virtually(async (clock) => {
    const trace: string[] = [];
    await stream([1, 2, 3, 4]).forEach((n) => sleep(10).then(() => trace.push(`${n} at ${clock.now()}`)), {
      concurrency: 2,
    });
    assert.deepEqual(trace, ['1 at 10', '2 at 10', '3 at 20', '4 at 20']);
    const failing = stream([1, 2]).forEach((n) => sleep(n).then(() => Promise.reject(n)), { concurrency: 2 });
    assert.equal(await failureOf(failing), 1);
  }),
);

test(
  'Stream: a value that was handed over in the instant of the cancellation is not lost',
  virtually(async () => {
    for (const before of [true, false]) {
      const there = new Event();
      const taken: number[] = [];
      const source: AsyncIterable<number> = {
        [Symbol.asyncIterator]: () => ({
          next: async () => {
            await there.wait();
            taken.push(1);
            return { done: false, value: 1 };
          },
        }),
      };
      const seen: number[] = [];
      await withScope(async (scope) => {
        const reading = stream(source)
          .map((n) => n)
          .forEach((n) => void seen.push(n));
        reading.catch(() => {});
        await sleep(1);
        if (before) there.set();
        scope.cancel();
        there.set();
        await reading;
      });
      assert.deepEqual(seen, taken);
      assert.deepEqual(seen, before ? [1] : []);
    }
  }),
);

test(
  'Stream: asked and not awaited it ends with its scope, and nothing is unhandled',
  virtually(async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    const trace: string[] = [];
    const make = [
      () => stream(() => slow(trace)),
      () => stream(() => slow(trace)).map(async (n) => n, { concurrency: 2 }),
      () => stream<number>(() => sleep(60_000)),
    ];
    for (const numbers of make) {
      await withScope(async () => void numbers()[Symbol.asyncIterator]().next());
      await withScope(async (scope) => {
        void numbers()[Symbol.asyncIterator]().next();
        await sleep(1).then(() => scope.cancel());
      });
    }
    await new Promise((resolve) => void setTimeout(resolve, 5));
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  }),
);

test('Stream: a loop over a sync source gives the event loop a turn and sees a cancellation', async () => {
  const forever = stream(function* () {
    for (let n = 0; ; n++) yield n;
  });
  const error = await failureOf(
    timeout(15, async () => {
      for await (const _ of forever);
    }),
  );
  assert.equal((error as Error).name, 'TimeoutError');
});

test(
  'Stream: a hundred thousand values pass without growing the stack, dropped or not',
  virtually(async () => {
    const many = up(100_000);
    assert.equal(
      await stream(many)
        .filter(() => false)
        .count(),
      0,
    );
    assert.equal(
      await stream(many)
        .map(async (n) => n, { concurrency: 10 })
        .count(),
      100_000,
    );
    assert.equal(
      await stream(many.slice(0, 20_000))
        .flatMap(() => [])
        .count(),
      0,
    );
  }),
);

test(
  'flatMap and concat: undefined and null are values',
  virtually(async () => {
    const nothing = [undefined, null];
    assert.deepEqual(
      await stream([nothing, [1], nothing])
        .flatMap((values) => values)
        .toArray(),
      [...nothing, 1, ...nothing],
    );
    assert.deepEqual(await stream(nothing).concat(nothing).toArray(), [...nothing, ...nothing]);
  }),
);

test(
  'stream: steps that are asked for at the same time come one after the other, whenever they are asked for',
  virtually(async () => {
    const steps = stream(() => slow([], 4))[Symbol.asyncIterator]();
    const first = steps.next();
    const second = steps.next();
    const values = [(await first).value];
    const third = steps.next();
    values.push((await second).value, (await third).value, (await steps.next()).value);
    assert.deepEqual(values, [0, 1, 2, 3]);
    assert.equal((await steps.next()).done, true);
  }),
);

test(
  'stream: who waits for a turn behind another can be cancelled alone, and takes nothing',
  virtually(async (clock) => {
    const steps = stream(async function* () {
      for (let n = 0; n < 3; n++) {
        await sleep(100);
        yield n;
      }
    })[Symbol.asyncIterator]();
    const first = steps.next();
    const { timedOut } = await moveOnAfter(10, () => steps.next());
    assert.deepEqual([timedOut, clock.now()], [true, 10]);
    const third = steps.next();
    assert.deepEqual([(await first).value, (await third).value, clock.now()], [0, 1, 200]);
    await steps.return();
  }),
);

test('stream: what is read and not awaited is no unhandled rejection when its scope ends or is cancelled', async () => {
  const endless = stream(() => slow([], 1_000));
  const readings: ((values: Stream<number>) => Promise<unknown>)[] = [
    (values) => values.toArray(),
    (values) => values.forEach(() => {}),
    (values) => values.forEach(() => {}, { concurrency: 2 }),
    (values) => values.reduce(() => 0, 0),
    (values) => values.last(),
    (values) => values.count(),
    (values) => values.some(() => false),
    (values) => values.every(() => true),
    (values) => values.find(() => false),
    (values) => values.skip(5).first(),
    (values) => values.map((n) => n, { concurrency: 2 }).toArray(),
  ];
  const unhandled = await unhandledOf(
    virtually(async () => {
      for (const read of readings) {
        await withScope(async () => {
          void read(endless);
          await sleep(1);
        });
        await withScope(async (scope) => {
          void read(endless);
          await sleep(1);
          scope.cancel();
        });
      }
    }),
  );
  assert.deepEqual(unhandled, []);
});

test('in: what the source waits for belongs to that scope, too, and takes nothing when it was cancelled', async () => {
  const [sender, receiver] = channel<string>(1);
  await taskGroup(async (group) => {
    let other: Scope | undefined;
    group.spawn((scope) => sleepForever({ scope: (other = scope) }), { eager: true });
    group.spawn(() => checkpoint().then(() => other?.cancel()));
    assert.ok(
      isCancelled(
        await failureOf(
          stream(receiver)
            .in(other as never)
            .toArray(),
        ),
      ),
    );
    await sender.send('kept');
    assert.equal(receiver.tryReceive(), 'kept');
  });
});

test(
  'stream: a source whose next() gives no object is refused and closed',
  virtually(async () => {
    for (const nothing of [undefined, Promise.resolve(undefined), Promise.resolve(null)]) {
      let closed = 0;
      const iterator = { next: () => nothing, return: () => ({ done: true, value: ++closed }) };
      const error = await failureOf(stream({ [Symbol.asyncIterator]: () => iterator } as never).toArray());
      assert.match(String(error), /^TypeError: Cannot read a stream as next\(\) of its source gives an object/);
      assert.equal(closed, 1);
    }
  }),
);

test('stream: options that are no object are refused', () => {
  const values = stream([1]);
  const five = 5 as never;
  const calls = [
    () => stream([1], five),
    () => values.map((n) => n, five),
    () => values.filter(() => true, five),
    () => values.flatMap(() => [], five),
    () => values.batch(2, five),
    () => values.throttle(five),
    () => values.retry(five),
    () => events(new EventTarget(), 'x', five),
    () => toWebStream([1] as never),
    () => toNodeStream([1] as never),
  ];
  for (const call of calls)
    assert.throws(call, /^TypeError: Cannot call \w+\(\) as it takes (an object of options|a stream): /);
});
