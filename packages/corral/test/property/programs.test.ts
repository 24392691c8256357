import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsFor, replay } from './check.ts';

const replayed = process.env['CORRAL_REPLAY'];

/** The gate plays the same programs every time; CORRAL_SEED=… plays others, the slow suite new ones each time. */
const seed = Number(process.env['CORRAL_SEED'] ?? 1);

test('replay: the program in CORRAL_REPLAY', { skip: replayed === undefined && 'nothing to replay' }, async () => {
  assert.deepEqual(await replay(replayed ?? ''), []);
});

test('programs: small ones keep all invariants, whatever the order', async () => {
  await holdsFor({ numRuns: 700, size: { depth: 3, steps: 3 }, seed });
});

test('programs: larger ones keep all invariants, whatever the order', async () => {
  await holdsFor({ numRuns: 300, size: { depth: 5, steps: 4 }, seed });
});
