import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event, Lock, currentScope, run, sleep, taskGroup, withScope } from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { unhandledOf } from '../internal/observe.ts';

// asyncio test_locks.py::LockTests::test_cancel_race
test(
  'Lock: a waiter that is cancelled while the lock is released does not keep it from the next',
  virtually(async () => {
    const lock = new Lock();
    const held = await lock.acquire();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const b = group.spawn(() => lock.hold(() => trace.push('b')));
      group.spawn(() => lock.hold(() => trace.push('c')));
      await waitAllTasksBlocked();
      b.cancel();
      held.release();
    });
    assert.deepEqual(trace, ['c']);
    assert.equal(lock.locked, false);
  }),
);

// asyncio test_locks.py::LockTests::test_finished_waiter_cancelled
test(
  'Lock: a waiter that is cancelled after the hand-over has the lock, and passes it on when it ends',
  virtually(async () => {
    const lock = new Lock();
    const held = await lock.acquire();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const b = group.spawn(async () => {
        using _held = await lock.acquire();
        trace.push('b got it');
        await sleep(1);
        trace.push('never');
      });
      group.spawn(() => lock.hold(() => trace.push('c got it')));
      await waitAllTasksBlocked();
      held.release();
      b.cancel();
    });
    assert.deepEqual(trace, ['b got it', 'c got it']);
    assert.equal(lock.locked, false);
  }),
);

// trio test_sync.py::test_generic_lock_acquire_nowait_blocks_acquire
test(
  'Lock: no barging: what was released belongs to the first in line at once',
  virtually(async () => {
    const lock = new Lock();
    const held = await lock.acquire();
    await taskGroup(async (group) => {
      group.spawn(() => lock.hold(() => sleep(1)));
      await waitAllTasksBlocked();
      held.release();
      assert.equal(lock.locked, true);
      assert.equal(lock.tryAcquire(), undefined);
    });
    using again = lock.tryAcquire();
    assert.ok(again);
  }),
);

// asyncio test_locks.py::LockTests::test_acquire; trio test_sync.py::test_Lock_and_StrictFIFOLock
test(
  'Lock: one at a time, in the order in which they came',
  virtually(async () => {
    const lock = new Lock();
    const trace: number[] = [];
    await taskGroup((group) => {
      for (let n = 0; n < 5; n++) {
        group.spawn(() =>
          lock.hold(async () => {
            trace.push(n);
            await sleep(5 - n);
            trace.push(n);
          }),
        );
      }
    });
    assert.deepEqual(trace, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
  }),
);

test(
  'Lock: an old permit does nothing to the next holder',
  virtually(async () => {
    const lock = new Lock();
    const first = await lock.acquire();
    first.release();
    using _second = await lock.acquire();
    first.release();
    assert.equal(lock.locked, true);
  }),
);

test(
  'Lock: its snapshot is frozen and names the task that holds it',
  virtually(async () => {
    const lock = new Lock({ name: 'ledger' });
    assert.equal(lock.name, 'ledger');
    assert.deepEqual({ ...lock.snapshot() }, { name: 'ledger', locked: false, holder: undefined, waiting: 0 });
    await taskGroup(async (group) => {
      group.spawn(() => withScope(() => lock.hold(() => sleep(1))), { name: 'writer' });
      group.spawn(() => lock.hold(() => sleep(1)), { name: 'next' });
      await waitAllTasksBlocked();
      assert.deepEqual({ ...lock.snapshot() }, { name: 'ledger', locked: true, holder: 'writer', waiting: 1 });
      await sleep(1);
      await waitAllTasksBlocked();
      assert.equal(lock.snapshot().holder, 'next');
      assert.ok(Object.isFrozen(lock.snapshot()));
    });
    assert.equal(lock.snapshot().holder, undefined);
    using _taken = lock.tryAcquire();
    assert.equal(lock.snapshot().holder, currentScope()?.name);
  }),
);

test('Lock: whoever waits for himself is a deadlock that says so', async () => {
  const lock = new Lock({ name: 'ledger' });
  const error = await failureOf(
    virtually(async () => {
      using _held = await lock.acquire();
      await lock.acquire();
    })(),
  );
  assert.match((error as Error).message, /^Deadlock[^]*waits for ledger/);
});

test(
  'Lock.hold: releasing inside the body hands over once',
  virtually(async () => {
    const lock = new Lock();
    const done = new Event();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(() =>
        lock.hold(async (held) => {
          held.release();
          await done.wait();
          trace.push('first');
        }),
      );
      group.spawn(() =>
        lock.hold(async () => {
          done.set();
          await sleep(1);
          assert.equal(lock.locked, true);
          trace.push('second');
        }),
      );
    });
    assert.deepEqual(trace, ['first', 'second']);
  }),
);

test('Lock: acquiring and releasing in a loop lets timers fire', async () => {
  await run(async () => {
    const lock = new Lock();
    let fired = false;
    setTimeout(() => (fired = true), 1);
    while (!fired) (await lock.acquire()).release();
  });
});

test('Lock.hold: begun and not awaited it is cancelled with its scope, and silent', async () => {
  const lock = new Lock();
  const unhandled = await unhandledOf(
    virtually(async () => {
      using _held = await lock.acquire();
      await withScope(async (scope) => {
        void lock.hold(() => sleep(1));
        await sleep(0);
        scope.cancel();
      });
      await withScope(() => void lock.hold(() => sleep(1)));
    }),
  );
  assert.deepEqual(unhandled, []);
  assert.equal(lock.locked, false);
});

// trio test_sync.py::test_generic_lock_fifo_fairness
test(
  'Lock: those who take it again and again take turns',
  virtually(async () => {
    const lock = new Lock();
    const trace: number[] = [];
    await taskGroup((group) => {
      for (let n = 0; n < 3; n++) {
        group.spawn(async () => {
          for (let turn = 0; turn < 4; turn++) {
            await lock.hold(async () => {
              trace.push(n);
              await sleep(1);
            });
          }
        });
      }
    });
    assert.deepEqual(trace, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
  }),
);
