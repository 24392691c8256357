import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interval, isCancelled, sleep, taskGroup, timeout, withScope } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

test(
  'interval: yields the number of the beat at multiples of ms, from 1',
  virtually(async (clock) => {
    const trace: string[] = [];
    for await (const beat of interval(100)) {
      trace.push(`${beat} at ${clock.now()}`);
      if (beat === 3) break;
    }
    assert.deepEqual(trace, ['1 at 100', '2 at 200', '3 at 300']);
  }),
);

test(
  'interval: a body that takes time makes it drift in no way',
  virtually(async (clock) => {
    const beats: number[] = [];
    for await (const beat of interval(100)) {
      beats.push(clock.now());
      if (beat === 4) break;
      await sleep(30 + beat);
    }
    assert.deepEqual(beats, [100, 200, 300, 400]);
  }),
);

test(
  'interval: beats that the body was too slow for are passed over, and the number tells',
  virtually(async (clock) => {
    const trace: string[] = [];
    for await (const beat of interval(100)) {
      trace.push(`${beat} at ${clock.now()}`);
      if (beat >= 5) break;
      await sleep(beat === 1 ? 250 : 10);
    }
    assert.deepEqual(trace, ['1 at 100', '4 at 400', '5 at 500']);
  }),
);

test(
  'interval: a body that takes exactly one beat has missed it and meets the next',
  virtually(async (clock) => {
    const trace: string[] = [];
    for await (const beat of interval(100)) {
      trace.push(`${beat} at ${clock.now()}`);
      if (beat > 3) break;
      await sleep(100);
    }
    assert.deepEqual(trace, ['1 at 100', '3 at 300', '5 at 500']);
  }),
);

test(
  'interval: fractions of milliseconds do not add up to drift',
  virtually(async (clock) => {
    for await (const beat of interval(1 / 3)) if (beat === 300) break;
    assert.equal(clock.now(), 300 / 3);
  }),
);

test(
  'interval: is cancelled while it waits for the next beat',
  virtually(async (clock) => {
    let beats = 0;
    const error = await failureOf(
      timeout(250, async () => {
        for await (const _ of interval(100)) beats++;
      }),
    );
    assert.equal((error as Error).name, 'TimeoutError');
    assert.equal(beats, 2);
    assert.equal(clock.now(), 250);
  }),
);

test(
  'interval: leaving the loop leaves nothing behind, also half-way through a beat',
  virtually(async (clock) => {
    const beats = interval(100);
    await beats.next();
    await beats.return();
    assert.deepEqual(await beats.next(), { done: true, value: undefined });
    assert.equal(clock.now(), 100);
  }),
);

test(
  'interval: several run side by side',
  virtually(async (clock) => {
    const trace: string[] = [];
    await timeout(450, () =>
      taskGroup((group) => {
        for (const ms of [100, 200]) {
          group.spawn(async () => {
            for await (const beat of interval(ms)) trace.push(`${ms}/${beat} at ${clock.now()}`);
          });
        }
      }),
    ).catch(() => {});
    assert.deepEqual(trace.sort(), [
      '100/1 at 100',
      '100/2 at 200',
      '100/3 at 300',
      '100/4 at 400',
      '200/1 at 200',
      '200/2 at 400',
    ]);
  }),
);

test('interval: takes a positive number only', async () => {
  for (const wrong of [0, -1, Number.NaN, '5', undefined]) {
    await assert.rejects(interval(wrong as number).next(), {
      name: 'RangeError',
      message: /^Cannot make an interval as it takes a positive number of milliseconds: current value is /,
    });
  }
});

test(
  'interval: where all is cancelled the first beat throws',
  virtually(async () => {
    await withScope(async (scope) => {
      scope.cancel();
      assert.ok(isCancelled(await failureOf(interval(10).next())));
    });
  }),
);
