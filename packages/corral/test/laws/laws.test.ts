// The same laws for every primitive that can be waited for, each as it comes and under many shuffled orders.
import { test } from 'node:test';
import { taskGroup, withScope } from '../../src/index.ts';
import { VirtualClock, seededRandom } from '../../src/testing/index.ts';
import { laws, type Law } from './laws.ts';
import type { Row } from './row.ts';
import { rows } from './rows.ts';

const SHUFFLES = 1_000;
/** How many primitives are shuffled together. */
const TOGETHER = 2;

for (const law of laws) {
  for (const row of rowsOf(law)) test(`${row.name}: ${law.title}`, () => play(law, [row]));
  test(`some of them, ${SHUFFLES} times shuffled: ${law.title}`, async () => {
    for (let seed = 1; seed <= SHUFFLES; seed++) await play(law, someOf(rowsOf(law), seed), seed);
  });
}

/** Plays a law with some primitives side by side, each in a task of its own. */
async function play(law: Law, some: readonly Row[], seed?: number): Promise<void> {
  const random = seededRandom(seed ?? 0);
  const clock = new VirtualClock(seed === undefined ? {} : { seed });
  await clock.run(() =>
    taskGroup((group) => {
      for (const row of some) {
        group.spawn(() => withScope(() => check(law, row, random, seed)), { name: row.name });
      }
    }),
  );
}

async function check(law: Law, row: Row, random: () => number, seed: number | undefined): Promise<void> {
  try {
    await law.check({ row, random, shuffled: seed !== undefined });
  } catch (error) {
    throw new Error(`${row.name}: ${law.title} (seed ${seed}): ${(error as Error).message}`, { cause: error });
  }
}

/** Others for each seed, so that in the end each was shuffled some eighty times. */
function someOf(all: readonly Row[], seed: number): readonly Row[] {
  const random = seededRandom(-seed);
  const left = [...all];
  return Array.from({ length: Math.min(TOGETHER, left.length) }, () => {
    return left.splice(Math.floor(random() * left.length), 1)[0] as Row;
  });
}

function rowsOf(law: Law): readonly Row[] {
  return rows.filter((row) => law.about?.(row) ?? true);
}
