import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { SpeedMeter } from '../src/speed-meter.ts';

test('SpeedMeter: is not too slow before its time has passed', () => {
  const meter = new SpeedMeter({ bytes: 1000, overMs: 10_000 }, 5);
  assert.equal(meter.tooSlow(10_004), false);
  assert.equal(meter.tooSlow(10_005), true);
});

test('SpeedMeter: forgets what came long ago', () => {
  const meter = new SpeedMeter({ bytes: 1000, overMs: 10_000 }, 0);
  meter.add(1_000_000, 100);
  assert.equal(meter.tooSlow(10_500), false);
  assert.equal(meter.tooSlow(11_000), true);
  meter.add(1000, 11_500);
  assert.equal(meter.tooSlow(20_000), false);
  assert.equal(meter.tooSlow(1_000_000), true);
});

test('SpeedMeter: its time stands still while it is paused', () => {
  const meter = new SpeedMeter({ bytes: 1, overMs: 1000 }, 0);
  meter.pause(500);
  meter.pause(600);
  assert.equal(meter.tooSlow(50_000), false);
  meter.resume(50_000);
  meter.resume(50_001);
  assert.equal(meter.tooSlow(50_499), false);
  assert.equal(meter.tooSlow(50_500), true);
});

test('SpeedMeter: never unjust, and a tenth late at the most', () => {
  const steps = fc.array(fc.record({ wait: fc.integer({ min: 0, max: 300 }), bytes: fc.integer({ min: 0, max: 50 }) }));
  fc.assert(
    fc.property(steps, (steps) => {
      const meter = new SpeedMeter({ bytes: 100, overMs: 1000 }, 0);
      const all: [number, number][] = [];
      let now = 0;
      const since = (start: number): number =>
        all.filter(([at]) => at > start).reduce((sum, [, bytes]) => sum + bytes, 0);
      for (const { wait, bytes } of steps) {
        now += wait;
        const slow = meter.tooSlow(now);
        if (slow) assert.ok(now >= 1000 && since(now - 1000) < 100);
        else assert.ok(now < 1000 || since(now - 1101) >= 100);
        meter.add(bytes, now);
        all.push([now, bytes]);
      }
    }),
  );
});
