import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installRandom, random } from '../../src/internal/random.ts';
import { VirtualClock } from '../../src/testing/index.ts';

const draw = (): number[] => Array.from({ length: 5 }, random);

test('random: is the platform’s, but under a virtual clock that of its seed', async () => {
  const drawn = async (seed?: number): Promise<number[]> => new VirtualClock({ seed }).run(draw);
  assert.deepEqual(await drawn(7), await drawn(7));
  assert.notDeepEqual(await drawn(7), await drawn(8));
  assert.deepEqual(await drawn(), await drawn());
  const before = installRandom(() => 0.25);
  assert.equal(before, Math.random);
  assert.deepEqual(draw(), [0.25, 0.25, 0.25, 0.25, 0.25]);
  installRandom(before);
});

test('random: a virtual clock that fails gives it back', async () => {
  await assert.rejects(
    new VirtualClock().run(() => Promise.reject(new Error('failure'))),
    /failure/,
  );
  const before = installRandom(Math.random);
  assert.equal(before, Math.random);
});
