import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledError,
  cleanup,
  isCancelled,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  type Task,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

// asyncio test_taskgroups.py::test_taskgroup_04
test(
  'taskGroup: a failed task cancels its siblings and the body, and its error is thrown as it is',
  virtually(async (clock) => {
    const failure = new Error('1 / 0');
    const trace: string[] = [];
    const group = taskGroup(async (group) => {
      group.spawn(async () => {
        try {
          await sleepForever();
        } catch (error) {
          trace.push(isCancelled(error) ? 'sibling cancelled' : 'sibling failed');
          throw error;
        }
      });
      group.spawn(async () => {
        await sleep(10);
        throw failure;
      });
      await sleepForever();
      trace.push('code after the wait');
    });
    assert.equal(await failureOf(group), failure);
    assert.deepEqual(suppressedErrors(failure), []);
    assert.deepEqual(trace, ['sibling cancelled']);
    assert.equal(clock.now(), 10);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_09, test_taskgroup_10
test(
  'taskGroup: a failed body cancels the tasks, kind body-failed, and its error is thrown',
  virtually(async () => {
    const failure = new Error('body');
    let cut: unknown;
    const error = await failureOf(
      taskGroup(
        async (group) => {
          group.spawn(() => sleepForever().catch((error: unknown) => (cut = error)));
          await sleep(1);
          throw failure;
        },
        { name: 'loader' },
      ),
    );
    assert.equal(error, failure);
    assert.ok(cut instanceof CancelledError);
    assert.deepEqual(cut.cause, { kind: 'body-failed', by: 'loader', error: failure });
  }),
);

test(
  'taskGroup: a body that throws synchronously leaves the tasks it spawned unstarted',
  virtually(async () => {
    const failure = new Error('body');
    let task: Task<void> | undefined;
    const group = taskGroup((group) => {
      task = group.spawn(() => assert.fail('started'));
      throw failure;
    });
    assert.equal(await failureOf(group), failure);
    assert.equal(task?.state, 'cancelled');
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_no_create_task_after_failure
test(
  'spawn: in a group that is failing it gives a cancelled task and never calls the function',
  virtually(async () => {
    let late: Task<void> | undefined;
    const error = await failureOf(
      taskGroup(async (group) => {
        group.spawn(() => Promise.reject(new Error('first')));
        await sleepForever().catch(() => {
          late = group.spawn(() => assert.fail('started'));
          assert.equal(late.state, 'cancelled');
        });
      }),
    );
    assert.equal((error as Error).message, 'first');
    assert.equal((await late?.settled)?.status, 'cancelled');
  }),
);

// asyncio test_taskgroups.py::test_cancels_task_if_created_during_creation (gh-128550)
test(
  'spawn: a failure in the middle of spawning cancels also what is spawned after it',
  virtually(async () => {
    const failure = new Error('eager');
    const states: string[] = [];
    const error = await failureOf(
      taskGroup(async (group) => {
        const before = group.spawn(() => assert.fail('started'));
        const failed = group.spawn(() => Promise.reject(failure));
        const eager = group.spawn(
          () => {
            throw failure;
          },
          { eager: true },
        );
        const after = group.spawn(() => assert.fail('started'));
        states.push(before.state, failed.state, eager.state, after.state);
        await sleepForever();
      }),
    );
    assert.equal(error, failure);
    assert.deepEqual(states, ['cancelled', 'cancelled', 'failed', 'cancelled']);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_25
test(
  'taskGroup: tasks that multiply are all stopped by one failure',
  virtually(async () => {
    let running = 0;
    const failure = new Error('enough');
    const error = await failureOf(
      taskGroup((group) => {
        const multiply = async (): Promise<void> => {
          running++;
          try {
            await sleep(10);
            if (running >= 32) throw failure;
            group.spawn(multiply);
            group.spawn(multiply);
            await sleepForever();
          } finally {
            running--;
          }
        };
        group.spawn(multiply);
      }),
    );
    assert.equal(error, failure);
    assert.equal(running, 0);
  }),
);

test(
  'taskGroup: siblings are told which task failed and with what',
  virtually(async () => {
    const failure = new Error('no such host');
    const reasons: unknown[] = [];
    await failureOf(
      taskGroup(async (group) => {
        group.spawn(() => sleepForever().catch((error: unknown) => reasons.push(error)));
        group.spawn(() => sleep(1).then(() => Promise.reject(failure)), { name: 'resolve' });
        await sleepForever().catch((error: unknown) => reasons.push(error));
      }),
    );
    assert.equal(reasons.length, 2);
    assert.equal(reasons[0], reasons[1]);
    assert.deepEqual((reasons[0] as CancelledError).cause, { kind: 'sibling-failed', by: 'resolve', error: failure });
    assert.match((reasons[0] as Error).message, /sibling-failed \(resolve\): Error: no such host/);
  }),
);

test(
  'taskGroup: a value that comes in the tick of a sibling failure stands, the next wait throws',
  virtually(async () => {
    const trace: string[] = [];
    let winner: Task<string> | undefined;
    await failureOf(
      taskGroup((group) => {
        group.spawn(() => sleep(10).then(() => Promise.reject(new Error('x'))));
        winner = group.spawn(() => sleep(10).then(() => 'in time'));
        group.spawn(async () => {
          await sleep(10);
          trace.push('woke');
          await sleep(0).catch(() => trace.push('cut'));
        });
      }),
    );
    assert.deepEqual(await winner?.settled, { status: 'succeeded', value: 'in time' });
    assert.deepEqual(trace, ['woke', 'cut']);
  }),
);

test(
  'taskGroup: clean-up that has to wait runs in cleanup() while the group fails',
  virtually(async (clock) => {
    const trace: string[] = [];
    await failureOf(
      taskGroup((group) => {
        group.spawn(async () => {
          try {
            await sleepForever();
          } finally {
            await sleep(10).catch(() => trace.push('a bare wait throws'));
            await cleanup(() => sleep(10));
            trace.push('cleaned up');
          }
        });
        group.spawn(() => Promise.reject(new Error('x')));
      }),
    );
    assert.deepEqual(trace, ['a bare wait throws', 'cleaned up']);
    assert.equal(clock.now(), 10);
  }),
);
