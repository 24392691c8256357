import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  RateLimiter,
  checkpoint,
  sleepUntil,
  taskGroup,
  timeout,
  type Reservation,
  type Task,
  type TaskGroup,
} from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { expected, most, updated, type Rates, type Step } from './rate-limiter-model.ts';

/** The same program on the real one, under a virtual clock. */
async function observed(start: Rates, steps: readonly Step[]): Promise<string[]> {
  const lines: string[] = [];
  const clock = new VirtualClock();
  let rates = start;
  await clock.run(async () => {
    const limiter = new RateLimiter(start);
    const waiting = new Map<number, Task<void>>();
    const reservations = new Map<number, { reservation: Reservation; at: number }>();
    const acquire = async (id: number, weight: number): Promise<void> => {
      try {
        await limiter.acquire(weight);
        lines.push(`${id} granted at ${clock.now()}`);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        lines.push(`${id} failed at ${clock.now()}`);
      } finally {
        waiting.delete(id);
      }
    };
    const perform = (id: number, what: Step['what'], pick: number, group: TaskGroup): void => {
      const now = clock.now();
      const weight = 1 + (pick % most(rates));
      if (what === 'acquire')
        waiting.set(
          id,
          group.spawn(() => acquire(id, weight), { eager: true }),
        );
      else if (what === 'tryAcquire') lines.push(`${id} tried at ${now}: ${limiter.tryAcquire(weight)}`);
      else if (what === 'reserve') {
        const reservation = limiter.reserve(weight);
        if (reservation.delayMs > 0) reservations.set(id, { reservation, at: now + reservation.delayMs });
        lines.push(`${id} reserved at ${now}: ${reservation.delayMs}`);
      } else if (what === 'update') limiter.update((rates = updated(rates, pick)));
      else if (what === 'cancel waiter') {
        const [gone, task] = [...waiting][pick % waiting.size] ?? [];
        if (task?.cancel()) lines.push(`${gone} cancelled at ${now}`);
      } else {
        const live = [...reservations].filter(([, { at }]) => at > now);
        const [gone, place] = live[pick % live.length] ?? [];
        if (!place?.reservation.cancel()) return;
        reservations.delete(gone as number);
        lines.push(`${gone} cancelled at ${now}`);
      }
    };
    await taskGroup(async (group) => {
      let at = 0;
      for (const [id, { afterMs, what, pick }] of steps.entries()) {
        at += afterMs;
        if (at > clock.now()) await sleepUntil(at);
        await checkpoint();
        perform(id, what, pick, group);
        await checkpoint();
      }
    });
  });
  return lines.sort();
}

const rates: fc.Arbitrary<Rates> = fc.record({
  limit: fc.integer({ min: 1, max: 7 }),
  perMs: fc.constantFrom(1, 10, 100, 333, 1_000),
  burst: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
});
const what = fc.oneof(
  { weight: 8, arbitrary: fc.constant('acquire' as const) },
  { weight: 2, arbitrary: fc.constantFrom('tryAcquire' as const, 'reserve' as const) },
  { weight: 3, arbitrary: fc.constantFrom('cancel waiter' as const, 'cancel reservation' as const) },
  { weight: 1, arbitrary: fc.constant('update' as const) },
);
const steps = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 400 })),
    what,
    pick: fc.nat(1_000),
  }),
  { maxLength: 40 },
);

const seed = Number(process.env['CORRAL_SEED'] ?? 1);
const runs = { seed, numRuns: Number(process.env['CORRAL_RUNS'] ?? 300) };

test('RateLimiter: does what the model does, in every program of acquiring, reserving, cancelling and updating', async () => {
  await fc.assert(
    fc.asyncProperty(rates, steps, async (start, program) => {
      assert.deepEqual(await observed(start, program), expected(start, program));
    }),
    runs,
  );
});

/** When permits were taken by so many who ask at random, some of whom give up. */
async function demand(
  limiter: RateLimiter,
  askers: readonly { afterMs: number; weight: number; patienceMs: number | undefined }[],
  shuffle?: number,
  meanwhile?: (clock: VirtualClock) => Promise<void>,
): Promise<{ at: number; weight: number }[]> {
  const taken: { at: number; weight: number }[] = [];
  const clock = new VirtualClock({ seed: shuffle });
  await clock.run(() =>
    taskGroup(async (group) => {
      if (meanwhile) group.spawn(() => meanwhile(clock));
      for (const { afterMs, weight: wanted, patienceMs } of askers) {
        await sleepUntil(clock.now() + afterMs);
        const weight = 1 + (wanted % limiter.snapshot().burst);
        group.spawn(async () => {
          try {
            await timeout(patienceMs, () => limiter.acquire(weight));
            taken.push({ at: clock.now(), weight });
          } catch (error) {
            assert.equal((error as Error).name, 'TimeoutError');
          }
        });
      }
    }),
  );
  return taken;
}

const askers = fc.array(
  fc.record({
    afterMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 50 })),
    weight: fc.nat(20),
    patienceMs: fc.option(fc.nat(600), { nil: undefined }),
  }),
  { maxLength: 60 },
);

test('RateLimiter: no window of perMs ever has more than the limit in it, or limit and burst less one', async () => {
  await fc.assert(
    fc.asyncProperty(rates, askers, fc.option(fc.nat(), { nil: undefined }), async (start, crowd, shuffle) => {
      const { limit, perMs, burst } = start;
      const bound = burst === undefined ? limit : limit + burst - 1;
      const taken = await demand(new RateLimiter(start), crowd, shuffle);
      for (const { at: from } of taken) {
        const inside = taken.filter(({ at }) => at >= from && at < from + perMs);
        const sum = inside.reduce((weights, { weight }) => weights + weight, 0);
        assert.ok(sum <= bound, `${sum} of ${bound} from ${from}`);
      }
    }),
    runs,
  );
});

test('RateLimiter: between two updates the bound of the new rate holds, whatever was taken before', async () => {
  const updates = fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 200 }), pick: fc.nat(1_000) }), {
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(rates, askers, updates, async (start, crowd, changes) => {
      const limiter = new RateLimiter(start);
      // Of weight one, so that none of them fails when the rate becomes less.
      const small = crowd.map((asker) => ({ ...asker, weight: 0 }));
      let now = start;
      const stretches = [{ from: 0, rates: start }];
      const taken = await demand(limiter, small, undefined, async (clock) => {
        for (const { afterMs, pick } of changes) {
          await sleepUntil(clock.now() + afterMs);
          limiter.update((now = updated(now, pick)));
          stretches.push({ from: clock.now(), rates: now });
        }
      });
      for (const [nth, { from, rates: rule }] of stretches.entries()) {
        const until = stretches[nth + 1]?.from ?? Infinity;
        const bound = rule.burst === undefined ? rule.limit : rule.limit + rule.burst - 1;
        // What is taken in the instant of an update may belong to either side.
        const mine = taken.filter(({ at }) => at > from && at < until);
        for (const { at: first } of mine) {
          const count = mine.filter(({ at }) => at >= first && at < first + rule.perMs).length;
          assert.ok(count <= bound, `${count} of ${bound} from ${first}`);
        }
      }
    }),
    runs,
  );
});

test('RateLimiter: what is asked for all the time is handed out at the full rate', async () => {
  await fc.assert(
    fc.asyncProperty(rates, fc.integer({ min: 1, max: 60 }), async (start, count) => {
      const { limit, perMs, burst } = start;
      const crowd = Array.from({ length: count }, () => ({ afterMs: 0, weight: 0, patienceMs: undefined }));
      const taken = await demand(new RateLimiter(start), crowd);
      const times = Array.from({ length: count }, (_, nth) =>
        burst === undefined
          ? Math.floor(nth / limit) * perMs
          : Math.max(0, Math.ceil(((nth + 1 - burst) * perMs) / limit)),
      );
      assert.deepEqual(
        taken.map(({ at }) => at),
        times,
      );
    }),
    { ...runs, numRuns: 60 },
  );
});
