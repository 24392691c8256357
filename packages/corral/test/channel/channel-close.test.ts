import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokenResourceError, ClosedResourceError, EndOfChannelError, channel } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { ask, outcomes } from './asking.ts';

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
