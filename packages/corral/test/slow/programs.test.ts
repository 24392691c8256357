import { test } from 'node:test';
import { holdsFor } from '../property/check.ts';

const sizes = [
  { numRuns: 12_000, size: { depth: 3, steps: 3 } },
  { numRuns: 4_000, size: { depth: 5, steps: 4 } },
  { numRuns: 1_000, size: { depth: 7, steps: 6 } },
];

for (const runs of sizes) {
  const { depth, steps } = runs.size;
  test(
    `programs: ${runs.numRuns} of depth ${depth} with ${steps} steps keep all invariants`,
    { timeout: 300_000 },
    () => holdsFor(runs),
  );
}
