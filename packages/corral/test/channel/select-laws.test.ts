import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event, Queue, after, channel, select, sleep, taskGroup, timeout, type Selectable } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { formatTree } from '../../src/core/tree.ts';
import { virtually } from '../core/virtually.ts';

test(
  'select: of several that are ready each has its turn',
  virtually(async () => {
    const queues = { a: new Queue<number>(), b: new Queue<number>(), c: new Queue<number>() };
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (const queue of Object.values(queues)) await queue.putMany(Array.from({ length: 3_000 }, (_, n) => n));
    for (let n = 0; n < 3_000; n++) {
      const { key } = await select(queues);
      counts[key] = (counts[key] ?? 0) + 1;
    }
    for (const count of Object.values(counts)) assert.ok(count > 850 && count < 1_150, `${count}`);
  }),
);

test(
  'select: biased takes the first that is ready, in the order of the keys',
  virtually(async () => {
    const urgent = new Queue<number>();
    const usual = new Queue<number>();
    await urgent.putMany([1, 2]);
    await usual.putMany([3]);
    const keys: string[] = [];
    for (let n = 0; n < 3; n++) keys.push((await select({ urgent, usual }, { biased: true })).key);
    assert.deepEqual(keys, ['urgent', 'urgent', 'usual']);
  }),
);

test('select: under a virtual clock the picks repeat themselves, with a seed and without', async () => {
  const picks = async (seed?: number): Promise<string> => {
    let text = '';
    await new VirtualClock({ seed }).run(async () => {
      const one = new Event();
      one.set();
      for (let n = 0; n < 50; n++) text += (await select({ a: one, b: one })).key;
    });
    return text;
  };
  assert.equal(await picks(), await picks());
  assert.equal(await picks(7), await picks(7));
  assert.notEqual(await picks(7), await picks(8));
});

test('select: a loop that always finds something does not starve timers', async () => {
  const event = new Event();
  event.set();
  let fired = false;
  setTimeout(() => (fired = true), 1);
  while (!fired) await select({ event });
  assert.equal(fired, true);
});

test(
  'select: its place in the task tree names its branches',
  virtually(async () => {
    const queue = new Queue<number>();
    await taskGroup(async (group) => {
      group.spawn(() => select({ job: queue, stop: new Event() }), { background: true });
      await sleep(1);
      assert.match(formatTree(group.scope), /waits for select (job, stop|stop, job)/);
    });
  }),
);

// Laws ---------------------------------------------------------------------------------------------------------------

for (const seed of [undefined, 1]) {
  test(
    `select: ten thousand of them lose nothing, double nothing, and leave nobody in line (seed ${seed})`,
    virtually(
      async () => {
        const [sender, receiver] = channel<number>(0);
        const [sender2, receiver2] = channel<number>(3);
        const queue = new Queue<number>({ capacity: 2 });
        const never = new Event();
        const sent = new Set<number>();
        const got: number[] = [];
        let next = 0;
        const produce = async (): Promise<void> => {
          for (let n = 0; n < 1_250; n++) {
            const value = next++;
            const branches = {
              a: sender.sending(value),
              b: sender2.sending(value),
              c: queue.putting(value),
              tired: after(value % 7),
            };
            if (value % 11 === 0) {
              const result = await timeout(value % 3, () => select(branches)).catch(() => undefined);
              if (result && result.key !== 'tired') sent.add(value);
            } else if ((await select(branches)).key !== 'tired') sent.add(value);
          }
        };
        const consume = async (): Promise<void> => {
          for (let n = 0; n < 1_250; n++) {
            const branches: Record<string, Selectable<number | void>> = { receiver, receiver2, queue, never };
            const result = await select({ ...branches, tired: after(n % 5) });
            if (typeof result.value === 'number') got.push(result.value);
            if (n % 13 === 0) await sleep(n % 4);
          }
        };
        await taskGroup((group) => {
          for (let n = 0; n < 4; n++) group.spawn(produce);
          for (let n = 0; n < 4; n++) group.spawn(consume);
        });
        for (let value = receiver2.tryReceive(); value !== undefined; value = receiver2.tryReceive()) got.push(value);
        for (let value = queue.tryGet(); value !== undefined; value = queue.tryGet()) got.push(value);
        assert.equal(new Set(got).size, got.length);
        assert.deepEqual(new Set(got), sent);
        for (const { waitingReceivers, waitingSenders } of [receiver.snapshot(), receiver2.snapshot()]) {
          assert.deepEqual([waitingReceivers, waitingSenders], [0, 0]);
        }
        assert.deepEqual([queue.snapshot().waitingGetters, queue.snapshot().waitingPutters], [0, 0]);
      },
      { seed },
    ),
  );
}
