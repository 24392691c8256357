import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCancelled, sleep, stream, withScope } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { stalling } from './every-operator.ts';

/** Gives 1, then fails, but for the last run. */
function flaky(failures: number, trace: string[] = []) {
  let run = 0;
  return stream(async function* () {
    run++;
    try {
      yield run;
      if (run <= failures) throw new Error(`run ${run}`);
    } finally {
      trace.push(`closed ${run}`);
    }
  });
}

test(
  'Stream.retry: begins anew when the failed run was closed; what was given comes again',
  virtually(async (clock) => {
    const trace: string[] = [];
    assert.deepEqual(
      await flaky(2, trace)
        .retry({ delayMs: (attempt) => attempt * 10 })
        .toArray(),
      [1, 2, 3],
    );
    assert.deepEqual(trace, ['closed 1', 'closed 2', 'closed 3']);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'Stream.retry: the last failure is thrown; each reading has its attempts',
  virtually(async () => {
    const failing = flaky(Infinity).retry({ attempts: 2 });
    assert.equal(((await failureOf(failing.toArray())) as Error).message, 'run 2');
    assert.equal(((await failureOf(failing.toArray())) as Error).message, 'run 4');
  }),
);

test(
  'Stream.retry: retryIf decides, and what it throws is thrown',
  virtually(async () => {
    const no = flaky(9).retry({ retryIf: async (error) => (error as Error).message !== 'run 2' });
    assert.equal(((await failureOf(no.toArray())) as Error).message, 'run 2');
    const throws = flaky(9).retry({ retryIf: () => Promise.reject('never') });
    assert.equal(await failureOf(throws.toArray()), 'never');
  }),
);

test(
  'Stream.retry: a cancellation is no failure: nothing is begun anew, also while it waits to',
  virtually(async (clock) => {
    let runs = 0;
    const failing = stream(async function* () {
      runs++;
      yield await Promise.reject(new Error('x'));
    }).retry({ attempts: Infinity, delayMs: 100 });
    await withScope(async (scope) => {
      const reading = failureOf(failing.toArray());
      await sleep(250).then(() => scope.cancel());
      assert.equal(isCancelled(await reading), true);
    });
    assert.equal(runs, 3);
    assert.equal(clock.now(), 250);
    await withScope(async (scope) => {
      const trace: string[] = [];
      const reading = failureOf(
        stream(() => stalling(trace, 1))
          .retry()
          .toArray(),
      );
      await sleep(10).then(() => scope.cancel());
      assert.equal(isCancelled(await reading), true);
      assert.deepEqual(trace, ['closed']);
    });
  }),
);

test(
  'Stream.catch: goes on with what the function gives, when the failed one was closed',
  virtually(async () => {
    const trace: string[] = [];
    const numbers = flaky(1, trace).catch((error) => [(error as Error).message]);
    assert.deepEqual(await numbers.toArray(), [1, 'run 1']);
    assert.deepEqual(
      await flaky(1)
        .catch(async () => stream([5]))
        .toArray(),
      [1, 5],
    );
    assert.deepEqual(trace, ['closed 1']);
  }),
);

test(
  'Stream.catch: what it throws, and a second failure, are thrown',
  virtually(async () => {
    assert.equal(
      await failureOf(
        flaky(1)
          .catch(() => Promise.reject('second'))
          .toArray(),
      ),
      'second',
    );
    const again = flaky(1).catch(() => stream([1]).map(() => Promise.reject('again')));
    assert.equal(await failureOf(again.toArray()), 'again');
    assert.ok(
      (await failureOf(
        flaky(1)
          .catch(() => 5 as never)
          .toArray(),
      )) instanceof TypeError,
    );
  }),
);
