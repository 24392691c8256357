import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { programs, type Measured } from './leak-programs.ts';

const script = fileURLToPath(new URL('./leak-programs.js', import.meta.url));
const { bun, deno } = process.versions;
const flags = bun
  ? ['run']
  : deno
    ? ['run', '--allow-all', '--v8-flags=--expose-gc,--max-old-space-size=6000']
    : ['--expose-gc', '--max-old-space-size=6000'];

/** Far above what a collector leaves behind, far below one byte for each of a million. */
const GROWN = 4 * 2 ** 20;

async function measure(name: string): Promise<Measured> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [...flags, script, name], {
    timeout: 240_000,
  });
  assert.equal(stderr, '');
  return JSON.parse(stdout) as Measured;
}

describe('leaks', () => {
  for (const name of Object.keys(programs)) {
    test(`${name}: the heap stays flat, nothing is left, and the process ends`, { timeout: 300_000 }, async () => {
      const { grownBytes, left } = await measure(name);
      const lost = Object.entries(left).filter(([, count]) => count !== 0);
      assert.deepEqual(lost, []);
      assert.ok(grownBytes < GROWN, `the heap has grown by ${grownBytes} bytes`);
    });
  }
});
