import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTree } from '../../src/core/tree.ts';
import { Broadcast, Queue, channel, checkpoint, sleep, taskGroup, timeout, withScope } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { ask, outcomes } from './asking.ts';

// trio test_channel.py::test_channel
test(
  'channel: what is sent is received, once and in order',
  virtually(async () => {
    const [sender, receiver] = channel<number>(2);
    await sender.send(1);
    assert.equal(sender.trySend(2), true);
    assert.equal(sender.trySend(3), false);
    assert.deepEqual([await receiver.receive(), receiver.tryReceive(), receiver.tryReceive()], [1, 2, undefined]);
  }),
);

// trio test_channel.py::test_channel_multiple_producers, test_channel_multiple_consumers
test(
  'channel: several producers and several consumers, each value once',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    const got: number[] = [];
    await taskGroup((group) => {
      for (let n = 0; n < 10; n++) {
        const own = sender.clone();
        group.spawn(async () => {
          using _closing = own;
          for (let i = 3 * n; i < 3 * n + 3; i++) await own.send(i);
        });
      }
      sender.close();
      for (let n = 0; n < 10; n++) {
        group.spawn(async () => {
          for await (const value of receiver) got.push(value);
        });
      }
    });
    assert.deepEqual(
      got.sort((a, b) => a - b),
      Array.from({ length: 30 }, (_, n) => n),
    );
  }),
);

// trio test_channel.py::test_unbuffered
test(
  'channel: with capacity 0 both sides meet, whoever comes first waits',
  virtually(async (clock) => {
    const [sender, receiver] = channel<number>(0);
    const trace: string[] = [];
    assert.equal(sender.trySend(1), false);
    assert.equal(receiver.tryReceive(), undefined);
    await taskGroup(async (group) => {
      group.spawn(() => sender.send(1).then(() => trace.push(`sent at ${clock.now()}`)));
      await sleep(10);
      assert.equal(await receiver.receive(), 1);
      group.spawn(() => receiver.receive().then((value) => trace.push(`received ${value} at ${clock.now()}`)));
      await sleep(10);
      assert.equal(sender.trySend(2), true);
    });
    assert.deepEqual(trace, ['sent at 10', 'received 2 at 20']);
  }),
);

// trio test_channel.py::test_inf_capacity
test('channel: with capacity Infinity sending never waits', async () => {
  const [sender, receiver] = channel<number>(Infinity);
  for (let n = 0; n < 1_000; n++) assert.equal(sender.trySend(n), true);
  for (let n = 0; n < 1_000; n++) assert.equal(await receiver.receive(), n);
});

test('channel: capacity is 0, a positive integer or Infinity', () => {
  for (const capacity of [-1, 1.5, Number.NaN, '5', null, undefined]) {
    assert.throws(() => channel(capacity as never), {
      name: 'RangeError',
      message: /^Cannot make a channel as it takes an integer of at least 0, or Infinity: current value is /,
    });
  }
});

// trio test_channel.py::test_channel_fairness
test(
  'channel: a value belongs to the waiting receiver, a slot to the waiting sender',
  virtually(async () => {
    const [sender, receiver] = channel<number>(1);
    const waiting = ask((scope) => receiver.receive({ scope }));
    sender.trySend(1);
    assert.equal(receiver.tryReceive(), undefined);
    await waiting.done;
    assert.equal(waiting.outcome, 1);

    sender.trySend(2);
    const sending = ask((scope) => sender.send(3, { scope }));
    assert.equal(receiver.tryReceive(), 2);
    assert.equal(sender.trySend(4), false);
    await sending.done;
    assert.equal(receiver.tryReceive(), 3);
  }),
);

test(
  'channel: who waits is served in the order of coming, across clones',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    const other = receiver.clone();
    const asked = [receiver, other, receiver].map((end) => ask((scope) => end.receive({ scope })));
    for (let n = 0; n < 3; n++) sender.trySend(n);
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), [0, 1, 2]);
    const another = sender.clone();
    const sent = [sender, another, sender].map((end, n) => ask((scope) => end.send(n, { scope })));
    assert.deepEqual([await receiver.receive(), await other.receive(), await receiver.receive()], [0, 1, 2]);
    await Promise.all(sent.map(({ done }) => done));
  }),
);

// Cancelling ---------------------------------------------------------------------------------------------------------

// anyio streams/test_memory.py::test_cancel_during_receive, test_cancel_during_receive_buffered
test(
  'receive: cancelled in the instant of the hand-over the value is delivered; cancelled before it stays',
  virtually(async () => {
    const [sender, receiver] = channel<number>(1);
    const late = ask((scope) => receiver.receive({ scope }));
    await sender.send(1);
    late.cancel();
    await late.done;
    assert.equal(late.outcome, 1);
    const early = ask((scope) => receiver.receive({ scope }));
    early.cancel();
    await sender.send(2);
    await early.done;
    assert.equal(early.outcome, 'cancelled');
    assert.equal(receiver.tryReceive(), 2);
  }),
);

// anyio streams/test_memory.py::test_receive_when_cancelled; trio test_channel.py::test_send_channel_with_cancel…
test(
  'channel: in a cancelled scope nothing is sent or received',
  virtually(async () => {
    const [sender, receiver] = channel<number>(2);
    await sender.send(1);
    await withScope(async (scope) => {
      scope.cancel();
      for (const wait of [sender.send(2), receiver.receive(), receiver.values().next()]) {
        assert.equal(await failureOf(wait), scope.reason);
      }
    });
    assert.equal(sender.snapshot().buffered, 1);
  }),
);

test(
  'send: cancelled while waiting it was not sent, and the next in line is',
  virtually(async () => {
    const [sender, receiver] = channel<string>(0);
    const asked = ['a', 'b'].map((value) => ask((scope) => sender.send(value, { scope })));
    asked[0]?.cancel();
    assert.equal(await receiver.receive(), 'b');
    asked[1]?.cancel(); // too late
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), ['cancelled', undefined]);
    assert.equal(((await failureOf(timeout(5, () => sender.send('c')))) as Error).name, 'TimeoutError');
    assert.deepEqual([sender.snapshot().waitingSenders, receiver.tryReceive()], [0, undefined]);
  }),
);

test(
  'channel: takes its scope by hand',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    await withScope(async (outer) => {
      await withScope(async () => {
        const waits = [sender.send(1, { scope: outer })];
        outer.cancel();
        for (const wait of waits) assert.equal(await failureOf(wait), outer.reason);
        assert.equal(await failureOf(receiver.values({ scope: outer }).next()), outer.reason);
      });
    });
    await assert.rejects(receiver.receive({ scope: 5 as never }), TypeError);
  }),
);

// trio test_channel.py::test_channel_iter… ; test_inf_capacity_iter
test(
  'for await: leaving the loop loses no value and does not close the receiver',
  virtually(async () => {
    const [sender, receiver] = channel<number>(5);
    for (let n = 0; n < 3; n++) await sender.send(n);
    for await (const value of receiver) if (value === 0) break;
    assert.equal(receiver.closed, false);
    sender.close();
    const rest: number[] = [];
    for await (const value of receiver) rest.push(value);
    assert.deepEqual(rest, [1, 2]);
  }),
);

test(
  'channel: twenty thousand clones that wait are closed in linear time',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    const clones = Array.from({ length: 20_000 }, () => sender.clone());
    const failures = clones.map((end, n) => end.send(n).catch((error: unknown) => (error as Error).name));
    assert.equal(receiver.snapshot().waitingSenders, 20_000);
    for (const end of clones) end.close();
    assert.equal(receiver.snapshot().waitingSenders, 0);
    assert.ok((await Promise.all(failures)).every((name) => name === 'ClosedResourceError'));
    await checkpoint();
  }),
);

// trio test_channel.py::test_statistics
test(
  'snapshot: a frozen picture, the same from every end',
  virtually(async () => {
    const [sender, receiver] = channel<number>(1, { name: 'news' });
    const clone = sender.clone();
    await sender.send(1);
    const waiting = ask((scope) => sender.send(2, { scope }));
    const picture = receiver.snapshot();
    assert.ok(Object.isFrozen(picture));
    assert.deepEqual(picture, sender.snapshot());
    assert.deepEqual(
      { ...picture },
      {
        name: 'news',
        capacity: 1,
        buffered: 1,
        openSenders: 2,
        openReceivers: 1,
        waitingSenders: 1,
        waitingReceivers: 0,
      },
    );
    clone.close();
    receiver.close();
    await waiting.done;
    const { openSenders, openReceivers, waitingSenders } = sender.snapshot();
    assert.deepEqual([openSenders, openReceivers, waitingSenders], [1, 0, 0]);
  }),
);

for (const capacity of [0, 1, 64, Infinity]) {
  test(`channel: two tasks that never pause do not starve timers (capacity ${capacity})`, async () => {
    const [sender, receiver] = channel<number>(capacity);
    let fired = false;
    setTimeout(() => (fired = true), 1);
    await taskGroup((group) => {
      group.spawn(async () => {
        using _closing = sender;
        for (let n = 0; !fired; n++) await sender.send(n);
      });
      group.spawn(async () => {
        for await (const _ of receiver);
      });
    });
    assert.equal(fired, true);
  });
}

test(
  'channel: the task tree says what is waited for',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0, { name: 'news' });
    const queue = new Queue<number>({ name: 'jobs', capacity: 1 });
    const news = new Broadcast<number>({ name: 'radio' });
    queue.tryPut(1);
    await taskGroup(async (group) => {
      const waits: (() => Promise<unknown>)[] = [
        () => sender.send(1),
        () => queue.put(1),
        () => queue.join(),
        () => news.subscribe().receive(),
      ];
      for (const wait of waits) group.spawn(wait, { background: true });
      await sleep(1);
      const tree = formatTree(group.scope);
      for (const kind of ['send to news', 'put into jobs', 'join jobs', 'receive from radio']) {
        assert.ok(tree.includes(`waits for ${kind}`), tree);
      }
      assert.equal(receiver.snapshot().waitingSenders, 1);
    });
  }),
);
