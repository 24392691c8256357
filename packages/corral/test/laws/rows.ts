/** The table: every primitive that can be waited for. A new one joins with a row. */

import assert from 'node:assert/strict';
import {
  Barrier,
  CapacityLimiter,
  Condition,
  Deferred,
  Event,
  Lock,
  Once,
  RwLock,
  Semaphore,
  type Permit,
  type ScopeOption,
} from '../../src/index.ts';
import type { Occupied, Row } from './row.ts';

export const rows: readonly Row[] = [
  {
    name: 'Lock',
    wakes: 'one',
    guards: true,
    make() {
      const lock = new Lock();
      const wait = (options?: ScopeOption) => lock.acquire(options);
      return guarded(lock.tryAcquire(), wait, lock, () => lock.tryAcquire());
    },
  },
  {
    name: 'Semaphore',
    wakes: 'one',
    guards: true,
    make() {
      const semaphore = new Semaphore(1);
      const wait = (options?: ScopeOption) => semaphore.acquire(1, options);
      return guarded(semaphore.tryAcquire(), wait, semaphore, () => semaphore.tryAcquire());
    },
  },
  {
    name: 'Semaphore, with weights',
    wakes: 'one',
    guards: true,
    make() {
      const semaphore = new Semaphore(5);
      const wait = (options?: ScopeOption) => semaphore.acquire(3, options);
      return guarded(semaphore.tryAcquire(5), wait, semaphore, () => semaphore.tryAcquire(3));
    },
  },
  {
    name: 'RwLock, to write',
    wakes: 'one',
    guards: true,
    make() {
      const lock = new RwLock();
      const wait = (options?: ScopeOption) => lock.acquireWrite(options);
      return guarded(lock.tryAcquireRead(), wait, lock, () => lock.tryAcquireRead());
    },
  },
  {
    name: 'RwLock, to read',
    wakes: 'all',
    guards: true,
    make() {
      const lock = new RwLock();
      const wait = (options?: ScopeOption) => lock.acquireRead(options);
      return guarded(lock.tryAcquireWrite(), wait, lock, () => lock.tryAcquireWrite());
    },
  },
  {
    name: 'CapacityLimiter',
    wakes: 'one',
    guards: true,
    make() {
      const limiter = new CapacityLimiter(1);
      const wait = (options?: ScopeOption) => limiter.acquire({ ...options, borrower: {} });
      const tryTake = () => limiter.tryAcquire({ borrower: {} });
      return guarded(tryTake(), wait, limiter, tryTake);
    },
  },
  { name: 'Condition', wakes: 'one', make: occupiedCondition },
  {
    name: 'Event',
    wakes: 'all',
    make() {
      const event = new Event();
      return {
        wait: (options) => event.wait(options),
        serve() {
          event.set();
          event.clear();
        },
        ...described(event),
      };
    },
  },
  {
    name: 'Barrier',
    wakes: 'all',
    closedError: 'BrokenBarrierError',
    make(waiters) {
      const barrier = new Barrier(waiters + 2);
      return {
        wait: (options) => barrier.wait(options),
        serve() {
          while (barrier.waiting > 0) void barrier.wait();
        },
        close: () => barrier.abort(),
        ...described(barrier),
      };
    },
  },
  {
    name: 'Deferred',
    wakes: 'all',
    make() {
      const deferred = new Deferred<string>();
      return {
        wait: (options) => deferred.wait(options),
        serve: () => void deferred.resolve('value'),
        ...described(deferred),
      };
    },
  },
  {
    name: 'Once',
    wakes: 'all',
    make() {
      const gate = new Deferred<string>();
      const once = new Once((scope) => gate.wait({ scope }));
      void once.run();
      return { wait: (options) => once.run(options), serve: () => void gate.resolve('value'), ...described(once) };
    },
  },
];

interface Describing {
  snapshot(): { readonly waiting: number };
}

function described(primitive: Describing): Pick<Occupied, 'waiting' | 'snapshot'> {
  return { waiting: () => primitive.snapshot().waiting, snapshot: () => primitive.snapshot() };
}

/** What is held by a permit: `first` occupies it. */
function guarded(
  first: Permit | undefined,
  wait: (options?: ScopeOption) => Promise<Permit>,
  primitive: Describing,
  tryTake: () => Permit | undefined,
): Occupied {
  assert.ok(first);
  const serve = (got: unknown): void => ((got as Permit | undefined) ?? first).release();
  return { wait, serve, tryTake, ...described(primitive) };
}

/** Each waiter has the lock before and after, and gives it back at once. */
function occupiedCondition(): Occupied {
  const condition = new Condition();
  const steps = async (options?: ScopeOption): Promise<void> => {
    const held = await condition.acquire(options);
    try {
      await condition.wait(held, options);
    } finally {
      held.release();
    }
  };
  return {
    wait(options) {
      const waiting = steps(options);
      waiting.catch(() => {}); // code of ours, not an operation: it is not silent by itself
      return waiting;
    },
    serve() {
      const held = condition.tryAcquire();
      assert.ok(held);
      condition.notify(held);
      held.release();
    },
    ...described(condition),
  };
}
