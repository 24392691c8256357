import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RetryBudget, retry } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

const fail = (): Promise<never> => Promise.reject(new Error('down'));

test(
  'RetryBudget: where it is used up, retry gives up at once with the error of its attempt',
  virtually(async (clock) => {
    const budget = new RetryBudget({ reserve: 2, ratio: 0, name: 'shop' });
    const thrown = await failureOf(retry(fail, { budget, attempts: 9, backoff: 'constant' }));
    assert.equal((thrown as Error).message, 'down');
    assert.equal(clock.now(), 200);
    assert.deepEqual(budget.snapshot(), { name: 'shop', available: 0, calls: 1, retries: 2, refused: 1 });
    assert.ok(Object.isFrozen(budget.snapshot()));
  }),
);

test(
  'RetryBudget: each call adds its ratio, up to the reserve',
  virtually(async () => {
    const budget = new RetryBudget({ reserve: 1, ratio: 0.1 });
    await failureOf(retry(fail, { budget, attempts: 2 }));
    assert.equal(budget.available, 0);
    for (let call = 0; call < 9; call++) await retry(async () => 'fine', { budget });
    assert.equal(budget.available, 0);
    await retry(async () => 'fine', { budget });
    assert.equal(budget.available, 1);
    for (let call = 0; call < 100; call++) await retry(async () => 'fine', { budget });
    assert.equal(budget.available, 1);
  }),
);

test(
  'RetryBudget: retries that are not wanted for another reason cost nothing',
  virtually(async () => {
    const budget = new RetryBudget({ reserve: 5 });
    await failureOf(retry(fail, { budget, attempts: 1 }));
    await failureOf(retry(fail, { budget, retryIf: () => false }));
    await failureOf(retry(fail, { budget, jitter: 'none', deadlineMs: 50 }));
    assert.equal(budget.available, 5);
  }),
);

test('RetryBudget: there are never more retries than the reserve and the ratio of the calls', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 20 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(fc.boolean(), { maxLength: 400 }),
      (reserve, ratio, steps) => {
        const budget = new RetryBudget({ reserve, ratio });
        let calls = 0;
        let retries = 0;
        for (const isCall of steps) {
          if (isCall) {
            budget.deposit();
            calls++;
          } else if (budget.withdraw()) retries++;
          assert.ok(retries <= reserve + ratio * calls + 1e-9);
          assert.ok(budget.available >= 0 && budget.available <= reserve);
        }
      },
    ),
  );
});

test('RetryBudget: numbers that make no sense are refused', () => {
  for (const ratio of [-0.1, 1.1, Number.NaN, '1' as never])
    assert.throws(() => new RetryBudget({ ratio }), RangeError);
  for (const reserve of [-1, 1.5, Infinity, Number.NaN]) assert.throws(() => new RetryBudget({ reserve }), RangeError);
});
