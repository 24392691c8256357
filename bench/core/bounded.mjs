import { from } from '../lib/contender.mjs';

export const bounded = {
  name: 'bounded',
  title: '1 000 items, at most 10 at a time',
  unit: 'ns/item',
  variants: [{ items: 1000, concurrency: 10 }],
  baseline: 'raw, ten workers',
  contenders: [
    from('raw', 'raw, ten workers', (raw) => raw.workers),
    from('corral', 'corral map', (corral) => corral.mapItems),
    from('corral', 'corral forEach', (corral) => corral.forEachItem),
    from('corral', 'corral gather', (corral) => corral.gatherBounded),
    from('corral', 'corral taskGroup', (corral) => corral.groupBounded),
    from('p-limit', 'p-limit', (pLimit) => pLimit.bounded),
    from('p-map', 'p-map', (pMap) => pMap.bounded),
    from('effect', 'effect forEach, native', ({ forEachBounded, tasks }) => forEachBounded(tasks.native)),
    from('effect', 'effect forEach, promise', ({ forEachBounded, tasks }) => forEachBounded(tasks.promise)),
  ],
  units: (runs, { items }) => runs * items,
  expect: (runs, { items }) => runs * items,
};
