import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRetryAfter } from '../../src/headers/retry-after.ts';

const now = Date.UTC(1994, 10, 6, 8, 49, 0);

test('parseRetryAfter: reads seconds', () => {
  assert.equal(parseRetryAfter('120', now), 120_000);
  assert.equal(parseRetryAfter(' 0 ', now), 0);
});

test('parseRetryAfter: reads the three formats of HTTP dates', () => {
  for (const date of [
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'sun, 06 nov 1994 08:49:37 gmt',
  ]) {
    assert.equal(parseRetryAfter(date, now), 37_000, date);
  }
});

test('parseRetryAfter: a date that has passed is no wait', () => {
  assert.equal(parseRetryAfter('Sun, 06 Nov 1994 08:48:59 GMT', now), 0);
});

test('parseRetryAfter: a year of two digits is never more than 50 years ahead', () => {
  const y2026 = Date.UTC(2026, 0, 1);
  assert.equal(parseRetryAfter('Friday, 02-Jan-26 00:00:00 GMT', y2026), 86_400_000);
  assert.equal(parseRetryAfter('Saturday, 01-Jan-77 00:00:00 GMT', y2026), 0);
});

test('parseRetryAfter: refuses negatives and nonsense', () => {
  for (const value of [
    undefined,
    null,
    '',
    '-1',
    '1.5',
    '+5',
    '1e3',
    '0x10',
    'soon',
    '12 s',
    '2020-01-01',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 CET',
  ]) {
    assert.equal(parseRetryAfter(value, now), undefined, String(value));
  }
});

test('parseRetryAfter: keeps that a number beyond all sense means long', () => {
  assert.equal(parseRetryAfter('9'.repeat(400), now), Number.MAX_SAFE_INTEGER);
});
