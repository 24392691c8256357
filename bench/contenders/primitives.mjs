/** corral's side of the primitives. */
import { importCorral } from '../lib/corral.mjs';
import { holdAndPass, produceAndConsume, range, sum, task } from '../lib/work.mjs';

const { Lock, Queue, RateLimiter, Semaphore, channel, limit, stream, withScope } = await importCorral();

/** As in a program: under a scope. */
function inOneRoot(body) {
  return (count, params) => withScope(() => body(count, params));
}

export const acquire = (make) => inOneRoot((calls) => acquireAndRelease(make({ Lock, Semaphore }), calls));

export function tryAcquire(calls) {
  const semaphore = new Semaphore(1);
  let total = 0;
  for (let i = 0; i < calls; i += 1) {
    const permit = semaphore.tryAcquire();
    total += 1;
    permit.release();
  }
  return total;
}

export const handOver = inOneRoot((runs, { waiters }) => {
  const lock = new Lock();
  return holdAndPass(runs, waiters, async () => {
    const held = await lock.acquire();
    return () => held.release();
  });
});

export const queue = inOneRoot((runs, { capacity, items }) =>
  produceAndConsume(runs, items, () => {
    const between = new Queue({ capacity });
    return { put: (item) => between.put(item), take: () => between.get() };
  }),
);

export const channels = inOneRoot((runs, { capacity, items }) =>
  produceAndConsume(runs, items, () => {
    const [sender, receiver] = channel(capacity);
    return { put: (item) => sender.send(item), take: () => receiver.receive() };
  }),
);

export const limited = inOneRoot(async (runs, { items, concurrency }) => {
  let total = 0;
  for (let i = 0; i < runs; i += 1) {
    const limited = limit(task, concurrency);
    total += sum(await Promise.all(range(items).map(() => limited())));
  }
  return total;
});

export const streamed = inOneRoot(async (runs, { items, concurrency }) => {
  let total = 0;
  for (let i = 0; i < runs; i += 1) {
    for await (const one of stream(range(items)).map(task, { concurrency })) total += one;
  }
  return total;
});

export const rate = (options) => (calls) => {
  const limiter = new RateLimiter({ limit: 1e9, perMs: 1, burst: 1e9, ...options });
  let total = 0;
  for (let i = 0; i < calls; i += 1) if (limiter.tryAcquire()) total += 1;
  return total;
};

async function acquireAndRelease(lock, calls) {
  let total = 0;
  for (let i = 0; i < calls; i += 1) {
    const permit = await lock.acquire();
    total += 1;
    permit.release();
  }
  return total;
}
