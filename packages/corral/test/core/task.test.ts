import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TaskCancelledError,
  cleanup,
  currentTask,
  gather,
  isCancelled,
  moveOnAfter,
  openTaskGroup,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type CancelledError,
  type Task,
} from '../../src/index.ts';
import { failureOf, untilCut, virtually } from './virtually.ts';

test(
  'state: pending, running and succeeded',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleep(1));
      assert.equal(task.state, 'pending');
      await sleep(0);
      assert.equal(task.state, 'running');
      await task.join();
      assert.equal(task.state, 'succeeded');
    });
  }),
);

test(
  'state: failed',
  virtually(async () => {
    const task = await taskGroup((group) => group.spawn(() => Promise.reject(new Error('x'))), {
      onTaskError: () => 'ignore',
    });
    assert.equal(task.state, 'failed');
  }),
);

test(
  'state: cancelling until its clean-up has ended, then cancelled',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => untilCut(() => cleanup(() => sleep(10))));
      await sleep(1);
      assert.equal(task.cancel(), true);
      assert.equal(task.state, 'cancelling');
      await task.settled;
      assert.equal(task.state, 'cancelled');
      assert.equal(clock.now(), 11);
    });
  }),
);

test(
  'id: is unique and grows, and the handle is not thenable',
  virtually(async () => {
    await taskGroup(async (group) => {
      const [first, second] = [group.spawn(() => 1), group.spawn(() => 2)];
      assert.ok(first.id < second.id);
      assert.equal('then' in first, false);
      assert.equal(await Promise.resolve(first), first);
      const helper = async (): Promise<Task<number>> => group.spawn(() => 3);
      assert.equal(await (await helper()).join(), 3);
    });
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_03; test_tasks.py::test_cancel, test_cancel_inner_future
test(
  'cancel: ends that task alone and does not fail the group',
  virtually(async (clock) => {
    const trace: string[] = [];
    const value = await taskGroup(async (group) => {
      const task = group.spawn(() => sleepForever().finally(() => trace.push('cut')));
      group.spawn(() => sleep(20).then(() => trace.push('sibling')));
      await sleep(1);
      assert.equal(task.cancel('not needed'), true);
      await sleep(1);
      assert.equal(task.state, 'cancelled');
      return 'value';
    });
    assert.equal(value, 'value');
    assert.deepEqual(trace, ['cut', 'sibling']);
    assert.equal(clock.now(), 20);
  }),
);

// asyncio test_tasks.py::test_cancel_yield
test(
  'cancel: before its start it never runs, and is at once cancelled',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => assert.fail('started'));
      assert.equal(task.cancel('why'), true);
      assert.equal(task.state, 'cancelled');
      assert.equal(group.tasks.size, 0);
      const outcome = await task.settled;
      assert.equal(outcome.status, 'cancelled');
      assert.equal(((outcome as { reason: CancelledError }).reason.cause as { reason: string }).reason, 'why');
    });
  }),
);

// asyncio test_tasks.py::test_cancel_at_end
test(
  'cancel: returns false after the end and the second time',
  virtually(async () => {
    await taskGroup(async (group) => {
      const ended = group.spawn(() => 1);
      await ended.join();
      assert.equal(ended.cancel(), false);
      assert.equal(ended.state, 'succeeded');
      const task = group.spawn(() => sleepForever());
      await sleep(0);
      assert.deepEqual([task.cancel('first'), task.cancel('second')], [true, false]);
      const outcome = await task.settled;
      assert.equal((outcome as { reason: CancelledError }).reason.cause.reason, 'first');
      assert.equal(task.cancel(), false);
    });
  }),
);

// asyncio test_tasks.py::test_cancel_task_catching
test(
  'cancel: a task that catches it and returns has succeeded',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleepForever().catch((error: unknown) => (isCancelled(error) ? 42 : 0)));
      await sleep(1);
      task.cancel();
      assert.equal(await task.join(), 42);
    });
  }),
);

// asyncio test_tasks.py::test_cancel_task_ignoring deviates: cancellation is level-triggered, each later wait throws, too.
test(
  'cancel: a task that ignores it is cut at each later wait',
  virtually(async () => {
    await taskGroup(async (group) => {
      let cuts = 0;
      const task = group.spawn(async () => {
        for (let n = 0; n < 3; n++) await sleepForever().catch(() => cuts++);
        return cuts;
      });
      await sleep(1);
      task.cancel();
      assert.equal(await task.join(), 3);
    });
  }),
);

// asyncio test_tasks.py::test_cancel_current_task
test(
  'cancel: of the running task by itself lets it run on to its next wait',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        assert.equal(currentTask()?.cancel(), true);
        trace.push('goes on');
        await sleep(1);
        trace.push('not reached');
      });
      assert.equal((await task.settled).status, 'cancelled');
    });
    assert.deepEqual(trace, ['goes on']);
  }),
);

test(
  'cancel: of itself as its last act leaves its value',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => {
        currentTask()?.cancel();
        return 'value';
      });
      assert.equal(await task.join(), 'value');
    });
  }),
);

// asyncio test_tasks.py::test_cancel_awaited_task
test(
  'cancel: of itself before a nested wait cancels what it waits for in there',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        currentTask()?.cancel();
        await gather([() => sleepForever().catch(() => trace.push('never begun')), () => sleepForever()]).finally(() =>
          trace.push('gather cut'),
        );
      });
      assert.equal((await task.settled).status, 'cancelled');
    });
    assert.deepEqual(trace, ['gather cut']);
  }),
);

test(
  'cancel: in the tick in which its wait was over, the value stands',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleep(10).then(() => 'in time'));
      await sleep(10).then(() => task.cancel());
      assert.equal(await task.join(), 'in time');
    });
  }),
);

test(
  'cancel: an error in the finally of a cancelled task fails the group',
  virtually(async () => {
    const failure = new Error('in finally');
    const error = await failureOf(
      taskGroup(async (group) => {
        const task = group.spawn(() => untilCut(() => Promise.reject(failure)));
        await sleep(1);
        task.cancel();
        await sleepForever();
      }),
    );
    assert.equal(error, failure);
  }),
);

test(
  'cancel: reaches what the task opened, groups and scopes, shields apart',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const task = group.spawn(() =>
        taskGroup((inner) => {
          inner.spawn(() => withScope(() => sleepForever().finally(() => trace.push('inner task cut'))));
          inner.spawn(() => shield(() => sleep(30)).then(() => trace.push('shielded task ended')));
        }),
      );
      await sleep(1);
      task.cancel();
      assert.equal((await task.settled).status, 'cancelled');
    });
    assert.deepEqual(trace, ['inner task cut', 'shielded task ended']);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'join: returns the value, as often as asked, also after the end',
  virtually(async () => {
    await taskGroup(async (group) => {
      const value = {};
      const task = group.spawn(() => sleep(1).then(() => value));
      const joins = await gather([() => task.join(), () => task.join()]);
      assert.deepEqual(
        joins.map((joined) => joined === value),
        [true, true],
      );
      assert.equal(await task.join(), value);
    });
  }),
);

test(
  'join: of a cancelled task throws TaskCancelledError, which is no cancellation',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleepForever(), { name: 'victim' });
      const join = failureOf(task.join());
      await sleep(1);
      task.cancel('why');
      for (const error of [await join, await failureOf(task.join())]) {
        assert.ok(error instanceof TaskCancelledError);
        assert.equal(error.code, 'CORRAL_TASK_CANCELLED');
        assert.equal(error.message, 'Task victim was cancelled');
        assert.equal((error.cause as CancelledError).cause.reason, 'why');
        assert.equal(isCancelled(error), false);
      }
    });
  }),
);

test(
  'join: cancelled ends only the waiting, the task and others who wait for it go on',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleep(50).then(() => 'value'));
      const patient = group.spawn(() => task.join());
      const impatient = group.spawn(() => task.join());
      await sleep(10);
      impatient.cancel();
      await assert.rejects(
        timeout(10, () => task.join()),
        { name: 'TimeoutError' },
      );
      assert.equal((await impatient.settled).status, 'cancelled');
      assert.equal(await patient.join(), 'value');
    });
  }),
);

test(
  'join: in a cancelled scope throws even when the task has ended',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => 1);
      await task.join();
      await withScope(async (scope) => {
        scope.cancel();
        assert.equal(await failureOf(task.join()), scope.reason);
      });
    });
  }),
);

test(
  'join: cancelled in the tick in which the task ended, the value arrives and the next wait throws',
  virtually(async () => {
    const trace: unknown[] = [];
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleep(10).then(() => 'value'));
      await withScope(async (scope) => {
        void task.settled.then(() => scope.cancel());
        trace.push(await task.join());
        trace.push(isCancelled(await failureOf(sleep(0))));
      });
    });
    assert.deepEqual(trace, ['value', true]);
  }),
);

test(
  'join: of the own task, directly or from within, is a TypeError',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task: Task<void> = group.spawn(async () => {
        await assert.rejects(() => task.join(), { name: 'TypeError', message: /as it would wait for itself/ });
        await assert.rejects(
          withScope(() => taskGroup((inner) => inner.spawn(() => task.join()).join())),
          TypeError,
        );
      });
      await task.join();
    });
  }),
);

test(
  'settled: never rejects and is no cancellation point',
  virtually(async () => {
    await using group = openTaskGroup({ onTaskError: () => 'ignore' });
    const failure = new Error('x');
    const task = group.spawn(() => sleep(5).then(() => Promise.reject(failure)));
    await withScope(async (scope) => {
      scope.cancel();
      assert.deepEqual(await task.settled, { status: 'failed', error: failure });
    });
    assert.deepEqual(await task.settled, { status: 'failed', error: failure });
  }),
);

// asyncio test_tasks.py::test_wait_with_timeout, test_wait_concurrent_complete
test(
  'state: after waiting for several tasks for some time it tells done from pending, and nothing was cancelled',
  virtually(async () => {
    await taskGroup(async (group) => {
      const tasks = [10, 100, 20].map((ms) => group.spawn(() => sleep(ms)));
      const { timedOut } = await moveOnAfter(50, () => gather(tasks.map((task) => () => task.join())));
      assert.equal(timedOut, true);
      assert.deepEqual(
        tasks.map((task) => task.state),
        ['succeeded', 'running', 'succeeded'],
      );
      await group.join();
      assert.equal(tasks[1]?.state, 'succeeded');
    });
  }),
);

test(
  'task: a wait that it forgot ends with it',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      let forgotten: Promise<void> | undefined;
      const task = group.spawn(() => {
        forgotten = sleep(1_000);
        return 'value';
      });
      assert.equal(await task.join(), 'value');
      assert.equal(((await failureOf(forgotten as Promise<void>)) as Error).name, 'ScopeClosedError');
    });
    assert.equal(clock.now(), 0);
  }),
);
