/** async-mutex's side. */
import { Mutex, Semaphore } from 'async-mutex';

import { holdAndPass } from '../lib/work.mjs';

export async function acquireMutex(calls) {
  const mutex = new Mutex();
  let total = 0;
  for (let i = 0; i < calls; i += 1) {
    const release = await mutex.acquire();
    total += 1;
    release();
  }
  return total;
}

export async function acquireSemaphore(calls) {
  const semaphore = new Semaphore(1);
  let total = 0;
  for (let i = 0; i < calls; i += 1) {
    const [, release] = await semaphore.acquire();
    total += 1;
    release();
  }
  return total;
}

export function handOver(runs, { waiters }) {
  const mutex = new Mutex();
  return holdAndPass(runs, waiters, () => mutex.acquire());
}
