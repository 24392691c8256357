import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cleanup,
  currentScope,
  detach,
  openTaskGroup,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type CancelledError,
  type Task,
} from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { installReporter } from '../../src/internal/report.ts';
import { failureOf, virtually } from './virtually.ts';

// asyncio test_tasks.py::test_shield_result, test_shield_cancel_outer
test(
  'detach: work outlives the scope that started it; cancelling whoever joins it ends only the joining',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      let task: Task<string> | undefined;
      const error = await failureOf(
        timeout(10, () => {
          task = detach(() => sleep(50).then(() => 'result'), group);
          return task.join();
        }),
      );
      assert.equal((error as Error).name, 'TimeoutError');
      assert.equal(task?.state, 'running');
      assert.equal(await task?.join(), 'result');
      assert.equal(clock.now(), 50);
    });
  }),
);

// asyncio test_tasks.py::test_shield_exception
test(
  'detach: an error of the work is thrown at whoever joins it, and by the group that owns it',
  virtually(async () => {
    const failure = new Error('work');
    await using group = openTaskGroup({ onTaskError: 'collect' });
    const task = detach(() => sleep(1).then(() => Promise.reject(failure)), group);
    assert.equal(await failureOf(task.join()), failure);
    assert.equal(await failureOf(group.join()), failure);
  }),
);

// asyncio test_tasks.py::test_shield_cancel_inner
test(
  'detach: the work can be cancelled by its handle; whoever joins it is not',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = detach(() => sleepForever(), group);
      const join = failureOf(task.join());
      await sleep(1);
      task.cancel();
      assert.equal(((await join) as Error).name, 'TaskCancelledError');
      assert.equal(currentScope()?.cancelled, false);
    });
  }),
);

// asyncio test_tasks.py::test_shield_shortcut
test(
  'detach: work that has ended can still be joined',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = detach(() => 42, group);
      await sleep(1);
      assert.equal(await task.join(), 42);
    });
  }),
);

test('detach: without a group the root owns it, and cancels and awaits it when main has ended', async () => {
  const trace: string[] = [];
  const clock = new VirtualClock();
  await clock.run(async () => {
    await withScope(() => {
      detach(async () => {
        await sleepForever().catch((error: unknown) => trace.push((error as CancelledError).cause.kind));
        await cleanup(() => sleep(10));
        trace.push(`ended at ${clock.now()}`);
      });
    });
    await sleep(5);
    trace.push('main ended');
  });
  assert.deepEqual(trace, ['main ended', 'closed', 'ended at 15']);
});

test('detach: without a group outside run() it is a TypeError', async () => {
  const message = /^Cannot detach without a group as it must be called under run\(\)/;
  assert.throws(() => detach(() => 1), { name: 'TypeError', message });
  await taskGroup(() => assert.throws(() => detach(() => 1), { name: 'TypeError', message }));
});

test(
  'detach: under the root it starts in a microtask, in the scope of no one but the root',
  virtually(async () => {
    const root = currentScope();
    const trace: string[] = [];
    await timeout(10, async () => {
      const task = detach((scope) => {
        trace.push('started');
        assert.equal(scope.effectiveDeadline, Infinity);
        assert.equal(scope.parent?.parent, root);
      });
      trace.push('detached');
      await task.join();
    });
    assert.deepEqual(trace, ['detached', 'started']);
  }),
);

// asyncio test_tasks.py::test_shield_cancel_outer_exception
test(
  'detach: under the root an error is reported exactly once, and cancels no other detached work',
  virtually(async () => {
    const failure = new Error('later');
    const reports: unknown[] = [];
    const before = installReporter((error, where) => void reports.push(error, where));
    try {
      let task: Task<never> | undefined;
      await timeout(10, () => {
        task = detach(() => sleep(50).then(() => Promise.reject(failure)), undefined, { name: 'late' });
        return task.join();
      }).catch(() => {});
      const other = detach(() => sleep(100).then(() => 'unharmed'));
      assert.equal((await task?.settled)?.status, 'failed');
      assert.equal(await other.join(), 'unharmed');
    } finally {
      installReporter(before);
    }
    assert.deepEqual(reports, [failure, 'detached task late failed']);
  }),
);

test(
  'detach: hands its options on',
  virtually(async () => {
    await taskGroup(async (group) => {
      assert.equal(detach(() => 1, group, { name: 'job' }).name, 'job');
      assert.equal(detach(() => 1, group, { eager: true }).state, 'succeeded');
      assert.throws(() => detach(undefined as never, group), TypeError);
    });
  }),
);
