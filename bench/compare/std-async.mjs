/**
 * The side of Deno's @std/async. It is not on npm: `CORRAL_BENCH_STD` names the folder of a checkout of its repository,
 * and without one its rows are left out.
 */
import { build } from 'esbuild';

import { holdAndPass, produceAndConsume } from '../lib/work.mjs';

const { Channel } = await load('async/channel.ts');
const { Semaphore } = await load('async/unstable_semaphore.ts');

export function queue(runs, { capacity, items }) {
  return produceAndConsume(runs, items, () => {
    const between = new Channel({ capacity });
    return { put: (item) => between.send(item), take: () => between.receive() };
  });
}

export async function acquire(calls) {
  const semaphore = new Semaphore(1);
  let total = 0;
  for (let i = 0; i < calls; i += 1) {
    const permit = await semaphore.acquire();
    total += 1;
    permit[Symbol.dispose]();
  }
  return total;
}

export function handOver(runs, { waiters }) {
  const semaphore = new Semaphore(1);
  return holdAndPass(runs, waiters, async () => {
    const permit = await semaphore.acquire();
    return () => permit[Symbol.dispose]();
  });
}

async function load(path) {
  const folder = process.env.CORRAL_BENCH_STD;
  const { outputFiles } = await build({
    entryPoints: [`${folder}/${path}`],
    alias: { '@std/data-structures/deque': `${folder}/data_structures/deque.ts` },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
