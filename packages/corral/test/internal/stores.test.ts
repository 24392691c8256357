import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Ring } from '../../src/internal/ring.ts';
import { StableHeap } from '../../src/internal/stable-heap.ts';
import { Stack } from '../../src/internal/stack.ts';

test('Ring: first in, first out, around the end of its slots', () => {
  const ring = new Ring<number>();
  let pushed = 0;
  let taken = 0;
  for (let round = 0; round < 50; round++) {
    for (let n = 0; n < 5; n++) ring.push(pushed++);
    assert.deepEqual(
      [...ring],
      Array.from({ length: pushed - taken }, (_, n) => taken + n),
    );
    assert.equal(ring.last, pushed - 1);
    for (let n = 0; n < 4; n++) assert.equal(ring.take(), taken++);
  }
  assert.equal(ring.size, 50);
});

test('Ring: gives memory back after a peak, and does not thrash at the edge', () => {
  const ring = new Ring<number>();
  for (let n = 0; n < 100_000; n++) ring.push(n);
  assert.equal(ring.room, 131_072);
  for (let n = 0; n < 100_000; n++) assert.equal(ring.take(), n);
  assert.equal(ring.room, 8);
  for (let n = 0; n < 9; n++) ring.push(n);
  assert.equal(ring.room, 16);
  ring.take();
  ring.push(9);
  assert.equal(ring.room, 16);
});

test('Ring: the last can be replaced', () => {
  const ring = new Ring<number>();
  for (let n = 0; n < 8; n++) ring.push(n);
  ring.take();
  ring.push(8);
  ring.last = 9;
  assert.deepEqual([...ring], [1, 2, 3, 4, 5, 6, 7, 9]);
});

test('Ring, Stack and StableHeap: behave like an array that is shifted, popped, and sorted stably', () => {
  const actions = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant('take' as const)), { maxLength: 200 });
  fc.assert(
    fc.property(actions, (list) => {
      const stores = [new Ring<Item>(), new Stack<Item>(), new StableHeap<Item>((a, b) => a.rank - b.rank)] as const;
      const model: Item[] = [];
      const expected: ((items: Item[]) => Item)[] = [
        (items) => items[0] as Item,
        (items) => items[items.length - 1] as Item,
        (items) => [...items].sort((a, b) => a.rank - b.rank || a.n - b.n)[0] as Item,
      ];
      const models = [model, [...model], [...model]];
      list.forEach((action, n) => {
        stores.forEach((store, which) => {
          const items = models[which] as Item[];
          if (action !== 'take') {
            store.push({ rank: action, n });
            items.push({ rank: action, n });
          } else if (items.length > 0) {
            const next = expected[which]?.(items) as Item;
            items.splice(items.indexOf(next), 1);
            assert.deepEqual(store.take(), next);
          }
          assert.equal(store.size, items.length);
        });
      });
    }),
    { numRuns: 300 },
  );
});

interface Item {
  readonly rank: number;
  readonly n: number;
}
