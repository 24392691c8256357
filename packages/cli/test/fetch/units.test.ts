import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as units from '../../src/fetch/units.ts';

function table<T>(name: string, parse: (text: string) => T, rows: readonly (readonly [string, T])[]): void {
  for (const [text, value] of rows) {
    test(`${name}: ${JSON.stringify(text)} is ${JSON.stringify(value)}`, () => assert.deepEqual(parse(text), value));
  }
}

table('parseBytes', units.parseBytes, [
  ['0', 0],
  ['512', 512],
  ['20M', 20 * 2 ** 20],
  ['1.5k', 1536],
  ['64KiB', 65_536],
  ['1GB', 2 ** 30],
  ['', undefined],
  ['-1', undefined],
  ['1X', undefined],
  ['M', undefined],
]);

table('parseDuration', units.parseDuration, [
  ['30', 30_000],
  ['0', 0],
  ['500ms', 500],
  ['2m', 120_000],
  ['1.5h', 5_400_000],
  ['1d', 86_400_000],
  ['2 m', undefined],
  ['m', undefined],
]);

table('parseRate', units.parseRate, [
  ['100/s', { limit: 100, perMs: 1_000 }],
  ['5/m', { limit: 5, perMs: 60_000 }],
  ['3/10s', { limit: 3, perMs: 10_000 }],
  ['7', { limit: 7, perMs: 1_000 }],
  ['0/s', undefined],
  ['1.5/s', undefined],
  ['5/0s', undefined],
  ['/s', undefined],
]);

table('parseMinSpeed', units.parseMinSpeed, [
  ['1K/30s', { bytes: 1_024, overMs: 30_000 }],
  ['100', { bytes: 100, overMs: 1_000 }],
  ['1K/0', undefined],
]);

table('parseShare', units.parseShare, [
  ['20%', 0.2],
  ['0.2', 0.2],
  ['100%', 1],
  ['0', 0],
  ['101%', undefined],
  ['20', undefined],
]);

test('parseStatuses: single ones and whole classes', () => {
  const statuses = units.parseStatuses('408, 5xx');
  assert.ok(statuses?.has(408) && statuses.has(500) && statuses.has(599));
  assert.ok(!statuses?.has(404) && !statuses?.has(600));
  assert.equal(units.parseStatuses('4x'), undefined);
  assert.equal(units.parseStatuses('600'), undefined);
  assert.equal(units.parseStatuses('')?.size, 0);
});

table('formatBytes', (text) => units.formatBytes(Number(text)), [
  ['0', '0B'],
  ['1023', '1023B'],
  ['1536', '1.5K'],
  ['1048575', '1.0M'],
  ['20971520', '20M'],
]);

table('formatDuration', (text) => units.formatDuration(Number(text)), [
  ['1234', '1.2s'],
  ['59400', '59s'],
  ['62000', '1m02s'],
  ['11100000', '3h05m'],
]);
