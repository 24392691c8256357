import { test } from 'node:test';
import { killRounds } from '../fetch/kill-rounds.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);

test(`corral fetch: 50 kills at random moments lose nothing (SEED=${seed})`, async () => {
  await killRounds({ seed, rounds: 50, files: 400, withinMs: 900 });
});

test(`corral fetch: kills lose nothing with --on-exist rename (SEED=${seed})`, async () => {
  await killRounds({ seed: seed + 1, rounds: 10, files: 150, withinMs: 900, extra: ['--on-exist', 'rename'] });
});
