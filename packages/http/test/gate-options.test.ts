import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveGateOptions, type LimitOptions, type RateOptions } from '../src/gate-options.ts';

test('resolveGateOptions: has the documented defaults', () => {
  assert.deepEqual(resolveGateOptions(undefined, undefined), {
    total: 100,
    perHost: 8,
    queue: 10_000,
    rate: { perHost: undefined, total: undefined },
  });
  const { rate } = resolveGateOptions({}, { perHost: { limit: 5, perMs: 1000 } });
  assert.deepEqual(rate?.perHost, { limit: 5, perMs: 1000, burst: 1 });
});

test('resolveGateOptions: refuses what makes no sense', () => {
  const limits: unknown[] = [{ total: 0 }, { perHost: 1.5 }, { queue: -1 }, { total: '5' }];
  for (const options of limits) {
    assert.throws(() => resolveGateOptions(options as LimitOptions, undefined), RangeError, JSON.stringify(options));
  }
  const rates: unknown[] = [
    { limit: 5 },
    { limit: 0, perMs: 1 },
    { limit: 1, perMs: Infinity },
    { limit: 1, perMs: 1, burst: 0 },
  ];
  for (const total of rates) {
    assert.throws(() => resolveGateOptions({}, { total } as RateOptions), RangeError, JSON.stringify(total));
  }
  assert.throws(() => resolveGateOptions({ perhost: 5 } as LimitOptions, undefined), /total, perHost, queue/);
  assert.throws(() => resolveGateOptions({}, { perHost: 5 } as unknown as RateOptions), TypeError);
});

test('resolveGateOptions: reads own properties only', () => {
  assert.equal(resolveGateOptions(Object.create({ total: 1 }) as LimitOptions, undefined).total, 100);
});
