import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ambientAvailable, currentFrame, endInFrame, runInFrame, runOutside } from '../../src/internal/ambient.ts';
import { tick } from './observe.ts';

const [a, b] = [{ name: 'a' }, { name: 'b' }];

test('ambient: servers have it, and at the top nothing is current', () => {
  assert.equal(ambientAvailable, true);
  assert.equal(currentFrame(), undefined);
});

test('runInFrame: the frame is current inside and gone afterwards, also when the function throws', () => {
  const seen = runInFrame(
    a,
    (argument: string) => [argument, currentFrame(), runInFrame(b, currentFrame, undefined), currentFrame()],
    'x',
  );
  assert.deepEqual(seen, ['x', a, b, a]);
  assert.throws(() => runInFrame(a, () => assert.fail('thrown'), undefined));
  assert.equal(currentFrame(), undefined);
});

test('runInFrame: flows through await', async () => {
  const seen = runInFrame(
    a,
    async () => {
      await tick();
      await new Promise((resolve) => void setTimeout(resolve, 1));
      return currentFrame();
    },
    undefined,
  );
  assert.equal(await seen, a);
});

test('runOutside: nothing is current inside, and what was is again afterwards', () => {
  runInFrame(
    a,
    () => {
      assert.equal(runOutside(currentFrame), undefined);
      assert.throws(() => runOutside(() => assert.fail('thrown')));
      assert.equal(currentFrame(), a);
    },
    undefined,
  );
});

test('endInFrame: as the last thing of a microtask: the frame is current, flows on, and is not left behind', async () => {
  const later: Promise<unknown>[] = [];
  for (const frame of [a, b]) {
    await Promise.resolve().then(() =>
      endInFrame(
        frame,
        () => void later.push(Promise.resolve(currentFrame()), Promise.resolve().then(currentFrame)),
        undefined,
      ),
    );
    assert.equal(currentFrame(), undefined);
  }
  assert.deepEqual(await Promise.all(later), [a, a, b, b]);
});
