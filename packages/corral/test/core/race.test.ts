import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TaskCancelledError,
  TaskGroupError,
  any,
  checkpoint,
  cleanup,
  currentScope,
  currentTask,
  isCancelled,
  race,
  sleep,
  sleepForever,
  suppressedErrors,
  withScope,
} from '../../src/index.ts';
import { installReporter } from '../../src/internal/report.ts';
import { failureOf, untilCut, virtually } from './virtually.ts';

for (const compete of [race, any]) {
  const name = compete.name;

  // asyncio test_staggered.py::StaggeredTests::test_one_successful
  test(
    `${name}: returns the first value; the losers are cancelled and awaited before`,
    virtually(async (clock) => {
      const trace: string[] = [];
      const value = await compete([
        () => sleep(10).then(() => 'winner'),
        () => untilCut(() => cleanup(() => sleep(5)).then(() => trace.push('loser ended'))),
      ]);
      trace.push('returned');
      assert.equal(value, 'winner');
      assert.deepEqual(trace, ['loser ended', 'returned']);
      assert.equal(clock.now(), 15);
      assert.equal(currentScope()?.cancelled, false);
      await checkpoint();
    }),
  );

  // asyncio test_staggered.py::StaggeredTests::test_multiple_winners
  test(
    `${name}: of two that end in one tick the first wins and the other value is dropped`,
    virtually(async () => {
      const trace: string[] = [];
      const value = await compete(
        ['a', 'b'].map((letter) => async () => {
          await sleep(10);
          trace.push(letter);
          return letter;
        }),
      );
      assert.equal(value, 'a');
      assert.deepEqual(trace, ['a', 'b']);
    }),
  );

  test(
    `${name}: a function that answers at once keeps those behind it from starting`,
    virtually(async () => {
      assert.equal(await compete([() => 1, () => sleep(1).then(() => 2)]), 1);
    }),
  );

  test(
    `${name}: undefined is a value that wins`,
    virtually(async () => {
      assert.equal(await compete([async () => undefined, () => sleepForever()]), undefined);
    }),
  );

  test(
    `${name}: a loser that swallows its cancellation and returns does not win`,
    virtually(async () => {
      const value = await compete([() => sleepForever().catch(() => 'loser'), () => sleep(1).then(() => 'winner')]);
      assert.equal(value, 'winner');
    }),
  );

  test(
    `${name}: a loser that fails while it is cancelled is reported, the winner stands`,
    virtually(async () => {
      const failure = new Error('while closing');
      const reports: unknown[] = [];
      const before = installReporter((error, where) => void reports.push(error, where));
      try {
        const value = await compete([
          () => sleep(1).then(() => 'winner'),
          function sore() {
            return sleepForever().catch(() => Promise.reject(failure));
          },
        ]);
        assert.equal(value, 'winner');
      } finally {
        installReporter(before);
      }
      assert.equal(reports[0], failure);
      assert.equal(reports[1], `sore lost a ${name} and failed while it was cancelled`);
    }),
  );

  // asyncio test_staggered.py::StaggeredTests::test_cancelled
  test(
    `${name}: cancelled from outside, all are cancelled and awaited, and the cancellation is thrown plain`,
    virtually(async () => {
      const trace: string[] = [];
      await withScope(async (scope) => {
        const wait = (letter: string) => (): Promise<void> => sleepForever().finally(() => trace.push(letter));
        const competition = compete([wait('a'), wait('b')]);
        await sleep(1).then(() => scope.cancel('first'));
        scope.cancel('second');
        assert.equal(await failureOf(competition), scope.reason);
        assert.equal(scope.reason?.cause.reason, 'first');
      });
      assert.deepEqual(trace.sort(), ['a', 'b']);
    }),
  );

  test(
    `${name}: cancelled from outside in the tick in which one wins, the value arrives`,
    virtually(async () => {
      await withScope(async (scope) => {
        const value = await compete([
          async () => {
            await sleep(10);
            scope.cancel();
            return 'winner';
          },
          () => sleepForever(),
        ]);
        assert.equal(value, 'winner');
        assert.ok(isCancelled(await failureOf(sleep(0))));
      });
    }),
  );

  test(
    `${name}: when each was cancelled by itself, that is told by a TaskCancelledError`,
    virtually(async () => {
      const giveUp = async (): Promise<void> => {
        currentTask()?.cancel();
        await sleep(1);
      };
      assert.ok((await failureOf(compete([giveUp, giveUp]))) instanceof TaskCancelledError);
    }),
  );

  // asyncio test_staggered.py::StaggeredTests::test_empty deviates: an error.
  test(`${name}: refuses an empty list and what is not a function before anything starts`, async () => {
    const never = (): never => assert.fail('called');
    await assert.rejects(compete([]), {
      name: 'RangeError',
      message: /as it takes at least one function: current value is \[\]$/,
    });
    await assert.rejects(compete([never, Promise.resolve() as never]), TypeError);
    await assert.rejects(compete([never], { staggerMs: Number.NaN }), RangeError);
    await assert.rejects(compete([never], { concurrency: 0 }), RangeError);
  });

  test(
    `{ signal }: ${name} cancels all and throws the very reason of the signal`,
    virtually(async () => {
      const controller = new AbortController();
      const competition = compete([() => sleepForever()], { signal: controller.signal });
      await sleep(1).then(() => controller.abort('user left'));
      assert.equal(await failureOf(competition), 'user left');
    }),
  );
}

test(
  'race: settles like the first that settles, also when that is a failure',
  virtually(async (clock) => {
    const failure = new Error('first');
    const trace: string[] = [];
    const error = await failureOf(
      race([
        () => sleep(10).then(() => Promise.reject(failure)),
        () => sleep(50).finally(() => trace.push('loser cut')),
      ]),
    );
    assert.equal(error, failure);
    assert.deepEqual(trace, ['loser cut']);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'race: after a failure a loser that returns a value does not win, and one that fails is attached',
  virtually(async () => {
    const [first, later] = [new Error('first'), new Error('later')];
    const error = await failureOf(
      race([
        () => sleep(10).then(() => Promise.reject(first)),
        () => sleepForever().catch(() => 'value'),
        () => sleepForever().catch(() => Promise.reject(later)),
      ]),
    );
    assert.equal(error, first);
    assert.deepEqual(suppressedErrors(error), [later]);
  }),
);

// asyncio test_staggered.py::StaggeredTests::test_first_error_second_successful
test(
  'any: returns the first success, failures before it do not count',
  virtually(async (clock) => {
    const value = await any([
      () => sleep(1).then(() => Promise.reject(new Error('a'))),
      () => Promise.reject(new Error('b')),
      () => sleep(10).then(() => 'success'),
      () => sleep(50).then(() => 'too late'),
    ]);
    assert.equal(value, 'success');
    assert.equal(clock.now(), 10);
  }),
);

// asyncio test_staggered.py::StaggeredTests::test_none_successful deviates: thrown, not returned.
test(
  'any: when all fail the first failure in time is thrown, the others are attached',
  virtually(async () => {
    const [a, b, c] = [new Error('a'), new Error('b'), new Error('c')];
    const fns = [
      () => sleep(20).then(() => Promise.reject(a)),
      () => sleep(10).then(() => Promise.reject(b)),
      () => sleep(30).then(() => Promise.reject(c)),
    ];
    const error = await failureOf(any(fns));
    assert.equal(error, b);
    assert.deepEqual(suppressedErrors(error), [a, c]);
    const aggregate = await failureOf(any(fns, { errors: 'aggregate' }));
    assert.ok(aggregate instanceof TaskGroupError);
    assert.deepEqual(aggregate.errors, [b, a, c]);
  }),
);

test(
  'any: cancelled from outside after some have failed, the cancellation is thrown',
  virtually(async () => {
    await withScope(async (scope) => {
      const competition = any([() => Promise.reject(new Error('early')), () => sleepForever()]);
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(competition), scope.reason);
    });
  }),
);
