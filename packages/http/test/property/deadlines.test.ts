import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DeadlineEntry, DeadlineWheel } from '../../src/deadlines.ts';
import { ManualTime } from '../manual-time.ts';

class Entry extends DeadlineEntry {
  /** When it is due; undefined while it is not set. */
  at: number | undefined;
  /** Sets itself again when it expires, as a limit on silence does. */
  again: number | undefined;
  readonly #wheel: DeadlineWheel;

  constructor(wheel: DeadlineWheel) {
    super();
    this.#wheel = wheel;
  }

  set(ms: number, again: number | undefined): void {
    this.at = this.#wheel.now() + ms;
    this.again = again;
    this.#wheel.set(this, ms);
  }

  clear(): void {
    assert.equal(this.#wheel.clear(this), this.at !== undefined);
    this.at = undefined;
  }

  expired(): void {
    assert.ok(this.at !== undefined, 'expired without being set');
    assert.ok(this.#wheel.now() >= this.at, `${this.at - this.#wheel.now()} ms early`);
    this.at = undefined;
    if (this.again !== undefined) this.set(this.again, undefined);
  }
}

const ms = fc.oneof(fc.nat(200), fc.nat(5000), fc.double({ min: 0, max: 300_000, noNaN: true }));
const which = fc.nat(7);
const steps = fc.oneof(
  fc.record({ do: fc.constant('set' as const), which, ms, again: fc.option(fc.nat(300), { nil: undefined }) }),
  fc.record({ do: fc.constant('clear' as const), which }),
  fc.record({ do: fc.constant('advance' as const), ms }),
  fc.record({ do: fc.constant('block' as const), ms: fc.nat(3000) }),
);

test('DeadlineWheel: no entry is early, lost or more than a tick late, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60, size: 'max' }), (steps) => {
      const time = new ManualTime(77.7);
      const wheel = new DeadlineWheel(time);
      const entries = Array.from({ length: 8 }, () => new Entry(wheel));
      for (const step of steps) {
        if (step.do === 'set') (entries[step.which] as Entry).set(step.ms, step.again);
        else if (step.do === 'clear') (entries[step.which] as Entry).clear();
        else if (step.do === 'advance') time.advance(step.ms);
        else time.block(step.ms);
        // After it was blocked the loop gets its turn.
        if (step.do !== 'advance') time.advance(1);
        const set = entries.filter((entry) => entry.at !== undefined);
        assert.equal(wheel.size, set.length);
        assert.equal(time.keeping, set.length > 0 ? 1 : 0);
        // A tick, the turn that is given to what has arrived, and what rounding adds.
        for (const { at = 0 } of set) assert.ok(time.now() - at <= 53, `${time.now() - at} ms late`);
      }
      time.advance(700_000);
      assert.equal(wheel.size, 0);
      assert.equal(time.armed, 0);
    }),
    { numRuns: 500 },
  );
});
