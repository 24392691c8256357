import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Semaphore,
  cleanup,
  currentScope,
  moveOnAfter,
  run,
  sleep,
  taskGroup,
  timeout,
  withScope,
  type Permit,
} from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, untilCut, virtually } from '../core/virtually.ts';

test(
  'Semaphore: at most so many hold a permit at a time',
  virtually(async (clock) => {
    const limit = new Semaphore(3);
    let inside = 0;
    let most = 0;
    await taskGroup((group) => {
      for (let n = 0; n < 10; n++) {
        group.spawn(async () => {
          using _permit = await limit.acquire();
          most = Math.max(most, ++inside);
          await sleep(10);
          inside--;
        });
      }
    });
    assert.equal(most, 3);
    assert.equal(clock.now(), 40);
    assert.equal(limit.available, 3);
  }),
);

// asyncio test_locks.py::SemaphoreTests::test_acquire_cancel_before_awoken
test(
  'Semaphore: cancelled waiters are skipped, and exactly one goes on for each permit',
  virtually(async () => {
    const limit = new Semaphore(1);
    const held = await limit.acquire();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const tasks = ['a', 'b', 'c', 'd'].map((name) => group.spawn(() => limit.acquire().then(() => trace.push(name))));
      await waitAllTasksBlocked();
      tasks[0]?.cancel();
      tasks[1]?.cancel();
      held.release();
      await waitAllTasksBlocked();
      assert.deepEqual(trace, ['c']);
      assert.deepEqual({ ...limit.snapshot() }, { name: 'semaphore', permits: 1, available: 0, waiting: 1 });
      tasks[3]?.cancel();
    });
  }),
);

// asyncio test_locks.py::SemaphoreTests::test_acquire_fifo_order_3, test_acquire_fifo_order_4
test(
  'Semaphore: first come first served with cancellations and several releases at once',
  virtually(async () => {
    const limit = new Semaphore(3);
    const held = [await limit.acquire(), await limit.acquire(), await limit.acquire()];
    const trace: number[] = [];
    await taskGroup(async (group) => {
      const tasks = [0, 1, 2, 3, 4].map((n) =>
        group.spawn(async () => {
          using _permit = await limit.acquire();
          trace.push(n);
          await sleep(1);
        }),
      );
      await waitAllTasksBlocked();
      tasks[1]?.cancel();
      for (const permit of held) permit.release();
    });
    assert.deepEqual(trace, [0, 2, 3, 4]);
    assert.equal(limit.available, 3);
  }),
);

test(
  'Semaphore: one that wants more than is free is waited for, however little the next ones want',
  virtually(async () => {
    const limit = new Semaphore(3);
    const first = await limit.acquire(2);
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const take = (name: string, weight: number) => async (): Promise<void> => {
        using _permit = await limit.acquire(weight);
        trace.push(name);
        await sleep(1);
      };
      group.spawn(take('three', 3));
      group.spawn(take('one', 1));
      await waitAllTasksBlocked();
      assert.equal(limit.available, 1);
      assert.equal(limit.tryAcquire(), undefined);
      first.release();
    });
    assert.deepEqual(trace, ['three', 'one']);
  }),
);

test(
  'Semaphore: when a big one at the head is cancelled, those behind it that fit go on',
  virtually(async () => {
    const limit = new Semaphore(3);
    using _first = await limit.acquire(1);
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const big = group.spawn(() => limit.acquire(3));
      for (const name of ['a', 'b', 'c']) group.spawn(() => limit.acquire().then(() => trace.push(name)));
      await waitAllTasksBlocked();
      big.cancel();
      await waitAllTasksBlocked();
      assert.deepEqual(trace, ['a', 'b']);
      group.cancel();
    });
  }),
);

test(
  'Semaphore: all that one cancellation takes out leave together: no permit goes to one of them',
  virtually(async () => {
    const limit = new Semaphore(2);
    using _first = await limit.acquire();
    await taskGroup(async (group) => {
      await withScope(async (scope) => {
        await taskGroup(async (inner) => {
          inner.spawn(() => limit.acquire(2));
          inner.spawn(() => limit.acquire(1));
          await waitAllTasksBlocked();
          scope.cancel();
        });
      });
      assert.equal(limit.available, 1);
      assert.equal(limit.snapshot().waiting, 0);
      group.cancel();
    });
  }),
);

test(
  'Semaphore: a release in a cancelled scope serves the others',
  virtually(async () => {
    const limit = new Semaphore(1);
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await moveOnAfter(5, async () => {
          using _permit = await limit.acquire();
          await sleep(1_000);
        });
        trace.push('timed out');
      });
      group.spawn(async () => {
        using _permit = await limit.acquire();
        trace.push('got it');
      });
    });
    assert.deepEqual(trace.sort(), ['got it', 'timed out']);
  }),
);

test(
  'Semaphore: a timeout around acquire leaves nothing behind',
  virtually(async (clock) => {
    const limit = new Semaphore(1);
    const held = await limit.acquire();
    const error = await failureOf(timeout(10, () => limit.acquire()));
    assert.equal((error as Error).name, 'TimeoutError');
    assert.equal(clock.now(), 10);
    held.release();
    assert.equal(limit.available, 1);
  }),
);

test(
  'Semaphore: a permit that is released twice comes back once',
  virtually(async () => {
    const limit = new Semaphore(2);
    const permit = await limit.acquire(2);
    assert.equal(permit.held, true);
    permit.release();
    permit.release();
    permit[Symbol.dispose]();
    assert.equal(permit.held, false);
    assert.equal(limit.available, 2);
  }),
);

test('Semaphore: works outside all scopes', async () => {
  const limit = new Semaphore(1);
  const held = await limit.acquire();
  const next = limit.acquire();
  held.release();
  (await next).release();
  assert.equal(limit.available, 1);
});

test('Semaphore: what is no number of permits is refused', async () => {
  for (const bad of [0, -1, 1.5, Number.NaN, '1']) {
    assert.throws(() => new Semaphore(bad as number), { name: 'RangeError', message: /^Cannot make a semaphore as / });
    const limit = new Semaphore(3);
    await assert.rejects(limit.acquire(bad as number), RangeError);
    assert.throws(() => limit.tryAcquire(bad as number), RangeError);
    await assert.rejects(
      limit.hold(() => 1, { weight: bad as number }),
      RangeError,
    );
  }
  await assert.rejects(new Semaphore(3, { name: 'gate' }).acquire(4), {
    message: 'Cannot acquire gate as it takes an integer from 1 to 3: current value is 4',
  });
  await assert.rejects(new Semaphore(Infinity, { name: 'gate' }).acquire(0), {
    message: 'Cannot acquire gate as it takes a positive integer: current value is 0',
  });
});

test('Semaphore: with endless permits nobody waits, and nobody takes them all', async () => {
  const limit = new Semaphore(Infinity);
  const permit = await limit.acquire(1_000);
  assert.equal(limit.available, Infinity);
  permit.release();
  assert.equal(limit.available, Infinity);
  await assert.rejects(limit.acquire(Infinity), RangeError);
});

test(
  'Semaphore.hold: holds for the time of its body, in the scope of the caller, and gives back when it throws',
  virtually(async () => {
    const limit = new Semaphore(3);
    const around = currentScope();
    const value = await limit.hold(
      async (permit: Permit) => {
        assert.equal(currentScope(), around);
        assert.equal(permit.weight, 2);
        await sleep(1);
        return limit.available;
      },
      { weight: 2 },
    );
    assert.equal(value, 1);
    assert.equal(limit.available, 3);
    const failure = new Error('body');
    assert.equal(await failureOf(limit.hold(() => Promise.reject(failure))), failure);
    assert.equal(
      await failureOf(
        limit.hold(() => {
          throw failure;
        }),
      ),
      failure,
    );
    assert.equal(limit.available, 3);
    await assert.rejects(limit.hold(5 as never), { name: 'TypeError', message: /Semaphore\.hold.*function/ });
    assert.equal(limit.available, 3);
  }),
);

test(
  'Semaphore.hold: cancelled while waiting, the body never runs',
  virtually(async () => {
    const limit = new Semaphore(1);
    using _held = await limit.acquire();
    let ran = false;
    await moveOnAfter(1, () => limit.hold(() => (ran = true)));
    assert.equal(ran, false);
  }),
);

test(
  'Semaphore.hold: a timeout frees the permit when the body has ended, not before',
  virtually(async (clock) => {
    const limit = new Semaphore(1);
    const trace: string[] = [];
    await taskGroup((group) => {
      group.spawn(() =>
        moveOnAfter(10, () => limit.hold(() => untilCut(() => cleanup(() => sleep(5))))).then(() =>
          trace.push(`first ended at ${clock.now()}`),
        ),
      );
      group.spawn(() => limit.hold(() => trace.push(`second began at ${clock.now()}`)));
    });
    assert.deepEqual(trace.sort(), ['first ended at 15', 'second began at 15']);
  }),
);

test(
  'Semaphore.hold: a body that fails with what is falsy fails, and gives back',
  virtually(async () => {
    const limit = new Semaphore(1);
    for (const falsy of [undefined, null, 0, '', false]) {
      assert.equal(await failureOf(limit.hold(() => Promise.reject(falsy))), falsy);
      assert.equal(limit.available, 1);
    }
  }),
);

test('Semaphore: a hundred thousand waiters are served in order', async () => {
  const count = 100_000;
  await run(async () => {
    const limit = new Semaphore(1);
    const held = await limit.acquire();
    let last = -1;
    const waiting = Array.from({ length: count }, (_, n) =>
      limit.hold(() => {
        assert.equal(n, last + 1);
        last = n;
      }),
    );
    held.release();
    await Promise.all(waiting);
    assert.equal(last, count - 1);
  });
});
