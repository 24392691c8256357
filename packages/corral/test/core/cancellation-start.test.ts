// group.start() under cancellation and failure: who gets what, before and after started().
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  GroupClosedError,
  TimeoutError,
  isCancelled,
  moveOnAfter,
  shield,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
  type Scope,
  type TaskGroup,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

type Started<V> = (value: V) => void;

/** A callback for `finally`. */
const throwing = (error: Error) => (): never => {
  throw error;
};

/** Ready after `ms`, goes on as long again, and returns. */
const service =
  (ms: number) =>
  async (_scope: Scope, started: Started<string>): Promise<string> => {
    await sleep(ms);
    started('ready');
    await sleep(ms);
    return 'done';
  };

// trio test_run.py::test_nursery_start
test(
  'group.start: waits for started(value), returns it with the task, and the group waits for the rest',
  virtually(async (clock) => {
    const trace: unknown[] = [];
    await taskGroup(async (group) => {
      const task = await group.start(service(10));
      trace.push(task.value, clock.now());
      trace.push(await task.join(), clock.now());
    });
    assert.deepEqual(trace, ['ready', 10, 'done', 20]);
  }),
);

test(
  'group.start: an error before started is thrown there, and the group goes on',
  virtually(async () => {
    const error = new Error('crashed');
    await taskGroup(async (group) => {
      const sibling = group.spawn(() => sleep(20).then(() => 'unharmed'));
      assert.equal(await failureOf(group.start(() => sleep(5).then(() => Promise.reject(error)))), error);
      assert.equal(group.scope.cancelled, false);
      assert.equal(await sibling.join(), 'unharmed');
    });
  }),
);

test(
  'group.start: an error after started fails the group',
  virtually(async () => {
    const error = new Error('crashed');
    const trace: unknown[] = [];
    const failure = await failureOf(
      taskGroup(async (group) => {
        const { value } = await group.start<never, number>(async (_scope, started) => {
          started(7);
          await sleep(5);
          throw error;
        });
        trace.push(value);
        await sleepForever();
      }),
    );
    assert.deepEqual([failure, ...trace], [error, 7]);
  }),
);

test(
  'group.start: a task that returns without started, or calls it twice, is a mistake',
  virtually(async () => {
    await taskGroup(async (group) => {
      const without = await failureOf(group.start(() => 'returned'));
      assert.ok(without instanceof TypeError);
      assert.match(without.message, /started\(value\)/);
    });
    const twice = await failureOf(
      taskGroup(async (group) => {
        await group.start<void, number>((_scope, started) => {
          started(1);
          started(2);
        });
      }),
    );
    assert.ok(twice instanceof TypeError);
  }),
);

// trio test_run.py::test_nursery_start: not started yet, so the caller's cancellation reaches it
test(
  'group.start: before started the cancellation of the caller reaches the task, which has ended when start throws',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const result = await moveOnAfter(10, () =>
        group.start(async () => {
          try {
            await sleepForever();
          } finally {
            await shield(() => sleep(5));
            trace.push('cleaned up');
          }
        }),
      );
      trace.push(`timed out: ${result.timedOut} at ${clock.now()}`);
      assert.equal(group.scope.cancelled, false);
    });
    assert.deepEqual(trace, ['cleaned up', 'timed out: true at 15']);
  }),
);

test(
  'group.start: after started the cancellation of the caller does not reach the task',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      await withScope(async (scope) => {
        await group.start<void>(async (_inner, started) => {
          started();
          await sleep(10);
          trace.push('unharmed');
        });
        scope.cancel();
        await sleep(1);
      });
    });
    assert.deepEqual(trace, ['unharmed']);
  }),
);

// deviation: trio runs the task to its first checkpoint; here an operation checks on entry
test(
  'group.start: in a cancelled scope it throws on entry, and the function is not called',
  virtually(async () => {
    await taskGroup(async (group) => {
      await withScope(async (scope) => {
        scope.cancel();
        assert.equal(await failureOf(group.start(() => assert.fail('called'))), scope.reason);
      });
    });
  }),
);

test(
  'group.start: before started the deadline of the caller counts, afterwards that of the group',
  virtually(async () => {
    const deadlines: number[] = [];
    await timeout(1_000, () =>
      taskGroup(async (group) => {
        await timeout(100, () =>
          group.start<void>((scope, started) => {
            deadlines.push(scope.effectiveDeadline);
            started();
            deadlines.push(scope.effectiveDeadline);
          }),
        );
      }),
    );
    assert.deepEqual(deadlines, [100, 1_000]);
  }),
);

// trio test_run.py::test_nursery_start: trying to start in a closed nursery raises an error immediately
test(
  'group.start: into a group that has ended rejects, and the function is not called',
  virtually(async () => {
    let ended: TaskGroup | undefined;
    await taskGroup((group) => void (ended = group));
    const failure = await failureOf((ended as TaskGroup).start(() => assert.fail('called')));
    assert.ok(failure instanceof GroupClosedError);
  }),
);

// trio test_run.py::test_nursery_start_keeps_nursery_open
test(
  'group.start: while it is pending the group stays open, though empty; the task then lives in it',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (starter) => {
      await taskGroup((group) => {
        const start = (): Promise<unknown> =>
          group.start(service(10)).finally(() => trace.push(`started at ${clock.now()}`));
        starter.spawn(start, { eager: true });
      });
      trace.push(`group ended at ${clock.now()}`);
    });
    assert.deepEqual(trace, ['started at 10', 'group ended at 20']);
  }),
);

test(
  'group.start: one that fails before started lets an otherwise empty group end',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (starter) => {
      await taskGroup((group) => {
        const failing = (): Promise<unknown> => sleep(10).then(() => Promise.reject(new Error('failed')));
        starter.spawn(() => failureOf(group.start(failing)), { eager: true });
      });
      trace.push(`group ended at ${clock.now()}`);
    });
    assert.deepEqual(trace, ['group ended at 10']);
  }),
);

// trio test_run.py::test_nursery_start_with_cancelled_nursery
test(
  'group.start: a cancelled group does not reach the task before started; it is cancelled the moment it moves there',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (outside) => {
      let target: TaskGroup | undefined;
      outside.spawn(() =>
        taskGroup(async (group) => {
          target = group;
          await sleepForever();
        }),
      );
      await sleep(1);
      const starting = (target as TaskGroup).start<void, string>(async (scope, started) => {
        await sleep(10);
        trace.push(`cancelled before: ${scope.cancelled}`);
        started('value');
        trace.push(`cancelled after: ${scope.cancelled}`);
        await sleep(1_000).finally(() => trace.push(`cut off at ${clock.now()}`));
      });
      await sleep(5);
      target?.cancel();
      trace.push(`value: ${(await starting).value}`);
    });
    assert.deepEqual(trace.sort(), [
      'cancelled after: true',
      'cancelled before: false',
      'cut off at 11',
      'value: value',
    ]);
  }),
);

test(
  'group.start: a shielded caller starts a task in a group that is cancelled: it is cancelled on arrival',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.cancel();
      await shield(async () => {
        const task = await group.start<void, string>(async (_scope, started) => {
          started('value');
          await sleep(1).catch((error: unknown) => {
            trace.push(`cancelled: ${isCancelled(error)}`);
            throw error;
          });
        });
        trace.push(task.value);
      });
    });
    assert.deepEqual(trace.sort(), ['cancelled: true', 'value']);
  }),
);

// anyio test_taskgroups.py::test_start_cancelled / start_native_host_cancelled
test(
  'group.start: with the group itself as the caller, its cancel ends both',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(() => sleep(10).then(() => group.cancel()));
      await group.start(() => sleepForever().finally(() => trace.push('task'))).finally(() => trace.push('start'));
    });
    assert.deepEqual(trace, ['task', 'start']);
    assert.equal(clock.now(), 10);
  }),
);

// anyio test_taskgroups.py::test_start_crash_before_started_call with a cancelled caller: the crash wins
test(
  'group.start: a real error before started wins over the cancellation of the caller',
  virtually(async () => {
    const error = new Error('in clean-up');
    await taskGroup(async (group) => {
      const failure = await failureOf(timeout(10, () => group.start(() => sleepForever().finally(throwing(error)))));
      assert.equal(failure, error);
    });
  }),
);

test(
  'group.start: the caller timing out leaves start with a cancellation, and the timeout with a TimeoutError',
  virtually(async () => {
    await taskGroup(async (group) => {
      let inner: unknown;
      const failure = await failureOf(
        timeout(10, async () => {
          inner = await failureOf(group.start(() => sleepForever()));
          throw inner;
        }),
      );
      assert.ok(isCancelled(inner));
      assert.ok(failure instanceof TimeoutError);
    });
  }),
);

// deviation: trio throws RuntimeError, cancelled or not
test(
  'group.start: a task that swallows the cancellation of the caller and returns without started: the cancellation counts',
  virtually(async () => {
    await taskGroup(async (group) => {
      const result = await moveOnAfter(10, () => group.start(() => sleepForever().catch(() => {})));
      assert.deepEqual(result, { timedOut: true });
    });
  }),
);

test(
  'group.start: calls started after the group was cancelled from outside: only the cancellation comes out',
  virtually(async () => {
    let failure: unknown;
    await withScope(async (outer) => {
      failure = await failureOf(
        taskGroup(async (group) => {
          const starting = group.start<void>(async (_scope, started) => {
            await shield(() => sleep(10));
            started();
            await sleep(10);
          });
          await sleep(5);
          outer.cancel();
          await starting;
        }),
      );
      assert.equal(failure, outer.reason);
      assert.deepEqual(suppressedErrors(failure), []);
    });
  }),
);

// trio test_run.py::test_nursery_start: start() does not raise Cancelled when the task completed; here the caller's is thrown
test(
  'group.start: started called after the caller was cancelled is no mistake: the cancellation counts',
  virtually(async () => {
    await taskGroup(async (group) => {
      const result = await moveOnAfter(10, () =>
        group.start<string, string>(async (_scope, started) => {
          await shield(() => sleep(20));
          started('late');
          return 'done';
        }),
      );
      assert.deepEqual(result, { timedOut: true });
    });
  }),
);
