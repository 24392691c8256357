import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { DeadlineEntry, DeadlineWheel } from '../src/deadlines.ts';
import { ManualTime } from './manual-time.ts';
import { uncaught, uncaughtFails } from './uncaught.ts';

class Entry extends DeadlineEntry {
  readonly onExpired: () => void;
  constructor(onExpired: () => void) {
    super();
    this.onExpired = onExpired;
  }
  expired(): void {
    this.onExpired();
  }
}

test('DeadlineWheel: no entry expires early, and none later than a tick', () => {
  const time = new ManualTime(12_345.678);
  const wheel = new DeadlineWheel(time);
  const waits = [0, 1, 49, 50, 51, 149.5, 1000, 60_000, 102_400, 102_401, 300_000, 1_000_000, 20_000_000];
  let expired = 0;
  for (const ms of waits) {
    const at = time.now() + ms;
    const entry = new Entry(() => {
      expired++;
      assert.ok(time.now() >= at, `${ms} ms: ${at - time.now()} ms early`);
      assert.ok(time.now() <= at + 52, `${ms} ms: ${time.now() - at} ms late`);
    });
    wheel.set(entry, ms);
    assert.equal(entry.pending, true);
  }
  time.advance(21_000_000);
  assert.equal(expired, waits.length);
  assert.equal(wheel.size, 0);
  assert.equal(time.armed, 0);
});

test('DeadlineWheel.set: moves an entry that is set, and Infinity clears it', () => {
  const time = new ManualTime();
  const wheel = new DeadlineWheel(time);
  const trace: number[] = [];
  const entry = new Entry(() => trace.push(time.now()));
  wheel.set(entry, 100);
  wheel.set(entry, 1000);
  time.advance(900);
  assert.deepEqual(trace, []);
  wheel.set(entry, 50);
  time.advance(100);
  assert.deepEqual(trace, [1950]);
  wheel.set(entry, 50);
  wheel.set(entry, Infinity);
  assert.equal(wheel.size, 0);
  assert.equal(entry.pending, false);
});

test('DeadlineWheel.clear: forgets the entry, and is false when it was not set', () => {
  const time = new ManualTime();
  const wheel = new DeadlineWheel(time);
  const entry = new Entry(() => assert.fail());
  assert.equal(wheel.clear(entry), false);
  wheel.set(entry, 100);
  assert.equal(wheel.clear(entry), true);
  assert.equal(wheel.clear(entry), false);
  time.advance(1000);
});

test('DeadlineWheel: keeps the process alive while something is set, with one timer', () => {
  const time = new ManualTime();
  const wheel = new DeadlineWheel(time);
  const entries = Array.from({ length: 100 }, () => new Entry(() => {}));
  for (const [i, entry] of entries.entries()) wheel.set(entry, 1000 + i);
  assert.equal(time.armed, 1);
  assert.equal(time.keeping, 1);
  for (const entry of entries) wheel.clear(entry);
  assert.equal(time.keeping, 0);
  wheel.set(entries[0] as Entry, 5000);
  assert.equal(time.keeping, 1);
  time.advance(6000);
  assert.equal(time.armed, 0);
});

test('DeadlineWheel: setting and clearing over and over arms few timers', () => {
  const time = new ManualTime();
  const wheel = new DeadlineWheel(time);
  const entry = new Entry(() => assert.fail());
  for (let i = 0; i < 10_000; i++) {
    wheel.set(entry, 60_000);
    time.advance(1);
    wheel.clear(entry);
  }
  assert.ok(time.arms < 10, `${time.arms} timers`);
});

test(
  'DeadlineWheel: entries may set and clear one another, and one that throws harms no other',
  { skip: uncaughtFails },
  async () => {
    const time = new ManualTime();
    const wheel = new DeadlineWheel(time);
    const trace: string[] = [];
    const third = new Entry(() => trace.push('third'));
    const first: Entry = new Entry(() => {
      trace.push('first');
      wheel.clear(third);
      if (trace.length === 1) wheel.set(first, 0);
      throw new Error('of an entry');
    });
    wheel.set(first, 40);
    wheel.set(new Entry(() => trace.push('second')), 40);
    wheel.set(third, 40);
    const errors = await uncaught(2, () => time.advance(1000));
    assert.deepEqual(trace, ['first', 'second', 'first']);
    assert.deepEqual(errors, ['of an entry', 'of an entry']);
    assert.equal(wheel.size, 0);
  },
);

test('DeadlineWheel: after the event loop was blocked, what has arrived has its turn first', () => {
  const time = new ManualTime();
  const wheel = new DeadlineWheel(time);
  const trace: string[] = [];
  const heard = new Entry(() => trace.push('failed'));
  const silent = new Entry(() => trace.push('silent'));
  wheel.set(heard, 1000);
  wheel.set(silent, 1000);
  time.block(5000);
  time.advance(0);
  assert.deepEqual(trace, []);
  wheel.clear(heard);
  time.advance(1);
  assert.deepEqual(trace, ['silent']);
});

test('DeadlineWheel: expired() runs outside of the context in which it was set', async () => {
  const storage = new AsyncLocalStorage<string>();
  const wheel = new DeadlineWheel();
  const seen = await new Promise<string | undefined>((resolve) => {
    storage.run('of a caller', () => wheel.set(new Entry(() => resolve(storage.getStore())), 1));
  });
  assert.equal(seen, undefined);
});

test('DeadlineWheel: a limit on silence is looked at when it expires', () => {
  const time = new ManualTime();
  const wheel = new DeadlineWheel(time);
  let heardAt = wheel.now();
  let failedAt = 0;
  const entry: Entry = new Entry(() => {
    const quietMs = wheel.now() - heardAt;
    if (quietMs < 1000) wheel.set(entry, 1000 - quietMs);
    else failedAt = wheel.now();
  });
  wheel.set(entry, 1000);
  for (let i = 0; i < 100; i++) {
    time.advance(37);
    heardAt = wheel.now();
  }
  time.advance(2000);
  assert.ok(failedAt >= heardAt + 1000 && failedAt <= heardAt + 1052, `failed after ${failedAt - heardAt} ms`);
  assert.ok(time.arms < 20);
});
