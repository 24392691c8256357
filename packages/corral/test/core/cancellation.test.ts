import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  abortable,
  checkpoint,
  gather,
  isCancelled,
  sleep,
  sleepForever,
  taskGroup,
  withScope,
  type Scope,
} from '../../src/index.ts';

import { failureOf, pledge, virtually } from './virtually.ts';

const notCalled = (): never => assert.fail('called');

// trio test_run.py::test_cancel_edge_cases
test(
  'cancellation: is level-triggered: what was caught once is thrown again at the next operation',
  virtually(async () => {
    const caught: unknown[] = [];
    await withScope(async (scope) => {
      scope.cancel();
      scope.cancel();
      for (let times = 0; times < 3; times++) await sleep(1).catch((error: unknown) => caught.push(error));
      await taskGroup((group) => group.spawn(() => caught.push('not reached'))).catch(() => {});
    });
    assert.equal(caught.length, 3);
    assert.equal(new Set(caught).size, 1);
  }),
);

// semantics: CancelledError means that it did not happen; a settled promise cannot be recalled
test(
  'cancellation: in the same tick as the value the value wins, and the next operation throws',
  virtually(async () => {
    const trace: unknown[] = [];
    await taskGroup(async (group) => {
      const { promise, resolve } = pledge<string>();
      const task = group.spawn(() => promise);
      await withScope(async (scope) => {
        const joining = task.join();
        void task.settled.then(() => scope.cancel());
        resolve('value');
        trace.push(await joining);
        trace.push(isCancelled(await failureOf(sleep(1))));
      });
    });
    assert.deepEqual(trace, ['value', true]);
  }),
);

test(
  'cancellation: before the value wins over the value that comes in the same tick',
  virtually(async () => {
    const { promise, resolve } = pledge<string>();
    const released: string[] = [];
    await withScope(async (scope) => {
      const waiting = failureOf(abortable(promise, { onAbandoned: (value) => released.push(value) }));
      scope.cancel();
      resolve('value');
      assert.ok(isCancelled(await waiting));
    });
    assert.deepEqual(released, ['value']);
  }),
);

test(
  'scope.cancel: the waiters are out before it returns; they go on in microtasks, in order',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      await taskGroup(async (group) => {
        for (const name of ['a', 'b', 'c']) group.spawn(() => sleepForever().catch(() => trace.push(name)));
        await checkpoint();
        outer.cancel();
        trace.push('cancel() returned');
      });
    });
    assert.deepEqual(trace, ['cancel() returned', 'a', 'b', 'c']);
  }),
);

test(
  'scope.cancel: first all are marked, then callbacks are called, then signals are aborted, parents first',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      await withScope(async (inner) => {
        const note = (what: string): void => void trace.push(`${what} (${outer.cancelled} ${inner.cancelled})`);
        inner.signal.addEventListener('abort', () => note('inner signal'));
        outer.signal.addEventListener('abort', () => note('outer signal'));
        inner.onCancel(() => note('inner callback'));
        outer.onCancel(() => note('outer callback'));
        outer.cancel();
      });
    });
    assert.deepEqual(trace, [
      'outer callback (true true)',
      'inner callback (true true)',
      'outer signal (true true)',
      'inner signal (true true)',
    ]);
  }),
);

test(
  'scope.cancel: called inside an abort listener of the same scope changes nothing',
  virtually(async () => {
    const results: boolean[] = [];
    await withScope(async (scope) => {
      scope.signal.addEventListener('abort', () => results.push(scope.cancel('again')));
      results.push(scope.cancel('first'));
      assert.equal(scope.reason?.cause.reason, 'first');
    });
    assert.deepEqual(results, [false, true]);
  }),
);

test(
  'scope.cancel: called inside an abort listener or a callback for another scope works at once',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup((group) => {
      const tasks: Scope[] = [];
      for (const name of ['a', 'b', 'c']) {
        group.spawn((scope) => {
          tasks.push(scope);
          return sleepForever().finally(() => trace.push(name));
        });
      }
      group.spawn(async () => {
        const [a, b, c] = tasks as [Scope, Scope, Scope];
        a.signal.addEventListener('abort', () => b.cancel());
        b.onCancel(() => c.cancel());
        a.cancel();
        assert.deepEqual([b.cancelled, c.cancelled], [true, true]);
      });
    });
    assert.deepEqual(trace, ['a', 'b', 'c']);
  }),
);

test(
  'scope.cancel: of an outer scope inside the abort listener of an inner one: the outer wins',
  virtually(async () => {
    const value = await withScope(async (outer) => {
      await withScope(async (inner) => {
        inner.signal.addEventListener('abort', () => outer.cancel('outer'));
        inner.cancel('inner');
        const failure = await failureOf(sleep(1));
        assert.equal(failure, outer.reason);
        throw failure;
      });
      return 'not reached';
    });
    assert.equal(value, undefined);
  }),
);

test(
  'scope.cancel: from the handler of a rejection that an earlier cancel() caused',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      await withScope(async (inner) => {
        const first = sleepForever().catch(() => outer.cancel());
        const second = sleepForever().catch((error: unknown) => trace.push(`second: ${isCancelled(error)}`));
        inner.cancel();
        await Promise.all([first, second]);
        await sleep(1);
      });
      trace.push('not reached');
    });
    assert.deepEqual(trace, ['second: true']);
  }),
);

// trio test_run.py::test_cancel_inheritance
test(
  'cancellation: reaches grandchildren through nested groups, also those that are spawned afterwards',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      await taskGroup((outer) => {
        outer.spawn(() =>
          taskGroup(async (inner) => {
            inner.spawn(() => sleepForever().finally(() => trace.push('grandchild')));
            await sleepForever().catch(() => {
              const late = inner.spawn(() => trace.push('never runs'));
              trace.push(`late: ${late.state}`);
            });
          }),
        );
        outer.spawn(async () => {
          await sleep(5);
          scope.cancel();
        });
      });
    });
    assert.deepEqual(trace.sort(), ['grandchild', 'late: cancelled']);
  }),
);

// trio test_run.py::test_cancel_scope_nesting
test(
  'cancellation: of two nested scopes that are both cancelled the outer one ends',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      await withScope(async (inner) => {
        inner.cancel();
        outer.cancel();
        await sleep(1);
      }).finally(() => trace.push('inner ended'));
      trace.push('not reached');
    });
    assert.deepEqual(trace, ['inner ended']);
  }),
);

// anyio test_taskgroups.py::test_cancelled_raises_beyond_origin_unshielded
test(
  'cancellation: an outer scope that is cancelled while the inner one unwinds takes the error over',
  virtually(async () => {
    let inner: unknown;
    const value = await withScope(async (outer) => {
      inner = await failureOf(
        withScope(async (scope) => {
          scope.cancel();
          await checkpoint().finally(() => outer.cancel());
        }),
      );
      assert.equal(inner, outer.reason);
      throw inner;
    });
    assert.equal(value, undefined);
    assert.ok(isCancelled(inner));
  }),
);

// anyio test_taskgroups.py::test_cancelled_raises_beyond_origin_shielded
test(
  'cancellation: with a shield on the inner scope the inner one absorbs its own, the outer throws at the next point',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      await withScope(
        async (scope) => {
          scope.cancel();
          await checkpoint().finally(() => outer.cancel());
        },
        { shield: true },
      );
      trace.push('inner absorbed');
      await checkpoint();
      trace.push('not reached');
    });
    assert.deepEqual(trace, ['inner absorbed']);
  }),
);

// anyio test_taskgroups.py::test_single_cancellation_exc
test(
  'cancellation: out of a group with many cancelled tasks comes one plain CancelledError',
  virtually(async () => {
    await withScope(async (scope) => {
      const group = failureOf(
        gather([() => sleepForever(), () => taskGroup((inner) => inner.spawn(() => sleepForever()).join())]),
      );
      await sleep(1);
      scope.cancel();
      assert.equal(await group, scope.reason);
    });
  }),
);

// anyio test_taskgroups.py::test_cancel_host / test_cancel_exiting_task_group
test(
  'cancellation: reaches a group that waits at its end',
  virtually(async (clock) => {
    let failure: unknown;
    await withScope(async (scope) => {
      const group = taskGroup((inner) => void inner.spawn(() => sleepForever()));
      group.catch((error: unknown) => (failure = error));
      await sleep(10);
      scope.cancel();
      await group;
    });
    assert.ok(isCancelled(failure));
    assert.equal(clock.now(), 10);
  }),
);

// trio test_run.py::test_precancelled_task
test(
  'cancellation: a task that is spawned into a cancelled scope never runs',
  virtually(async () => {
    await withScope(async (scope) => {
      scope.cancel();
      const failure = await failureOf(taskGroup((group) => void group.spawn(notCalled)));
      assert.equal(failure, scope.reason);
    });
  }),
);
