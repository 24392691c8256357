import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledError,
  cleanup,
  currentTask,
  isCancelled,
  sleep,
  sleepForever,
  taskGroup,
  withScope,
  type Task,
} from '../../src/index.ts';
import { failureOf, untilCut, virtually } from './virtually.ts';

// asyncio test_eager_task_factory.py and test_taskgroups.py's eager variants
test(
  'eager: runs the task at once, in its own frame, up to its first wait',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup((group) => {
      const own = currentTask();
      const task = group.spawn(
        async () => {
          trace.push('begun');
          assert.notEqual(currentTask(), own);
          await sleep(1);
          trace.push('ended');
        },
        { eager: true },
      );
      trace.push('spawned');
      assert.equal(task.state, 'running');
      assert.equal(currentTask(), own);
    });
    assert.deepEqual(trace, ['begun', 'spawned', 'ended']);
  }),
);

test(
  'eager: a task without a wait has ended when spawn returns',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => 'at once', { eager: true });
      assert.equal(task.state, 'succeeded');
      assert.equal(await task.join(), 'at once');
      assert.equal(group.tasks.size, 0);
    });
  }),
);

test(
  'eager: a function that throws fails the group, not the call of spawn',
  virtually(async () => {
    const failure = new Error('eager');
    const trace: string[] = [];
    const error = await failureOf(
      taskGroup(async (group) => {
        const sibling = group.spawn(() => sleepForever().finally(() => trace.push('sibling cut')), { eager: true });
        const task = group.spawn(() => Promise.reject(failure), { eager: true });
        const sync = group.spawn(
          () => {
            throw failure;
          },
          { eager: true },
        );
        assert.deepEqual([sibling.state, task.state, sync.state], ['cancelling', 'cancelling', 'failed']);
        assert.equal(group.scope.cancelled, true);
        trace.push('body goes on to its next wait');
        await sleep(0);
        trace.push('not reached');
      }),
    );
    assert.equal(error, failure);
    assert.deepEqual(trace, ['body goes on to its next wait', 'sibling cut']);
  }),
);

test(
  'eager: in a cancelled group it does not run',
  virtually(async () => {
    await taskGroup((group) => {
      group.cancel();
      assert.equal(group.spawn(() => assert.fail('started'), { eager: true }).state, 'cancelled');
    });
  }),
);

test(
  'eager: without a free place it waits like others',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(
      (group) => {
        group.spawn(() => sleep(10).then(() => trace.push('first')));
        assert.equal(group.spawn(() => void trace.push('eager'), { eager: true }).state, 'pending');
      },
      { concurrency: 1 },
    );
    assert.deepEqual(trace, ['first', 'eager']);
  }),
);

test(
  'background: is cancelled, kind closed, when the body and the other tasks have ended',
  virtually(async (clock) => {
    let cut: unknown;
    let background: Task<void> | undefined;
    const value = await taskGroup(
      async (group) => {
        background = group.spawn(() => sleepForever().catch((error: unknown) => Promise.reject((cut = error))), {
          background: true,
        });
        group.spawn(() => sleep(20));
        await sleep(10);
        return 'body';
      },
      { name: 'server' },
    );
    assert.equal(value, 'body');
    assert.equal(clock.now(), 20);
    assert.equal(background?.state, 'cancelled');
    assert.ok(cut instanceof CancelledError);
    assert.deepEqual(cut.cause, { kind: 'closed', by: 'server' });
  }),
);

test(
  'background: alone it ends with the body',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      group.spawn(() => sleepForever(), { background: true });
      await sleep(10);
    });
    assert.equal(clock.now(), 10);
  }),
);

test(
  'background: its clean-up is waited for',
  virtually(async (clock) => {
    await taskGroup((group) => {
      group.spawn(() => untilCut(() => cleanup(() => sleep(10))), { background: true });
      group.spawn(() => sleep(1));
    });
    assert.equal(clock.now(), 11);
  }),
);

test(
  'background: its failure counts, before and during its cancellation',
  virtually(async () => {
    const failure = new Error('background');
    const early = taskGroup(async (group) => {
      group.spawn(() => sleep(1).then(() => Promise.reject(failure)), { background: true });
      await sleepForever();
    });
    assert.equal(await failureOf(early), failure);
    const late = taskGroup(async (group) => {
      group.spawn(() => sleepForever().catch(() => Promise.reject(failure)), { background: true });
      await sleep(1);
      return 'lost';
    });
    assert.equal(await failureOf(late), failure);
  }),
);

test(
  'background: takes no place of concurrency',
  virtually(async (clock) => {
    await taskGroup(
      (group) => {
        group.spawn(() => sleepForever(), { background: true });
        group.spawn(() => sleep(10));
      },
      { concurrency: 1 },
    );
    assert.equal(clock.now(), 10);
  }),
);

test(
  'background: one that ends by itself changes nothing for the others',
  virtually(async (clock) => {
    let other: Task<void> | undefined;
    await taskGroup(async (group) => {
      group.spawn(() => sleep(20));
      group.spawn(() => sleep(1), { background: true });
      other = group.spawn(() => sleepForever(), { background: true });
      await group.join();
      assert.equal(clock.now(), 20);
      assert.equal(other.state, 'running');
    });
    assert.equal(other?.state, 'cancelled');
  }),
);

test(
  'background: foreground work that it spawns while it is cancelled is waited for',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup((group) => {
      const ending = (): Promise<void> =>
        untilCut(() => {
          group.spawn(() => sleep(10).then(() => trace.push(`last words at ${clock.now()}`)));
          group.spawn(() => untilCut(() => trace.push(`helper cut at ${clock.now()}`)), { background: true });
        });
      group.spawn(ending, { background: true, eager: true });
    });
    assert.deepEqual(trace, ['last words at 10', 'helper cut at 10']);
  }),
);

test(
  'background: spawned when nothing else is left, it never starts',
  virtually(async () => {
    let late: Task<void> | undefined;
    await taskGroup((group) => {
      const ending = (): Promise<void> =>
        untilCut(() => {
          late = group.spawn(() => assert.fail('started'), { background: true });
          assert.equal(late.state, 'cancelled');
        });
      group.spawn(ending, { background: true, eager: true });
    });
    assert.equal(late?.state, 'cancelled');
  }),
);

test(
  "{ start: 'always' }: runs in a cancelled group, its waits throw",
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup((group) => {
      group.cancel();
      const task = group.spawn(
        async () => {
          trace.push('took it over');
          await sleep(1).catch((error: unknown) => trace.push(isCancelled(error) ? 'cut' : 'failed'));
          await cleanup(() => sleep(5));
          trace.push('released it');
        },
        { start: 'always' },
      );
      assert.equal(task.state, 'pending');
    });
    assert.deepEqual(trace, ['took it over', 'cut', 'released it']);
  }),
);

test(
  "{ start: 'always' }: runs although it was cancelled between spawning and starting",
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      await taskGroup((group) => {
        const one = group.spawn(() => void trace.push('by its handle'), { start: 'always' });
        assert.equal(one.cancel(), true);
        group.spawn(() => void trace.push('from outside'), { start: 'always' });
        group.spawn(() => void trace.push('never'));
        scope.cancel();
      });
    });
    assert.deepEqual(trace, ['by its handle', 'from outside']);
  }),
);

test(
  "{ start: 'always' }: its errors are thrown though the group was cancelled",
  virtually(async () => {
    const failure = new Error('could not release');
    const error = await failureOf(
      taskGroup((group) => {
        group.cancel();
        group.spawn(() => Promise.reject(failure), { start: 'always' });
      }),
    );
    assert.equal(error, failure);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_task_name
test(
  'name: the option, else the function, else task-<id>',
  virtually(async () => {
    await taskGroup((group) => {
      const load = (): void => {};
      assert.equal(group.spawn(load, { name: 'given' }).name, 'given');
      assert.equal(group.spawn(load).name, 'load');
      const anonymous = group.spawn((() => () => {})());
      assert.equal(anonymous.name, `task-${anonymous.id}`);
    });
  }),
);
