import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCancelled, sleep, sleepForever, taskGroup, timeout, withScope } from '../../src/index.ts';
import { SequenceBrokenError, Sequencer } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

// trio test_testing.py::test_Sequencer
test(
  'Sequencer: forces the given order on different tasks',
  virtually(async () => {
    const trace: number[] = [];
    const sequencer = new Sequencer();
    const at = (position: number): Promise<unknown> => sequencer.at(position, () => trace.push(position));
    await taskGroup((group) => {
      group.spawn(async () => {
        await at(5);
      });
      group.spawn(async () => {
        await at(0);
        await at(4);
      });
      group.spawn(async () => {
        await at(2);
        await at(3);
      });
      group.spawn(async () => {
        await at(1);
      });
    });
    assert.deepEqual(trace, [0, 1, 2, 3, 4, 5]);
  }),
);

test(
  'Sequencer.at: returns what its body returns, and the next position waits until the body has ended',
  virtually(async (clock) => {
    const sequencer = new Sequencer();
    await taskGroup(async (group) => {
      const second = group.spawn(() => sequencer.at(1, () => clock.now()));
      const first = await sequencer.at(0, async () => {
        await sleep(10);
        return 'first';
      });
      assert.deepEqual([first, await second.join()], ['first', 10]);
    });
  }),
);

test(
  'Sequencer.at: a position is a whole number that is used once',
  virtually(async () => {
    const sequencer = new Sequencer();
    await sequencer.at(0, () => {});
    for (const wrong of [0, -1, 0.5, NaN, '1' as never]) {
      assert.ok((await failureOf(sequencer.at(wrong, () => assert.fail('called')))) instanceof RangeError);
    }
    await sequencer.at(1, () => {});
  }),
);

test(
  'Sequencer.at: a body that throws does not stop the sequence',
  virtually(async () => {
    const error = new Error('thrown');
    const sequencer = new Sequencer();
    assert.equal(await failureOf(sequencer.at(0, () => Promise.reject(error))), error);
    assert.equal(await sequencer.at(1, () => 'next'), 'next');
  }),
);

// trio test_testing.py::test_Sequencer_cancel
test(
  'Sequencer.at: a position that is cancelled while it waits breaks all others instead of hanging them',
  virtually(async () => {
    const sequencer = new Sequencer();
    const failures: unknown[] = [];
    await taskGroup(async (group) => {
      const cancelled = group.spawn(() => sequencer.at(1, () => assert.fail('called')));
      group.spawn(async () => failures.push(await failureOf(sequencer.at(2, () => assert.fail('called')))));
      group.spawn(async () => failures.push(await failureOf(sequencer.at(3, () => assert.fail('called')))));
      await sleep(1);
      cancelled.cancel();
      await sleep(1);
      failures.push(await failureOf(sequencer.at(4, () => assert.fail('called'))));
    });
    assert.equal(failures.length, 3);
    assert.ok(failures.every((failure) => failure instanceof SequenceBrokenError));
  }),
);

test(
  'Sequencer.at: called in a cancelled scope it breaks the sequence, its own error being the cancellation',
  virtually(async () => {
    const sequencer = new Sequencer();
    await taskGroup(async (group) => {
      const waiting = group.spawn(() => failureOf(sequencer.at(1, () => assert.fail('called'))));
      await sleep(1);
      await withScope(async (scope) => {
        scope.cancel();
        assert.ok(isCancelled(await failureOf(sequencer.at(0, () => assert.fail('called')))));
      });
      assert.ok((await waiting.join()) instanceof SequenceBrokenError);
    });
  }),
);

test(
  'Sequencer.at: a body that is cancelled lets the next one come, as one that throws does',
  virtually(async () => {
    const sequencer = new Sequencer();
    await failureOf(timeout(5, () => sequencer.at(0, () => sleepForever())));
    assert.equal(await sequencer.at(1, () => 'next'), 'next');
  }),
);
