import assert from 'node:assert/strict';
import { test } from 'node:test';

import { elsewhere } from '../faults/elsewhere.ts';
import { storm } from '../fault-table/storm.ts';

const first = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

test(
  `ClientSession: nothing is left of 40 storms of requests (SEED=${first})`,
  { skip: elsewhere, timeout: 240_000 },
  async () => {
    for (let seed = first; seed < first + 40; seed++) {
      assert.deepEqual(await storm({ seed, requests: 400, withinMs: 1_000 }), [], `SEED=${seed}`);
    }
  },
);
