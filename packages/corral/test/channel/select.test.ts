import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Event,
  Queue,
  after,
  channel,
  checkpoint,
  currentTask,
  select,
  sleep,
  taskGroup,
  timeout,
  withScope,
  type Task,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { ask, outcomes } from './asking.ts';

test(
  'select: gives the branch that is ready, by name, with what came of it',
  virtually(async () => {
    const [sender, receiver] = channel<number>(1);
    const queue = new Queue<string>();
    await sender.send(1);
    assert.deepEqual(await select({ queue, receiver }), { key: 'receiver', value: 1 });
    await queue.put('a');
    assert.deepEqual(await select({ queue, receiver }), { key: 'queue', value: 'a' });
    assert.deepEqual([queue.size, sender.snapshot().buffered], [0, 0]);
  }),
);

test(
  'select: waits for the first of several, and the others leave their lines',
  virtually(async (clock) => {
    const [sender, receiver] = channel<number>(0);
    const queue = new Queue<string>();
    const event = new Event();
    await taskGroup(async (group) => {
      const chosen = group.spawn(() => select({ receiver, queue, event, late: after(1_000) }));
      await sleep(10);
      assert.equal(queue.snapshot().waitingGetters, 1);
      await queue.put('a');
      assert.deepEqual(await chosen.join(), { key: 'queue', value: 'a' });
      assert.equal(clock.now(), 10);
      assert.deepEqual([queue.snapshot().waitingGetters, sender.snapshot().waitingReceivers], [0, 0]);
      assert.equal(sender.trySend(1), false);
    });
    assert.equal(clock.now(), 10);
  }),
);

test(
  'select: sends when that is what happens, and does not when it is not',
  virtually(async () => {
    const [sender, receiver] = channel<string>(1);
    const full = new Queue<string>({ capacity: 1 });
    await full.put('in');
    const result = await select({ send: sender.sending('sent'), put: full.putting('put') });
    assert.deepEqual(result, { key: 'send', value: undefined });
    assert.equal(receiver.tryReceive(), 'sent');
    await sender.send('x');

    const chosen = ask((scope) => select({ send: sender.sending('sent'), put: full.putting('put') }, { scope }));
    assert.deepEqual([sender.snapshot().waitingSenders, full.snapshot().waitingPutters], [1, 1]);
    assert.equal(await full.get(), 'in');
    await chosen.done;
    assert.deepEqual(chosen.outcome, { key: 'put', value: undefined });
    assert.deepEqual([full.tryGet(), full.tryGet()], ['put', undefined]);
    assert.deepEqual([receiver.tryReceive(), receiver.tryReceive()], ['x', undefined]);
    assert.equal(full.snapshot().unfinished, 2);
  }),
);

test(
  'select: two selects meet at a channel without a buffer, exactly one value passes',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    const queue = new Queue<number>();
    const receiving = ask((scope) => select({ receiver, queue }, { scope }));
    const sending = ask((scope) => select({ send: sender.sending(1), never: after(Infinity) }, { scope }));
    await Promise.all([receiving.done, sending.done]);
    assert.deepEqual(outcomes([receiving, sending]), [
      { key: 'receiver', value: 1 },
      { key: 'send', value: undefined },
    ]);
    const { waitingReceivers, waitingSenders } = sender.snapshot();
    assert.deepEqual([waitingReceivers, waitingSenders, queue.snapshot().waitingGetters], [0, 0, 0]);
  }),
);

test(
  'select: that sends to and receives from the same channel does not meet itself',
  virtually(async () => {
    const [sender, receiver] = channel<string>(0);
    const both = (name: string) => ask((scope) => select({ receiver, send: sender.sending(name) }, { scope }));
    const one = both('one');
    await checkpoint();
    assert.equal(one.outcome, 'waiting');
    const two = both('two');
    await Promise.all([one.done, two.done]);
    const keys = outcomes([one, two]).map((outcome) => (outcome as { key: string }).key);
    assert.deepEqual(keys.sort(), ['receiver', 'send']);
    assert.deepEqual([sender.snapshot().waitingSenders, sender.snapshot().waitingReceivers], [0, 0]);
  }),
);

test(
  'select: the same source twice happens once',
  virtually(async () => {
    const queue = new Queue<number>();
    const chosen = ask((scope) => select({ a: queue, b: queue }, { scope }));
    await queue.putMany([1, 2]);
    await chosen.done;
    assert.equal((chosen.value as { value: number }).value, 1);
    assert.equal(queue.tryGet(), 2);
  }),
);

// Tasks, events, times -----------------------------------------------------------------------------------------------

test(
  'select: joins a task, or throws what the task threw',
  virtually(async () => {
    await taskGroup(async (group) => {
      const quick = group.spawn(() => sleep(5).then(() => 'done'));
      assert.deepEqual(await select({ quick, late: after(10) }), { key: 'quick', value: 'done' });
      assert.deepEqual(await select({ quick, late: after(10) }), { key: 'quick', value: 'done' });
      const slow = group.spawn(() => sleep(100));
      assert.equal((await select({ slow, late: after(10) })).key, 'late');
      const waiting = ask((scope) => select({ slow }, { scope }));
      slow.cancel();
      await waiting.done;
      assert.equal(waiting.outcome, 'TaskCancelledError');
      assert.equal(((await failureOf(select({ slow }))) as Error).name, 'TaskCancelledError');
    });
  }),
);

test(
  'select: a task that fails fails the select that waits for it',
  virtually(async () => {
    const failure = new Error('task');
    await taskGroup(
      async (group) => {
        const failing = group.spawn(() => sleep(5).then(() => Promise.reject(failure)));
        assert.equal(await failureOf(select({ failing, late: after(10) })), failure);
      },
      { onTaskError: () => 'ignore' },
    );
  }),
);

test(
  'select: of a task inside itself is misuse',
  virtually(async () => {
    await taskGroup((group) => {
      group.spawn(async () => {
        const own = currentTask() as Task<unknown>;
        assert.match(((await failureOf(select({ own }))) as Error).message, /it would wait for itself/);
      });
    });
  }),
);

test(
  'select: an event that has happened is ready, one that happens wakes',
  virtually(async (clock) => {
    const event = new Event();
    await taskGroup(async (group) => {
      group.spawn(() => sleep(5).then(() => event.set()));
      assert.deepEqual(await select({ event, late: after(10) }), { key: 'event', value: undefined });
      assert.deepEqual(await select({ event, late: after(10) }), { key: 'event', value: undefined });
    });
    assert.equal(clock.now(), 5);
  }),
);

test(
  'after: counts from the call of select, may be used again, and leaves no timer',
  virtually(async (clock) => {
    const tired = after(10);
    const queue = new Queue<number>();
    await sleep(100);
    assert.deepEqual(await select({ queue, tired }), { key: 'tired', value: undefined });
    assert.equal(clock.now(), 110);
    assert.equal((await select({ queue, tired })).key, 'tired');
    assert.equal(clock.now(), 120);
    await queue.put(1);
    assert.equal((await select({ queue, tired })).key, 'queue');
  }),
);

test(
  'after: what is ready wins over it, also over zero and less',
  virtually(async (clock) => {
    const queue = new Queue<number>();
    for (const ms of [0, -1, -Infinity]) {
      for (let n = 0; n < 20; n++) {
        await queue.put(n);
        assert.equal((await select({ none: after(ms), queue })).key, 'queue');
      }
      assert.equal((await select({ none: after(ms), queue })).key, 'none');
    }
    assert.equal(clock.now(), 0);
  }),
);

test('after: NaN and what is no number is a RangeError', () => {
  assert.throws(() => after(Number.NaN), RangeError);
  assert.throws(() => after('5' as never), RangeError);
});

// Failing ------------------------------------------------------------------------------------------------------------

test(
  'select: the end of a channel is thrown, at once or when it comes',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    const queue = new Queue<number>();
    const waiting = ask((scope) => select({ receiver, queue }, { scope }));
    sender.close();
    await waiting.done;
    assert.equal(waiting.outcome, 'EndOfChannelError');
    assert.equal(((await failureOf(select({ receiver, queue }))) as Error).name, 'EndOfChannelError');
    assert.equal(queue.snapshot().waitingGetters, 0);
  }),
);

test(
  'select: each way to be closed is thrown to who waits',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    const queue = new Queue<number>({ capacity: 1 });
    await queue.put(1);
    const asked = [
      ask((scope) => select({ send: sender.sending(1) }, { scope })),
      ask((scope) => select({ send: sender.clone().sending(1) }, { scope })),
      ask((scope) => select({ put: queue.putting(1) }, { scope })),
    ];
    sender.close();
    receiver.close();
    queue.shutdown();
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), ['ClosedResourceError', 'BrokenResourceError', 'QueueShutDownError']);
    const again = [sender.sending(1), receiver, queue.putting(1)].map((branch) => failureOf(select({ branch })));
    assert.deepEqual(
      (await Promise.all(again)).map((error) => (error as Error).name),
      ['ClosedResourceError', 'ClosedResourceError', 'QueueShutDownError'],
    );
    assert.deepEqual(await select({ queue }), { key: 'queue', value: 1 });
  }),
);

test(
  'select: settled tells by name which branch failed, now or later',
  virtually(async () => {
    const [sender, receiver] = channel<number>(1);
    const queue = new Queue<number>();
    await sender.send(1);
    const open = { settled: true } as const;
    assert.deepEqual(await select({ receiver, queue }, open), { key: 'receiver', status: 'fulfilled', value: 1 });
    const waiting = ask((scope) => select({ receiver, queue }, { scope, ...open }));
    sender.close();
    await waiting.done;
    const told = await select({ receiver, queue }, open);
    for (const { key, status } of [told, waiting.value as typeof told]) {
      assert.deepEqual([key, status], ['receiver', 'rejected']);
    }
    queue.tryPut(5);
    assert.deepEqual(await select({ receiver: undefined, queue }, open), {
      key: 'queue',
      status: 'fulfilled',
      value: 5,
    });
  }),
);

test(
  'select: a merge that throws is thrown, and nothing was sent',
  virtually(async () => {
    const merge = (): never => {
      throw new TypeError('no');
    };
    const [sender, receiver] = channel<number>(1, { overflow: 'conflate', merge });
    await select({ send: sender.sending(1) });
    await assert.rejects(select({ send: sender.sending(2) }), { message: 'no' });
    assert.deepEqual([receiver.tryReceive(), receiver.tryReceive()], [1, undefined]);
  }),
);

test('select: what is no branch is misuse, and so is none at all', async () => {
  await assert.rejects(select({}), /^TypeError: Cannot select as it takes at least one branch, by name/);
  await assert.rejects(select({ a: undefined, b: null, c: false }), TypeError);
  await assert.rejects(select(undefined as never), TypeError);
  const [sender] = channel<number>(0);
  for (const wrong of [sender, sleep(0), 5, () => 1]) {
    const message = /^TypeError: Cannot select a as it takes a receiver, .*: current value is /;
    await assert.rejects(select({ a: wrong as never }), message);
  }
});

// Cancelling ---------------------------------------------------------------------------------------------------------

test(
  'select: cancelled, none has happened and no place in a line is kept',
  virtually(async (clock) => {
    const [sender, receiver] = channel<number>(0);
    const full = channel<number>(0);
    const queue = new Queue<number>();
    const branches = { receiver, queue, send: full[0].sending(1), event: new Event(), late: after(1_000) };
    const error = await failureOf(timeout(5, () => select(branches)));
    assert.equal((error as Error).name, 'TimeoutError');
    assert.equal(sender.trySend(1), false);
    await queue.put(1);
    assert.equal(queue.size, 1);
    assert.equal(full[1].tryReceive(), undefined);
    assert.equal(clock.now(), 5);
  }),
);

test(
  'select: in a cancelled scope nothing is taken although it is ready',
  virtually(async () => {
    const queue = new Queue<number>();
    await queue.put(1);
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(select({ queue })), scope.reason);
    });
    assert.equal(queue.size, 1);
  }),
);

test(
  'select: cancelled in the instant of the hand-over it has happened; cancelled before it has not',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    const queue = new Queue<number>();
    const late = ask((scope) => select({ receiver, queue }, { scope }));
    queue.tryPut(1);
    late.cancel();
    const early = ask((scope) => select({ receiver, queue }, { scope }));
    early.cancel();
    assert.equal(sender.trySend(2), false);
    queue.tryPut(3);
    await Promise.all([late.done, early.done]);
    assert.deepEqual(outcomes([late, early]), [{ key: 'queue', value: 1 }, 'cancelled']);
    assert.equal(queue.tryGet(), 3);
  }),
);

test(
  'select: two cancelled together hand nothing to each other',
  virtually(async () => {
    const [sender, receiver] = channel<number>(0);
    const queue = new Queue<number>({ capacity: 1 });
    queue.tryPut(0);
    await withScope(async (scope) => {
      const waits = [
        select({ put: queue.putting(1), receiver }),
        select({ put: queue.putting(2), receiver }),
        queue.put(3),
        select({ late: after(10), receiver }),
      ];
      scope.cancel();
      for (const wait of waits) assert.equal(await failureOf(wait), scope.reason);
    });
    assert.deepEqual([queue.snapshot().waitingPutters, sender.snapshot().waitingReceivers], [0, 0]);
    assert.deepEqual([queue.tryGet(), queue.tryGet()], [0, undefined]);
  }),
);

test(
  'select: one that nobody awaits ends with its scope and takes nothing',
  virtually(async () => {
    const queue = new Queue<number>();
    let forgotten: Promise<unknown> | undefined;
    await withScope(() => {
      forgotten = select({ queue });
    });
    await queue.put(1);
    assert.equal(((await failureOf(forgotten as Promise<unknown>)) as Error).name, 'ScopeClosedError');
    assert.equal(queue.size, 1);
  }),
);
