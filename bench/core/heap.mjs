import { from } from '../lib/contender.mjs';

const explicit = { ambient: false };
const fewer = () => ({ count: 10_000 });

export const heap = {
  name: 'heap',
  kind: 'heap',
  title: 'Heap for each of 100 000 pending tasks',
  unit: 'bytes/task',
  variants: [{ count: 100_000 }],
  baseline: 'raw async function, on one promise',
  execArgv: ['--max-old-space-size=8192'],
  contenders: [
    from('raw', 'raw async function, on one promise', (raw) => raw.holdOnSharedPromise),
    from('raw', 'raw async function, on its own promise', (raw) => raw.holdOnOwnPromise),
    from('raw', 'raw async function, setTimeout', (raw) => raw.holdSleeping),
    from('raw', 'timers/promises, own AbortController', (raw) => raw.holdSleepingOnSignals),
    from('corral', 'corral, on one promise', (corral) => corral.holdOnPromise()),
    from('corral', 'corral, on one promise, explicit', (corral) => corral.holdOnPromise(explicit)),
    from('corral', 'corral, sleeping', (corral) => corral.holdSleeping()),
    from('corral', 'corral, sleeping, explicit', (corral) => corral.holdSleeping(explicit)),
    from('corral', 'corral, queued for a slot', (corral) => corral.holdQueued),
    from('effect', 'effect fiber, sleeping', ({ hold, waits }) => hold(waits.sleep)),
    from('effect', 'effect fiber, on one promise', ({ hold, waits }) => hold(waits.promise)),
    from('p-limit', 'p-limit, queued', (pLimit) => pLimit.holdQueued),
    from('effection', 'effection, sleeping', (effection) => effection.holdSleeping, fewer),
  ],
};
