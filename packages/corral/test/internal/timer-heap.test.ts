import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimerHeap, type Timer } from '../../src/internal/timer-heap.ts';
import { seededRandom } from '../../src/testing/index.ts';

class Alarm implements Timer {
  slot = -1;
  order = 0;
  readonly at: number;
  readonly name: string;
  constructor(at: number, name = String(at)) {
    this.at = at;
    this.name = name;
  }
  expire(): void {}
}

/** Takes all timers out, first to last. */
function drain(heap: TimerHeap): Alarm[] {
  const all: Alarm[] = [];
  for (let timer = heap.first; timer; timer = heap.first) {
    heap.remove(timer);
    all.push(timer as Alarm);
  }
  return all;
}

test('TimerHeap: gives the timers back in order of time', () => {
  const heap = new TimerHeap();
  for (const at of [5, 3, 8, 1, 9, 2, 7]) heap.add(new Alarm(at));
  assert.equal(heap.size, 7);
  assert.deepEqual(
    drain(heap).map((timer) => timer.at),
    [1, 2, 3, 5, 7, 8, 9],
  );
  assert.deepEqual([heap.size, heap.first], [0, undefined]);
});

test('TimerHeap: timers of the same time come in the order in which they were added', () => {
  const heap = new TimerHeap();
  const names = Array.from({ length: 100 }, (_, index) => String(index));
  for (const name of names) heap.add(new Alarm(5, name));
  heap.add(new Alarm(1, 'first'));
  assert.deepEqual(
    drain(heap).map((timer) => timer.name),
    ['first', ...names],
  );
});

test('TimerHeap: a timer that is removed and added again stands behind those of the same time', () => {
  const heap = new TimerHeap();
  const [a, b] = [new Alarm(5, 'a'), new Alarm(5, 'b')];
  heap.add(a);
  heap.add(b);
  heap.remove(a);
  heap.add(a);
  assert.deepEqual(
    drain(heap).map((timer) => timer.name),
    ['b', 'a'],
  );
});

test('TimerHeap: removing one that is not in it does nothing', () => {
  const heap = new TimerHeap();
  const [inside, outside] = [new Alarm(1), new Alarm(2)];
  heap.add(inside);
  heap.remove(outside);
  assert.equal(heap.size, 1);
  heap.remove(inside);
  heap.remove(inside);
  assert.deepEqual([heap.size, inside.slot], [0, -1]);
});

test('TimerHeap: -Infinity comes first, Infinity last', () => {
  const heap = new TimerHeap();
  for (const at of [Infinity, 0, -Infinity, -5]) heap.add(new Alarm(at));
  assert.deepEqual(
    drain(heap).map((timer) => timer.at),
    [-Infinity, -5, 0, Infinity],
  );
});

/** A sorted array: what the heap is to behave like. */
class Model {
  #arrivals = 0;
  readonly timers: { readonly timer: Alarm; readonly arrival: number }[] = [];
  add(timer: Alarm): void {
    this.timers.push({ timer, arrival: this.#arrivals++ });
    this.timers.sort((a, b) => a.timer.at - b.timer.at || a.arrival - b.arrival);
  }
  remove(timer: Alarm): void {
    const index = this.timers.findIndex((entry) => entry.timer === timer);
    if (index >= 0) this.timers.splice(index, 1);
  }
  get first(): Alarm | undefined {
    return this.timers[0]?.timer;
  }
}

for (let seed = 1; seed <= 40; seed++) {
  test(`TimerHeap: behaves like a sorted array through 500 random steps (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const below = (limit: number): number => Math.floor(random() * limit);
    const heap = new TimerHeap();
    const model = new Model();
    const pool: Alarm[] = [];
    // Few different times make many ties; a high chance of adding makes a deep heap.
    const times = 1 + below(50);
    const adding = 0.3 + random() * 0.4;
    for (let step = 0; step < 500; step++) {
      const known = pool[below(pool.length)];
      if (random() < adding || !known) {
        const timer = known && known.slot < 0 && random() < 0.5 ? known : new Alarm(below(times));
        if (timer !== known) pool.push(timer);
        heap.add(timer);
        model.add(timer);
      } else {
        const timer = random() < 0.4 ? (heap.first as Alarm | undefined) : known;
        if (timer) {
          heap.remove(timer);
          model.remove(timer);
        }
      }
      assert.equal(heap.first, model.first);
      assert.equal(heap.size, model.timers.length);
    }
    assert.ok(pool.every((timer) => timer.slot >= 0 === model.timers.some((entry) => entry.timer === timer)));
    assert.deepEqual(
      drain(heap),
      model.timers.map((entry) => entry.timer),
    );
    assert.ok(pool.every((timer) => timer.slot === -1));
  });
}

test('TimerHeap: 100,000 timers added, half of them removed, in well under a second', () => {
  const random = seededRandom(5);
  const heap = new TimerHeap();
  const timers = Array.from({ length: 100_000 }, () => new Alarm(Math.floor(random() * 1e6)));
  const begun = performance.now();
  for (const timer of timers) heap.add(timer);
  for (const [index, timer] of timers.entries()) if (index % 2) heap.remove(timer);
  const times = drain(heap).map((timer) => timer.at);
  assert.ok(performance.now() - begun < 5_000);
  assert.equal(times.length, 50_000);
  assert.ok(times.every((at, index) => index === 0 || at >= (times[index - 1] as number)));
});
