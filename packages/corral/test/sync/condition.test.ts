import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Condition,
  ContextVariable,
  Lock,
  ScopeClosedError,
  moveOnAfter,
  sleep,
  taskGroup,
  timeout,
  withScope,
  type Task,
  type TaskGroup,
} from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

/** Tasks that wait once each and say so when they go on with the lock. */
function waiters(group: TaskGroup, condition: Condition, names: string, trace: string[]): Task<void>[] {
  return names.split('').map((name) =>
    group.spawn(async () => {
      using held = await condition.acquire();
      try {
        await condition.wait(held);
        trace.push(name);
      } finally {
        assert.ok(held.held);
      }
    }),
  );
}

async function notify(condition: Condition, count?: number): Promise<void> {
  using held = await condition.acquire();
  condition.notify(held, count);
}

// asyncio test_locks.py::ConditionTests::test_wait, test_notify; anyio TestCondition::test_contextmanager
test(
  'Condition: notify wakes so many, in order; notifyAll the rest',
  virtually(async () => {
    const condition = new Condition();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      waiters(group, condition, 'abcdef', trace);
      await waitAllTasksBlocked();
      assert.deepEqual({ ...condition.snapshot() }, { name: 'condition', locked: false, waiting: 6 });
      await notify(condition);
      await waitAllTasksBlocked();
      assert.deepEqual(trace, ['a']);
      await notify(condition, 2);
      await waitAllTasksBlocked();
      assert.deepEqual(trace, ['a', 'b', 'c']);
      using held = await condition.acquire();
      condition.notifyAll(held);
    });
    assert.deepEqual(trace, ['a', 'b', 'c', 'd', 'e', 'f']);
    assert.equal(condition.lock.locked, false);
  }),
);

test(
  'Condition: notifying nobody does nothing, also not later',
  virtually(async () => {
    const condition = new Condition();
    await notify(condition, 5);
    using held = await condition.acquire();
    assert.deepEqual(await moveOnAfter(1, () => condition.wait(held)), { timedOut: true });
    assert.ok(held.held);
  }),
);

test(
  'Condition.wait: lets go of the lock while it waits, and has it again when it goes on',
  virtually(async () => {
    const condition = new Condition();
    await taskGroup(async (group) => {
      group.spawn(async () => {
        using held = await condition.acquire();
        const waiting = condition.wait(held);
        assert.equal(held.held, false);
        await waiting;
        assert.equal(held.held, true);
        assert.equal(condition.lock.locked, true);
      });
      await waitAllTasksBlocked();
      using held = condition.tryAcquire();
      assert.ok(held);
      condition.notify(held);
      await sleep(1);
    });
    assert.equal(condition.lock.locked, false);
  }),
);

// asyncio test_locks.py::ConditionTests::test_wait_cancel_after_notify
test(
  'Condition.wait: cancelled while it waits for the lock again it first gets the lock, then throws',
  virtually(async (clock) => {
    const condition = new Condition();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        using held = await condition.acquire();
        await condition.wait(held).catch((error: unknown) => {
          trace.push(`${(error as Error).name} at ${clock.now()}, held ${held.held}`);
          throw error;
        });
      });
      await waitAllTasksBlocked();
      using held = await condition.acquire();
      condition.notify(held);
      await waitAllTasksBlocked();
      task.cancel();
      await sleep(10);
      held.release();
    });
    assert.deepEqual(trace, ['AbortError at 10, held true']);
    assert.equal(condition.lock.locked, false);
  }),
);

// asyncio test_locks.py::ConditionTests::test_cancelled_wakeup
test(
  'Condition: a notification of one that is cancelled in the same tick goes to the next',
  virtually(async () => {
    for (const first of ['notify', 'cancel'] as const) {
      const condition = new Condition();
      const trace: string[] = [];
      await taskGroup(async (group) => {
        const [a, , c] = waiters(group, condition, 'abc', trace);
        await waitAllTasksBlocked();
        using held = await condition.acquire();
        if (first === 'notify') condition.notify(held);
        a?.cancel();
        if (first === 'cancel') condition.notify(held);
        held.release();
        await waitAllTasksBlocked();
        assert.deepEqual(trace, ['b'], first);
        c?.cancel();
      });
    }
  }),
);

// asyncio test_locks.py::ConditionTests::test_cancelled_wakeup_relock
test(
  'Condition: a notification of one that is cancelled while it waits for the lock again goes to the next',
  virtually(async () => {
    const condition = new Condition();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const [a, b] = waiters(group, condition, 'abc', trace);
      await waitAllTasksBlocked();
      using held = await condition.acquire();
      condition.notify(held);
      await waitAllTasksBlocked();
      a?.cancel();
      await sleep(1);
      b?.cancel();
      held.release();
      await waitAllTasksBlocked();
      assert.deepEqual(trace, ['c']);
    });
    assert.equal(condition.lock.locked, false);
  }),
);

// anyio test_synchronization.py::TestCondition::test_notification_handover_on_cancel
test(
  'Condition: one that a timeout cancelled after it was notified hands the notification over',
  virtually(async () => {
    const condition = new Condition();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => {
        using held = await condition.acquire();
        const result = await moveOnAfter(10, () => condition.wait(held));
        trace.push(`first timed out: ${result.timedOut}`);
      });
      waiters(group, condition, 's', trace);
      await waitAllTasksBlocked();
      using held = await condition.acquire();
      await sleep(9);
      condition.notify(held);
      await sleep(9);
    });
    assert.deepEqual(trace, ['first timed out: true', 's']);
  }),
);

// asyncio test_locks.py::ConditionTests::test_timeout_in_block
test(
  'Condition: a timeout around wait, inside the block that holds the lock',
  virtually(async (clock) => {
    const condition = new Condition();
    {
      using held = await condition.acquire();
      const error = await failureOf(timeout(1, () => condition.wait(held)));
      assert.equal((error as Error).name, 'TimeoutError');
      assert.ok(held.held);
    }
    assert.equal(condition.lock.locked, false);
    assert.equal(clock.now(), 1);
  }),
);

// asyncio test_locks.py::ConditionTests::test_wait_unacquired, test_notify_unacquired
test(
  'Condition: what is no proof that its lock is held is refused, and changes nothing',
  virtually(async () => {
    const condition = new Condition();
    const released = await condition.acquire();
    released.release();
    using foreign = await new Lock().acquire();
    using held = await condition.acquire();
    for (const bad of [released, foreign, undefined, {}] as never[]) {
      await assert.rejects(condition.wait(bad), {
        name: 'TypeError',
        message: /^Cannot wait for condition as it takes the permit that holds its lock: current value is /,
      });
      await assert.rejects(
        condition.waitFor(bad, () => true),
        TypeError,
      );
      assert.throws(() => condition.notify(bad), TypeError);
      assert.throws(() => condition.notifyAll(bad), TypeError);
    }
    assert.throws(() => condition.notify(held, 0), RangeError);
    await assert.rejects(condition.waitFor(held, 5 as never), TypeError);
    assert.throws(() => new Condition({} as never), TypeError);
    assert.ok(held.held);
  }),
);

test(
  'Condition: a permit that is in a wait proves nothing',
  virtually(async () => {
    const condition = new Condition();
    using held = await condition.acquire();
    const waiting = moveOnAfter(1, () => condition.wait(held));
    assert.throws(() => condition.notify(held), TypeError);
    await assert.rejects(condition.wait(held), TypeError);
    await waiting;
    condition.notify(held);
  }),
);

// asyncio test_locks.py::ConditionTests::test_wait_for
test(
  'Condition: several may share a lock',
  virtually(async () => {
    const lock = new Lock();
    const [notEmpty, notFull] = [new Condition(lock), new Condition(lock)];
    const items: number[] = [];
    const got: number[] = [];
    await taskGroup((group) => {
      group.spawn(async () => {
        for (let n = 0; n < 5; n++) {
          using held = await lock.acquire();
          await notFull.waitFor(held, () => items.length < 2);
          items.push(n);
          notEmpty.notify(held);
        }
      });
      group.spawn(async () => {
        while (got.length < 5) {
          using held = await lock.acquire();
          await notEmpty.waitFor(held, () => items.length > 0);
          got.push(items.shift() as number);
          notFull.notify(held);
        }
      });
    });
    assert.deepEqual(got, [0, 1, 2, 3, 4]);
  }),
);

test(
  'Condition.wait: a permit that is released meanwhile stays released, and the notification goes on',
  virtually(async () => {
    const condition = new Condition();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => {
        const held = await condition.acquire();
        const waiting = condition.wait(held);
        held.release();
        await assert.rejects(waiting, /^TypeError: Cannot go on in condition as its lock must be held/);
        assert.equal(held.held, false);
      });
      waiters(group, condition, 'b', trace);
      await waitAllTasksBlocked();
      await notify(condition);
    });
    assert.deepEqual(trace, ['b']);
    assert.equal(condition.lock.locked, false);
  }),
);

test(
  'Condition.wait: one that nobody awaits does not take the lock again, and is silent',
  virtually(async () => {
    const condition = new Condition();
    let error: unknown;
    await withScope(async () => {
      const held = await condition.acquire();
      condition.wait(held).catch((reason: unknown) => (error = reason));
      void condition.waitFor(await condition.acquire(), () => false);
    });
    await waitAllTasksBlocked();
    assert.ok(error instanceof ScopeClosedError);
    assert.equal(condition.lock.locked, false);
    assert.equal(condition.snapshot().waiting, 0);
  }),
);

test(
  'Condition.wait: orphaned while it waits for the lock again it leaves the lock alone',
  virtually(async () => {
    const condition = new Condition();
    await taskGroup(async (group) => {
      let leave = (): void => {};
      const gone = group.spawn(() =>
        withScope(async () => {
          const held = await condition.acquire();
          void condition.wait(held);
          await new Promise<void>((resolve) => (leave = resolve));
        }),
      );
      await sleep(0);
      using held = await condition.acquire();
      condition.notify(held);
      await sleep(0);
      leave();
      await gone.join();
      held.release();
    });
    assert.equal(condition.lock.locked, false);
  }),
);

test(
  'Condition: context variables are the waiter’s own afterwards, and in the predicate',
  virtually(async () => {
    const who = new ContextVariable<string>();
    const condition = new Condition();
    const seen: (string | undefined)[] = [];
    await taskGroup(async (group) => {
      group.spawn(() =>
        who.run('waiter', async () => {
          using held = await condition.acquire();
          await condition.waitFor(held, () => seen.push(who.get()) > 1);
          seen.push(who.get());
        }),
      );
      await waitAllTasksBlocked();
      await who.run('notifier', () => notify(condition));
    });
    assert.deepEqual(seen, ['waiter', 'waiter', 'waiter']);
  }),
);
