import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../src/testing/index.ts';

const take = (seed: number, count: number): number[] => Array.from({ length: count }, seededRandom(seed));

test('seededRandom: the same seed gives the same numbers', () => {
  for (const seed of [0, 1, -1, 123_456_789, 2 ** 40]) assert.deepEqual(take(seed, 50), take(seed, 50));
});

test('seededRandom: other seeds give other numbers', () => {
  const firsts = new Set(Array.from({ length: 1_000 }, (_, seed) => take(seed, 1)[0]));
  assert.ok(firsts.size > 990);
});

test('seededRandom: numbers from 0 up to 1, evenly', () => {
  const buckets = Array.from({ length: 10 }, () => 0);
  for (const number of take(7, 10_000)) {
    assert.ok(number >= 0 && number < 1);
    buckets[Math.floor(number * 10)]!++;
  }
  for (const count of buckets) assert.ok(count > 850 && count < 1_150, String(buckets));
});

test('seededRandom: generators do not share their state', () => {
  const [a, b] = [seededRandom(1), seededRandom(1)];
  a();
  assert.notEqual(a(), b());
});
