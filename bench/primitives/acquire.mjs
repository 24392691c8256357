import { from, ofStd } from '../lib/contender.mjs';

export const acquire = {
  name: 'acquire',
  title: 'Acquire and release, nobody else wants it',
  unit: 'ns/acquire',
  variants: [{}],
  baseline: 'async-sema',
  contenders: [
    from('async-sema', 'async-sema', (peer) => peer.acquire),
    from('es-toolkit', 'es-toolkit Semaphore', (peer) => peer.acquire(({ Semaphore }) => new Semaphore(1))),
    from('es-toolkit', 'es-toolkit Mutex', (peer) => peer.acquire(({ Mutex }) => new Mutex())),
    from('async-mutex', 'async-mutex Semaphore', (peer) => peer.acquireSemaphore),
    from('async-mutex', 'async-mutex Mutex', (peer) => peer.acquireMutex),
    ...ofStd('@std/async Semaphore', (peer) => peer.acquire),
    from('primitives', 'corral Semaphore', (corral) => corral.acquire(({ Semaphore }) => new Semaphore(1))),
    from('primitives', 'corral Lock', (corral) => corral.acquire(({ Lock }) => new Lock())),
    from('primitives', 'corral Semaphore, tryAcquire', (corral) => corral.tryAcquire),
  ],
  units: (calls) => calls,
  expect: (calls) => calls,
};

export const handOver = {
  name: 'hand-over',
  title: 'So many wait in line and pass it on',
  unit: 'ns/waiter',
  variants: [
    { label: '1 000 wait', waiters: 1_000 },
    { label: '100 000 wait', waiters: 100_000 },
  ],
  baseline: 'async-sema',
  contenders: [
    from('async-sema', 'async-sema', (peer) => peer.handOver),
    from('es-toolkit', 'es-toolkit Semaphore', (peer) => peer.handOver, fewer),
    from('async-mutex', 'async-mutex Mutex', (peer) => peer.handOver, fewer),
    ...ofStd('@std/async Semaphore', (peer) => peer.handOver),
    from('primitives', 'corral Lock', (corral) => corral.handOver),
  ],
  units: (runs, { waiters }) => runs * waiters,
  expect: (runs, { waiters }) => runs * waiters,
};

/** They move the whole line for each that leaves it: 100 000 would take them minutes. */
function fewer({ waiters }) {
  return { waiters: Math.min(waiters, 10_000) };
}
