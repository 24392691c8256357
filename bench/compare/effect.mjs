/**
 * Effect's side. "native" does the work in Effect's own terms, as its authors recommend; "promise" runs the very async
 * function that all others run. All rounds run inside one runtime.
 */
import { Effect, Exit, Fiber } from 'effect';

import { LONG_MS, range, sum, task, turnUntil } from '../lib/work.mjs';

const nativeTask = Effect.gen(function* () {
  yield* Effect.yieldNow;
  return 1;
});
const promiseTask = Effect.promise(task);

export const tasks = { native: nativeTask, promise: promiseTask };

export function forkAndJoin(work) {
  return (groups, { size }) =>
    Effect.runPromise(
      Effect.gen(function* () {
        let total = 0;
        for (let i = 0; i < groups; i += 1) {
          const fibers = [];
          for (let j = 0; j < size; j += 1) fibers.push(yield* Effect.forkChild(work));
          total += sum(yield* Fiber.joinAll(fibers));
        }
        return total;
      }),
    );
}

export function forEachUnbounded(work) {
  return (groups, { size }) =>
    repeat(groups, () => Effect.forEach(range(size), () => work, { concurrency: 'unbounded' }));
}

export function forEachBounded(work) {
  return (runs, { items, concurrency }) =>
    repeat(runs, () => Effect.forEach(range(items), () => work, { concurrency }));
}

function repeat(times, make) {
  return Effect.runPromise(
    Effect.gen(function* () {
      let total = 0;
      for (let i = 0; i < times; i += 1) total += sum(yield* make());
      return total;
    }),
  );
}

export async function forkAndInterrupt(runs, { count }, part) {
  return Effect.runPromise(
    Effect.gen(function* () {
      let ended = 0;
      for (let i = 0; i < runs; i += 1) {
        let started = 0;
        const sleeper = Effect.suspend(() => {
          started += 1;
          return Effect.sleep(LONG_MS);
        });
        const fibers = [];
        for (let j = 0; j < count; j += 1) fibers.push(yield* Effect.forkChild(sleeper));
        yield* Effect.promise(() => turnUntil(() => started === count));
        part.begin();
        yield* Fiber.interruptAll(fibers);
        part.end();
        for (const fiber of fibers) ended += Exit.hasInterrupts(fiber.pollUnsafe()) ? 1 : 0;
      }
      return ended;
    }),
  );
}

export async function timeouts(calls) {
  return Effect.runPromise(
    Effect.gen(function* () {
      let total = 0;
      for (let i = 0; i < calls; i += 1)
        total += yield* Effect.timeout(
          Effect.promise(async () => 1),
          1000,
        );
      return total;
    }),
  );
}

export function hold(wait) {
  return async (count) => {
    let pending = 0;
    const waiter = Effect.suspend(() => {
      pending += 1;
      return wait;
    });
    const root = Effect.runFork(
      Effect.gen(function* () {
        const fibers = [];
        for (let i = 0; i < count; i += 1) fibers.push(yield* Effect.forkChild(waiter));
        yield* Fiber.joinAll(fibers);
      }),
    );
    await turnUntil(() => pending === count);
    return { pending: () => pending, root };
  };
}

const never = new Promise(() => {});

export const waits = { sleep: Effect.sleep(LONG_MS), promise: Effect.promise(() => never) };
