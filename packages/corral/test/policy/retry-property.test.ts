import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  checkpoint,
  retry,
  sleep,
  taskGroup,
  timeout,
  withScope,
  type RetryOptions,
  type Scope,
} from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';

/** An attempt: how long it takes, how it ends, and whether it stays on although it is cancelled. */
const attempt = fc.record({
  lasts: fc.integer({ min: 0, max: 30 }),
  fails: fc.boolean(),
  how: fc.constantFrom(
    'waits' as const,
    'swallows' as const,
    'fails when cancelled' as const,
    'leaves some behind' as const,
  ),
});
const program = fc.record({
  plan: fc.array(attempt, { minLength: 1, maxLength: 6 }),
  attempts: fc.integer({ min: 1, max: 6 }),
  backoff: fc.constantFrom('exponential' as const, 'decorrelated' as const, 'constant' as const),
  jitter: fc.constantFrom('full' as const, 'equal' as const, 'none' as const),
  baseMs: fc.integer({ min: 0, max: 40 }),
  deadlineMs: fc.option(fc.integer({ min: 0, max: 150 }), { nil: undefined }),
  attemptTimeoutMs: fc.option(fc.integer({ min: 0, max: 25 }), { nil: undefined }),
  /** When somebody cancels it from outside. */
  cancelAtMs: fc.option(fc.integer({ min: 0, max: 150 }), { nil: undefined }),
  seed: fc.option(fc.nat(), { nil: undefined }),
});
type Program = typeof program extends fc.Arbitrary<infer P> ? P : never;

interface Outcome {
  /** Of each attempt: when it began and ended. */
  readonly attempts: { begun: number; ended: number }[];
  readonly settledAt: number;
  readonly cancelledAt: number;
  /** What was still running when it had settled. */
  readonly running: number;
  /** Whether anything of it began after it had settled or was cancelled. */
  readonly late: boolean;
}

async function play({ plan, cancelAtMs, seed, ...options }: Program): Promise<Outcome> {
  const clock = new VirtualClock({ seed });
  const attempts: Outcome['attempts'] = [];
  const outcome = { settledAt: -1, cancelledAt: Infinity, running: 0, late: false };
  let running = 0;
  const fn = async (_scope: Scope, nth: number): Promise<string> => {
    const { lasts, fails, how } = plan[(nth - 1) % plan.length] as Program['plan'][number];
    const mine = { begun: clock.now(), ended: Infinity };
    attempts.push(mine);
    assert.equal(attempts.length, nth);
    if (outcome.settledAt >= 0 || outcome.cancelledAt < Infinity) outcome.late = true;
    running++;
    try {
      if (how === 'leaves some behind') void behind(lasts + 20).catch(() => {});
      if (how === 'swallows') await sleep(lasts).catch(() => {});
      else if (how === 'fails when cancelled') await sleep(lasts).catch(() => Promise.reject(new Error('torn')));
      else await sleep(lasts);
      if (fails) throw new Error(`failure ${nth}`);
      return 'done';
    } finally {
      mine.ended = clock.now();
      running--;
    }
  };
  /** A scope that nobody awaits. */
  const behind = async (ms: number): Promise<void> => {
    running++;
    try {
      await withScope(() => sleep(ms));
    } finally {
      running--;
    }
  };
  await clock.run(() =>
    taskGroup(async (group) => {
      const task = group.spawn(async () => {
        const onRetry = (): void => void (outcome.late ||= outcome.cancelledAt < Infinity);
        const given: RetryOptions = { ...options, onRetry };
        try {
          await retry(fn, given);
        } catch {
          // Whatever it is.
        } finally {
          outcome.settledAt = clock.now();
          outcome.running = running;
        }
      });
      if (cancelAtMs !== undefined) {
        await sleep(cancelAtMs);
        outcome.cancelledAt = clock.now();
        task.cancel();
      }
      await task.settled;
      await checkpoint();
      await sleep(500);
    }),
  );
  return { ...outcome, attempts };
}

test('retry: whatever fails, is slow, is cancelled or cut off, it keeps its promises', async () => {
  await fc.assert(
    fc.asyncProperty(program, async (given) => {
      const { attempts, settledAt, cancelledAt, running, late } = await play(given);
      const { deadlineMs = Infinity, attemptTimeoutMs = Infinity, plan } = given;
      assert.ok(attempts.length <= given.attempts, 'never more calls than attempts');
      assert.equal(running, 0, 'nothing runs when it has settled');
      assert.equal(late, false, 'nothing is called when it has settled or is cancelled');
      for (const [nth, { begun, ended }] of attempts.entries()) {
        const before = attempts[nth - 1];
        assert.ok(!before || before.ended <= begun, 'one after the other');
        assert.ok(begun <= cancelledAt, 'nothing begins after the cancellation');
        assert.ok(nth === 0 || begun < Math.max(deadlineMs, 0), 'nothing begins after the deadline');
        const { lasts } = plan[nth % plan.length] as Program['plan'][number];
        const cut = Math.min(
          begun + Math.min(lasts, attemptTimeoutMs),
          Math.max(cancelledAt, begun),
          Math.max(deadlineMs, begun),
        );
        assert.equal(ended, cut, 'each ends when it is done, too slow or cut off');
      }
      const last = attempts.at(-1);
      assert.ok(
        settledAt <= Math.max(cancelledAt, last?.ended ?? 0),
        'settles when the last has ended, or is cancelled',
      );
    }),
    { seed: Number(process.env['CORRAL_SEED'] ?? 1), numRuns: Number(process.env['CORRAL_RUNS'] ?? 300) },
  );
});

test('retry: a deadline around it and its own compose, and the outer one is a cancellation', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), async (inner, outer) => {
      const clock = new VirtualClock();
      let calls = 0;
      const fail = async (): Promise<never> => {
        calls++;
        await sleep(7);
        throw new Error('failure');
      };
      const options: RetryOptions = { attempts: Infinity, backoff: 'constant', baseMs: 5, deadlineMs: inner };
      const run = (): Promise<never> => timeout(outer, () => retry(fail, options));
      const error = await clock.run(() => run().catch((thrown: unknown) => thrown as Error));
      // The attempts are at 0, 12, 24, …; of the own deadline it gives up before it sleeps beyond it.
      const last = Math.floor((inner - 1) / 12);
      const ended = Math.min(last * 12 + 7, inner);
      assert.equal(clock.now(), Math.min(ended, outer));
      if (ended < outer) assert.equal(error.name, last * 12 + 7 < inner ? 'Error' : 'TimeoutError');
      if (ended > outer) assert.match(error.message, new RegExp(`after ${outer} ms`));
      assert.ok(calls <= last + 1);
    }),
    { seed: 1, numRuns: 150 },
  );
});
