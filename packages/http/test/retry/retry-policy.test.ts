import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exponential, isRetryPolicy, never, type RetryOptions } from '../../src/retry/retry-policy.ts';

test('exponential: has the documented defaults, and is frozen', () => {
  const policy = exponential();
  assert.deepEqual(
    { ...policy },
    {
      attempts: 4,
      baseMs: 500,
      capMs: 30_000,
      jitter: 'full',
      maxRetryAfterMs: 120_000,
      budget: 0.2,
      statuses: [408, 425, 429, 500, 502, 503, 504],
      methods: ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'],
      reconnect: true,
      retryIf: undefined,
      random: Math.random,
    },
  );
  for (const part of [policy, policy.statuses, policy.methods]) assert.ok(Object.isFrozen(part));
});

test('exponential: later changes of what it was given change nothing', () => {
  const statuses = [503];
  const policy = exponential({ statuses, methods: ['get', 'Post'] });
  statuses.push(404);
  assert.deepEqual(policy.statuses, [503]);
  assert.deepEqual(policy.methods, ['GET', 'POST']);
});

test('exponential: refuses what makes no sense', () => {
  const ranges: RetryOptions[] = [
    { attempts: 0 },
    { attempts: 1.5 },
    { baseMs: -1 },
    { baseMs: NaN },
    { capMs: Infinity },
    { maxRetryAfterMs: -1 },
    { budget: 2 },
    { statuses: [200] },
  ];
  for (const options of ranges) assert.throws(() => exponential(options), RangeError, JSON.stringify(options));
  const types: unknown[] = [
    { tries: 3 },
    { jitter: 'some' },
    { statuses: 503 },
    { methods: ['a b'] },
    { reconnect: 0 },
    { retryIf: true },
    { random: 4 },
    5,
  ];
  for (const options of types) assert.throws(() => exponential(options as RetryOptions), TypeError);
});

test('exponential: reads own properties only', () => {
  const options = Object.create({ attempts: 99 }) as RetryOptions;
  assert.equal(exponential(options).attempts, 4);
});

test('isRetryPolicy: knows what exponential has made', () => {
  assert.equal(isRetryPolicy(never), true);
  for (const other of [{}, { attempts: 3 }, { ...exponential() }]) assert.equal(isRetryPolicy(other), false);
});
