import pMap, { pMapIterable } from 'p-map';

import { range, sum, task } from '../lib/work.mjs';

export async function groupsOf(groups, { size }) {
  let total = 0;
  for (let i = 0; i < groups; i += 1) total += sum(await pMap(range(size), task));
  return total;
}

export async function bounded(runs, { items, concurrency }) {
  let total = 0;
  for (let i = 0; i < runs; i += 1) total += sum(await pMap(range(items), task, { concurrency }));
  return total;
}

export async function iterated(runs, { items, concurrency }) {
  let total = 0;
  for (let i = 0; i < runs; i += 1) {
    for await (const one of pMapIterable(range(items), task, { concurrency })) total += one;
  }
  return total;
}
