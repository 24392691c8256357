import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenResourceError, channel, checkpoint, run, withScope, type ChannelOverflow } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { ask } from './asking.ts';

const dropping = ['drop-oldest', 'drop-newest', 'conflate'] as const satisfies ChannelOverflow[];

for (const [overflow, kept, dropped] of [
  ['drop-oldest', [3, 4], [1, 2]],
  ['drop-newest', [1, 2], [3, 4]],
  ['conflate', [1, 4], [2, 3]],
] as const) {
  test(
    `overflow: ${overflow} never waits, and each value is received or handed to onDrop`,
    virtually(async () => {
      const lost: number[] = [];
      const [sender, receiver] = channel<number>(2, { overflow, onDrop: (value) => lost.push(value) });
      for (const value of [1, 2, 3, 4]) await sender.send(value);
      sender.close();
      const got: number[] = [];
      for await (const value of receiver) got.push(value);
      assert.deepEqual([got, lost], [kept, dropped]);
    }),
  );
}

for (const overflow of dropping) {
  test(
    `overflow: ${overflow} hands a value to who waits, and drops nothing`,
    virtually(async () => {
      const [sender, receiver] = channel<number>(1, { overflow, onDrop: () => assert.fail('dropped') });
      const got = ask((scope) => receiver.receive({ scope }));
      await sender.send(1);
      await sender.send(2);
      await got.done;
      assert.deepEqual([got.outcome, receiver.tryReceive()], [1, 2]);
    }),
  );
}

test('trySend: with drop-newest it says that the value was not taken, and it was not dropped then', () => {
  const lost: number[] = [];
  const [sender] = channel<number>(1, { overflow: 'drop-newest', onDrop: (value) => lost.push(value) });
  assert.deepEqual([sender.trySend(1), sender.trySend(2)], [true, false]);
  assert.deepEqual(lost, []);
});

test('trySend: with drop-oldest and conflate it always succeeds', () => {
  for (const overflow of ['drop-oldest', 'conflate'] as const) {
    const [sender, receiver] = channel<number>(1, { overflow });
    assert.deepEqual([sender.trySend(1), sender.trySend(2), receiver.tryReceive()], [true, true, 2]);
  }
});

test(
  'overflow: drop-newest with capacity 0 reaches who is waiting and nobody else',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0, { overflow: 'drop-newest' });
    await sender.send(1);
    const got = ask((scope) => receiver.receive({ scope }));
    await sender.send(2);
    await got.done;
    assert.deepEqual([got.outcome, receiver.tryReceive()], [2, undefined]);
  }),
);

test(
  'merge: makes one value out of the newest and the one that comes',
  virtually(async () => {
    const [sender, receiver] = channel<number>(2, { overflow: 'conflate', merge: (kept, next) => kept + next });
    for (const value of [1, 2, 3, 4]) await sender.send(value);
    assert.deepEqual([await receiver.receive(), await receiver.receive()], [1, 9]);
  }),
);

test(
  'merge: when it throws, sending throws that and nothing has happened',
  virtually(async () => {
    const merge = (): never => {
      throw new TypeError('no');
    };
    const [sender, receiver] = channel<number>(1, { overflow: 'conflate', merge });
    await sender.send(1);
    await assert.rejects(sender.send(2), { message: 'no' });
    assert.throws(() => sender.trySend(2), { message: 'no' });
    assert.deepEqual([receiver.tryReceive(), receiver.tryReceive()], [1, undefined]);
  }),
);

test('merge: may use the channel, what it took is not merged again', () => {
  const taken: unknown[] = [];
  const [sender, receiver] = channel<number>(1, {
    overflow: 'conflate',
    merge: (kept, next) => {
      taken.push(receiver.tryReceive());
      return kept + next;
    },
  });
  sender.trySend(1);
  sender.trySend(2);
  assert.deepEqual([taken, receiver.tryReceive(), receiver.tryReceive()], [[1], 2, undefined]);
});

test('merge: may close the channel, then sending is broken', () => {
  const [sender, receiver] = channel<number>(1, {
    overflow: 'conflate',
    merge: (kept, next) => {
      receiver.close();
      return kept + next;
    },
  });
  sender.trySend(1);
  assert.throws(() => sender.trySend(2), BrokenResourceError);
  assert.equal(sender.snapshot().buffered, 0);
});

test('onDrop: gets what is in the buffer when the last receiver is closed, not before', () => {
  const lost: number[] = [];
  const [sender, receiver] = channel<number>(3, { onDrop: (value) => lost.push(value) });
  for (const value of [1, 2]) sender.trySend(value);
  const clone = receiver.clone();
  receiver.close();
  assert.deepEqual(lost, []);
  clone.close();
  assert.deepEqual(lost, [1, 2]);
});

test('onDrop: what it throws is reported, and sending goes on', async () => {
  const reported: unknown[] = [];
  await run(
    async () => {
      const onDrop = (value: number): never => {
        throw new Error(`drop ${value}`);
      };
      const [sender, receiver] = channel<number>(1, { overflow: 'drop-oldest', onDrop });
      await sender.send(1);
      await sender.send(2);
      assert.equal(receiver.tryReceive(), 2);
    },
    { signals: false, onError: (error) => reported.push((error as Error).message) },
  );
  assert.deepEqual(reported, ['drop 1']);
});

test('onDrop: what a promise that it gives rejects with is reported', async () => {
  const reported: unknown[] = [];
  await run(
    async () => {
      const onDrop = (value: number): unknown => Promise.reject(value);
      const [sender] = channel<number>(1, { overflow: 'drop-oldest', onDrop });
      for (const value of [1, 2, 3]) await sender.send(value);
      await checkpoint();
    },
    { signals: false, onError: (error) => reported.push(error) },
  );
  assert.deepEqual(reported, [1, 2]);
});

test('onDrop: may send to the same channel', () => {
  let again = true;
  const [sender, receiver] = channel<number>(1, {
    overflow: 'drop-oldest',
    onDrop: () => {
      if (again) sender.trySend(9);
      again = false;
    },
  });
  sender.trySend(1);
  sender.trySend(2);
  assert.deepEqual([receiver.tryReceive(), receiver.tryReceive()], [9, undefined]);
});

test(
  'overflow: sending in a cancelled scope still does nothing',
  virtually(async () => {
    const [sender, receiver] = channel<number>(1, { overflow: 'drop-oldest', onDrop: () => assert.fail('dropped') });
    await sender.send(1);
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(sender.send(2)), scope.reason);
    });
    assert.equal(receiver.tryReceive(), 1);
  }),
);

test('overflow: bad options are refused when the channel is made', () => {
  assert.throws(() => channel(1, 5 as never), TypeError);
  assert.throws(() => channel(1, { overflow: 'drop' as never }), TypeError);
  assert.throws(() => channel(1, { merge: (kept) => kept }), /overflow must be conflate: current value is wait$/);
  assert.throws(() => channel(1, { overflow: 'conflate', merge: 5 as never }), TypeError);
  assert.throws(() => channel(1, { onDrop: 5 as never }), TypeError);
  for (const overflow of dropping) assert.throws(() => channel(Infinity, { overflow }), RangeError);
  for (const overflow of ['drop-oldest', 'conflate'] as const)
    assert.throws(() => channel(0, { overflow }), RangeError);
});
