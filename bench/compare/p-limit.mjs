/** p-limit's side: a limiter per group, as one has a group per call. */
import pLimit from 'p-limit';

import { range, sum, task, turn } from '../lib/work.mjs';

export async function groupsOf(groups, { size }) {
  let total = 0;
  for (let i = 0; i < groups; i += 1) {
    const limit = pLimit(100);
    total += sum(await Promise.all(range(size).map(() => limit(task))));
  }
  return total;
}

export async function bounded(runs, { items, concurrency }) {
  let total = 0;
  for (let i = 0; i < runs; i += 1) {
    const limit = pLimit(concurrency);
    total += sum(await limit.map(range(items), task));
  }
  return total;
}

export async function holdQueued(count) {
  const limit = pLimit(1);
  const never = new Promise(() => {});
  const promises = [];
  for (let i = 0; i <= count; i += 1) promises.push(limit(() => never));
  await turn();
  return { pending: () => limit.pendingCount, promises };
}

export async function calls(runs, { items, concurrency }) {
  let total = 0;
  for (let i = 0; i < runs; i += 1) {
    const limit = pLimit(concurrency);
    total += sum(await Promise.all(range(items).map(() => limit(task))));
  }
  return total;
}
