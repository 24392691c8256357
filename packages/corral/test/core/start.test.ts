import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  GroupClosedError,
  TaskCancelledError,
  currentTask,
  isCancelled,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Scope,
  type TaskGroup,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

test(
  'start: returns when the task has called started, with the value, and the task goes on in the group',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      const server = await group.start<string, number>(async (_scope, started) => {
        await sleep(10);
        started(8_080);
        await sleep(10);
        return 'closed';
      });
      assert.equal(clock.now(), 10);
      assert.equal(server.value, 8_080);
      assert.equal(server.state, 'running');
      assert.deepEqual([...group.tasks], [server]);
      assert.equal(await server.join(), 'closed');
    });
    assert.equal(clock.now(), 20);
  }),
);

test(
  'start: a value may be given synchronously, and the task may have ended by then',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = await group.start((_scope, started: (value: string) => void) => {
        started('ready');
        return 'done';
      });
      assert.deepEqual([task.value, task.state, await task.join()], ['ready', 'succeeded', 'done']);
    });
  }),
);

test(
  'start: an error before started is thrown by start alone',
  virtually(async () => {
    const failure = new Error('port taken');
    await taskGroup(async (group) => {
      const sibling = group.spawn(() => sleep(10).then(() => 'fine'));
      assert.equal(await failureOf(group.start(() => Promise.reject(failure))), failure);
      assert.equal(
        await failureOf(
          group.start(() => {
            throw failure;
          }),
        ),
        failure,
      );
      assert.equal(await sibling.join(), 'fine');
    });
  }),
);

test(
  'start: an error after started is a failure of the group',
  virtually(async () => {
    const failure = new Error('later');
    const error = await failureOf(
      taskGroup(async (group) => {
        await group.start(async (_scope, started) => {
          started(undefined);
          await sleep(5);
          throw failure;
        });
        await sleepForever();
      }),
    );
    assert.equal(error, failure);
  }),
);

test(
  'start: a task that ends without started is a TypeError',
  virtually(async () => {
    await taskGroup(async (group) => {
      await assert.rejects(
        group.start(() => {}, { name: 'mute' }),
        {
          name: 'TypeError',
          message: 'Cannot start mute as started(value) must be called before the task ends: it returned without',
        },
      );
    });
  }),
);

test(
  'start: calling started twice throws in the task',
  virtually(async () => {
    const error = await failureOf(
      taskGroup(async (group) => {
        await group.start((_scope, started) => {
          started(undefined);
          started(undefined);
        });
      }),
    );
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /as started\(value\) must be called once: it was called before$/);
  }),
);

test(
  'start: before started the cancellation of the caller reaches the task, which has ended when start rejects',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const late = timeout(10, () =>
        group.start(async () => {
          await sleepForever().finally(() => trace.push('task ended'));
        }),
      );
      assert.equal(((await failureOf(late)) as Error).name, 'TimeoutError');
      trace.push('start rejected');
      assert.equal(group.scope.cancelled, false);
    });
    assert.deepEqual(trace, ['task ended', 'start rejected']);
  }),
);

test(
  'start: a task that is ready in the tick in which its caller is cancelled stays with it and ends',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      await withScope(async (scope) => {
        const start = group.start(async (_scope, started) => {
          await sleep(10);
          scope.cancel();
          started();
          trace.push('ready');
        });
        assert.equal(await failureOf(start), scope.reason);
      });
      assert.equal(group.scope.cancelled, false);
      assert.equal(group.tasks.size, 0);
    });
    assert.deepEqual(trace, ['ready']);
  }),
);

test(
  'start: after started the cancellation of the caller does not reach the task',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = await withScope(async (scope) => {
        const started = await group.start(async (_scope, started) => {
          started(undefined);
          await sleep(50);
          return 'unharmed';
        });
        scope.cancel();
        return started;
      });
      assert.equal(await task.join(), 'unharmed');
    });
  }),
);

test(
  'start: called from a cancelled scope it starts nothing',
  virtually(async () => {
    await taskGroup(async (group) => {
      await withScope(async (scope) => {
        scope.cancel();
        assert.ok(isCancelled(await failureOf(group.start(() => assert.fail('started')))));
      });
    });
  }),
);

test(
  'start: into a group that has ended it is refused',
  virtually(async () => {
    let escaped: TaskGroup | undefined;
    await taskGroup((group) => void (escaped = group));
    assert.ok((await failureOf((escaped as TaskGroup).start(() => {}))) instanceof GroupClosedError);
    assert.ok((await failureOf((escaped as TaskGroup).start(undefined as never))) instanceof TypeError);
  }),
);

test(
  'start: keeps an otherwise empty group open until the task is ready',
  virtually(async (clock) => {
    await taskGroup(async (outer) => {
      await taskGroup((inner) => {
        const fn = async (_scope: Scope, started: (value: void) => void): Promise<void> => {
          await sleep(10);
          started();
          await sleep(10);
        };
        outer.spawn(() => inner.start(fn), { eager: true });
      });
      assert.equal(clock.now(), 20);
    });
  }),
);

test(
  'start: a task that becomes ready for a group that was cancelled meanwhile is cancelled at once',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (outer) => {
      const inner = outer.spawn(() =>
        taskGroup(async (group) => {
          outer.spawn(() =>
            group.start(async (_scope, started) => {
              await sleep(10);
              trace.push('not yet cancelled');
              started(undefined);
              await sleep(1).finally(() => trace.push('cut'));
            }),
          );
          await sleep(5);
          group.cancel();
        }),
      );
      await inner.join();
    });
    assert.deepEqual(trace, ['not yet cancelled', 'cut']);
  }),
);

test(
  'start: a task that cancels itself before it is ready is told by a TaskCancelledError',
  virtually(async () => {
    await taskGroup(async (group) => {
      const error = await failureOf(
        group.start(async () => {
          currentTask()?.cancel();
          await sleep(1);
        }),
      );
      assert.ok(error instanceof TaskCancelledError);
    });
  }),
);

test(
  'start: context variables are those of its caller, before and after started',
  virtually(async () => {
    const user = new ContextVariable<string>();
    await taskGroup(async (group) => {
      const task = await user.run('ada', () =>
        group.start(async (_scope, started: (value: string | undefined) => void) => {
          started(user.get());
          await sleep(1);
          return user.get();
        }),
      );
      assert.deepEqual([task.value, await task.join()], ['ada', 'ada']);
    });
  }),
);

test(
  'start: join of the group waits for a task that is starting, also when nothing comes of it',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      const failed = failureOf(group.start(() => sleep(10).then(() => Promise.reject('not ready'))));
      await group.join();
      assert.equal(clock.now(), 10);
      assert.equal(await failed, 'not ready');
      const background = group.spawn(() => sleepForever(), { background: true });
      await group.join();
      assert.equal(background.state, 'running');
    });
    assert.equal(clock.now(), 10);
  }),
);

test(
  'start: a started task holds a place, one that is starting does not wait for it',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(
      async (group) => {
        group.spawn(() => sleep(30));
        await group.start(async (_scope, started) => {
          started();
          await sleep(50);
        });
        trace.push(`started at ${clock.now()}`);
        assert.equal(group.snapshot().running, 2);
        group.spawn(() => trace.push(`next at ${clock.now()}`));
      },
      { concurrency: 1 },
    );
    assert.deepEqual(trace, ['started at 0', 'next at 50']);
  }),
);
