import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ScopeClosedError,
  checkpoint,
  currentScope,
  isCancelled,
  now,
  sleep,
  sleepForever,
  sleepUntil,
  taskGroup,
  timeout,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

// asyncio test_tasks.py::test_sleep
test(
  'sleep: waits so many milliseconds, and sleepers wake in the order of their times',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup((group) => {
      for (const ms of [30, 10, 20, 10]) group.spawn(() => sleep(ms).then(() => trace.push(`${ms} at ${clock.now()}`)));
    });
    assert.deepEqual(trace, ['10 at 10', '10 at 10', '20 at 20', '30 at 30']);
  }),
);

// asyncio test_tasks.py::test_sleep_when_delay_is_nan
test('sleep: NaN and what is no number is a RangeError', async () => {
  await assert.rejects(sleep(Number.NaN), {
    name: 'RangeError',
    message: /sleep.* takes a number of milliseconds: current value is NaN$/,
  });
  await assert.rejects(sleep('5' as never), RangeError);
  await assert.rejects(sleepUntil(Number.NaN), RangeError);
  await assert.rejects(sleepUntil('soon' as never), RangeError);
});

test(
  'sleep: zero and less is a checkpoint that takes no time',
  virtually(async (clock) => {
    for (const ms of [0, -0, -5, -Infinity]) await sleep(ms);
    assert.equal(clock.now(), 0);
  }),
);

test(
  'sleep: zero gives others a turn, a timer and a microtask',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(() => void trace.push('task'));
      void Promise.resolve().then(() => trace.push('microtask'));
      await sleep(0);
      trace.push('after');
    });
    assert.equal(trace.length, 3);
    assert.equal(trace[2], 'after');
  }),
);

test(
  'sleep: longer than setTimeout can count it does not fire at once',
  virtually(async (clock) => {
    const days = 100 * 24 * 3_600_000;
    assert.ok(days > 2 ** 31);
    await sleep(days);
    assert.equal(clock.now(), days);
  }),
);

test('sleep: longer than setTimeout can count it does not fire at once on the real clock', async () => {
  const result = await timeout(5, () => sleep(2 ** 31)).catch((error: unknown) => (error as Error).name);
  assert.equal(result, 'TimeoutError');
});

// asyncio test_tasks.py::test_sleep_cancel, test_task_cancel_sleeping_task
test(
  'sleep: cancelled it rejects at once and leaves no timer',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleep(10_000));
      await sleep(10);
      task.cancel();
      assert.equal((await task.settled).status, 'cancelled');
    });
    assert.equal(clock.now(), 10);
  }),
);

test(
  'sleep: in a cancelled scope it throws before it waits',
  virtually(async (clock) => {
    await withScope(async (scope) => {
      scope.cancel();
      for (const wait of [sleep(10), sleep(0), sleepUntil(10), sleepUntil(-10), sleepForever(), checkpoint()]) {
        assert.equal(await failureOf(wait), scope.reason);
      }
    });
    assert.equal(clock.now(), 0);
  }),
);

test(
  'sleep: one that nobody awaits ends with its scope, quietly',
  virtually(async (clock) => {
    let forgotten: Promise<void> | undefined;
    await withScope(() => {
      forgotten = sleep(10_000);
    });
    assert.ok((await failureOf(forgotten as Promise<void>)) instanceof ScopeClosedError);
    assert.equal(clock.now(), 0);
  }),
);

test(
  'sleep: in a scope that has ended it rejects with ScopeClosedError that names it',
  virtually(async () => {
    let ended: Scope | undefined;
    await withScope((scope) => void (ended = scope), { name: 'early' });
    const error = await failureOf((ended as Scope).sleep(1));
    assert.ok(error instanceof ScopeClosedError);
    assert.match(error.message, /^Cannot wait for sleep in scope early as it has ended: .* detach/);
    assert.ok((await failureOf(sleep(1, { scope: ended }))) instanceof ScopeClosedError);
  }),
);

test(
  'sleep: takes its scope by hand',
  virtually(async () => {
    await withScope(async (outer) => {
      await withScope(async () => {
        const wait = sleep(1_000, { scope: outer });
        outer.cancel();
        assert.equal(await failureOf(wait), outer.reason);
      }).catch(() => {});
    });
    await assert.rejects(sleep(1, { scope: 5 as never }), TypeError);
  }),
);

test('sleep: works outside every scope, and does not wake early', async () => {
  assert.equal(currentScope(), undefined);
  const begun = now();
  await sleep(5);
  assert.ok(now() >= begun + 5);
  await sleepUntil(now() + 2);
  await checkpoint();
});

test(
  'sleepUntil: waits until a number or a Date; the past is over at once',
  virtually(async (clock) => {
    await sleepUntil(100);
    assert.equal(clock.now(), 100);
    await sleepUntil(new Date(250));
    assert.equal(clock.now(), 250);
    await sleepUntil(10);
    await sleepUntil(new Date(10));
    assert.equal(clock.now(), 250);
  }),
);

test(
  'sleepForever: ends by cancellation only',
  virtually(async (clock) => {
    const error = await failureOf(timeout(3_600_000, () => sleepForever()));
    assert.equal((error as Error).name, 'TimeoutError');
    assert.equal(clock.now(), 3_600_000);
  }),
);

test(
  'checkpoint: gives the event loop a turn and throws when cancelled',
  virtually(async () => {
    const trace: string[] = [];
    const turn = new Promise<void>((resolve) => {
      setTimeout(() => {
        trace.push('timer');
        resolve();
      }, 0);
    });
    for (let n = 0; n < 1_000 && trace.length === 0; n++) await checkpoint();
    assert.deepEqual(trace, ['timer']);
    await turn;
    await withScope(async (scope) => {
      scope.cancel();
      assert.ok(isCancelled(await failureOf(checkpoint())));
      assert.ok(isCancelled(await failureOf(scope.checkpoint())));
    });
  }),
);

test(
  'checkpoint: cancelled during its turn it throws',
  virtually(async () => {
    await withScope(async (scope) => {
      const wait = checkpoint();
      scope.cancel();
      assert.equal(await failureOf(wait), scope.reason);
    });
  }),
);

test('checkpoint: a task that never waits for anything else does not starve timers', async () => {
  let fired = false;
  setTimeout(() => (fired = true), 1);
  await taskGroup(async (group) => {
    const ready = (): number => 1;
    while (!fired) await group.spawn(ready).join();
  });
  assert.equal(fired, true);
});
