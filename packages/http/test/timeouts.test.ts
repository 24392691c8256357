import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TIMEOUTS, resolveTimeouts, type TimeoutOptions, forDownload } from '../src/timeouts.ts';

test('resolveTimeouts: a request is over its session, its session over the defaults', () => {
  const session = resolveTimeouts({ totalMs: Infinity, readMs: 1000, minSpeed: { bytes: 10, overMs: 1000 } });
  const request = resolveTimeouts({ readMs: 50, acquireMs: undefined, minSpeed: false }, session);
  assert.deepEqual(session, {
    ...DEFAULT_TIMEOUTS,
    totalMs: Infinity,
    readMs: 1000,
    minSpeed: { bytes: 10, overMs: 1000 },
  });
  assert.deepEqual(request, { ...DEFAULT_TIMEOUTS, totalMs: Infinity, readMs: 50, minSpeed: undefined });
  assert.ok(Object.isFrozen(request) && Object.isFrozen(session.minSpeed));
  assert.equal(resolveTimeouts(undefined, session), session);
});

test('resolveTimeouts: refuses 0, negatives and what is no number', () => {
  for (const value of [0, -1, NaN, -Infinity, '5', null]) {
    assert.throws(() => resolveTimeouts({ totalMs: value as number }), RangeError, String(value));
  }
  for (const minSpeed of [
    { bytes: 0, overMs: 1 },
    { bytes: 1, overMs: 0 },
    { bytes: 1, overMs: Infinity },
    { bytes: 1 },
  ]) {
    assert.throws(() => resolveTimeouts({ minSpeed } as TimeoutOptions), RangeError, JSON.stringify(minSpeed));
  }
});

test('resolveTimeouts: refuses what it does not know', () => {
  assert.throws(() => resolveTimeouts({ total: 5 } as TimeoutOptions), /totalMs.*current value is "total"/);
  assert.throws(() => resolveTimeouts(5 as TimeoutOptions), TypeError);
});

test('resolveTimeouts: reads own properties only', () => {
  assert.equal(resolveTimeouts(Object.create({ totalMs: 1 }) as TimeoutOptions).totalMs, 300_000);
});

test('forDownload: the default of the total time does not hold, one that was given does', () => {
  assert.equal(forDownload(DEFAULT_TIMEOUTS, undefined, { readMs: 5 }).totalMs, Infinity);
  const given = resolveTimeouts({ totalMs: 7 });
  assert.equal(forDownload(given, { totalMs: 7 }, undefined).totalMs, 7);
  assert.equal(forDownload(given, undefined, 7).totalMs, 7);
});
