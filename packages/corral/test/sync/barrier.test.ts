import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Barrier, BrokenBarrierError, checkpoint, moveOnAfter, sleep, taskGroup } from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

// asyncio test_locks.py::BarrierTests::test_filling_tasks, test_wait_task
test(
  'Barrier: all go on when the last one arrives, each with its place in the order of arrival',
  virtually(async (clock) => {
    const barrier = new Barrier(3);
    const trace: string[] = [];
    await taskGroup((group) => {
      for (const ms of [20, 10, 30]) {
        group.spawn(async () => {
          await sleep(ms);
          const index = await barrier.wait();
          trace.push(`${index} came at ${ms}, went at ${clock.now()}`);
        });
      }
    });
    assert.deepEqual(trace.sort(), [
      '0 came at 10, went at 30',
      '1 came at 20, went at 30',
      '2 came at 30, went at 30',
    ]);
    assert.deepEqual({ ...barrier.snapshot() }, { name: 'barrier', parties: 3, waiting: 0, broken: false });
  }),
);

test(
  'Barrier: one party never waits',
  virtually(async () => {
    const barrier = new Barrier(1);
    assert.equal(await barrier.wait(), 0);
    assert.equal(await barrier.wait(), 0);
  }),
);

// asyncio test_locks.py::BarrierTests::test_filling_tasks_check_return_value, test_draining_state
test(
  'Barrier: it is used again and again; who comes while others are leaving belongs to the next round',
  virtually(async () => {
    const barrier = new Barrier(2);
    const rounds: number[][] = [[], [], []];
    await taskGroup((group) => {
      for (let n = 0; n < 2; n++) {
        group.spawn(async () => {
          for (const round of rounds) {
            round.push(await barrier.wait());
            if (n === 1) await checkpoint();
          }
        });
      }
    });
    for (const round of rounds)
      assert.deepEqual(
        round.sort((a, b) => a - b),
        [0, 1],
      );
  }),
);

// asyncio test_locks.py::BarrierTests::test_cancel_all_tasks, test_abort_barrier_when_tasks_half_draining
test(
  'Barrier: whoever is cancelled has not arrived, and the places have no gap',
  virtually(async () => {
    const barrier = new Barrier(3);
    const trace: number[] = [];
    await taskGroup(async (group) => {
      const first = group.spawn(() => barrier.wait());
      group.spawn(async () => trace.push(await barrier.wait()));
      await waitAllTasksBlocked();
      first.cancel();
      assert.equal(barrier.waiting, 1);
      group.spawn(async () => trace.push(await barrier.wait()));
      await waitAllTasksBlocked();
      assert.equal(trace.length, 0);
      trace.push(await barrier.wait());
    });
    assert.deepEqual(
      trace.sort((a, b) => a - b),
      [0, 1, 2],
    );
  }),
);

// asyncio test_locks.py::BarrierTests::test_reset_barrier, test_reset_barrier_while_tasks_waiting
test(
  'Barrier.reset: who waits gets a BrokenBarrierError, and the barrier is as new',
  virtually(async () => {
    const barrier = new Barrier(2, { name: 'start line' });
    await taskGroup(async (group) => {
      const waiting = group.spawn(async () => {
        const error = await failureOf(barrier.wait());
        assert.ok(error instanceof BrokenBarrierError);
        assert.equal(error.name, 'BrokenBarrierError');
        assert.equal(error.code, 'CORRAL_BROKEN_BARRIER');
        assert.match(error.message, /^Cannot wait at start line as it is broken/);
      });
      await waitAllTasksBlocked();
      barrier.reset();
      assert.equal(barrier.broken, false);
      assert.equal(barrier.waiting, 0);
      await waiting.join();
      group.spawn(() => barrier.wait());
      await barrier.wait();
    });
  }),
);

// asyncio test_locks.py::BarrierTests::test_reset_barrier_while_tasks_draining
test(
  'Barrier.reset: who was let go before keeps its place; who has come for the next round is turned away',
  virtually(async () => {
    const barrier = new Barrier(2);
    const trace: unknown[] = [];
    await taskGroup(async (group) => {
      const wait = (): Promise<unknown> =>
        barrier.wait().then(
          (index) => trace.push(index),
          (error: unknown) => trace.push((error as Error).name),
        );
      group.spawn(wait);
      await waitAllTasksBlocked();
      const last = barrier.wait();
      const early = wait();
      barrier.reset();
      trace.push(await last);
      await early;
    });
    assert.deepEqual(trace.map(String).sort(), ['0', '1', 'BrokenBarrierError']);
    assert.equal(barrier.broken, false);
  }),
);

// asyncio test_locks.py::BarrierTests::test_abort_barrier, test_abort_barrier_when_exception
test(
  'Barrier.abort: breaks it for those who wait and for all who come, until it is reset',
  virtually(async () => {
    const barrier = new Barrier(3);
    const failure = new Error('one of us');
    const trace: string[] = [];
    await taskGroup(async (group) => {
      for (let n = 0; n < 2; n++) {
        group.spawn(() => barrier.wait().catch((error: unknown) => trace.push((error as Error).name)));
      }
      await waitAllTasksBlocked();
      try {
        throw failure;
      } catch {
        barrier.abort();
      }
      assert.equal(barrier.broken, true);
      await assert.rejects(barrier.wait(), BrokenBarrierError);
      barrier.reset();
      assert.equal(barrier.broken, false);
      assert.deepEqual(await moveOnAfter(1, () => barrier.wait()), { timedOut: true });
    });
    assert.deepEqual(trace, ['BrokenBarrierError', 'BrokenBarrierError']);
  }),
);

// asyncio test_locks.py::BarrierTests::test_barrier_parties
test('Barrier: what is no number of parties is refused', () => {
  for (const bad of [0, -1, 1.5, Infinity, Number.NaN, '2']) {
    assert.throws(() => new Barrier(bad as number), { name: 'RangeError', message: /^Cannot make a barrier as / });
  }
});
