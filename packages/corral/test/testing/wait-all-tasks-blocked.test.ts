import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkpoint, isCancelled, run, sleep, sleepForever, taskGroup, timeout, type Scope } from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, pledge, virtually } from '../core/virtually.ts';

/** Goes on for a while without waiting for time. */
async function busy(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await (turn % 3 ? checkpoint() : Promise.resolve());
}

// trio test_testing.py::test_wait_all_tasks_blocked
test(
  'waitAllTasksBlocked: returns when all others wait',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await busy(20);
        trace.push('busy no more');
        await sleepForever();
      });
      await waitAllTasksBlocked();
      trace.push('all blocked');
      group.cancel();
    });
    assert.deepEqual(trace, ['busy no more', 'all blocked']);
  }),
);

// trio test_testing.py::test_wait_all_tasks_blocked_with_timeouts
test(
  'waitAllTasksBlocked: sleeping counts as blocked, and no time passes',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(() => timeout(100, () => sleep(10)).then(() => trace.push(`woke at ${clock.now()}`)));
      await waitAllTasksBlocked();
      trace.push(`blocked at ${clock.now()}`);
    });
    assert.deepEqual(trace, ['blocked at 0', 'woke at 10']);
  }),
);

test(
  'waitAllTasksBlocked: all that wait for it go on together',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup((group) => {
      for (const name of ['a', 'b', 'c']) {
        group.spawn(async () => {
          await waitAllTasksBlocked();
          trace.push(name);
        });
      }
      group.spawn(() => busy(10).then(() => trace.push('busy')));
    });
    assert.deepEqual(trace, ['busy', 'a', 'b', 'c']);
  }),
);

test(
  'waitAllTasksBlocked: a loop of it sees each step of the others',
  virtually(async () => {
    const steps: number[] = [];
    await taskGroup(async (group) => {
      let step = 0;
      const gates = Array.from({ length: 5 }, () => pledge());
      group.spawn(async () => {
        for (const gate of gates) {
          await gate.promise;
          await busy(5);
          step++;
        }
      });
      for (const gate of gates) {
        gate.resolve();
        await waitAllTasksBlocked();
        steps.push(step);
      }
    });
    assert.deepEqual(steps, [1, 2, 3, 4, 5]);
  }),
);

test(
  'waitAllTasksBlocked: is a cancellation point',
  virtually(async () => {
    await taskGroup(async (group) => {
      let failure: unknown;
      const task = group.spawn(async () => {
        failure = await failureOf(waitAllTasksBlocked());
      });
      group.spawn(() => busy(50));
      await checkpoint();
      task.cancel();
      await task.settled;
      assert.ok(isCancelled(failure));
    });
  }),
);

test('waitAllTasksBlocked: works without a virtual clock too', async () => {
  const trace: string[] = [];
  await run(
    (scope: Scope) =>
      taskGroup(async (group) => {
        group.spawn(async () => {
          await busy(10);
          trace.push('busy no more');
          await sleepForever();
        });
        await waitAllTasksBlocked({ scope });
        trace.push('all blocked');
        group.cancel();
      }),
    { signals: false },
  );
  assert.deepEqual(trace, ['busy no more', 'all blocked']);
});
