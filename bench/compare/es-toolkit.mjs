/** es-toolkit's side. */
import { Mutex, Semaphore } from 'es-toolkit/promise';

import { holdAndPass } from '../lib/work.mjs';

export const acquire = (make) => async (calls) => {
  const semaphore = make({ Mutex, Semaphore });
  let total = 0;
  for (let i = 0; i < calls; i += 1) {
    await semaphore.acquire();
    total += 1;
    semaphore.release();
  }
  return total;
};

export function handOver(runs, { waiters }) {
  const semaphore = new Semaphore(1);
  return holdAndPass(runs, waiters, async () => {
    await semaphore.acquire();
    return () => semaphore.release();
  });
}
