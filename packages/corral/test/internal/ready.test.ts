import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { clock } from '../../src/internal/clock.ts';
import { activity } from '../../src/internal/activity.ts';
import { enqueue, reserve, shuffle, shuffleReady } from '../../src/internal/ready.ts';
import { tick } from './observe.ts';
import { virtually } from '../core/virtually.ts';

/** The event loop has just had a turn, so nobody has waited for one too long. */
function justServed(): Promise<void> {
  return new Promise((resolve) => clock.turn(resolve));
}

/** Long enough for all that is ready, too short for a turn of the event loop. */
async function settle(): Promise<void> {
  for (let ticks = 0; ticks < 20; ticks++) await tick();
}

test('enqueue: what is ready goes on in a microtask, first come first served', async () => {
  await justServed();
  const trace: string[] = [];
  for (const name of ['a', 'b', 'c']) enqueue({ proceed: () => trace.push(name) });
  assert.deepEqual(trace, []);
  await settle();
  assert.deepEqual(trace, ['a', 'b', 'c']);
});

test('enqueue: what becomes ready meanwhile goes on after the others, before a turn of the event loop', async () => {
  await justServed();
  const trace: string[] = [];
  setImmediate(() => trace.push('turn'));
  enqueue({
    proceed: () => {
      trace.push('a');
      enqueue({ proceed: () => trace.push('c') });
    },
  });
  enqueue({ proceed: () => trace.push('b') });
  await settle();
  assert.deepEqual(trace, ['a', 'b', 'c']);
});

test("enqueue: it goes on in the async context of where it was enqueued, other libraries' too", async () => {
  await justServed();
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  for (const name of ['a', 'b']) storage.run(name, () => enqueue({ proceed: () => seen.push(storage.getStore()) }));
  await settle();
  assert.deepEqual(seen, ['a', 'b']);
  assert.equal(storage.getStore(), undefined);
});

test('reserve: what proceeds later does so in the async context of the reservation', async () => {
  await justServed();
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const proceed = storage.run('reserved', () => reserve());
  await settle();
  storage.run('later', () => proceed({ proceed: () => seen.push(storage.getStore()) }));
  assert.deepEqual(seen, []);
  await settle();
  assert.deepEqual(seen, ['reserved']);
});

test('enqueue: counts as activity', () => {
  const before = activity.count;
  enqueue({ proceed: () => {} });
  assert.ok(activity.count > before);
});

/** The order in which `names` go on when the last of those that are ready is always picked. */
async function lastFirst(body: (trace: string[]) => void): Promise<{ trace: string[]; counts: number[] }> {
  const trace: string[] = [];
  const counts: number[] = [];
  await justServed();
  shuffleReady((count) => {
    counts.push(count);
    return count - 1;
  });
  try {
    body(trace);
    await settle();
  } finally {
    shuffleReady(undefined);
  }
  return { trace, counts };
}

test('shuffleReady: picks what goes on next out of all that is ready', async () => {
  const { trace, counts } = await lastFirst((order) => {
    for (const name of ['a', 'b', 'c', 'd']) enqueue({ proceed: () => order.push(name) });
  });
  assert.deepEqual(trace, ['d', 'c', 'b', 'a']);
  assert.deepEqual(counts, [4, 3, 2, 1]);
});

test('shuffleReady: shuffles tasks and waiting operations together', async () => {
  const { trace } = await lastFirst((order) => {
    enqueue({ proceed: () => order.push('task') });
    shuffle(() => order.push('operation'));
  });
  assert.deepEqual(trace, ['operation', 'task']);
});

// The virtual clock asks for a turn after a fixed number of steps, the platform's after 10 ms.
test(
  'enqueue: a chain that never ends lets the event loop have its turns',
  virtually(async () => {
    let stop = false;
    setTimeout(() => (stop = true), 1);
    const steps = await new Promise<number>((resolve) => {
      let count = 0;
      const go = (): void => {
        count++;
        if (stop || count > 5_000_000) resolve(count);
        else enqueue({ proceed: go });
      };
      enqueue({ proceed: go });
    });
    assert.ok(stop, `${steps} steps and no turn`);
  }),
);
