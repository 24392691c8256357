import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ClosedResourceError,
  Pool,
  ResourceStack,
  TimeoutError,
  resource,
  shield,
  sleep,
  sleepForever,
  withScope,
  type Lease,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { counts } from './pool-world.ts';

test(
  'Pool: what grew old together is destroyed once each, and what destroying takes out of it meanwhile is not',
  virtually(async () => {
    const destroyed: number[] = [];
    let made = 0;
    let taken: Promise<Lease<number>> | undefined;
    const pool = new Pool({
      create: () => ++made,
      destroy: (id) => {
        destroyed.push(id);
        taken ??= pool.acquire();
      },
      idleMs: 10,
    });
    const leases = [await pool.acquire(), await pool.acquire()];
    for (const lease of leases) lease.release();
    await sleep(20);
    const lease = await (taken as Promise<Lease<number>>);
    assert.equal(destroyed.includes(lease.value), false);
    assert.equal(counts(pool), '1 borrowed');
    lease.release();
    await pool.close();
    assert.deepEqual(new Set(destroyed).size, destroyed.length);
  }),
);

test(
  'close: what was lent for too long is destroyed once, although destroying gives it back, and its lease is void',
  virtually(async () => {
    const destroyed: number[] = [];
    const pool = new Pool({
      create: () => 1,
      destroy: (id) => {
        destroyed.push(id);
        other.destroy();
      },
      drainMs: 10,
    });
    const [lease, other] = [await pool.acquire(), await pool.acquire()];
    assert.ok((await failureOf(pool.close())) instanceof TimeoutError);
    assert.deepEqual(destroyed, [1, 1]);
    assert.equal(lease.held, false);
    assert.throws(() => lease.value, ClosedResourceError);
  }),
);

test(
  'Pool: what fails when it is closed because its scope was cancelled is thrown by that scope',
  virtually(async () => {
    const error = new Error('destroy');
    const thrown = await failureOf(
      withScope(async (scope) => {
        const pool = new Pool({ create: () => 1, destroy: () => Promise.reject(error), scope });
        (await pool.acquire()).release();
        scope.cancel();
        await shield(() => sleep(10));
        assert.equal(counts(pool), '');
      }),
    );
    assert.equal(thrown, error);
  }),
);

test(
  'Pool: in a scope that was cancelled before it is closed from the beginning',
  virtually(async () => {
    await withScope(async (scope) => {
      scope.cancel();
      const pool = new Pool({ create: () => assert.fail('made'), scope });
      assert.equal(pool.snapshot().closed, true);
      assert.ok((await failureOf(shield(() => pool.acquire()))) instanceof ClosedResourceError);
    });
  }),
);

test('Pool, ResourceStack, resource: options that are no object are refused', () => {
  const refusal = /^TypeError: Cannot call [\w ]+\(\) as it takes an object of options: current value is 5$/;
  assert.throws(() => new Pool(5 as never), refusal);
  assert.throws(() => new ResourceStack(5 as never), refusal);
  assert.throws(() => resource(function* () {}, 5 as never), refusal);
  assert.throws(() => new Pool(undefined as never), /takes an object of options: current value is undefined$/);
  assert.throws(() => new Pool({} as never), /^TypeError: Cannot make a pool: create as it takes a function/);
});

test(
  'acquire: one that is never made does not hold up others for which there is room',
  virtually(async (clock) => {
    let made = 0;
    const create = (): Promise<number> =>
      made++ === 0 ? sleepForever().catch(() => shield(sleepForever)) : sleep(1).then(() => made);
    const pool = new Pool({ create, max: 2, createTimeoutMs: 10, drainMs: 1 });
    assert.equal(await pool.use((id) => id), 2);
    assert.equal(clock.now(), 11);
    assert.equal(counts(pool), '1 idle, 1 creating');
    assert.ok((await failureOf(pool.close())) instanceof TimeoutError);
  }),
);
