import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeoutError, checkpoint, sleep, sleepForever, taskGroup, timeout } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { failureOf } from '../core/virtually.ts';

test('VirtualClock: without autojump time moves by advance() only', async () => {
  const clock = new VirtualClock({ autojump: false });
  const trace: string[] = [];
  await clock.run(() =>
    taskGroup(async (group) => {
      for (const ms of [10, 20, 30]) group.spawn(() => sleep(ms).then(() => trace.push(`${ms} at ${clock.now()}`)));
      await new Promise((resolve) => void setTimeout(resolve, 20));
      assert.deepEqual([clock.now(), trace], [0, []]);
      await clock.advance(9.5);
      assert.deepEqual([clock.now(), trace], [9.5, []]);
      await clock.advance(0.5);
      assert.deepEqual(trace, ['10 at 10']);
      await clock.advance(20);
    }),
  );
  assert.deepEqual(trace, ['10 at 10', '20 at 20', '30 at 30']);
});

test('VirtualClock.advance: fires on the way what is set on the way, each at its time', async () => {
  const clock = new VirtualClock({ autojump: false });
  const times: number[] = [];
  await clock.run(() =>
    taskGroup(async (group) => {
      group.spawn(async () => {
        for (let beat = 0; beat < 5; beat++) {
          await sleep(10);
          times.push(clock.now());
        }
      });
      await clock.advance(35);
      assert.equal(clock.now(), 35);
      await clock.advance(100);
    }),
  );
  assert.deepEqual(times, [10, 20, 30, 40, 50]);
  assert.equal(clock.now(), 135);
});

test('VirtualClock.advance: by 0 lets everything come to rest', async () => {
  const clock = new VirtualClock({ autojump: false });
  let turns = 0;
  await clock.run(() =>
    taskGroup(async (group) => {
      group.spawn(async () => {
        for (; turns < 20; turns++) await checkpoint();
      });
      await clock.advance(0);
      assert.equal(turns, 20);
    }),
  );
  assert.equal(clock.now(), 0);
});

// trio test_mock_clock.py::test_mock_clock (a negative jump is an error)
test('VirtualClock.advance: refuses to go back', async () => {
  const clock = new VirtualClock();
  for (const ms of [-1, NaN, '5' as never]) assert.ok((await failureOf(clock.advance(ms))) instanceof RangeError);
  assert.equal(clock.now(), 0);
});

test('VirtualClock.advance: fires deadlines', async () => {
  const clock = new VirtualClock({ autojump: false });
  await clock.run(() =>
    taskGroup(async (group) => {
      const task = group.spawn(() => failureOf(timeout(100, () => sleepForever())));
      await clock.advance(99);
      assert.equal(task.state, 'running');
      await clock.advance(1);
      assert.equal(task.state, 'succeeded');
      assert.ok((await task.join()) instanceof TimeoutError);
    }),
  );
});
