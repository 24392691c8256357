import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event, moveOnAfter, taskGroup } from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { virtually } from '../core/virtually.ts';

// asyncio test_locks.py::EventTests::test_clear_with_waiters
test(
  'Event: set wakes all that wait in order, also when clear follows at once',
  virtually(async () => {
    const event = new Event();
    const trace: number[] = [];
    await taskGroup(async (group) => {
      for (const n of [1, 2, 3]) group.spawn(() => event.wait().then(() => trace.push(n)));
      await waitAllTasksBlocked();
      event.set();
      event.clear();
    });
    assert.deepEqual(trace, [1, 2, 3]);
    assert.equal(event.isSet, false);
    assert.deepEqual(await moveOnAfter(1, () => event.wait()), { timedOut: true });
  }),
);

// asyncio test_locks.py::EventTests::test_wait_on_set, test_is_set; trio test_sync.py::test_Event
test(
  'Event: once set nobody waits',
  virtually(async (clock) => {
    const event = new Event({ name: 'ready' });
    event.set();
    event.set();
    await event.wait();
    assert.equal(event.isSet, true);
    assert.equal(clock.now(), 0);
    assert.deepEqual({ ...event.snapshot() }, { name: 'ready', isSet: true, waiting: 0 });
    assert.ok(Object.isFrozen(event.snapshot()));
  }),
);

test(
  'Event: one that is cancelled does not keep the others from waking',
  virtually(async () => {
    const event = new Event();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const first = group.spawn(() => event.wait().then(() => trace.push('first')));
      group.spawn(() => event.wait().then(() => trace.push('second')));
      await waitAllTasksBlocked();
      assert.equal(event.snapshot().waiting, 2);
      first.cancel();
      assert.equal(event.snapshot().waiting, 1);
      event.set();
    });
    assert.deepEqual(trace, ['second']);
  }),
);

test(
  'Event: whoever waits again inside its wake-up waits for the next time',
  virtually(async () => {
    const event = new Event();
    let woken = 0;
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await event.wait();
        woken++;
        await event.wait();
        woken++;
      });
      await waitAllTasksBlocked();
      event.set();
      event.clear();
      await waitAllTasksBlocked();
      assert.equal(woken, 1);
      event.set();
    });
    assert.equal(woken, 2);
  }),
);
