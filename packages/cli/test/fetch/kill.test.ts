import { test } from 'node:test';
import { killRounds } from './kill-rounds.ts';

test('corral fetch: after kill -9 at any moment a further run leaves the same files as one undisturbed run', async () => {
  await killRounds({ seed: 1, rounds: 3, files: 60, withinMs: 500 });
});

test('corral fetch: without a report too, what is there is not fetched again and what is not is', async () => {
  await killRounds({ seed: 2, rounds: 1, files: 40, withinMs: 500, report: false });
});
