/** async-sema's side. */
import { Sema } from 'async-sema';

import { holdAndPass } from '../lib/work.mjs';

export async function acquire(calls) {
  const semaphore = new Sema(1);
  let total = 0;
  for (let i = 0; i < calls; i += 1) {
    await semaphore.acquire();
    total += 1;
    semaphore.release();
  }
  return total;
}

export function handOver(runs, { waiters }) {
  const semaphore = new Sema(1, { capacity: waiters });
  return holdAndPass(runs, waiters, async () => {
    await semaphore.acquire();
    return () => semaphore.release();
  });
}
