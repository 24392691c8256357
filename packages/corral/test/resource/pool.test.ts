import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import {
  ClosedResourceError,
  ContextVariable,
  Pool,
  LineFullError,
  TimeoutError,
  currentScope,
  isCancelled,
  moveOnAfter,
  run,
  sleep,
  sleepForever,
  taskGroup,
  withScope,
  type Lease,
} from '../../src/index.ts';
import { failureOf, pledge, virtually } from '../core/virtually.ts';
import { counts, reported, world, type Thing } from './pool-world.ts';

// Borrowing ----------------------------------------------------------------------------------------------------------

test(
  'Pool: makes a resource for the first borrower and lends it to the next',
  virtually(async () => {
    const { pool, trace } = world({ createMs: 5 });
    {
      using lease = await pool.acquire();
      assert.equal(lease.value.id, 0);
      assert.equal(counts(pool), '1 borrowed');
    }
    assert.equal(counts(pool), '1 idle');
    {
      await using lease = await pool.acquire();
      assert.equal(lease.value.id, 0);
    }
    await pool.close();
    assert.deepEqual(trace, ['made 0', 'destroyed 0']);
  }),
);

test(
  'acquire: first come first served, never more than max, and what is given back goes to the first in line',
  virtually(async (clock) => {
    const { pool, most } = world({ max: 2, createMs: 10 });
    const trace: string[] = [];
    await taskGroup((group) => {
      for (const n of [1, 2, 3, 4, 5]) {
        group.spawn(() =>
          pool.use((thing) => sleep(100).then(() => trace.push(`${n} had ${thing.id} at ${clock.now()}`))),
        );
      }
    });
    assert.deepEqual(trace, ['1 had 0 at 110', '2 had 1 at 110', '3 had 0 at 210', '4 had 1 at 210', '5 had 0 at 310']);
    assert.equal(most(), 2);
    await pool.close();
  }),
);

test(
  'release: hands over to the first in line at once, nobody can take it in between',
  virtually(async () => {
    const { pool } = world({ max: 1 });
    const lease = await pool.acquire();
    await taskGroup(async (group) => {
      const trace: string[] = [];
      const waiting = group.spawn(() => pool.use(() => trace.push('waited')));
      await sleep(1);
      lease.release();
      assert.equal(counts(pool), '1 borrowed');
      await pool.use(() => trace.push('came later'));
      await waiting.join();
      assert.deepEqual(trace, ['waited', 'came later']);
    });
    await pool.close();
  }),
);

test(
  'release: twice, or after destroy, gives back once; the value is no longer to be had',
  virtually(async () => {
    const { pool, things } = world({ max: 2 });
    const one = await pool.acquire();
    assert.equal(one.held, true);
    one.release();
    const two = await pool.acquire();
    one.release();
    one.destroy();
    one[Symbol.dispose]();
    await one[Symbol.asyncDispose]();
    assert.equal(one.held, false);
    assert.throws(
      () => one.value,
      (error: Error) => error instanceof ClosedResourceError && error.message.endsWith('it was released or destroyed'),
    );
    assert.equal(counts(pool), '1 borrowed');
    assert.equal(two.value.id, 0);
    two.destroy();
    two.release();
    await sleep(1);
    assert.equal(counts(pool), '');
    assert.equal(things[0]?.destroyed, 1);
    await pool.close();
  }),
);

test(
  'destroy: the broken one is destroyed, told why, and its place is free when that has ended',
  virtually(async (clock) => {
    const told: unknown[] = [];
    const error = new Error('connection lost');
    let made = 0;
    const pool = new Pool({
      create: () => ++made,
      destroy: async (_n, why) => {
        told.push(why);
        await sleep(30);
      },
      max: 1,
    });
    const lease = await pool.acquire();
    lease.destroy(error);
    assert.equal(counts(pool), '1 destroying');
    assert.equal(await pool.use((n) => n), 2);
    assert.equal(clock.now(), 30);
    assert.deepEqual(told, [error]);
    await pool.close();
    assert.deepEqual(told, [error, undefined]);
  }),
);

test(
  'use: gives back whether the body succeeds, fails or is cancelled, and destroys what the body says is broken',
  virtually(async () => {
    const { pool, trace } = world({ max: 1 });
    const error = new Error('boom');
    assert.equal(await pool.use((thing) => thing.id), 0);
    assert.equal(await failureOf(pool.use(() => Promise.reject(error))), error);
    const cut = await moveOnAfter(5, () => pool.use(() => sleepForever()));
    assert.equal(cut.timedOut, true);
    assert.equal(counts(pool), '1 idle');
    await pool.use((_thing, lease) => lease.destroy());
    await sleep(1);
    assert.deepEqual(trace, ['made 0', 'destroyed 0']);
    await assert.rejects(pool.use(5 as never), TypeError);
    await pool.close();
  }),
);

test(
  'order: lifo lends the one that was used last, fifo the one that was not used for longest',
  virtually(async () => {
    for (const [order, expected] of [
      ['lifo', [2, 2]],
      ['fifo', [0, 1]],
      [undefined, [2, 2]],
    ] as const) {
      const { pool } = world({ order });
      const leases: Lease<Thing>[] = [];
      for (let n = 0; n < 3; n++) leases.push(await pool.acquire());
      for (const lease of leases) lease.release();
      const ids = [await pool.use((thing) => thing.id), await pool.use((thing) => thing.id)];
      assert.deepEqual(ids, expected);
      await pool.close();
    }
  }),
);

// Cancelling ---------------------------------------------------------------------------------------------------------

test(
  'acquire: cancelled while the resource is being made, it is made all the same and becomes idle',
  virtually(async () => {
    const { pool, trace } = world({ createMs: 50 });
    const result = await moveOnAfter(10, () => pool.acquire());
    assert.equal(result.timedOut, true);
    assert.equal(counts(pool), '1 creating');
    await sleep(100);
    assert.equal(counts(pool), '1 idle');
    assert.deepEqual(trace, ['made 0']);
    await pool.close();
  }),
);

test(
  'acquire: cancelled while the resource is being made, the next in line gets it',
  virtually(async (clock) => {
    const { pool, trace } = world({ createMs: 50, max: 1 });
    await taskGroup(async (group) => {
      const first = group.spawn(() => pool.acquire());
      const second = group.spawn(() => pool.use((thing) => `${thing.id} at ${clock.now()}`));
      await sleep(10);
      first.cancel();
      assert.equal(await second.join(), '0 at 50');
    });
    assert.deepEqual(trace, ['made 0']);
    await pool.close();
  }),
);

test(
  'acquire: cancelled in the instant of the hand-over, the resource is either borrowed or still in the pool',
  virtually(async () => {
    for (const hops of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
      const { pool } = world({ max: 1 });
      const lease = await pool.acquire();
      let got: Lease<Thing> | undefined;
      await withScope(async (scope) => {
        const waiting = pool.acquire().then(
          (next) => (got = next),
          (error: unknown) => assert.ok(isCancelled(error)),
        );
        if (hops % 2 === 0) lease.release();
        for (let hop = 0; hop < hops; hop++) await undefined;
        scope.cancel();
        lease.release();
        await waiting;
      });
      assert.equal(got !== undefined, hops % 2 === 0);
      assert.equal(counts(pool), got ? '1 borrowed' : '1 idle');
      got?.release();
      await pool.use((thing) => assert.equal(thing.id, 0));
      await pool.close();
    }
  }),
);

test(
  'use: cancelled in the instant in which it gets the resource, it gives it back',
  virtually(async () => {
    for (const hops of [0, 1, 2, 3, 4, 5, 6]) {
      const { pool } = world({ max: 1 });
      const lease = await pool.acquire();
      await withScope(async (scope) => {
        const using = pool.use(() => sleepForever());
        lease.release();
        for (let hop = 0; hop < hops; hop++) await undefined;
        scope.cancel();
        assert.ok(isCancelled(await failureOf(using)));
      });
      assert.equal(counts(pool), '1 idle');
      await pool.close();
    }
  }),
);

test(
  'acquire: in a cancelled scope nothing is borrowed and nothing is made',
  virtually(async () => {
    const { pool } = world();
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(pool.acquire()), scope.reason);
    });
    assert.equal(counts(pool), '');
    await pool.close();
  }),
);

test(
  'acquire: gives up after its time, its own or the pool’s, and the next one is served',
  virtually(async (clock) => {
    const { pool } = world({ max: 1, acquireTimeoutMs: 100 });
    const lease = await pool.acquire();
    const error = await failureOf(pool.acquire());
    assert.ok(error instanceof TimeoutError);
    assert.equal(error.message, 'Timed out after 100 ms in acquire from pool');
    assert.ok((await failureOf(pool.acquire({ timeoutMs: 5 }))) instanceof TimeoutError);
    assert.equal(clock.now(), 105);
    assert.equal(counts(pool), '1 borrowed');
    lease.release();
    await pool.use(() => {});
    await pool.close();
  }),
);

test(
  'maxWaiting: more are refused; who waits for what is being made for him does not count',
  virtually(async () => {
    const { pool } = world({ max: 2, createMs: 10, maxWaiting: 1 });
    await taskGroup(async (group) => {
      const first = group.spawn(() => pool.acquire());
      group.spawn(() => pool.use(() => {}));
      const third = group.spawn(() => pool.use(() => {}));
      await sleep(1);
      assert.equal(counts(pool), '2 creating, 3 waiting');
      const error = await failureOf(pool.acquire());
      assert.ok(error instanceof LineFullError);
      assert.equal(error.code, 'CORRAL_LINE_FULL');
      assert.equal(error.message, 'Cannot wait for pool as no more than 1 may wait: so many do already');
      (await first.join()).release();
      await third.join();
    });
    const none = world({ max: 1, maxWaiting: 0 }).pool;
    const lease = await none.acquire();
    assert.ok((await failureOf(none.acquire())) instanceof LineFullError);
    lease.release();
    await Promise.all([pool.close(), none.close()]);
  }),
);

// Making -------------------------------------------------------------------------------------------------------------

test(
  'create: a failure goes to the first in line, and the next one gets another try',
  virtually(async () => {
    let tries = 0;
    const pool = new Pool({
      async create() {
        await sleep(10);
        if (++tries <= 2) throw new Error(`try ${tries}`);
        return tries;
      },
      max: 1,
    });
    const results: unknown[] = [];
    await taskGroup((group) => {
      for (let n = 0; n < 4; n++) {
        group.spawn(async () => {
          results.push(await pool.use((made) => made).catch((error: unknown) => (error as Error).message));
        });
      }
    });
    assert.deepEqual(results, ['try 1', 'try 2', 3, 3]);
    await pool.close();
  }),
);

test(
  'create: a failure with nobody in line is reported',
  virtually(async () => {
    const error = new Error('refused');
    const errors = await reported(async () => {
      const pool = new Pool({ create: () => sleep(10).then(() => Promise.reject(error)) });
      assert.equal((await moveOnAfter(5, () => pool.acquire())).timedOut, true);
      await sleep(10);
      assert.equal(counts(pool), '');
      await pool.close();
    });
    assert.deepEqual(errors, [error]);
  }),
);

test(
  'create: one that takes too long is cancelled, and the borrower gets a TimeoutError',
  virtually(async (clock) => {
    const pool = new Pool({ create: () => sleepForever(), createTimeoutMs: 50 });
    assert.ok((await failureOf(pool.acquire())) instanceof TimeoutError);
    assert.equal(clock.now(), 50);
    await pool.close();
  }),
);

test(
  'create: one that cancels itself is an ordinary error to the borrower',
  virtually(async () => {
    const pool = new Pool({
      create: async (scope): Promise<number> => {
        scope.cancel();
        await scope.sleep(1);
        return 1;
      },
    });
    await assert.rejects(pool.acquire(), { name: 'TaskCancelledError' });
    await pool.close();
  }),
);

test(
  'create: one that throws at once, and one that asks its own pool, do no harm',
  virtually(async () => {
    const error = new Error('at once');
    const failing = new Pool({
      create: (): number => {
        throw error;
      },
    });
    assert.equal(await failureOf(failing.acquire()), error);
    await failing.close();
    const nested: Pool<number> = new Pool<number>({
      create: async (scope) => {
        const result = await nested.acquire({ timeoutMs: 5, scope }).catch(() => undefined);
        return result ? 2 : 1;
      },
      max: 1,
    });
    await taskGroup(async (group) => {
      const waiting = group.spawn(() => failureOf(nested.acquire({ timeoutMs: 3 })));
      assert.ok((await waiting.join()) instanceof TimeoutError);
    });
    await sleep(10);
    assert.equal(counts(nested), '1 idle');
    await nested.close();
  }),
);

test('Pool: create, validate and destroy run in the scope and context of no borrower', async () => {
  const foreign = new AsyncLocalStorage<string>();
  const variable = new ContextVariable<string>({ name: 'request' });
  const seen: unknown[] = [];
  const look = (what: string) => (): true => {
    seen.push([what, variable.get(), foreign.getStore(), currentScope()?.parent?.name]);
    return true;
  };
  const pool = new Pool<object>({
    create: async () => {
      look('create')();
      await sleep(1);
      look('created')();
      return {};
    },
    validate: look('validate'),
    destroy: look('destroy'),
    name: 'own',
  });
  await run(async () => {
    const request = (id: string, body: () => Promise<void>): Promise<void> =>
      foreign.run(id, () => variable.run(id, body));
    await request('request 1', async () => {
      using _lease = await pool.acquire();
      assert.equal(variable.get(), 'request 1');
    });
    await request('request 2', async () => {
      const lease = await pool.acquire();
      assert.equal(variable.get(), 'request 2');
      lease.destroy();
    });
  });
  await pool.close();
  assert.deepEqual(seen, [
    ['create', undefined, undefined, 'own'],
    ['created', undefined, undefined, 'own'],
    ['validate', undefined, undefined, 'own'],
    ['destroy', undefined, undefined, 'own'],
  ]);
});

// Checking -----------------------------------------------------------------------------------------------------------

test(
  'validate: the borrower never sees a broken one: it is destroyed and replaced',
  virtually(async () => {
    const { pool, things, trace } = world({
      max: 1,
      validate: (thing) => sleep(5).then(() => !thing.broken),
    });
    await pool.use((thing) => (thing.broken = true));
    assert.equal(await pool.use((thing) => thing.id), 1);
    assert.equal(await pool.use((thing) => thing.id), 1);
    assert.equal(things[0]?.destroyed, 1);
    assert.deepEqual(trace, ['made 0', 'destroyed 0', 'made 1']);
    await pool.close();
  }),
);

test(
  'validate: throwing, taking too long or hanging counts as broken, and destroy is told why',
  virtually(async () => {
    const told: unknown[] = [];
    const error = new Error('ping failed');
    const answers = [() => Promise.reject(error), () => sleepForever(), () => true];
    let made = 0;
    const pool = new Pool({
      create: () => ++made,
      validate: () => (answers.shift() as () => boolean | Promise<boolean>)(),
      destroy: (_n, why) => void told.push(why),
      validateTimeoutMs: 20,
    });
    for (const expected of [1, 2, 3, 3]) assert.equal(await pool.use((n) => n), expected);
    assert.equal(told[0], error);
    assert.ok(told[1] instanceof TimeoutError);
    await pool.close();
  }),
);

test(
  'validate: one that was given back while others wait is checked for the first of them',
  virtually(async () => {
    const { pool } = world({ max: 1, validate: (thing) => !thing.broken });
    const lease = await pool.acquire();
    await taskGroup(async (group) => {
      const ids: number[] = [];
      for (let n = 0; n < 2; n++) group.spawn(() => pool.use((thing) => ids.push(thing.id)));
      await sleep(1);
      lease.value.broken = true;
      lease.release();
      await sleep(1);
      assert.deepEqual(ids, [1, 1]);
    });
    await pool.close();
  }),
);

test(
  'validate: one that passes when its borrower has gone becomes idle again',
  virtually(async () => {
    const { pool } = world({ validate: () => sleep(20).then(() => true) });
    await pool.use(() => {});
    assert.equal((await moveOnAfter(5, () => pool.acquire())).timedOut, true);
    assert.equal(counts(pool), '1 validating');
    await sleep(30);
    assert.equal(counts(pool), '1 idle');
    await pool.close();
  }),
);

// Age ----------------------------------------------------------------------------------------------------------------

test(
  'idleMs: what nobody uses is destroyed, down to min',
  virtually(async () => {
    const { pool, trace } = world({ idleMs: 100, min: 1 });
    const leases = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
    leases[0]?.release();
    await sleep(50);
    leases[1]?.release();
    leases[2]?.release();
    await sleep(60);
    assert.deepEqual(trace.slice(3), ['destroyed 0']);
    await sleep(1_000);
    assert.deepEqual(trace.slice(3), ['destroyed 0', 'destroyed 1']);
    assert.equal(counts(pool), '1 idle');
    await pool.close();
  }),
);

test(
  'lifetimeMs: what is too old is destroyed when it is idle or given back, and never while it is borrowed',
  virtually(async () => {
    const { pool, trace, things } = world({ lifetimeMs: 100 });
    const one = await pool.acquire();
    const two = await pool.acquire();
    two.release();
    await sleep(150);
    assert.deepEqual(trace.slice(2), ['destroyed 1']);
    assert.equal(things[0]?.destroyed, 0);
    one.release();
    await sleep(1);
    assert.deepEqual(trace.slice(2), ['destroyed 1', 'destroyed 0']);
    assert.equal(counts(pool), '');
    await pool.close();
  }),
);

test(
  'min: is filled when the first borrower comes, and again when one is destroyed',
  virtually(async () => {
    const { pool, trace } = world({ min: 2, createMs: 5 });
    await sleep(50);
    assert.equal(counts(pool), '');
    const lease = await pool.acquire();
    assert.equal(counts(pool), '1 idle, 1 borrowed');
    lease.destroy();
    await sleep(10);
    assert.equal(counts(pool), '2 idle');
    await pool.close();
    assert.equal(trace.filter((line) => line.startsWith('destroyed')).length, 3);
  }),
);

test(
  'min: what cannot be made is reported and tried again a second later',
  virtually(async () => {
    let up = false;
    let tries = 0;
    const error = new Error('down');
    const errors = await reported(async () => {
      const pool = new Pool({
        create: () => {
          tries++;
          if (!up) throw error;
          return tries;
        },
        min: 1,
      });
      assert.equal(await failureOf(pool.acquire()), error);
      assert.equal(tries, 2); // for the borrower, and then to keep min
      await sleep(500);
      assert.equal(tries, 2);
      up = true;
      await sleep(600);
      assert.equal(counts(pool), '1 idle');
      await pool.close();
    });
    assert.deepEqual(errors, [error]);
  }),
);

// Closing ------------------------------------------------------------------------------------------------------------

test(
  'close: refuses who waits and who comes, waits for what is lent, and destroys each once',
  virtually(async (clock) => {
    const { pool, things } = world({ max: 2, destroyMs: 5 });
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    two.release();
    const three = await pool.acquire();
    await taskGroup(async (group) => {
      const waiting = group.spawn(() => failureOf(pool.acquire()));
      await sleep(1);
      group.spawn(() => pool.close());
      group.spawn(() => pool.close());
      assert.ok((await waiting.join()) instanceof ClosedResourceError);
      const error = await failureOf(pool.acquire());
      assert.ok(error instanceof ClosedResourceError);
      assert.match(error.message, /^Cannot acquire from pool as it must not be closed/);
      await sleep(50);
      assert.equal(counts(pool), '2 borrowed');
      one.release();
      three.destroy();
    });
    assert.equal(clock.now(), 56);
    assert.deepEqual(
      things.map((thing) => thing.destroyed),
      [1, 1],
    );
    assert.equal(pool.snapshot().closed, true);
    await pool.close();
    await pool[Symbol.asyncDispose]();
  }),
);

test(
  'close: after drainMs what is lent is destroyed too, and the lease is void',
  virtually(async (clock) => {
    const { pool, things } = world({ drainMs: 100 });
    const lease = await pool.acquire();
    const error = await failureOf(pool.close());
    assert.ok(error instanceof TimeoutError);
    assert.equal(error.message, 'Timed out after 100 ms in close pool');
    assert.equal(clock.now(), 100);
    assert.equal(things[0]?.destroyed, 1);
    lease.release();
    lease.destroy();
    assert.equal(things[0]?.destroyed, 1);
  }),
);

test(
  'close: throws what destroy throws, the first with the others attached',
  virtually(async () => {
    let n = 0;
    const pool = new Pool({ create: () => ++n, destroy: (id) => Promise.reject(new Error(`destroy ${id}`)) });
    const leases = [await pool.acquire(), await pool.acquire()];
    for (const lease of leases) lease.release();
    const error = (await failureOf(pool.close())) as Error & Record<symbol, Error[]>;
    assert.equal(error.message, 'destroy 1');
    assert.deepEqual(
      error[Symbol.for('corral.suppressed')]?.map(({ message }) => message),
      ['destroy 2'],
    );
  }),
);

test(
  'destroy: what it throws while the pool is open is reported, and its place is free',
  virtually(async () => {
    const error = new Error('destroy');
    const errors = await reported(async () => {
      let failing = true;
      const pool = new Pool({ create: () => 1, destroy: () => (failing ? Promise.reject(error) : undefined), max: 1 });
      await pool.use((_one, lease) => lease.destroy());
      await pool.use(() => {});
      failing = false;
      await pool.close();
    });
    assert.deepEqual(errors, [error]);
  }),
);

test(
  'destroy: one that does not end is given up after its time',
  virtually(async (clock) => {
    const pool = new Pool({ create: () => 1, destroy: () => sleepForever(), destroyTimeoutMs: 30 });
    await pool.use(() => {});
    assert.ok((await failureOf(pool.close())) instanceof TimeoutError);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'close: cancels what is being made; what is made in spite of that is destroyed',
  virtually(async (clock) => {
    const { pool } = world({ createMs: 1_000 });
    assert.equal((await moveOnAfter(5, () => pool.acquire())).timedOut, true);
    await pool.close();
    assert.equal(clock.now(), 5);
    const ready = pledge<number>();
    const destroyed: number[] = [];
    const stubborn = new Pool({ create: () => ready.promise, destroy: (n) => void destroyed.push(n) });
    await withScope(async (scope) => {
      const waiting = stubborn.acquire();
      scope.cancel();
      assert.ok(isCancelled(await failureOf(waiting)));
    });
    const closing = stubborn.close();
    ready.resolve(7);
    await closing;
    assert.deepEqual(destroyed, [7]);
  }),
);

test(
  'close: is not cut off by a cancellation',
  virtually(async (clock) => {
    const { pool, things } = world({ destroyMs: 20 });
    await pool.use(() => {});
    await withScope(async (scope) => {
      scope.cancel();
      await pool.close();
    });
    assert.equal(things[0]?.destroyed, 1);
    assert.equal(clock.now(), 20);
  }),
);

test(
  'scope: a pool that belongs to a scope is closed with it, and what fails is thrown there',
  virtually(async () => {
    const error = new Error('destroy');
    const thrown = await failureOf(
      withScope(async (scope) => {
        const pool = new Pool({ create: () => 1, destroy: () => Promise.reject(error), scope });
        await pool.use(() => {});
      }),
    );
    assert.equal(thrown, error);
  }),
);

test(
  'scope: a pool whose scope is cancelled refuses who waits elsewhere, and cancels what is being made',
  virtually(async (clock) => {
    const told: unknown[] = [];
    await taskGroup(async (group) => {
      let made: ReturnType<typeof world> | undefined;
      group.spawn(() =>
        withScope(async (scope) => {
          made = world({ scope, max: 2, createMs: 10 });
          using _lease = await made.pool.acquire();
          await sleep(10);
          scope.cancel();
          await undefined; // closing begins in a microtask
        }),
      );
      await sleep(15);
      const { pool, things } = made as ReturnType<typeof world>;
      for (let n = 0; n < 2; n++) group.spawn(async () => told.push(await failureOf(pool.acquire())));
      await sleep(1);
      assert.equal(counts(pool), '1 borrowed, 1 creating, 2 waiting');
      await sleep(1_000);
      assert.equal(counts(pool), '');
      assert.deepEqual(
        things.map((thing) => thing.destroyed),
        [1],
      );
    });
    assert.equal(told.length, 2);
    assert.ok(told.every((error) => error instanceof ClosedResourceError));
    assert.ok(clock.now() > 1_000);
  }),
);

test('Pool: works outside every scope, before and after run()', async () => {
  const { pool, trace } = world();
  await pool.use(() => {});
  await run(() => pool.use((thing) => assert.equal(thing.id, 0)));
  await pool.close();
  assert.deepEqual(trace, ['made 0', 'destroyed 0']);
});

test(
  'Pool: what it makes out of something foreign holds a virtual clock, for who waits for it or for its end',
  virtually(async (clock) => {
    const foreign = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 10));
    const pool = new Pool({ create: foreign, destroy: foreign, validate: () => foreign().then(() => true) });
    await taskGroup((group) => {
      group.spawn(() => sleep(1_000));
      group.spawn(() => pool.use(() => assert.equal(clock.now(), 0)));
    });
    await pool.use(() => {});
    await pool.close();
    assert.equal(clock.now(), 1_000);
  }),
);

test('Pool: bad options are refused', async () => {
  const create = (): number => 1;
  for (const options of [
    { create: 5 },
    {},
    { create, destroy: 5 },
    { create, validate: true },
    { create, order: 'random' },
    { create, scope: 5 },
  ]) {
    assert.throws(() => new Pool(options as never), TypeError, JSON.stringify(options));
  }
  for (const options of [
    { max: 0 },
    { max: 1.5 },
    { max: Number.NaN },
    { min: -1 },
    { min: 3, max: 2 },
    { idleMs: 0 },
    { idleMs: Number.NaN },
    { lifetimeMs: -5 },
    { maxWaiting: -1 },
    { acquireTimeoutMs: '5' },
    { createTimeoutMs: 0 },
    { validateTimeoutMs: null },
    { destroyTimeoutMs: Number.NaN },
    { drainMs: -1 },
  ]) {
    assert.throws(() => new Pool({ create, ...options } as never), RangeError, JSON.stringify(options));
  }
  const pool = new Pool({ create });
  await assert.rejects(pool.acquire({ timeoutMs: 0 }), {
    name: 'RangeError',
    message: 'Cannot set timeoutMs of a pool as it takes a positive number of milliseconds: current value is 0',
  });
  await pool.close();
});

test(
  'Pool: disposes what is disposable unless it is told how to destroy',
  virtually(async () => {
    const trace: string[] = [];
    const of = (resource: object): Pool<object> => new Pool({ create: () => resource });
    const pools = [
      of({ [Symbol.dispose]: () => trace.push('sync') }),
      of({ [Symbol.asyncDispose]: () => sleep(1).then(() => trace.push('async')) }),
      of({}),
    ];
    for (const pool of pools) {
      await pool.use(() => {});
      await pool.close();
    }
    assert.deepEqual(trace, ['sync', 'async']);
  }),
);

test('Pool: a hundred thousand borrowers stand in line and leave it', async () => {
  const { pool } = world({ max: 2 });
  let served = 0;
  await withScope(async (scope) => {
    const leases = [await pool.acquire(), await pool.acquire()];
    const all: Promise<unknown>[] = [];
    for (let n = 0; n < 100_000; n++) all.push(pool.acquire().then((lease) => (served++, lease.release())));
    for (const lease of leases) lease.release();
    await Promise.all(all);
    leases.push(await pool.acquire(), await pool.acquire());
    for (let n = 0; n < 100_000; n++) void pool.acquire().catch(() => {});
    scope.cancel();
    for (const lease of leases) lease.release();
  });
  assert.equal(served, 100_000);
  assert.equal(counts(pool), '2 idle');
  await pool.close();
});
