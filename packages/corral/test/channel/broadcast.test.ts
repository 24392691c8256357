import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broadcast, select, sleep, taskGroup, timeout, withScope, type Subscription } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { ask, outcomes } from './asking.ts';

function drain<T>(subscription: Subscription<T>): T[] {
  const values: T[] = [];
  while (subscription.snapshot().buffered > 0) values.push(subscription.tryReceive() as T);
  return values;
}

test(
  'Broadcast: each subscriber gets every value that is sent after it subscribed, in order',
  virtually(async () => {
    const news = new Broadcast<number>();
    await news.send(0);
    const one = news.subscribe();
    await news.send(1);
    const two = news.subscribe();
    await news.send(2);
    assert.deepEqual([drain(one), drain(two)], [[1, 2], [2]]);
  }),
);

test(
  'Broadcast: hands a value directly to all who wait for one',
  virtually(async () => {
    const news = new Broadcast<number>({ capacity: 1 });
    const asked = [news.subscribe(), news.subscribe()].map((own) => ask((scope) => own.receive({ scope })));
    assert.equal(news.trySend(1), true);
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), [1, 1]);
  }),
);

test(
  'send: waits for the slowest subscriber, and reaches all at once',
  virtually(async (clock) => {
    const news = new Broadcast<number>({ capacity: 1 });
    const quick = news.subscribe();
    const slow = news.subscribe();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => {
        for (const value of [1, 2, 3]) await news.send(value).then(() => trace.push(`sent ${value} at ${clock.now()}`));
        news.close();
      });
      group.spawn(async () => {
        for await (const value of quick) trace.push(`quick ${value} at ${clock.now()}`);
      });
      group.spawn(async () => {
        for await (const value of slow) {
          await sleep(10);
          trace.push(`slow ${value} at ${clock.now()}`);
        }
      });
    });
    const at = (what: string) =>
      trace.filter((line) => line.startsWith(what)).map((line) => line.slice(what.length + 1));
    assert.deepEqual(at('sent'), ['1 at 0', '2 at 0', '3 at 10']);
    assert.deepEqual(at('quick'), ['1 at 0', '2 at 0', '3 at 10']);
    assert.deepEqual(at('slow'), ['1 at 10', '2 at 20', '3 at 30']);
  }),
);

test(
  'send: cancelled while it waits nobody has got it, and the next in line is sent',
  virtually(async () => {
    const news = new Broadcast<string>({ capacity: 1 });
    const [one, two] = [news.subscribe(), news.subscribe({ capacity: 5 })];
    await news.send('a');
    const asked = ['b', 'c'].map((value) => ask((scope) => news.send(value, { scope })));
    assert.deepEqual([news.trySend('x'), news.snapshot().waitingSenders], [false, 2]);
    asked[0]?.cancel();
    assert.equal(one.tryReceive(), 'a');
    asked[1]?.cancel(); // too late
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), ['cancelled', undefined]);
    assert.deepEqual([drain(one), drain(two)], [['c'], ['a', 'c']]);
  }),
);

test(
  'send: goes on when the subscriber that held it up is closed',
  virtually(async () => {
    const news = new Broadcast<number>({ capacity: 1 });
    const [one, two] = [news.subscribe(), news.subscribe({ capacity: 2 })];
    await news.send(1);
    const waiting = ask((scope) => news.send(2, { scope }));
    one.close();
    await waiting.done;
    assert.equal(waiting.outcome, undefined);
    assert.deepEqual(drain(two), [1, 2]);
    assert.deepEqual([news.snapshot().subscribers, news.snapshot().full], [1, 0]);
  }),
);

for (const [overflow, kept] of [
  ['drop-oldest', [3, 4]],
  ['drop-newest', [1, 2]],
] as const) {
  test(
    `overflow: ${overflow} holds nobody up and counts what was missed`,
    virtually(async () => {
      const news = new Broadcast<number>({ capacity: 2, overflow });
      const [own, patient] = [news.subscribe(), news.subscribe({ capacity: Infinity, overflow: 'wait' })];
      for (const value of [1, 2, 3, 4]) await news.send(value);
      assert.equal(own.dropped, 2);
      assert.deepEqual([drain(own), drain(patient)], [kept, [1, 2, 3, 4]]);
    }),
  );
}

test(
  'overflow: error cuts a subscriber off that fell behind: it gets what it had, then fails',
  virtually(async () => {
    const news = new Broadcast<number>({ capacity: 2, overflow: 'error', name: 'news' });
    const own = news.subscribe();
    for (const value of [1, 2, 3, 4]) await news.send(value);
    assert.equal(news.snapshot().subscribers, 0);
    assert.deepEqual([await own.receive(), own.tryReceive()], [1, 2]);
    const message = 'Cannot receive from news as it must not be broken: it fell behind by more than 2';
    for (const wait of [own.receive(), own.values().next(), select({ own })]) {
      const error = (await failureOf(wait)) as Error;
      assert.deepEqual([error.name, error.message], ['BrokenResourceError', message]);
    }
    assert.throws(() => own.tryReceive(), { message });
    assert.equal(own.snapshot().state, 'cut-off');
    own.close();
    assert.throws(() => own.tryReceive(), { name: 'ClosedResourceError' });
  }),
);

test(
  'close: of the broadcast, subscribers drain, then it has ended; who waits to send fails',
  virtually(async () => {
    const news = new Broadcast<number>({ capacity: 1 });
    const [full, empty, looping] = [news.subscribe(), news.subscribe(), news.subscribe()];
    await news.send(1);
    assert.deepEqual([empty.tryReceive(), looping.tryReceive()], [1, 1]);
    const asked = [
      ask((scope) => news.send(2, { scope })),
      ask((scope) => empty.receive({ scope })),
      ask((scope) => looping.values({ scope }).next()),
    ];
    news.close();
    news.close();
    news[Symbol.dispose]();
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), ['ClosedResourceError', 'EndOfChannelError', { done: true, value: undefined }]);
    assert.equal(await full.receive(), 1);
    assert.equal(((await failureOf(full.receive())) as Error).name, 'EndOfChannelError');
    assert.deepEqual(await full.values().next(), { done: true, value: undefined });
    assert.throws(() => news.trySend(3), { name: 'ClosedResourceError' });
    assert.equal(((await failureOf(news.send(3))) as Error).name, 'ClosedResourceError');
  }),
);

test(
  'close: of a subscription fails who waits through it, and drops what it has',
  virtually(async () => {
    const news = new Broadcast<number>();
    const own = news.subscribe();
    const waiting = ask((scope) => own.receive({ scope }));
    own.close();
    own.close();
    own[Symbol.dispose]();
    await waiting.done;
    assert.equal(waiting.outcome, 'ClosedResourceError');
    await news.send(1);
    assert.deepEqual([own.closed, own.snapshot().buffered], [true, 0]);
    assert.equal(((await failureOf(own.values().next())) as Error).name, 'ClosedResourceError');
  }),
);

test(
  'replay: who subscribes later gets the last values first, the newest that it has places for',
  virtually(async () => {
    const news = new Broadcast<number>({ replay: 3 });
    for (const value of [1, 2, 3, 4]) await news.send(value);
    assert.deepEqual(drain(news.subscribe()), [2, 3, 4]);
    const narrow = news.subscribe({ capacity: 2 });
    assert.equal(news.trySend(5), false);
    assert.deepEqual(drain(narrow), [3, 4]);
    assert.equal(news.trySend(5), true);
    assert.deepEqual(drain(narrow), [5]);
    const cautious = news.subscribe({ capacity: 1, overflow: 'error' });
    assert.equal(cautious.snapshot().state, 'open');
    assert.deepEqual(drain(cautious), [5]);
    news.close();
    const late: number[] = [];
    for await (const value of news.subscribe()) late.push(value);
    assert.deepEqual(late, [3, 4, 5]);
  }),
);

test(
  'receive: cancelled in the instant of the hand-over it is delivered; cancelled before, the value stays',
  virtually(async () => {
    const news = new Broadcast<number>();
    const own = news.subscribe();
    const late = ask((scope) => own.receive({ scope }));
    news.trySend(1);
    late.cancel();
    const early = ask((scope) => own.receive({ scope }));
    early.cancel();
    news.trySend(2);
    await Promise.all([late.done, early.done]);
    assert.deepEqual(outcomes([late, early]), [1, 'cancelled']);
    assert.equal(own.tryReceive(), 2);
  }),
);

test(
  'Broadcast: in a cancelled scope nothing is sent or received',
  virtually(async () => {
    const news = new Broadcast<number>();
    const own = news.subscribe();
    await news.send(1);
    await withScope(async (scope) => {
      scope.cancel();
      for (const wait of [news.send(2), own.receive(), own.values().next()]) {
        assert.equal(await failureOf(wait), scope.reason);
      }
    });
    assert.deepEqual(drain(own), [1]);
  }),
);

test(
  'select: receives from a subscription and sends to a broadcast, or does neither',
  virtually(async () => {
    const news = new Broadcast<number>({ capacity: 1 });
    const [one, two] = [news.subscribe(), news.subscribe()];
    assert.equal((await select({ sent: news.sending(1) })).key, 'sent');
    const waiting = ask((scope) => select({ sent: news.sending(2) }, { scope }));
    assert.equal(one.tryReceive(), 1);
    assert.equal(waiting.outcome, 'waiting');
    assert.deepEqual(await select({ one, two }), { key: 'two', value: 1 });
    await waiting.done;
    assert.deepEqual([drain(one), drain(two)], [[2], [2]]);
    assert.equal(((await failureOf(timeout(5, () => select({ one, two })))) as Error).name, 'TimeoutError');
    assert.deepEqual([one.snapshot().waitingReceivers, two.snapshot().waitingReceivers], [0, 0]);
  }),
);

test(
  'Broadcast: takes its scope by hand',
  virtually(async () => {
    const news = new Broadcast<number>({ capacity: 1 });
    const own = news.subscribe();
    await news.send(0);
    assert.equal(own.tryReceive(), 0);
    await withScope(async (outer) => {
      await withScope(async () => {
        const waits = [own.receive({ scope: outer }), own.values({ scope: outer }).next()];
        outer.cancel();
        for (const wait of waits) assert.equal(await failureOf(wait), outer.reason);
      });
    });
    await assert.rejects(news.send(1, { scope: 5 as never }), TypeError);
  }),
);

test('Broadcast: bad options are refused when it is made or subscribed to', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => new Broadcast({ capacity }), RangeError);
    assert.throws(() => new Broadcast().subscribe({ capacity }), RangeError);
  }
  for (const replay of [-1, 1.5, Number.NaN]) assert.throws(() => new Broadcast({ replay }), RangeError);
  assert.throws(() => new Broadcast(5 as never), TypeError);
  assert.throws(() => new Broadcast().subscribe(5 as never), TypeError);
  assert.throws(() => new Broadcast({ overflow: 'drop' as never }), TypeError);
  assert.throws(() => new Broadcast().subscribe({ overflow: 'drop' as never }), TypeError);
  assert.throws(() => new Broadcast().subscribe({ overflow: 'drop-oldest' }), RangeError);
});

test('snapshot: frozen pictures of a broadcast and of a subscription', () => {
  const news = new Broadcast<number>({ capacity: 1, name: 'news', replay: 2 });
  const own = news.subscribe({ name: 'mine' });
  news.trySend(1);
  assert.ok(Object.isFrozen(news.snapshot()) && Object.isFrozen(own.snapshot()));
  assert.deepEqual(
    { ...news.snapshot() },
    { name: 'news', subscribers: 1, full: 1, waitingSenders: 0, replayed: 1, closed: false },
  );
  assert.deepEqual(
    { ...own.snapshot() },
    { name: 'mine', capacity: 1, overflow: 'wait', buffered: 1, dropped: 0, waitingReceivers: 0, state: 'open' },
  );
});
