import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { elsewhere } from '../faults/elsewhere.ts';
import { storm } from './storm.ts';

const first = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

for (let seed = first; seed < first + 3; seed++) {
  test(`ClientSession: nothing is left of a storm of requests (SEED=${seed})`, { skip: elsewhere }, async () => {
    assert.deepEqual(await storm({ seed, requests: 120, withinMs: 400 }), []);
  });
}

test(`ClientSession: after a storm nothing keeps the process alive (SEED=${first})`, { skip: elsewhere }, async () => {
  const child = fileURLToPath(new URL('storm-child.js', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [child, String(first), '80'], {
    timeout: 20_000,
  });
  assert.deepEqual([stdout.trim(), stderr], ['[]', '']);
});
