import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PRELUDE = `
  import { Gate } from ${JSON.stringify(new URL('../src/gate.js', import.meta.url).href)};
  import { DeadlineEntry, DeadlineWheel } from ${JSON.stringify(new URL('../src/deadlines.js', import.meta.url).href)};
  class Entry extends DeadlineEntry { expired() { console.log('expired'); } }
  const gate = new Gate({ total: 1, perHost: 1, queue: 10 });
  const wheel = new DeadlineWheel();
  const waiter = { place: undefined, admitted() { console.log('in'); } };
`;

/** What a program prints before it ends by itself. */
async function output(program: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'corral-keep-alive-'));
  try {
    const file = join(folder, 'program.mjs');
    await writeFile(file, PRELUDE + program);
    const { stdout } = await run(process.execPath, [file], { timeout: 20_000 });
    return stdout.trim();
  } finally {
    await rm(folder, { recursive: true });
  }
}

const programs: readonly [title: string, program: string, expected: string][] = [
  [
    'Gate: who waits for a closed host keeps the process alive',
    `gate.closeHost('a', 30); gate.enter('a', waiter);`,
    'in',
  ],
  ['Gate: a closed host at which nobody waits does not', `gate.closeHost('a', 60_000);`, ''],
  [
    'Gate: who has withdrawn does not',
    `gate.closeHost('a', 60_000); gate.enter('a', waiter); gate.withdraw(waiter);`,
    '',
  ],
  ['DeadlineWheel: an entry that is set keeps the process alive', `wheel.set(new Entry(), 30);`, 'expired'],
  [
    'DeadlineWheel: one that was cleared does not',
    `const entry = new Entry(); wheel.set(entry, 60_000); wheel.clear(entry);`,
    '',
  ],
  [
    'DeadlineWheel: one that is set after others were cleared keeps it alive',
    `const entry = new Entry(); wheel.set(entry, 20); wheel.clear(entry); wheel.set(entry, 100);`,
    'expired',
  ],
];

for (const [title, program, expected] of programs) {
  test(title, async () => assert.equal(await output(program), expected));
}
