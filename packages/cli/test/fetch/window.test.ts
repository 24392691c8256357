import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeHeap } from '../../src/fetch/heap.ts';
import { Host } from '../../src/fetch/host.ts';
import { type Sendable, Window } from '../../src/fetch/window.ts';

interface Item extends Sendable {
  readonly name: string;
}

function windowOf(names: readonly string[], options: { perHost?: number; capacity?: number } = {}): Window<Item> {
  const window = new Window<Item>({
    capacity: options.capacity ?? 100,
    perHost: options.perHost ?? 8,
    hostRate: undefined,
  });
  for (const name of names) window.add({ name, host: name.slice(0, 1) });
  return window;
}

/** The names of what may be sent at `now`. */
function take(window: Window<Item>, now = 0, most = Infinity): string[] {
  const names: string[] = [];
  for (let item = window.next(now); item !== undefined; item = window.next(now)) {
    names.push(item.name);
    if (names.length >= most) break;
  }
  return names;
}

test('Window: hosts are served in turn, the items of each in their order', () => {
  const window = windowOf(['a1', 'a2', 'a3', 'b1', 'b2', 'c1']);
  assert.deepEqual(take(window), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  assert.equal(window.size, 0);
});

test('Window: a host that has as many requests as it may holds up nobody else', () => {
  const window = windowOf(['a1', 'a2', 'a3', 'b1', 'b2'], { perHost: 1 });
  assert.deepEqual(take(window), ['a1', 'b1']);
  assert.equal(window.wakeAt, Infinity);
  window.ended('a');
  assert.deepEqual(take(window), ['a2']);
  window.ended('b');
  window.ended('a');
  assert.deepEqual(take(window), ['b2', 'a3']);
});

test('Window: a host that is closed is asked again when its time has come, and not before', () => {
  const window = windowOf(['a1', 'a2', 'b1']);
  window.host('a').closedUntil = 500;
  assert.deepEqual(take(window, 0), ['b1']);
  assert.equal(window.wakeAt, 500);
  assert.deepEqual(take(window, 499), []);
  assert.deepEqual(take(window, 500), ['a1', 'a2']);
});

test('Window: a further attempt comes at its time, before the others of its host', () => {
  const window = windowOf(['a1', 'a2', 'a3'], { perHost: 1 });
  assert.deepEqual(take(window, 0), ['a1']);
  window.ended('a');
  window.addAt({ name: 'a1', host: 'a' }, 100);
  assert.equal(window.size, 3);
  assert.deepEqual(take(window, 50), ['a2']);
  window.ended('a');
  assert.deepEqual(take(window, 100), ['a1']);
  window.ended('a');
  assert.deepEqual(take(window, 100), ['a3']);
  assert.equal(window.size, 0);
});

test('Window: it is full with as many as it may hold, those for later included', () => {
  const window = windowOf(['a1', 'a2'], { capacity: 3 });
  assert.equal(window.isFull, false);
  window.addAt({ name: 'b1', host: 'b' }, 100);
  assert.equal(window.isFull, true);
  take(window, 0, 1);
  assert.equal(window.isFull, false);
});

test('Window: a hundred thousand items of ten thousand hosts come out once each, whatever ends when', () => {
  const window = new Window<Item>({ capacity: 100_000, perHost: 2, hostRate: undefined });
  for (let index = 0; index < 100_000; index++) window.add({ name: `${index}`, host: `h${index % 10_000}` });
  const seen = new Set<string>();
  const active: Item[] = [];
  while (seen.size < 100_000) {
    while (active.length < 500) {
      const item = window.next(0);
      if (item === undefined) break;
      assert.ok(!seen.has(item.name));
      seen.add(item.name);
      active.push(item);
    }
    for (const { host } of active.splice(0, 250)) window.ended(host);
  }
  assert.equal(window.size, 0);
});

test('Host: too busy halves what may be sent at once, and 20 successes give one back', () => {
  const host = new Host('a', 8, undefined);
  host.slowDown(1, 1);
  assert.equal(host.limit, 4);
  host.slowDown(0.5, 2);
  assert.equal(host.limit, 4, 'it was sent before the host was slowed down');
  host.slowDown(3, 3);
  host.slowDown(4, 4);
  host.slowDown(5, 5);
  assert.equal(host.limit, 1, 'never less than one');
  for (let index = 0; index < 20; index++) host.succeeded();
  assert.equal(host.limit, 2);
  for (let index = 0; index < 500; index++) host.succeeded();
  assert.equal(host.limit, 8, 'never more than --per-host');
});

test('Host: a rate spaces its requests', () => {
  const host = new Host('a', 100, { limit: 10, perMs: 1_000 });
  const now = Date.now();
  assert.ok(host.readyAt(now) <= now);
  host.begin();
  const next = host.readyAt(now);
  assert.ok(next > now + 50 && next <= now + 110, `${next - now}`);
  assert.equal(host.readyAt(now + 1), next, 'asking takes nothing');
});

test('TimeHeap: the earliest first, and in their order at the same time', () => {
  const heap = new TimeHeap<number>();
  const times = Array.from({ length: 1_000 }, (_, index) => (index * 7919) % 101);
  for (const [index, at] of times.entries()) heap.add(at, index);
  const expected = times
    .map((at, index) => ({ at, index }))
    .sort((one, other) => one.at - other.at || one.index - other.index);
  for (const { at, index } of expected) {
    assert.equal(heap.firstAt, at);
    assert.equal(heap.takeDue(at - 1), undefined);
    assert.equal(heap.takeDue(at), index);
  }
  assert.equal(heap.firstAt, Infinity);
});
