import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TimeoutError,
  cleanup,
  isCancelled,
  moveOnAfter,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

test(
  'cleanup: a waiting operation in a finally throws while cancelled; inside cleanup it waits',
  virtually(async (clock) => {
    const trace: string[] = [];
    await moveOnAfter(10, async () => {
      try {
        await sleepForever();
      } finally {
        trace.push(`plain: ${isCancelled(await failureOf(sleep(5)))} at ${clock.now()}`);
        await cleanup(() => sleep(5));
        trace.push(`cleanup at ${clock.now()}`);
      }
    });
    assert.deepEqual(trace, ['plain: true at 10', 'cleanup at 15']);
  }),
);

test(
  'cleanup: returns what its body returns, and is no cancellation point',
  virtually(async () => {
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await cleanup(() => 'value'), 'value');
    });
    assert.equal(await cleanup(async (scope) => scope.cancelled), false);
  }),
);

for (const [title, options, bound] of [
  ['10 seconds unless told otherwise', undefined, 10_000],
  ['timeoutMs', { timeoutMs: 250 }, 250],
] as const) {
  test(
    `cleanup: is itself cancelled after ${title}, and throws a TimeoutError`,
    virtually(async (clock) => {
      const failure = await failureOf(
        withScope(async (scope) => {
          scope.cancel();
          await cleanup(() => sleepForever(), options);
        }),
      );
      assert.ok(failure instanceof TimeoutError);
      assert.equal(failure.ms, bound);
      assert.equal(clock.now(), bound);
    }),
  );
}

test(
  'cleanup: Infinity means no bound',
  virtually(async (clock) => {
    await cleanup(() => sleep(1e9), { timeoutMs: Infinity });
    assert.equal(clock.now(), 1e9);
  }),
);

// asyncio test_timeouts.py::test_nested_timeout_in_finally
test(
  'cleanup: a timeout inside it works although one around it has expired',
  virtually(async (clock) => {
    const trace: string[] = [];
    const failure = await failureOf(
      timeout(10, async () => {
        try {
          await sleepForever();
        } finally {
          await cleanup(async () => {
            const inner = await failureOf(timeout(20, () => sleepForever()));
            trace.push(`${(inner as TimeoutError).ms} at ${clock.now()}`);
          });
        }
      }),
    );
    assert.deepEqual(trace, ['20 at 30']);
    assert.equal((failure as TimeoutError).ms, 10);
  }),
);

test(
  'cleanup: its own failure is thrown instead of the cancellation or the TimeoutError',
  virtually(async () => {
    const error = new Error('clean-up failed');
    const failure = await failureOf(
      timeout(10, async () => {
        try {
          await sleepForever();
        } finally {
          await cleanup(() => Promise.reject(error));
        }
      }),
    );
    assert.equal(failure, error);
  }),
);

test(
  'cleanup: inside another is shielded from the bound of that one too',
  virtually(async (clock) => {
    const failure = await failureOf(
      cleanup(() => cleanup(() => sleepForever(), { timeoutMs: 500 }), { timeoutMs: 100 }),
    );
    assert.equal((failure as TimeoutError).ms, 500);
    assert.equal(clock.now(), 500);
  }),
);

test(
  'cleanup: tasks in a group inside it are shielded and bounded too',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      scope.cancel();
      await cleanup(
        () =>
          taskGroup((group) => {
            group.spawn(() => sleep(10).then(() => trace.push(`closed at ${clock.now()}`)));
            group.spawn(() => sleepForever().finally(() => trace.push(`cut off at ${clock.now()}`)));
          }),
        { timeoutMs: 50 },
      ).catch((error: unknown) => trace.push(`${error instanceof TimeoutError}`));
    });
    assert.deepEqual(trace, ['closed at 10', 'cut off at 50', 'true']);
  }),
);

test(
  'cleanup: each task of a failed group cleans up; their failures travel with the first',
  virtually(async () => {
    const [first, second] = [new Error('first'), new Error('second')];
    const failure = await failureOf(
      taskGroup((group) => {
        group.spawn(() => sleep(10).then(() => Promise.reject(first)));
        group.spawn(async () => {
          try {
            await sleepForever();
          } finally {
            await cleanup(() => sleep(5).then(() => Promise.reject(second)));
          }
        });
      }),
    );
    assert.equal(failure, first);
    assert.deepEqual(suppressedErrors(failure), [second]);
  }),
);
