import { from } from '../lib/contender.mjs';

const explicit = { ambient: false };

export const spawnJoin = {
  name: 'spawn-join',
  title: 'Spawn tasks `async () => { await null; return 1 }` and join them',
  unit: 'ns/task',
  variants: [
    { label: 'groups of 100', size: 100 },
    { label: 'groups of 10', size: 10 },
    { label: 'one group of 100 000', size: 100_000, quick: false },
  ],
  baseline: 'raw Promise.all',
  contenders: [
    from('raw', 'raw Promise.all', (raw) => raw.promiseAll),
    from('raw', 'raw Promise.all, in AsyncLocalStorage.run', (raw) => raw.promiseAllInStorage()),
    from('corral', 'corral, join() each', (corral) => corral.spawnAndJoin()),
    from('corral', 'corral, join() each, explicit', (corral) => corral.spawnAndJoin(explicit)),
    from('corral', 'corral, group waits', (corral) => corral.spawnAndLeave()),
    from('corral', 'corral, group waits, explicit', (corral) => corral.spawnAndLeave(explicit)),
    from('corral', 'corral gather', (corral) => corral.gatherGroups),
    from('p-limit', 'p-limit(100)', (pLimit) => pLimit.groupsOf),
    from('p-map', 'p-map', (pMap) => pMap.groupsOf),
    from('effect', 'effect forkChild + joinAll, native', ({ forkAndJoin, tasks }) => forkAndJoin(tasks.native)),
    from('effect', 'effect forkChild + joinAll, promise', ({ forkAndJoin, tasks }) => forkAndJoin(tasks.promise)),
    from('effect', 'effect forEach unbounded, native', ({ forEachUnbounded, tasks }) => forEachUnbounded(tasks.native)),
    from('effect', 'effect forEach unbounded, promise', ({ forEachUnbounded, tasks }) =>
      forEachUnbounded(tasks.promise),
    ),
    from('effection', 'effection spawn + join', (effection) => effection.spawnAndJoin, fewer),
    from('effection', 'effection all', (effection) => effection.allGroups, fewer),
  ],
  units: (groups, { size }) => groups * size,
  expect: (groups, { size }) => groups * size,
};

/** The large group would take effection minutes. */
function fewer({ size }) {
  return { size: Math.min(size, 5_000) };
}
