/** A pool for the tests: of numbered things that know what happens to them. */

import assert from 'node:assert/strict';
import { Pool, sleep, type PoolOptions, type PoolSnapshot } from '../../src/index.ts';
import { installReporter } from '../../src/internal/report.ts';

export interface Thing {
  readonly id: number;
  broken: boolean;
  destroyed: number;
  users: number;
}

export interface World {
  readonly things: Thing[];
  readonly trace: string[];
  readonly pool: Pool<Thing>;
  /** How many there were at most at a time, with those being made and destroyed. */
  readonly most: () => number;
}

/** A pool whose `create` takes `createMs`. */
export function world(
  options: Partial<PoolOptions<Thing>> & { readonly createMs?: number; readonly destroyMs?: number } = {},
): World {
  const { createMs = 0, destroyMs = 0, ...rest } = options;
  const things: Thing[] = [];
  const trace: string[] = [];
  let alive = 0;
  let most = 0;
  const pool = new Pool<Thing>({
    async create() {
      most = Math.max(most, ++alive);
      try {
        if (createMs > 0) await sleep(createMs);
      } catch (error) {
        alive--;
        throw error;
      }
      const thing: Thing = { id: things.length, broken: false, destroyed: 0, users: 0 };
      things.push(thing);
      trace.push(`made ${thing.id}`);
      return thing;
    },
    async destroy(thing) {
      thing.destroyed++;
      if (destroyMs > 0) await sleep(destroyMs);
      alive--;
      trace.push(`destroyed ${thing.id}`);
    },
    ...rest,
  });
  return { things, trace, pool, most: () => most };
}

/** The counts of a pool in few words. */
export function counts(pool: { snapshot(): PoolSnapshot }): string {
  const { idle, borrowed, creating, validating, destroying, waiting, size } = pool.snapshot();
  assert.equal(size, idle + borrowed + creating + validating + destroying);
  const shown = { idle, borrowed, creating, validating, destroying, waiting };
  return Object.entries(shown)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}

/** What was reported while `body` ran. */
export async function reported(body: () => Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  const before = installReporter((error) => void errors.push(error));
  try {
    await body();
  } finally {
    installReporter(before);
  }
  return errors;
}
