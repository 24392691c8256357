// Random borrowers, failures, cancellations and times against what a pool promises at every moment.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  ClosedResourceError,
  Pool,
  LineFullError,
  TimeoutError,
  isCancelled,
  sleep,
  taskGroup,
  withScope,
} from '../../src/index.ts';
import { installReporter } from '../../src/internal/report.ts';
import { VirtualClock } from '../../src/testing/index.ts';

interface Borrow {
  readonly at: number;
  readonly holdMs: number;
  readonly cancelAfter: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly way: 'use' | 'release' | 'twice' | 'destroy' | 'break' | 'throw';
}

interface Step {
  readonly ms: number;
  readonly fails: boolean;
}

interface Program {
  readonly max: number;
  readonly min: number;
  readonly order: 'fifo' | 'lifo';
  readonly validates: boolean;
  readonly idleMs: number | undefined;
  readonly lifetimeMs: number | undefined;
  readonly maxWaiting: number | undefined;
  readonly drainMs: number;
  readonly creates: readonly Step[];
  readonly checks: readonly Step[];
  readonly destroys: readonly Step[];
  readonly borrows: readonly Borrow[];
  readonly closeAt: number | undefined;
}

const ms = (most: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: most });
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 2 });
const steps = fc.array(fc.record({ ms: ms(6), fails: fc.boolean() }), { minLength: 1, maxLength: 4 });

const programs: fc.Arbitrary<Program> = fc.record({
  max: fc.integer({ min: 1, max: 3 }),
  min: fc.integer({ min: 0, max: 1 }),
  order: fc.constantFrom('fifo', 'lifo'),
  validates: fc.boolean(),
  idleMs: maybe(fc.integer({ min: 1, max: 10 })),
  lifetimeMs: maybe(fc.integer({ min: 1, max: 20 })),
  maxWaiting: maybe(ms(3)),
  drainMs: ms(8),
  creates: steps,
  checks: steps,
  destroys: steps,
  borrows: fc.array(
    fc.record({
      at: ms(20),
      holdMs: ms(8),
      cancelAfter: maybe(ms(12)),
      timeoutMs: maybe(fc.integer({ min: 1, max: 10 })),
      way: fc.constantFrom('use', 'release', 'twice', 'destroy', 'break', 'throw'),
    }),
    { minLength: 1, maxLength: 10 },
  ),
  closeAt: maybe(ms(40)),
});

interface Item {
  readonly id: number;
  users: number;
  broken: boolean;
  destroyed: number;
}

class MadeUp extends Error {}

/** Goes round the steps for ever. */
function* around(items: readonly Step[]): Generator<Step, never> {
  for (;;) yield* items;
}

async function faultsOf(program: Program, seed: number | undefined): Promise<string[]> {
  const faults: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) faults.push(what);
  };
  const items: Item[] = [];
  let alive = 0;
  let ended = 0;
  let torn = false;
  const granted: number[] = [];
  const creates = around(program.creates);
  const checks = around(program.checks);
  const destroys = around(program.destroys);
  const before = installReporter((error) => check(error instanceof MadeUp, `reported ${String(error)}`));
  const clock = new VirtualClock(seed === undefined ? {} : { seed });
  try {
    await clock.run(async () => {
      const pool = new Pool<Item>({
        ...program,
        async create() {
          check(++alive <= program.max, `${alive} alive of ${program.max}`);
          try {
            const step = creates.next().value;
            if (step.ms > 0) await sleep(step.ms);
            if (step.fails) throw new MadeUp('create');
          } catch (error) {
            alive--;
            throw error;
          }
          const item = { id: items.length, users: 0, broken: false, destroyed: 0 };
          items.push(item);
          return item;
        },
        validate: program.validates
          ? async (item) => {
              check(item.users === 0 && item.destroyed === 0, `${item.id} checked while in use`);
              const step = checks.next().value;
              if (step.ms > 0) await sleep(step.ms);
              check(item.users === 0 && item.destroyed === 0, `${item.id} used while checked`);
              if (step.fails) item.broken = true;
              return !item.broken;
            }
          : undefined,
        async destroy(item) {
          item.destroyed++;
          check(item.users === 0 || torn, `${item.id} destroyed while in use`);
          const step = destroys.next().value;
          if (step.ms > 0) await sleep(step.ms);
          alive--;
          if (step.fails) throw new MadeUp('destroy');
        },
      });
      const using = async (item: Item, index: number, borrow: Borrow): Promise<void> => {
        granted.push(index);
        check(++item.users === 1, `${item.id} has ${item.users} users`);
        check(item.destroyed === 0 || torn, `${item.id} lent after its end`);
        check(!(item.broken && program.validates), `${item.id} lent although broken`);
        try {
          await sleep(borrow.holdMs);
        } finally {
          item.users--;
        }
      };
      const borrowing = async (index: number, borrow: Borrow): Promise<void> => {
        const { way, timeoutMs } = borrow;
        if (way === 'use' || way === 'throw') {
          await pool.use(
            async (item) => {
              await using(item, index, borrow);
              if (way === 'throw') throw new MadeUp('body');
            },
            { timeoutMs },
          );
          return;
        }
        const lease = await pool.acquire({ timeoutMs });
        const item = lease.value;
        try {
          await using(item, index, borrow);
        } finally {
          if (way === 'break') item.broken = program.validates;
          if (way === 'destroy') lease.destroy(new MadeUp('broken'));
          lease.release();
          if (way === 'twice') lease.release();
          check(!lease.held, 'held after its release');
        }
      };
      const looking = (): void => {
        const { idle, borrowed, creating, validating, destroying, waiting, size, closed } = pool.snapshot();
        check(size === idle + borrowed + creating + validating + destroying && size <= program.max, `size ${size}`);
        if (closed) return check(waiting === 0 && idle === 0, 'somebody waits for a closed pool');
        check(waiting <= validating || idle === 0, `${waiting} wait, ${idle} idle`);
        check(waiting <= validating + creating || size === program.max, `${waiting} wait, ${size} of ${program.max}`);
      };
      const close = async (): Promise<void> => {
        const errors: unknown[] = [];
        const closing = pool.close().catch((error: unknown) => void errors.push(error));
        await sleep(program.drainMs - 0.5);
        torn = true;
        await closing;
        for (const error of errors) check(error instanceof MadeUp || error instanceof TimeoutError, String(error));
      };
      await taskGroup(async (group) => {
        group.spawn(
          async () => {
            for (;;) {
              looking();
              await sleep(1);
            }
          },
          { background: true },
        );
        program.borrows.forEach((borrow, index) => {
          group.spawn(async () => {
            await sleep(borrow.at);
            await withScope(async (scope) => {
              if (borrow.cancelAfter !== undefined) scope.reschedule(clock.now() + borrow.cancelAfter);
              try {
                await borrowing(index, borrow);
              } catch (error) {
                const expected = [MadeUp, TimeoutError, ClosedResourceError, LineFullError];
                check(isCancelled(error) || expected.some((kind) => error instanceof kind), String(error));
                throw error;
              } finally {
                looking();
              }
            }).catch(() => {});
            ended++;
          });
        });
        if (program.closeAt !== undefined) group.spawn(() => sleep(program.closeAt as number).then(close));
      });
      await close();
      looking();
      check(pool.snapshot().size === 0, 'not empty when it was closed');
    });
  } finally {
    installReporter(before);
  }
  check(ended === program.borrows.length, `${ended} borrowers ended`);
  check(alive === 0, `${alive} alive at the end`);
  for (const { id, destroyed } of items) check(destroyed === 1, `${id} was destroyed ${destroyed} times`);
  if (seed === undefined) {
    // By the time at which they came, and then as they were spawned.
    const came = (index: number): number => (program.borrows[index] as Borrow).at * 100 + index;
    const inOrder = granted.every((index, place) => place === 0 || came(granted[place - 1] as number) < came(index));
    check(inOrder, `served ${granted.join(' ')}`);
  }
  return faults;
}

const numRuns = Number(process.env['CORRAL_RUNS'] ?? 150);
const seed = Number(process.env['CORRAL_SEED'] ?? 1);

test('Pool: random programs keep its promises, whatever the order', async () => {
  await fc.assert(
    fc.asyncProperty(programs, fc.integer(), async (program, shuffle) => {
      assert.deepEqual(await faultsOf(program, undefined), []);
      assert.deepEqual(await faultsOf(program, shuffle), []);
    }),
    { numRuns, seed },
  );
});
