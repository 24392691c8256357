import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledError,
  cleanup,
  currentScope,
  isCancelled,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Task,
  type TaskGroup,
} from '../../src/index.ts';
import { failureOf, pledge, untilCut, virtually } from './virtually.ts';

// asyncio test_taskgroups.py::test_taskgroup_07
test(
  'taskGroup: cancellation from outside reaches the body, once, and all tasks',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      const group = taskGroup(async (group) => {
        const wait = (name: string) => (): Promise<void> => sleepForever().finally(() => trace.push(name));
        group.spawn(wait('first'));
        group.spawn(wait('second'));
        await wait('body')();
      });
      await sleep(10).then(() => scope.cancel());
      assert.ok(isCancelled(await failureOf(group)));
    });
    assert.deepEqual(trace.sort(), ['body', 'first', 'second']);
  }),
);

// asyncio test_taskgroups.py::test_cancellation, test_cancellation_in_body
test(
  'taskGroup: only cancelled from outside it throws the CancelledError, plain and shared',
  virtually(async () => {
    await withScope(async (scope) => {
      let seen: unknown;
      const group = taskGroup(async (group) => {
        group.spawn(() => sleepForever().catch((error: unknown) => Promise.reject((seen = error))));
        group.spawn(() => sleepForever());
        await sleepForever();
      });
      await sleep(1).then(() => scope.cancel('enough'));
      const error = await failureOf(group);
      assert.ok(error instanceof CancelledError);
      assert.equal(error, seen);
      assert.equal(error, scope.reason);
      assert.deepEqual(error.cause, { kind: 'explicit', reason: 'enough', by: scope.name });
    });
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_17
test(
  'taskGroup: without tasks the cancellation of its body passes through',
  virtually(async () => {
    const value = await withScope(async (scope) => {
      const group = taskGroup(() => sleepForever());
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(group), scope.reason);
      return 'outer goes on';
    });
    assert.equal(value, 'outer goes on');
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_22
test(
  'taskGroup: cancelled before its tasks have started, none of them runs',
  virtually(async () => {
    const tasks: Task<void>[] = [];
    await withScope(async (scope) => {
      await taskGroup((group) => {
        tasks.push(group.spawn(() => assert.fail('first started')));
        tasks.push(group.spawn(() => assert.fail('second started')));
        scope.cancel();
      });
    });
    assert.deepEqual(
      tasks.map((task) => task.state),
      ['cancelled', 'cancelled'],
    );
  }),
);

test(
  'taskGroup: opened where all is cancelled, its body runs to its first wait and its tasks do not start',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      scope.cancel();
      await taskGroup(async (group) => {
        trace.push('body');
        assert.equal(group.spawn(() => assert.fail('started')).state, 'cancelled');
        await sleep(1);
        trace.push('after the wait');
      });
      trace.push('after the group');
    });
    assert.deepEqual(trace, ['body']);
  }),
);

test(
  'cancel: cancels body and tasks, and the group returns undefined',
  virtually(async (clock) => {
    const value = await taskGroup(async (group) => {
      group.spawn(() => sleepForever());
      await sleep(10);
      group.cancel();
      await sleepForever();
      return 'not reached';
    });
    assert.equal(value, undefined);
    assert.equal(clock.now(), 10);
    assert.equal(currentScope()?.cancelled, false);
  }),
);

test(
  'cancel: a body that returns all the same keeps its value',
  virtually(async () => {
    const value = await taskGroup((group) => {
      group.spawn(() => sleepForever());
      group.cancel();
      return 'value';
    });
    assert.equal(value, 'value');
  }),
);

test(
  'cancel: may come from a task of the group',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      group.spawn(() => sleep(5).then(() => group.cancel('found')));
      group.spawn(() => sleepForever());
      await sleepForever();
    });
    assert.equal(clock.now(), 5);
  }),
);

test(
  'cancel: is idempotent, the first reason stays, and after the end it does nothing',
  virtually(async () => {
    let escaped: TaskGroup | undefined;
    await taskGroup(async (group) => {
      escaped = group;
      group.cancel('first');
      group.cancel('second');
      const error = await failureOf(sleep(1));
      assert.equal((error as CancelledError).cause.reason, 'first');
      group.cancel('third');
      assert.equal(await failureOf(sleep(1)), error);
    });
    escaped?.cancel('late');
    assert.equal(escaped?.scope.reason?.cause.reason, 'first');
  }),
);

test(
  'cancel: errors thrown on the way out are still thrown',
  virtually(async () => {
    const failure = new Error('while closing');
    const error = await failureOf(
      taskGroup(async (group) => {
        group.spawn(() => sleepForever().catch(() => Promise.reject(failure)));
        await sleep(1);
        group.cancel();
      }),
    );
    assert.equal(error, failure);
  }),
);

test(
  'cancel: a cancellation from outside that comes as well is passed on',
  virtually(async () => {
    await withScope(async (scope) => {
      const group = taskGroup(async (group) => {
        group.spawn(() => sleepForever().catch(() => cleanup(() => sleep(10))));
        await sleep(1);
        group.cancel('inner');
        await sleepForever();
      });
      await sleep(5).then(() => scope.cancel('outer'));
      const error = await failureOf(group);
      assert.equal((error as CancelledError).cause.reason, 'outer');
    });
  }),
);

test(
  'taskGroup: a real error wins over a cancellation from outside in the same tick',
  virtually(async () => {
    const failure = new Error('real');
    await withScope(async (scope) => {
      const group = taskGroup(async (group) => {
        group.spawn(() => sleep(1).then(() => Promise.reject(failure)));
        await sleepForever();
      });
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(group), failure);
      assert.equal(scope.cancelled, true);
    });
  }),
);

test(
  'taskGroup: a cancellation that nobody noticed does not take its value away',
  virtually(async () => {
    await withScope(async (scope) => {
      const value = await taskGroup((group) => {
        group.spawn(() => scope.cancel());
        return 'done';
      });
      assert.equal(value, 'done');
      assert.ok(isCancelled(await failureOf(sleep(0))));
    });
  }),
);

test(
  'taskGroup: a body that swallows the cancellation of its tasks does not swallow it for the group',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      await taskGroup(async (group) => {
        group.spawn(() => sleepForever());
        await sleep(1).then(() => scope.cancel());
        await sleepForever().catch(() => trace.push('swallowed'));
      });
      trace.push('not reached');
    });
    assert.deepEqual(trace, ['swallowed']);
  }),
);

test(
  'taskGroup: each wait of a cancelled task throws, however often it swallows',
  virtually(async () => {
    let cuts = 0;
    await taskGroup(async (group) => {
      group.spawn(async () => {
        while (cuts < 5) await sleep(1_000).catch(() => cuts++);
      });
      await sleep(1);
      group.cancel();
    });
    assert.equal(cuts, 5);
  }),
);

test(
  'taskGroup: a cancelled task that swallows and returns keeps its value',
  virtually(async () => {
    let task: Task<string> | undefined;
    await taskGroup(async (group) => {
      task = group.spawn(() => sleepForever().catch(() => 'fallback'));
      await sleep(1);
      group.cancel();
    });
    assert.deepEqual(await task?.settled, { status: 'succeeded', value: 'fallback' });
  }),
);

test(
  'taskGroup: waits for a shielded task although it is cancelled',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await shield(() => sleep(100).then(() => trace.push('shielded part ended')));
        await sleep(0).catch(() => trace.push('then cut'));
      });
      await sleep(1);
      group.cancel();
    });
    assert.deepEqual(trace, ['shielded part ended', 'then cut']);
    assert.equal(clock.now(), 100);
  }),
);

test(
  'taskGroup: its scope can be given a deadline; the group then throws TimeoutError',
  virtually(async (clock) => {
    const error = await failureOf(
      taskGroup(async (group) => {
        group.spawn(() => sleepForever());
        group.scope.reschedule(clock.now() + 10);
        await sleepForever();
      }),
    );
    assert.equal((error as Error).name, 'TimeoutError');
    assert.equal(clock.now(), 10);
  }),
);

// asyncio test_timeouts.py::test_timeout_taskgroup
test(
  'taskGroup: cut off by a timeout, its errors are thrown rather than the TimeoutError',
  virtually(async () => {
    const failure = new Error('while closing');
    const error = await failureOf(
      timeout(10, () =>
        taskGroup((group) => {
          group.spawn(() => sleepForever().catch(() => Promise.reject(failure)));
          group.spawn(() => sleepForever());
        }),
      ),
    );
    assert.equal(error, failure);
  }),
);

test(
  '{ signal }: the group is cancelled and throws the very reason of the signal',
  virtually(async () => {
    const controller = new AbortController();
    const reason = new Error('user left');
    const group = taskGroup(
      async (group) => {
        group.spawn(() => sleepForever());
        await sleepForever();
      },
      { signal: controller.signal },
    );
    await sleep(1).then(() => controller.abort(reason));
    assert.equal(await failureOf(group), reason);
  }),
);

test(
  '{ signal }: aborted before, the body runs to its first wait and no task starts',
  virtually(async () => {
    const trace: string[] = [];
    const error = await failureOf(
      taskGroup(
        async (group) => {
          trace.push('body');
          group.spawn(() => assert.fail('started'));
          await sleep(1);
          trace.push('not reached');
        },
        { signal: AbortSignal.abort('no') },
      ),
    );
    assert.equal(error, 'no');
    assert.deepEqual(trace, ['body']);
  }),
);

test(
  '{ signal }: no listener is left on it when the group has ended',
  virtually(async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, args);
    };
    await taskGroup((group) => void group.spawn(() => sleep(1)), { signal });
    assert.equal(listeners, 0);
  }),
);

test(
  'taskGroup: waits for a foreign promise that a cancelled task awaits',
  virtually(async () => {
    const foreign = pledge<string>();
    let task: Task<string> | undefined;
    await taskGroup(async (group) => {
      task = group.spawn(() => foreign.promise);
      await sleep(0);
      group.cancel();
      setTimeout(() => foreign.resolve('at last'), 1);
    });
    assert.deepEqual(await task?.settled, { status: 'succeeded', value: 'at last' });
  }),
);

test(
  'taskGroup: a shield put up after the cancellation has come does not absorb it',
  virtually(async () => {
    await withScope(async (scope) => {
      const group = taskGroup((group) => {
        scope.cancel();
        return untilCut(() => (group.scope.shield = true));
      });
      assert.equal(await failureOf(group), scope.reason);
    });
  }),
);
