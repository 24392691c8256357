import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTree } from '../../src/core/tree.ts';
import {
  Broadcast,
  BrokenResourceError,
  ClosedResourceError,
  EndOfChannelError,
  Queue,
  channel,
  checkpoint,
  sleep,
  taskGroup,
  timeout,
  withScope,
} from '../../src/index.ts';
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

// Closing ------------------------------------------------------------------------------------------------------------

// trio test_channel.py::test_close_basics
test(
  'close: of the sender, receivers drain, then it has ended, and stays so',
  virtually(async () => {
    const [sender, receiver] = channel<number>(2);
    await sender.send(1);
    await sender.send(2);
    sender.close();
    sender.close();
    sender[Symbol.dispose]();
    assert.throws(() => sender.trySend(3), ClosedResourceError);
    assert.ok((await failureOf(sender.send(3))) instanceof ClosedResourceError);
    assert.deepEqual([await receiver.receive(), receiver.tryReceive()], [1, 2]);
    for (let n = 0; n < 2; n++) {
      assert.ok((await failureOf(receiver.receive())) instanceof EndOfChannelError);
      assert.throws(() => receiver.tryReceive(), EndOfChannelError);
      assert.deepEqual(await receiver.values().next(), { done: true, value: undefined });
    }
    assert.equal(sender.closed, true);
  }),
);

// trio test_channel.py::test_close_basics
test(
  'close: of the receiver, sending is broken, and stays so',
  virtually(async () => {
    const [sender, receiver] = channel<number>(1, { name: 'news' });
    await sender.send(1);
    receiver.close();
    receiver.close();
    receiver[Symbol.dispose]();
    for (let n = 0; n < 2; n++) {
      assert.ok((await failureOf(sender.send(2))) instanceof BrokenResourceError);
      assert.throws(() => sender.trySend(2), {
        message: 'Cannot send to news as it must not be broken: all receivers are closed',
      });
      assert.ok((await failureOf(receiver.receive())) instanceof ClosedResourceError);
      assert.throws(() => receiver.tryReceive(), ClosedResourceError);
      assert.ok((await failureOf(receiver.values().next())) instanceof ClosedResourceError);
    }
    assert.equal(sender.snapshot().buffered, 0);
    sender.close();
    assert.throws(() => sender.trySend(2), ClosedResourceError);
  }),
);

// trio test_channel.py::test_close_basics (sleeping), test_close_sync
test(
  'close: wakes who waits, on this side and on the other, each with the error that fits',
  virtually(async () => {
    const one = channel<number>(0);
    const sends = [ask((scope) => one[0].send(1, { scope })), ask((scope) => one[0].clone().send(2, { scope }))];
    one[1].close();
    await Promise.all(sends.map(({ done }) => done));
    assert.deepEqual(outcomes(sends), ['BrokenResourceError', 'BrokenResourceError']);

    const two = channel<number>(0);
    const waiting = ask((scope) => two[0].send(1, { scope }));
    two[0].close();
    await waiting.done;
    assert.equal(waiting.outcome, 'ClosedResourceError');

    const three = channel<number>(0);
    const receives = [ask((scope) => three[1].receive({ scope })), ask((scope) => three[1].values({ scope }).next())];
    three[0].close();
    await Promise.all(receives.map(({ done }) => done));
    assert.deepEqual(outcomes(receives), ['EndOfChannelError', { done: true, value: undefined }]);

    const four = channel<number>(0);
    const receiving = ask((scope) => four[1].receive({ scope }));
    four[1].close();
    await receiving.done;
    assert.equal(receiving.outcome, 'ClosedResourceError');
  }),
);

// trio test_channel.py::test_close_multiple_send_handles, test_close_multiple_receive_handles
test(
  'close: only who waits through that handle fails, the others wait on',
  virtually(async () => {
    const [sender, receiver] = channel<string>(0);
    const other = sender.clone();
    const sends = [sender, other, sender, other].map((end, n) => ask((scope) => end.send(`${n}`, { scope })));
    sender.close();
    await Promise.all([0, 2].map((n) => sends[n]?.done));
    assert.deepEqual(outcomes(sends), ['ClosedResourceError', 'waiting', 'ClosedResourceError', 'waiting']);
    assert.deepEqual([await receiver.receive(), await receiver.receive()], ['1', '3']);

    const another = receiver.clone();
    const receives = [receiver, another].map((end) => ask((scope) => end.receive({ scope })));
    receiver.close();
    await receives[0]?.done;
    assert.deepEqual(outcomes(receives), ['ClosedResourceError', 'waiting']);
    await other.send('x');
    await receives[1]?.done;
    assert.equal(receives[1]?.outcome, 'x');
  }),
);

// trio test_channel.py::test_close_multiple_…, clone semantics
test(
  'clone: the channel ends when the last sender is closed, and breaks when the last receiver is',
  virtually(async () => {
    const [sender, receiver] = channel<number>(1);
    const second = sender.clone();
    sender.close();
    await second.send(1);
    assert.throws(() => sender.clone(), ClosedResourceError);
    assert.equal(await receiver.receive(), 1);
    assert.equal(receiver.tryReceive(), undefined);
    const reader = receiver.clone();
    receiver.close();
    assert.throws(() => receiver.clone(), ClosedResourceError);
    await second.send(2);
    assert.equal(await reader.receive(), 2);
    reader.close();
    assert.throws(() => second.trySend(3), BrokenResourceError);
  }),
);

test(
  'close: a receiver that was closed while others are open leaves the buffer to them',
  virtually(async () => {
    const [sender, receiver] = channel<number>(1);
    const other = receiver.clone();
    await sender.send(1);
    receiver.close();
    assert.equal(await other.receive(), 1);
  }),
);

test(
  'close: after a hand-over in the same instant the value is delivered',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    const got = ask((scope) => receiver.receive({ scope }));
    const sent = ask((scope) => sender.send(1, { scope }));
    receiver.close();
    sender.close();
    await Promise.all([got.done, sent.done]);
    assert.deepEqual(outcomes([got, sent]), [1, undefined]);
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
