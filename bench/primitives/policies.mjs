import { from } from '../lib/contender.mjs';

const all = (runs, { items }) => runs * items;

export const limited = {
  name: 'limit',
  title: '1 000 calls of a limited function, at most 10 at a time',
  unit: 'ns/call',
  variants: [{ items: 1000, concurrency: 10 }],
  baseline: 'p-limit',
  contenders: [
    from('p-limit', 'p-limit', (pLimit) => pLimit.calls),
    from('primitives', 'corral limit', (corral) => corral.limited),
  ],
  units: all,
  expect: all,
};

export const streamed = {
  name: 'stream',
  title: '1 000 items through an async function, 10 at a time, in order, as an async iterable',
  unit: 'ns/item',
  variants: [{ items: 1000, concurrency: 10 }],
  baseline: 'p-map pMapIterable',
  contenders: [
    from('p-map', 'p-map pMapIterable', (pMap) => pMap.iterated),
    from('primitives', 'corral stream().map()', (corral) => corral.streamed),
  ],
  units: all,
  expect: all,
};

export const rate = {
  name: 'rate',
  title: 'A rate limiter asked without waiting',
  unit: 'ns/call',
  variants: [{}],
  baseline: 'performance.now()',
  contenders: [
    from('raw', 'performance.now()', (raw) => raw.readClock),
    from('primitives', 'corral RateLimiter', (corral) => corral.rate()),
  ],
  units: (calls) => calls,
  expect: (calls) => calls,
};
