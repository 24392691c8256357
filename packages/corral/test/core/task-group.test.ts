import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  GroupClosedError,
  abortable,
  currentScope,
  currentTask,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Task,
  type TaskGroup,
} from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, pledge, virtually } from './virtually.ts';

// asyncio test_taskgroups.py::test_taskgroup_01
test(
  'taskGroup: results of tasks are readable after the group has ended',
  virtually(async () => {
    let first: Task<number> | undefined;
    let second: Task<string> | undefined;
    const value = await taskGroup((group) => {
      first = group.spawn(() => sleep(100).then(() => 42));
      second = group.spawn(() => sleep(20).then(() => 'later'));
      return 'body';
    });
    assert.equal(value, 'body');
    assert.deepEqual(await first?.settled, { status: 'succeeded', value: 42 });
    assert.equal(await second?.join(), 'later');
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_02
test(
  'taskGroup: the body may spawn after another task has ended',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const first = group.spawn(() => sleep(10).then(() => trace.push('first')));
      await sleep(20);
      assert.equal(first.state, 'succeeded');
      group.spawn(() => sleep(10).then(() => trace.push('second')));
    });
    assert.deepEqual(trace, ['first', 'second']);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'taskGroup: waits for the slowest task',
  virtually(async (clock) => {
    const ended: number[] = [];
    await taskGroup((group) => {
      for (const ms of [3_000, 1_000, 2_000]) group.spawn(() => sleep(ms).then(() => ended.push(ms)));
    });
    assert.deepEqual(ended, [1_000, 2_000, 3_000]);
    assert.equal(clock.now(), 3_000);
  }),
);

test(
  'taskGroup: waits for its body although all tasks have ended',
  virtually(async (clock) => {
    const value = await taskGroup(async (group) => {
      group.spawn(() => sleep(1));
      await sleep(5);
      return clock.now();
    });
    assert.equal(value, 5);
  }),
);

test(
  'taskGroup: without tasks it returns what the body returns',
  virtually(async () => {
    assert.equal(await taskGroup(() => 7), 7);
    assert.equal(await taskGroup(async () => undefined), undefined);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_already_entered and its kind have no counterpart: a call cannot be re-entered.
test('taskGroup: what is not a function is refused with a rejection', async () => {
  await assert.rejects(taskGroup(undefined as never), {
    name: 'TypeError',
    message: /taskGroup.* takes a function: current value is undefined$/,
  });
});

test('taskGroup: wrong options are refused before the body runs', async () => {
  const body = (): void => assert.fail('ran');
  await assert.rejects(taskGroup(body, { concurrency: 0 }), RangeError);
  await assert.rejects(taskGroup(body, { concurrency: 1.5 }), RangeError);
  await assert.rejects(taskGroup(body, { concurrency: Number.NaN }), RangeError);
  await assert.rejects(taskGroup(body, { graceMs: Number.NaN }), RangeError);
  await assert.rejects(taskGroup(body, { signal: {} as AbortSignal }), TypeError);
  await assert.rejects(taskGroup(body, { scope: {} as never }), TypeError);
  await assert.rejects(taskGroup(body, { onTaskError: 'explode' as never }), /^(Type|Range)Error: .*onTaskError/);
  await assert.rejects(taskGroup(body, { errors: 'both' as never }), /^(Type|Range)Error: .*errors/);
});

test('taskGroup: works outside every scope', async () => {
  assert.equal(await taskGroup((group) => group.spawn(() => 5).join()), 5);
});

test(
  'spawn: tasks start in a microtask, in the order of spawning',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup((group) => {
      for (const name of ['a', 'b', 'c']) group.spawn(() => trace.push(name));
      trace.push('body');
    });
    assert.deepEqual(trace, ['body', 'a', 'b', 'c']);
  }),
);

test(
  'spawn: a task may return a plain value or any thenable',
  virtually(async () => {
    await taskGroup(async (group) => {
      const thenable = { then: (resolve: (value: string) => void) => resolve('thenable') } as PromiseLike<string>;
      assert.equal(await group.spawn(() => 1).join(), 1);
      assert.equal(await group.spawn(() => thenable).join(), 'thenable');
    });
  }),
);

test(
  'spawn: what is not a function is a TypeError with a hint for a promise',
  virtually(() =>
    taskGroup((group) => {
      assert.throws(() => group.spawn(undefined as never), TypeError);
      assert.throws(() => group.spawn(Promise.resolve(1) as never), {
        name: 'TypeError',
        message: /current value is a promise \(it has started already: write \(\) => …\)/,
      });
      assert.equal(group.tasks.size, 0);
    }),
  ),
);

// asyncio test_taskgroups.py::test_taskgroup_finished
test(
  'spawn: throws GroupClosedError once the group has ended',
  virtually(async () => {
    let escaped: TaskGroup | undefined;
    await taskGroup(
      (group) => {
        escaped = group;
      },
      { name: 'early' },
    );
    assert.throws(
      () => escaped?.spawn(() => {}),
      (error) => {
        assert.ok(error instanceof GroupClosedError);
        assert.equal(error.code, 'CORRAL_GROUP_CLOSED');
        assert.equal(error.message, 'Cannot spawn into early as it has ended');
        return true;
      },
    );
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_24
test(
  'spawn: is allowed while the group waits at its end',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup((group) => {
      group.spawn(async () => {
        await sleep(10);
        group.spawn(() => sleep(10).then(() => trace.push('child of the last')));
        trace.push('last');
      });
      return 'the body has ended';
    });
    assert.deepEqual(trace, ['last', 'child of the last']);
    assert.equal(clock.now(), 20);
  }),
);

test(
  'spawn: a chain of tasks that each spawn the next is waited for to its end',
  virtually(async (clock) => {
    let count = 0;
    await taskGroup((group) => {
      const next = async (): Promise<void> => {
        await sleep(1);
        if (++count < 100) group.spawn(next);
      };
      group.spawn(next);
    });
    assert.equal(count, 100);
    assert.equal(clock.now(), 100);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_task_context deviates: there is no context to hand over, the spawner's counts.
test(
  'spawn: context variables come from the spawner, scope and deadline from the group',
  virtually(async (clock) => {
    const user = new ContextVariable<string>({ name: 'user' });
    await taskGroup(async (group) => {
      let task: Task<string | undefined> | undefined;
      await timeout(10, async () => {
        task = user.run('ada', () =>
          group.spawn(async () => {
            assert.equal(currentScope()?.parent, group.scope);
            assert.equal(currentScope()?.effectiveDeadline, Infinity);
            await sleep(50);
            return user.get();
          }),
        );
      });
      assert.equal(await task?.join(), 'ada');
      assert.equal(user.get(), undefined);
      assert.equal(clock.now(), 50);
    });
  }),
);

test(
  'spawn: a variable that a task changes is seen neither by its spawner nor by its siblings',
  virtually(async () => {
    const variable = new ContextVariable<number>({ defaultValue: 0 });
    await taskGroup(async (group) => {
      const first = group.spawn(() => variable.run(1, () => sleep(1).then(() => variable.get())));
      const second = group.spawn(() => sleep(1).then(() => variable.get()));
      assert.deepEqual([await first.join(), await second.join(), variable.get()], [1, 0, 0]);
    });
  }),
);

test(
  'spawn: each task finds itself as the current one, across awaits',
  virtually(async () => {
    const outside = currentTask();
    await taskGroup(async (group) => {
      const tasks = [1, 2, 3].map((ms) =>
        group.spawn(async (scope) => {
          const before = currentTask();
          await sleep(ms);
          assert.equal(currentTask(), before);
          assert.equal(currentScope(), scope);
          return before;
        }),
      );
      for (const task of tasks) assert.equal(await task.join(), task);
      assert.equal(currentTask(), outside);
    });
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_23
test(
  'taskGroup: finished tasks leave it at once',
  virtually(async () => {
    await taskGroup(async (group) => {
      const keeper = group.spawn(() => sleepForever());
      for (let round = 0; round < 50; round++) {
        group.spawn(() => sleep(1));
        await sleep(2);
        assert.deepEqual([...group.tasks], [keeper]);
      }
      keeper.cancel();
      await keeper.settled;
      assert.equal(group.tasks.size, 0);
    });
  }),
);

test(
  'taskGroup: with { ambient: false } a task uses its argument, and ambient calls find the group',
  virtually(async () => {
    await taskGroup(
      async (group) => {
        const task = group.spawn(async (scope) => {
          assert.notEqual(scope, group.scope);
          assert.equal(currentScope(), group.scope);
          await scope.sleep(10);
          return 'done';
        });
        const cut = group.spawn((scope) => scope.sleep(1_000));
        assert.equal(await task.join(), 'done');
        cut.cancel();
        assert.equal((await cut.settled).status, 'cancelled');
      },
      { ambient: false },
    );
  }),
);

test(
  'taskGroup: is named by its option, its body or itself',
  virtually(async () => {
    const names: string[] = [];
    const load = (group: TaskGroup): void => void names.push(group.scope.name);
    await taskGroup(load, { name: 'loader' });
    await taskGroup(load);
    await taskGroup((group) => void names.push(group.scope.name));
    assert.deepEqual(names, ['loader', 'load', 'taskGroup']);
  }),
);

test(
  'join: waits until no foreground task is left, and the group goes on',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      await group.join();
      assert.equal(clock.now(), 0);
      group.spawn(() => sleep(10));
      group.spawn(() => sleepForever(), { background: true });
      await group.join();
      assert.equal(clock.now(), 10);
      group.spawn(() => sleep(10));
      await group.join();
      assert.equal(clock.now(), 20);
    });
  }),
);

test(
  'join: is a TypeError in a task of the group, which would wait for itself',
  virtually(async () => {
    const error = await failureOf(
      taskGroup((group) => {
        group.spawn(() => sleep(1).then(() => group.join()), { name: 'selfish' });
      }),
    );
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /would wait for itself: called in its selfish/);
  }),
);

test(
  'join: a cancelled wait leaves the group and its tasks alone',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleep(50));
      await assert.rejects(
        timeout(10, () => group.join()),
        { name: 'TimeoutError' },
      );
      assert.equal(task.state, 'running');
    });
  }),
);

test(
  'tasks: are the tasks that have not ended, without the scopes that the body opened',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleep(1));
      await withScope(() => assert.deepEqual([...group.tasks], [task]));
    });
  }),
);

test(
  'taskGroup: waits for a foreign promise that its body waited for and forgot',
  virtually(async () => {
    const foreign = pledge();
    const trace: string[] = [];
    const group = taskGroup(() => void abortable(foreign.promise)).then(() => trace.push('group'));
    await waitAllTasksBlocked();
    trace.push('promise');
    foreign.resolve();
    await group;
    assert.deepEqual(trace, ['promise', 'group']);
  }),
);
