/** What holds for every tree of groups, in every order: random programs, each with a seed that replays it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TimeoutError,
  checkpoint,
  cleanup,
  isCancelled,
  shield,
  sleep,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
  type Task,
  type TaskFunction,
  type TaskGroup,
} from '../../src/index.ts';
import { VirtualClock, seededRandom } from '../../src/testing/index.ts';

const PROGRAMS = 300;

/** A program made up by chance, which keeps account of what it started and threw. */
class Program {
  readonly thrown = new Set<unknown>();
  alive = 0;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** A group of random tasks, some of which are groups. When it has ended, none of its tasks may be alive. */
  async group(depth: number): Promise<void> {
    let alive = 0;
    const concurrency = this.below(3) === 0 ? 1 + this.below(3) : Infinity;
    const onTaskError = this.below(4) === 0 ? 'collect' : 'cancel';
    try {
      await taskGroup(
        async (group) => {
          const tasks: Task<unknown>[] = [];
          for (let count = 1 + this.below(5); count > 0; count--) {
            const act = this.#act(group, tasks, depth);
            const counted = async (): Promise<void> => {
              alive++;
              this.alive++;
              try {
                await act();
              } finally {
                alive--;
                this.alive--;
              }
            };
            if (this.below(4) === 0) tasks.push(await group.spawnWhenReady(counted));
            else tasks.push(group.spawn(counted, this.#options()));
            if (this.below(3) === 0) await sleep(this.below(5));
          }
          if (this.below(6) === 0) this.fail('body');
        },
        { concurrency, onTaskError },
      );
    } finally {
      assert.equal(alive, 0, 'a task outlived its group');
    }
  }

  #options(): { eager?: boolean; background?: boolean; start?: 'always' } {
    const choice = this.below(8);
    if (choice === 0) return { eager: true };
    if (choice === 1) return { background: true };
    return choice === 2 ? { start: 'always' } : {};
  }

  #act(group: TaskGroup, tasks: Task<unknown>[], depth: number): () => unknown {
    const ms = this.below(20);
    const acts: (() => unknown)[] = [
      () => sleep(ms),
      () => sleep(ms),
      () => sleep(5_000).catch(() => {}),
      () => sleep(ms).then(() => this.fail('task')),
      () => this.fail('at once'),
      () => sleep(1_000).catch((error: unknown) => cleanup(() => sleep(ms)).then(() => Promise.reject(error))),
      () => sleep(1_000).catch(() => this.fail('while cancelled')),
      () => shield(() => sleep(ms)),
      () => sleep(ms).then(() => group.cancel(ms)),
      () => sleep(ms).then(() => tasks[this.below(tasks.length)]?.cancel()),
      () => timeout(ms, () => sleep(2 * this.below(20))).catch((error: unknown) => this.rethrow(error)),
      () => sleep(ms).then(() => void group.spawn(() => sleep(ms))),
      () => sleep(ms).then(() => void (group.concurrency = 1 + (ms % 4))),
      () => group.start((_scope, started) => sleep(ms).then(() => started())),
    ];
    if (depth > 0) acts.push(...Array.from({ length: 5 }, () => (): unknown => this.group(depth - 1)));
    return acts[this.below(acts.length)] as () => unknown;
  }

  fail(where: string): never {
    const error = new Error(where);
    this.thrown.add(error);
    throw error;
  }

  rethrow(error: unknown): never {
    if (error instanceof TimeoutError) this.thrown.add(error);
    throw error;
  }
}

/** The error and all that travel with it. */
function closure(error: unknown, found = new Set<unknown>()): Set<unknown> {
  if (found.has(error)) return found;
  found.add(error);
  for (const later of suppressedErrors(error)) closure(later, found);
  return found;
}

async function outcomeOf(main: TaskFunction<void>): Promise<{ readonly error: unknown } | undefined> {
  try {
    await main(undefined as never);
    return undefined;
  } catch (error) {
    return { error };
  }
}

async function play(seed: number, cancelAfter: number | undefined): Promise<void> {
  const program = new Program(seed);
  const clock = new VirtualClock({ seed });
  await clock.run(async () => {
    const outcome = await withScope(async (scope) => {
      if (cancelAfter !== undefined)
        void sleep(cancelAfter).then(
          () => scope.cancel(),
          () => {},
        );
      const outcome = await outcomeOf(() => program.group(3));
      return { outcome, cancelled: scope.cancelled };
    });
    assert.ok(outcome);
    assert.equal(program.alive, 0);
    const { error } = outcome.outcome ?? { error: undefined };
    if (error === undefined || isCancelled(error)) {
      assert.equal(program.thrown.size, 0, 'an error was lost');
      assert.ok(error === undefined || outcome.cancelled, 'a cancellation came from nowhere');
    } else {
      assert.deepEqual(closure(error), program.thrown, 'not exactly what was thrown');
    }
    await checkpoint();
  });
}

test('taskGroup: in any tree and order no task outlives its group and no error is lost', async () => {
  for (let seed = 0; seed < PROGRAMS; seed++) {
    await play(seed, undefined).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
  }
});

test('taskGroup: nor when all is cancelled from outside at any time', async () => {
  for (let seed = 0; seed < PROGRAMS; seed++) {
    await play(seed, seed % 25).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
  }
});
