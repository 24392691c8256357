/** The table: every primitive that can be waited for. A new one joins with a row. */

import assert from 'node:assert/strict';
import {
  Barrier,
  Broadcast,
  CapacityLimiter,
  Condition,
  Deferred,
  Event,
  Lock,
  Once,
  Pool,
  Queue,
  RateLimiter,
  RwLock,
  Semaphore,
  channel,
  sleep,
  type Lease,
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
  {
    name: 'Queue, to get',
    wakes: 'one',
    tries: true,
    closedError: 'QueueShutDownError',
    make() {
      const queue = new Queue<string>();
      return {
        wait: (options) => queue.get(options),
        serve: () => void queue.tryPut('item'),
        tryTake: () => queue.tryGet(),
        close: () => void queue.shutdown(),
        waiting: () => queue.snapshot().waitingGetters,
        snapshot: () => queue.snapshot(),
      };
    },
  },
  {
    name: 'Queue, to put',
    wakes: 'one',
    tries: true,
    closedError: 'QueueShutDownError',
    make() {
      const queue = new Queue<string>({ capacity: 1 });
      queue.tryPut('first');
      return {
        wait: (options) => queue.put('item', options),
        serve: () => void queue.tryGet(),
        tryTake: () => queue.tryPut('in between') || undefined,
        close: () => void queue.shutdown(),
        waiting: () => queue.snapshot().waitingPutters,
        snapshot: () => queue.snapshot(),
      };
    },
  },
  {
    name: 'channel, to receive',
    wakes: 'one',
    tries: true,
    closedError: 'EndOfChannelError',
    make() {
      const [sender, receiver] = channel<string>(1);
      return {
        wait: (options) => receiver.receive(options),
        serve: () => void sender.trySend('value'),
        tryTake: () => receiver.tryReceive(),
        close: () => sender.close(),
        waiting: () => receiver.snapshot().waitingReceivers,
        snapshot: () => receiver.snapshot(),
      };
    },
  },
  {
    name: 'channel, to send',
    wakes: 'one',
    tries: true,
    closedError: 'BrokenResourceError',
    make() {
      const [sender, receiver] = channel<string>(1);
      sender.trySend('first');
      return {
        wait: (options) => sender.send('value', options),
        serve: () => void receiver.tryReceive(),
        tryTake: () => sender.trySend('in between') || undefined,
        close: () => receiver.close(),
        waiting: () => sender.snapshot().waitingSenders,
        snapshot: () => sender.snapshot(),
      };
    },
  },
  {
    name: 'Broadcast, to receive',
    wakes: 'one',
    tries: true,
    closedError: 'EndOfChannelError',
    make() {
      const broadcast = new Broadcast<string>({ capacity: 1 });
      const subscription = broadcast.subscribe();
      return {
        wait: (options) => subscription.receive(options),
        serve: () => void broadcast.trySend('value'),
        tryTake: () => subscription.tryReceive(),
        close: () => broadcast.close(),
        waiting: () => subscription.snapshot().waitingReceivers,
        snapshot: () => subscription.snapshot(),
      };
    },
  },
  {
    name: 'Broadcast, to send',
    wakes: 'one',
    tries: true,
    closedError: 'ClosedResourceError',
    make() {
      const broadcast = new Broadcast<string>({ capacity: 1 });
      const subscription = broadcast.subscribe();
      broadcast.trySend('first');
      return {
        wait: (options) => broadcast.send('value', options),
        serve: () => void subscription.tryReceive(),
        tryTake: () => broadcast.trySend('in between') || undefined,
        close: () => broadcast.close(),
        waiting: () => broadcast.snapshot().waitingSenders,
        snapshot: () => broadcast.snapshot(),
      };
    },
  },
  {
    name: 'RateLimiter',
    wakes: 'one',
    tries: true,
    make() {
      const limiter = new RateLimiter({ limit: 1, perMs: 100, burst: 1 });
      assert.ok(limiter.tryAcquire());
      return {
        wait: (options) => limiter.acquire(1, options),
        serve: () => sleep(100),
        tryTake: () => limiter.tryAcquire() || undefined,
        ...described(limiter),
      };
    },
  },
  {
    name: 'Pool',
    wakes: 'one',
    guards: true,
    tries: false,
    closedError: 'ClosedResourceError',
    make: occupiedPool,
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

/** Of one resource, which is lent. */
async function occupiedPool(): Promise<Occupied> {
  const pool = new Pool({ create: () => ({}), max: 1 });
  const first = await pool.acquire();
  return {
    wait: (options) => pool.acquire(options),
    serve: (got) => ((got as Lease<object> | undefined) ?? first).release(),
    close() {
      void pool.close();
      first.release();
    },
    ...described(pool),
  };
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
