/** corral's side of each case. */
import { LONG_MS, range, sum, task, turnUntil } from '../lib/work.mjs';
import { importCorral } from '../lib/corral.mjs';
import { awaits } from './raw.mjs';

const { gather, map, forEach, sleep, taskGroup, timeout, moveOnAfter, withScope } = await importCorral();

/** As in a program: all groups of a round are children of one scope, not roots of their own. */
function inOneRoot(body) {
  return (count, params, part) => withScope(() => body(count, params, part));
}

/** Tasks are spawned, and each is joined for its result. */
export function spawnAndJoin(options) {
  return inOneRoot(async (groups, { size }) => {
    let total = 0;
    for (let i = 0; i < groups; i += 1) {
      total += await taskGroup(async (group) => {
        const tasks = [];
        for (let j = 0; j < size; j += 1) tasks.push(group.spawn(task));
        let inGroup = 0;
        for (const spawned of tasks) inGroup += await spawned.join();
        return inGroup;
      }, options);
    }
    return total;
  });
}

/** Tasks are spawned, and the end of the group waits for them. */
export function spawnAndLeave(options) {
  return inOneRoot(async (groups, { size }) => {
    let total = 0;
    async function counting() {
      await null;
      total += 1;
    }
    for (let i = 0; i < groups; i += 1) {
      await taskGroup((group) => {
        for (let j = 0; j < size; j += 1) group.spawn(counting);
      }, options);
    }
    return total;
  });
}

export const gatherGroups = inOneRoot(async (groups, { size }) => {
  let total = 0;
  for (let i = 0; i < groups; i += 1) total += sum(await gather(range(size).map(() => task)));
  return total;
});

export const mapItems = inOneRoot(async (runs, { items, concurrency }) => {
  let total = 0;
  for (let i = 0; i < runs; i += 1) total += sum(await map(range(items), task, { concurrency }));
  return total;
});

export const forEachItem = inOneRoot(async (runs, { items, concurrency }) => {
  let total = 0;
  async function counting() {
    await null;
    total += 1;
  }
  for (let i = 0; i < runs; i += 1) await forEach(range(items), counting, { concurrency });
  return total;
});

export const gatherBounded = inOneRoot(async (runs, { items, concurrency }) => {
  let total = 0;
  for (let i = 0; i < runs; i += 1) {
    total += sum(
      await gather(
        range(items).map(() => task),
        { concurrency },
      ),
    );
  }
  return total;
});

export const groupBounded = inOneRoot(async (runs, { items, concurrency }) => {
  let total = 0;
  async function counting() {
    await null;
    total += 1;
  }
  for (let i = 0; i < runs; i += 1) {
    await taskGroup(
      (group) => {
        for (let j = 0; j < items; j += 1) group.spawn(counting);
      },
      { concurrency },
    );
  }
  return total;
});

export function cancelSleepers(options) {
  return inOneRoot(async (runs, { count }, part) => {
    let ended = 0;
    for (let i = 0; i < runs; i += 1) {
      let started = 0;
      await taskGroup(async (group) => {
        for (let j = 0; j < count; j += 1) {
          group.spawn(async (scope) => {
            started += 1;
            try {
              // Without a frame of its own a task sleeps by its argument, or it would sleep in the group's scope.
              await (options?.ambient === false ? scope.sleep(LONG_MS) : sleep(LONG_MS));
            } finally {
              ended += 1;
            }
          });
        }
        await turnUntil(() => started === count);
        part.begin();
        group.cancel();
      }, options);
      part.end();
    }
    return ended;
  });
}

export const timeoutCalls = inOneRoot(async (calls) => {
  let total = 0;
  for (let i = 0; i < calls; i += 1) total += await timeout(1000, async () => 1);
  return total;
});

export const moveOnAfterCalls = inOneRoot(async (calls) => {
  let total = 0;
  for (let i = 0; i < calls; i += 1) total += (await moveOnAfter(1000, async () => 1)).value;
  return total;
});

/** The library is loaded, nothing of it runs. */
export { awaits as awaitsOutside } from './raw.mjs';

/** The library has run, and these awaits are outside of it. */
export async function awaitsAfterUse(count, params) {
  await taskGroup((group) => {
    group.spawn(task);
  });
  return awaits(count, params);
}

export function awaitsInTask(options) {
  return async (count, params) => {
    let total;
    await taskGroup((group) => {
      group.spawn(async () => {
        total = await awaits(count, params);
      });
    }, options);
    return total;
  };
}

export function holdOnPromise(options) {
  const never = new Promise(() => {});
  return (count) => holdTasks(count, () => never, options);
}

export function holdSleeping(options) {
  return (count) =>
    holdTasks(count, options?.ambient === false ? (scope) => scope.sleep(LONG_MS) : () => sleep(LONG_MS), options);
}

/** Those that wait for a free slot: not started yet. */
export async function holdQueued(count) {
  let group;
  const never = new Promise(() => {});
  const done = taskGroup(
    (opened) => {
      group = opened;
      for (let i = 0; i <= count; i += 1) group.spawn(() => never);
    },
    { concurrency: 1 },
  );
  await turnUntil(() => group !== undefined);
  return { pending: () => group.tasks.size - 1, done };
}

async function holdTasks(count, wait, options) {
  let pending = 0;
  const done = taskGroup((group) => {
    for (let i = 0; i < count; i += 1) {
      group.spawn(async (scope) => {
        pending += 1;
        await wait(scope);
        pending -= 1;
      });
    }
  }, options);
  await turnUntil(() => pending === count);
  return { pending: () => pending, done };
}
