import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Gate } from '../../src/gate.ts';
import type { GatePlace, GateWaiter } from '../../src/gate-host.ts';
import { GateModel, type Step } from './gate-model.ts';

const hosts = fc.constantFrom('a', 'b', 'c', 'd');
const which = fc.nat(50);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('enter' as const),
      host: hosts,
      front: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
      brief: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('leave' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('withdraw' as const), which }) },
  fc.record({ do: fc.constant('close' as const), host: hosts, ms: fc.nat(300) }),
  fc.record({ do: fc.constant('open' as const), host: hosts }),
  fc.record({
    do: fc.constant('limit' as const),
    host: hosts,
    limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.nat(150) }) },
);
const rate = fc.option(
  fc.record({ limit: fc.constantFrom(1, 2, 5, 10), perMs: fc.constant(100), burst: fc.integer({ min: 1, max: 4 }) }),
  { nil: undefined },
);
const options = fc.record({
  total: fc.integer({ min: 1, max: 6 }),
  perHost: fc.integer({ min: 1, max: 3 }),
  queue: fc.constantFrom(0, 5, Infinity),
  rate: fc.record({ perHost: rate, total: rate }),
});

test('Gate: does what a slow model does, whatever happens, and has nothing left at the end', () => {
  fc.assert(
    fc.property(options, fc.array(steps, { maxLength: 60, size: 'max' }), (options, steps) => {
      const model = new GateModel(options);
      for (const step of steps) model.step(step);
      model.end();
    }),
    { numRuns: 1500 },
  );
});

test('Gate: 100,000 waiters of 10,000 hosts are let in, and withdrawn, without being searched through', () => {
  const hostsIn: string[] = [];
  class Waiter implements GateWaiter {
    place: GatePlace | undefined = undefined;
    readonly host: string;
    constructor(host: string) {
      this.host = host;
    }
    admitted(): void {
      hostsIn.push(this.host);
    }
  }
  const rate = { perHost: { limit: 1_000_000, perMs: 1000, burst: 5 } };
  const gate = new Gate({ total: 1, perHost: 1, queue: Infinity, rate });
  assert.equal(gate.enter('first', new Waiter('first')), true);
  const waiters = Array.from({ length: 100_000 }, (_, i) => new Waiter(`host ${i % 10_000}`));
  for (const waiter of waiters) gate.enter(waiter.host, waiter);
  gate.leave('first');
  for (let i = 0; i < 50_000; i++) gate.leave(hostsIn[i] as string);
  assert.equal(new Set(hostsIn.slice(0, 10_000)).size, 10_000);
  let withdrawn = 0;
  for (const waiter of waiters.reverse()) if (gate.withdraw(waiter)) withdrawn++;
  assert.equal(withdrawn, 49_999);
  gate.leave(hostsIn.at(-1) as string);
  assert.deepEqual([gate.inFlight, gate.waiting], [0, 0]);
});
