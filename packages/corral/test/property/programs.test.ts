import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOf, holdsFor, replay } from './check.ts';
import type { Program } from './program.ts';

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

test('programs: what join handed to a block, and the block replaced by an error of its own, is not lost', async () => {
  const fails = { do: 'throw', what: 'error' } as const;
  for (const how of ['open', 'left'] as const) {
    const group: Program['steps'][number] = {
      do: 'group',
      how,
      concurrency: 0,
      policy: 'cancel',
      aggregate: false,
      ambient: true,
      awaited: true,
      body: {
        shape: 'async',
        steps: [
          { do: 'spawn', how: 'later', up: 0, body: { shape: 'async', steps: [fails] } },
          { do: 'try', body: [{ do: 'joinGroup' }], onError: 'rethrow', finally: [fails] },
        ],
      },
    };
    assert.deepEqual(await faultsOf({ steps: [group], cancels: [] }, 0), []);
  }
});
