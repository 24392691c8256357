import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { Gate, GateFullError, type GateOptions } from '../src/gate.ts';
import type { GatePlace, GateWaiter } from '../src/gate-host.ts';
import { ManualTime } from './manual-time.ts';
import { uncaught, uncaughtFails } from './uncaught.ts';

class Waiter implements GateWaiter {
  place: GatePlace | undefined = undefined;
  readonly name: string;
  readonly trace: string[];
  readonly onAdmitted: (() => void) | undefined;
  constructor(name: string, trace: string[], onAdmitted?: () => void) {
    this.name = name;
    this.trace = trace;
    this.onAdmitted = onAdmitted;
  }
  admitted(): void {
    this.trace.push(this.name);
    this.onAdmitted?.();
  }
}

function setUp(options: Partial<GateOptions> = {}) {
  const time = new ManualTime();
  const gate = new Gate({ total: 100, perHost: 8, queue: Infinity, ...options }, time);
  const trace: string[] = [];
  /** `a1` is the first request to the host a. */
  const enter = (name: string, more?: { front?: boolean; then?: () => void }): boolean => {
    const entered = gate.enter(name.charAt(0), new Waiter(name, trace, more?.then), { front: more?.front ?? false });
    if (entered) trace.push(name);
    return entered;
  };
  return { time, gate, trace, enter };
}

test('Gate: lets in at once what the limits allow, and no more', () => {
  const { gate, enter } = setUp({ total: 3, perHost: 2 });
  assert.deepEqual([enter('a1'), enter('a2'), enter('a3'), enter('b1'), enter('b2')], [true, true, false, true, false]);
  assert.equal(gate.inFlight, 3);
  assert.equal(gate.waiting, 2);
});

test('Gate.leave: lets in who came first of its host', () => {
  const { gate, trace, enter } = setUp({ perHost: 1 });
  for (const name of ['a1', 'a2', 'a3', 'a4']) enter(name);
  gate.leave('a');
  gate.leave('a');
  assert.deepEqual(trace, ['a1', 'a2', 'a3']);
});

test('Gate.leave: throws when nobody of the host is in', () => {
  const { gate, enter } = setUp();
  assert.throws(() => gate.leave('a'), TypeError);
  enter('a1');
  gate.leave('a');
  assert.throws(() => gate.leave('a'), TypeError);
  assert.equal(gate.inFlight, 0);
});

test('Gate: hosts take turns, so that one with many waiters holds up nobody', () => {
  const { gate, trace, enter } = setUp({ total: 1, perHost: 1 });
  for (let i = 0; i < 10_000; i++) gate.enter('a', new Waiter('a', trace));
  enter('b1');
  enter('b2');
  enter('c1');
  for (let i = 0; i < 5; i++) gate.leave(i === 0 ? 'a' : (trace.at(-1) ?? '').charAt(0));
  assert.deepEqual(trace, ['b1', 'c1', 'a', 'b2', 'a']);
});

test('Gate: passes over a host at its limit', () => {
  const { gate, trace, enter } = setUp({ total: 2, perHost: 1 });
  for (const name of ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']) enter(name);
  gate.leave('b');
  assert.deepEqual(trace, ['a1', 'b1', 'c1']);
  gate.leave('c');
  assert.deepEqual(trace, ['a1', 'b1', 'c1', 'b2']);
});

test('Gate.enter: front is before those who wait at the host, and is taken when the queue is full', () => {
  const { gate, trace, enter } = setUp({ perHost: 1, queue: 2 });
  for (const name of ['a1', 'a2', 'a3']) enter(name);
  assert.throws(() => enter('a4'), GateFullError);
  enter('a5', { front: true });
  gate.leave('a');
  gate.leave('a');
  assert.deepEqual(trace, ['a1', 'a5', 'a2']);
});

test('Gate.enter: what is refused leaves nothing behind', () => {
  const { gate, enter } = setUp({ total: 1, queue: 0 });
  enter('a1');
  for (let i = 0; i < 10; i++) assert.throws(() => enter('b1'), GateFullError);
  assert.deepEqual(
    gate.snapshot().hosts.map(({ host }) => host),
    ['a'],
  );
});

test('Gate.enter: a waiter waits once', () => {
  const { gate, trace, enter } = setUp({ perHost: 1 });
  enter('a1');
  const waiter = new Waiter('a2', trace);
  gate.enter('a', waiter);
  assert.throws(() => gate.enter('a', waiter), TypeError);
  assert.equal(gate.waiting, 1);
});

test('Gate.withdraw: leaves the line, and is false when it does not wait', () => {
  const { gate, trace, enter } = setUp({ perHost: 1 });
  const [second, third] = [new Waiter('a2', trace), new Waiter('a3', trace)];
  enter('a1');
  gate.enter('a', second);
  gate.enter('a', third);
  assert.equal(gate.withdraw(second), true);
  assert.equal(gate.withdraw(second), false);
  gate.leave('a');
  assert.equal(gate.withdraw(third), false);
  assert.deepEqual(trace, ['a1', 'a3']);
  gate.leave('a');
  assert.deepEqual(gate.snapshot(), { inFlight: 0, waiting: 0, hosts: [] });
});

test('Gate.closeHost: lets nobody of the host in before, and the later end wins', () => {
  const { time, gate, trace, enter } = setUp();
  gate.closeHost('a', 500);
  gate.closeHost('a', 1000);
  gate.closeHost('a', 200);
  enter('a1');
  enter('b1');
  time.advance(999);
  assert.deepEqual(trace, ['b1']);
  time.advance(1);
  assert.deepEqual(trace, ['b1', 'a1']);
});

test('Gate.closeHost: nothing, and what is no time, closes nothing', () => {
  const { gate, enter } = setUp();
  for (const ms of [0, -5, NaN]) gate.closeHost('a', ms);
  assert.equal(gate.snapshot().hosts.length, 0);
  assert.equal(enter('a1'), true);
});

test('Gate.closeHost: closes those who waited before', () => {
  const { time, gate, trace, enter } = setUp({ perHost: 1 });
  enter('a1');
  enter('a2');
  gate.closeHost('a', 100);
  gate.leave('a');
  assert.deepEqual(trace, ['a1']);
  time.advance(100);
  assert.deepEqual(trace, ['a1', 'a2']);
});

test('Gate.openHost: ends the closing', () => {
  const { gate, trace, enter } = setUp();
  gate.closeHost('a', Infinity);
  enter('a1');
  gate.openHost('a');
  gate.openHost('unknown');
  assert.deepEqual(trace, ['a1']);
});

test('Gate: nobody overtakes one whose time has come and whom a late timer has not woken', () => {
  const { time, gate, trace, enter } = setUp({ total: 1 });
  gate.closeHost('a', 100);
  enter('a1');
  time.block(200);
  assert.equal(enter('b1'), false);
  assert.deepEqual(trace, ['a1']);
  gate.leave('a');
  enter('c1', { then: () => enter('e1') });
  gate.closeHost('d', 100);
  enter('d1');
  time.block(200);
  gate.leave('b');
  gate.leave('c');
  gate.leave('d');
  assert.deepEqual(trace, ['a1', 'b1', 'c1', 'd1', 'e1']);
});

test('Gate: keeps the process alive while somebody waits for time alone, and not longer', () => {
  const { time, gate, trace } = setUp();
  gate.closeHost('a', 1000);
  assert.equal(time.keeping, 0);
  const waiter = new Waiter('a1', trace);
  gate.enter('a', waiter);
  assert.equal(time.keeping, 1);
  gate.withdraw(waiter);
  assert.equal(time.armed, 0);
});

test('Gate: forgets a host with nothing to do, and a closed one when it would be open', () => {
  const { time, gate, enter } = setUp();
  enter('a1');
  gate.leave('a');
  gate.closeHost('b', 100);
  assert.equal(gate.snapshot().hosts.length, 1);
  time.advance(100);
  enter('c1');
  assert.deepEqual(
    gate.snapshot().hosts.map(({ host }) => host),
    ['c'],
  );
});

test('Gate: a rate of a host holds in each window', () => {
  const { time, gate, trace, enter } = setUp({
    perHost: 1000,
    rate: { perHost: { limit: 10, perMs: 1000, burst: 3 } },
  });
  const times: number[] = [];
  for (let i = 0; i < 30; i++) {
    if (enter(`a${i}`, { then: () => times.push(time.now()) })) times.push(time.now());
  }
  enter('b1');
  assert.equal(trace.at(-1), 'b1');
  time.advance(10_000);
  assert.equal(times.length, 30);
  for (const start of times) {
    assert.ok(times.filter((at) => at >= start && at < start + 1000).length <= 12);
  }
  // The first three at once, then one in 100 ms.
  assert.equal((times.at(-1) ?? 0) - (times[0] ?? 0), 2700);
  assert.equal(gate.waiting, 0);
});

test('Gate: a total rate is shared by all hosts in turns', () => {
  const { time, trace, enter } = setUp({ rate: { total: { limit: 1, perMs: 100 } } });
  for (const name of ['a1', 'a2', 'a3', 'b1', 'b2']) enter(name);
  time.advance(400);
  assert.deepEqual(trace, ['a1', 'a2', 'b1', 'a3', 'b2']);
});

test('Gate: a token is taken by going in, not by waiting', () => {
  const { time, gate, trace, enter } = setUp({ perHost: 1, rate: { perHost: { limit: 1, perMs: 100 } } });
  const waiter = new Waiter('a2', trace);
  enter('a1');
  gate.enter('a', waiter);
  time.advance(1000);
  gate.withdraw(waiter);
  gate.leave('a');
  assert.equal(enter('a3'), true);
});

test('Gate: remembers a host until its rate has no effect', () => {
  const { time, gate, enter } = setUp({ rate: { perHost: { limit: 1, perMs: 100 } } });
  enter('a1');
  gate.leave('a');
  assert.equal(gate.snapshot().hosts.length, 1);
  assert.equal(enter('a2'), false);
  time.advance(100);
  gate.leave('a');
  time.advance(100);
  assert.equal(gate.snapshot().hosts.length, 0);
  assert.equal(time.armed, 0);
});

test('Gate.setHostLimit: holds from then on, and is remembered until it is taken back', () => {
  const { gate, trace, enter } = setUp({ perHost: 2 });
  for (const name of ['a1', 'a2', 'a3', 'a4', 'a5']) enter(name);
  gate.setHostLimit('a', 1);
  gate.leave('a');
  assert.deepEqual(trace, ['a1', 'a2']);
  gate.leave('a');
  assert.deepEqual(trace, ['a1', 'a2', 'a3']);
  gate.setHostLimit('a', 3);
  assert.deepEqual(trace, ['a1', 'a2', 'a3', 'a4', 'a5']);
  for (let i = 0; i < 3; i++) gate.leave('a');
  assert.equal(gate.snapshot().hosts[0]?.limit, 3);
  gate.setHostLimit('a', undefined);
  assert.equal(gate.snapshot().hosts.length, 0);
  assert.throws(() => gate.setHostLimit('a', 0), RangeError);
});

test('Gate: admitted() may leave, enter and withdraw, however often', () => {
  const { gate, trace, enter } = setUp({ perHost: 1 });
  enter('a1');
  const last = new Waiter('never', trace);
  enter('a2', {
    then: () => {
      gate.withdraw(last);
      enter('b1', { then: () => trace.push('wrong') });
      enter('a3');
      gate.leave('a');
    },
  });
  gate.enter('a', last);
  for (let i = 0; i < 50_000; i++) gate.enter('a', new Waiter('', [], () => gate.leave('a')));
  gate.leave('a');
  assert.deepEqual(trace, ['a1', 'a2', 'b1', 'a3']);
  assert.equal(gate.inFlight, 2);
  gate.leave('a');
  gate.leave('b');
  assert.deepEqual(gate.snapshot(), { inFlight: 0, waiting: 0, hosts: [] });
});

test('Gate: admitted() that throws harms nobody else', { skip: uncaughtFails }, async () => {
  const { gate, trace, enter } = setUp({ perHost: 1 });
  enter('a1');
  enter('a2', {
    then: () => {
      throw new Error('of a waiter');
    },
  });
  enter('a3');
  const errors = await uncaught(1, () => gate.leave('a'));
  gate.leave('a');
  assert.deepEqual(trace, ['a1', 'a2', 'a3']);
  assert.deepEqual(errors, ['of a waiter']);
});

test('Gate: a timer lets in outside of the context of whoever waited', async () => {
  const storage = new AsyncLocalStorage<string>();
  const gate = new Gate({ total: 1, perHost: 1, queue: 1 });
  const seen = await new Promise<string | undefined>((resolve) => {
    storage.run('of a caller', () => {
      gate.closeHost('a', 5);
      gate.enter('a', { place: undefined, admitted: () => resolve(storage.getStore()) });
    });
  });
  assert.equal(seen, undefined);
});

test('Gate: a rate that is asked for all the time is reached, with a burst that makes up for late timers', async () => {
  const gate = new Gate({
    total: 100,
    perHost: 100,
    queue: 100,
    rate: { perHost: { limit: 1000, perMs: 1000, burst: 20 } },
  });
  const from = performance.now();
  let entered = 0;
  await new Promise<void>((resolve) => {
    const admitted = (): void => {
      gate.leave('a');
      if (++entered === 100) resolve();
    };
    for (let i = 0; i < 100; i++) if (gate.enter('a', { place: undefined, admitted })) admitted();
  });
  assert.ok(performance.now() - from >= 80, 'faster than the rate');
});
