// Semaphore, RwLock and CapacityLimiter against sequential models: weights, cancellations, timeouts, shuffled orders.
import { test } from 'node:test';
import * as fc from 'fast-check';
import { CapacityLimiter, RwLock, Semaphore } from '../../src/index.ts';
import { holdsAgainst, programs } from './against-model.ts';

const RUNS = 300;
const sum = (weights: readonly number[]): number => weights.reduce((total, weight) => total + weight, 0);

test('Semaphore: does what its model does, whatever is asked, cancelled, timed out and shuffled', async () => {
  const permits = 4;
  await holdsAgainst(
    programs(fc.integer({ min: 1, max: permits })),
    () => {
      const semaphore = new Semaphore(permits);
      return {
        subject: {
          ask: (weight) => semaphore.acquire(weight),
          tryAsk: (weight) => semaphore.tryAcquire(weight),
          figures: () => ({ ...semaphore.snapshot() }),
        },
        model: {
          admits: (held, weight) => sum(held) + weight <= permits,
          figures: (held, waiting) => ({
            name: 'semaphore',
            permits,
            available: permits - sum(held),
            waiting: waiting.length,
          }),
        },
      };
    },
    RUNS,
  );
});

test('RwLock: does what its model does, whatever is asked, cancelled, timed out and shuffled', async () => {
  await holdsAgainst(
    programs(fc.constantFrom('read', 'write')),
    () => {
      const lock = new RwLock();
      return {
        subject: {
          ask: (demand) => (demand === 'read' ? lock.acquireRead() : lock.acquireWrite()),
          tryAsk: (demand) => (demand === 'read' ? lock.tryAcquireRead() : lock.tryAcquireWrite()),
          figures: () => ({ ...lock.snapshot() }),
        },
        model: {
          admits: (held, demand) => (demand === 'read' ? !held.includes('write') : held.length === 0),
          figures: (held, waiting) => ({
            name: 'rw-lock',
            readers: held.filter((demand) => demand === 'read').length,
            writing: held.includes('write'),
            waiting: waiting.length,
          }),
        },
      };
    },
    RUNS,
  );
});

test('CapacityLimiter: does what its model does, whatever is asked, cancelled, timed out, resized and shuffled', async () => {
  const maxWaiting = 3;
  await holdsAgainst(
    programs(fc.nat(6), true),
    () => {
      const limiter = new CapacityLimiter(2, { maxWaiting });
      let total = 2;
      return {
        subject: {
          ask: (borrower) => limiter.acquire({ borrower }),
          tryAsk: (borrower) => limiter.tryAcquire({ borrower }),
          resize: (to) => (limiter.total = to),
          figures: () => ({ ...limiter.snapshot(), borrowers: new Set(limiter.borrowers) }),
        },
        model: {
          admits: (held) => held.length < total,
          refuses(held, waiting, borrower, tries) {
            if (held.includes(borrower) || waiting.includes(borrower)) return 'TypeError';
            const full = waiting.length >= maxWaiting && (waiting.length > 0 || held.length >= total);
            return full && !tries ? 'LineFullError' : undefined;
          },
          resize: (to) => (total = to),
          figures: (held, waiting) => ({
            name: 'capacity limiter',
            total,
            borrowed: held.length,
            available: Math.max(total - held.length, 0),
            waiting: waiting.length,
            maxWaiting,
            borrowers: new Set(held),
          }),
        },
      };
    },
    RUNS,
  );
});
