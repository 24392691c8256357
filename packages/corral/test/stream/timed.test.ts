import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeoutError, cleanup, sleep, sleepForever, stream, type Stream } from '../../src/index.ts';
import type { VirtualClock } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { Counting } from './every-operator.ts';

/** Numbers from 0 that come at these times. */
function at(...times: number[]): Stream<number> {
  return stream<number>(async (emit) => {
    let now = 0;
    for (const [n, time] of times.entries()) {
      await sleep(time - now);
      now = time;
      await emit(n);
    }
  });
}

/** What comes, and when. */
async function log(clock: VirtualClock, values: AsyncIterable<unknown>): Promise<string[]> {
  const trace: string[] = [];
  for await (const value of values) trace.push(`${String(value)} at ${clock.now()}`);
  return trace;
}

test(
  'Stream.timeout: a value that does not come in time is a TimeoutError, when the source has closed',
  virtually(async (clock) => {
    const trace: string[] = [];
    const numbers = stream(async function* () {
      try {
        yield 1;
        await sleep(9);
        yield 2;
        await sleepForever();
      } finally {
        await cleanup(() => sleep(5));
        trace.push(`closed at ${clock.now()}`);
      }
    });
    const error = await failureOf(numbers.timeout(10).forEach((n) => trace.push(`${n} at ${clock.now()}`)));
    assert.ok(error instanceof TimeoutError);
    assert.equal(error.ms, 10);
    assert.deepEqual(trace, ['1 at 0', '2 at 9', 'closed at 24']);
  }),
);

test(
  'Stream.timeout: the time of the consumer does not count',
  virtually(async () => {
    const seen: number[] = [];
    await at(0, 5, 10)
      .timeout(10)
      .forEach((n) => sleep(100).then(() => seen.push(n)));
    assert.deepEqual(seen, [0, 1, 2]);
  }),
);

test(
  'Stream.timeout: behind it tasks go on from value to value; only what is asked for is timed',
  virtually(async () => {
    const numbers = stream([5, 15, 5]).map((ms) => sleep(ms).then(() => ms), { concurrency: 2 });
    assert.deepEqual(await numbers.timeout(11).toArray(), [5, 15, 5]);
    assert.ok((await failureOf(numbers.timeout(9).toArray())) instanceof TimeoutError);
  }),
);

test(
  'Stream.timeout: after a stage that begins anew the tasks live on as well',
  virtually(async () => {
    let runs = 0;
    const flaky = stream(async function* () {
      yield 1;
      if (++runs < 3) throw new Error('again');
      yield 2;
    });
    const numbers = flaky
      .map(async (n) => n, { concurrency: 2 })
      .retry()
      .timeout(1_000);
    assert.deepEqual(await numbers.toArray(), [1, 1, 1, 2]);
  }),
);

test(
  'Stream.batch: { maxWaitMs } gives what there is, so long after its first value',
  virtually(async (clock) => {
    const batches = at(10, 15, 100, 101, 102, 200).batch(3, { maxWaitMs: 20 });
    assert.deepEqual(await log(clock, batches), ['0,1 at 30', '2,3,4 at 102', '5 at 200']);
  }),
);

test(
  'Stream.batch: { maxWaitMs } reads the next while the consumer is busy, and no more than that',
  virtually(async (clock) => {
    const source = new Counting();
    const trace: string[] = [];
    for await (const batch of stream(source)
      .tap(() => sleep(10))
      .batch(2, { maxWaitMs: 1_000 })) {
      trace.push(`${String(batch)} at ${clock.now()}`);
      if (trace.length === 3) break;
      await sleep(100);
      assert.ok(source.read <= 2 * trace.length + 2);
    }
    assert.deepEqual(trace, ['0,1 at 20', '2,3 at 120', '4,5 at 220']);
  }),
);

test(
  'Stream.batch: { maxWaitMs } that passed while nobody asked gives what there is at once',
  virtually(async (clock) => {
    const trace: string[] = [];
    for await (const batch of at(0, 1, 2, 500).batch(2, { maxWaitMs: 10 })) {
      trace.push(`${String(batch)} at ${clock.now()}`);
      await sleep(100);
    }
    assert.deepEqual(trace, ['0,1 at 1', '2 at 101', '3 at 500']);
  }),
);

test(
  'Stream.batch: { maxWaitMs } gives what came before an error first',
  virtually(async () => {
    const seen: unknown[] = [];
    const failing = stream(new Counting(3, { error: 'x' })).batch(2, { maxWaitMs: 10 });
    assert.equal(await failureOf(failing.forEach((batch) => seen.push(batch))), 'x');
    assert.deepEqual(seen, [[0, 1], [2]]);
  }),
);

test(
  'Stream.throttle: at most so many in any window, however they come',
  virtually(async (clock) => {
    const numbers = stream([0, 1, 2, 3, 4]).throttle({ limit: 2, perMs: 100 });
    assert.deepEqual(await log(clock, numbers), ['0 at 0', '1 at 0', '2 at 100', '3 at 100', '4 at 200']);
  }),
);

test(
  'Stream.throttle: values that come slowly pass at once, and nothing is read before its time',
  virtually(async (clock) => {
    assert.deepEqual(await log(clock, at(0, 30, 200).throttle({ perMs: 50 })), ['0 at 0', '1 at 50', '2 at 200']);
    const source = new Counting();
    await stream(source).throttle({ perMs: 50 }).take(3).toArray();
    assert.equal(source.read, 3);
  }),
);

test(
  'Stream.debounce: gives what nothing has followed for so long, and the last at the end',
  virtually(async (clock) => {
    assert.deepEqual(await log(clock, at(0, 5, 10, 100, 150, 155).debounce(20)), ['2 at 30', '3 at 120', '5 at 155']);
  }),
);

test(
  'Stream.debounce: one that nobody took is replaced by what came after it',
  virtually(async (clock) => {
    const trace: string[] = [];
    for await (const n of at(0, 50, 100, 400).debounce(10)) {
      trace.push(`${n} at ${clock.now()}`);
      await sleep(200);
    }
    assert.deepEqual(trace, ['0 at 10', '2 at 210', '3 at 410']);
  }),
);

test(
  'Stream.debounce: an error of the source is thrown; left early, its timer is gone',
  virtually(async (clock) => {
    assert.equal(
      await failureOf(
        stream(new Counting(3, { error: 'x' }))
          .debounce(1_000)
          .toArray(),
      ),
      'x',
    );
    for await (const _ of at(0, 20, 25, 26).debounce(10)) break;
    assert.equal(clock.now(), 10);
  }),
);
