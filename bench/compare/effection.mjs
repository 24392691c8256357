/** Effection's side: operations, spawned into a scope of their own and joined by `yield*`. */
import { all, call, run, scoped, sleep, spawn, suspend } from 'effection';

import { LONG_MS, range, sum, task, turnUntil } from '../lib/work.mjs';

export function spawnAndJoin(groups, { size }) {
  return run(function* () {
    let total = 0;
    for (let i = 0; i < groups; i += 1) {
      total += yield* scoped(function* () {
        const tasks = [];
        for (let j = 0; j < size; j += 1) tasks.push(yield* spawn(() => call(task)));
        let inGroup = 0;
        for (const spawned of tasks) inGroup += yield* spawned;
        return inGroup;
      });
    }
    return total;
  });
}

export function allGroups(groups, { size }) {
  return run(function* () {
    let total = 0;
    for (let i = 0; i < groups; i += 1) total += sum(yield* all(range(size).map(() => call(task))));
    return total;
  });
}

export function haltSleepers(runs, { count }, part) {
  return run(function* () {
    let ended = 0;
    for (let i = 0; i < runs; i += 1) {
      let started = 0;
      const parent = yield* spawn(function* () {
        for (let j = 0; j < count; j += 1) {
          yield* spawn(function* () {
            started += 1;
            try {
              yield* sleep(LONG_MS);
            } finally {
              ended += 1;
            }
          });
        }
        yield* suspend();
      });
      yield* call(() => turnUntil(() => started === count));
      part.begin();
      yield* parent.halt();
      part.end();
    }
    return ended;
  });
}

export function timeouts(calls) {
  return run(function* () {
    let total = 0;
    for (let i = 0; i < calls; i += 1) {
      total += yield* scoped(function* () {
        yield* spawn(function* () {
          yield* sleep(1000);
          throw new Error('timed out');
        });
        return yield* call(async () => 1);
      });
    }
    return total;
  });
}

export async function holdSleeping(count) {
  let pending = 0;
  const root = run(function* () {
    for (let i = 0; i < count; i += 1) {
      yield* spawn(function* () {
        pending += 1;
        yield* sleep(LONG_MS);
      });
    }
    yield* suspend();
  });
  await turnUntil(() => pending === count);
  return { pending: () => pending, root };
}
