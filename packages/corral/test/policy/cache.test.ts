import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  TaskCancelledError,
  cache,
  gather,
  moveOnAfter,
  run,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

/** A function that counts its runs and takes some time. */
function counter(ms = 10): { runs: string[]; load: (this: Scope, key: string) => Promise<string> } {
  const runs: string[] = [];
  const load = async (key: string): Promise<string> => {
    runs.push(key);
    const value = `${key}${runs.length}`;
    await sleep(ms);
    return value;
  };
  return { runs, load };
}

test(
  'cache: a value is fetched once for all who ask meanwhile, and kept for later ones',
  virtually(async () => {
    const { runs, load } = counter();
    const get = cache(load, { name: 'users' });
    assert.deepEqual(await gather([() => get('a'), () => get('a')]), ['a1', 'a1']);
    assert.equal(await get('a'), 'a1');
    assert.equal(await get('b'), 'b2');
    assert.deepEqual(runs, ['a', 'b']);
    assert.deepEqual(get.snapshot(), {
      name: 'users',
      size: 2,
      max: 1_000,
      running: 0,
      hits: 1,
      staleHits: 0,
      misses: 3,
    });
  }),
);

test(
  'cache: a value is fresh for ttlMs from its arrival, and not at the end of it',
  virtually(async (clock) => {
    const { load } = counter(10);
    const get = cache(load, { ttlMs: 100 });
    assert.equal(await get('a'), 'a1');
    await sleep(99);
    assert.equal(get.has('a'), true);
    assert.equal(await get('a'), 'a1');
    await sleep(1);
    assert.equal(clock.now(), 110);
    assert.equal(get.has('a'), false);
    assert.equal(await get('a'), 'a2');
  }),
);

test(
  'cache: with ttlMs 0 only concurrent calls share',
  virtually(async () => {
    const { load } = counter();
    const get = cache(load, { ttlMs: 0 });
    assert.deepEqual(await gather([() => get('a'), () => get('a')]), ['a1', 'a1']);
    assert.equal(await get('a'), 'a2');
  }),
);

test(
  'cache: keeps at most max results; what was used longest ago goes first',
  virtually(async () => {
    const { load } = counter(0);
    const get = cache(load, { max: 2 });
    for (const key of ['a', 'b', 'a', 'c']) await get(key);
    assert.deepEqual([get.has('a'), get.has('b'), get.has('c')], [true, false, true]);
    assert.equal(get.snapshot().size, 2);
  }),
);

test(
  'cache: errors are not kept, and are the same object for all who waited',
  virtually(async () => {
    let runs = 0;
    const get = cache(async (_key: string) => {
      await sleep(1);
      throw new Error(`failure ${++runs}`);
    });
    const [one, same] = await gather([() => failureOf(get('a')), () => failureOf(get('a'))]);
    assert.equal(one, same);
    assert.equal(((await failureOf(get('a'))) as Error).message, 'failure 2');
    assert.equal(get.snapshot().size, 0);
  }),
);

test(
  'cache: negativeTtlMs keeps errors, falsy ones included, for so long',
  virtually(async () => {
    let runs = 0;
    const get = cache(
      (_key: string) => {
        runs++;
        return Promise.reject(undefined);
      },
      { negativeTtlMs: 50 },
    );
    for (let n = 0; n < 3; n++) assert.equal(await failureOf(get('a')), undefined);
    assert.equal(runs, 1);
    await sleep(50);
    assert.equal(await failureOf(get('a')), undefined);
    assert.equal(runs, 2);
  }),
);

test(
  'cache: a cancellation is never kept',
  virtually(async () => {
    let runs = 0;
    const get = cache(
      async function (this: Scope, _key: string) {
        if (++runs === 1) this.cancel();
        await sleep(10);
        return runs;
      },
      { negativeTtlMs: 1_000 },
    );
    assert.ok((await failureOf(get('a'))) instanceof TaskCancelledError);
    await moveOnAfter(5, () => get('a'));
    assert.equal(await get('a'), 3);
  }),
);

test(
  'cache: a stale value is returned at once while one run fetches the next',
  virtually(async (clock) => {
    const { runs, load } = counter();
    const get = cache(load, { ttlMs: 100, staleWhileRevalidateMs: 100 });
    await get('a');
    await sleep(100);
    assert.deepEqual(await gather([() => get('a'), () => get('a')]), ['a1', 'a1']);
    assert.equal(clock.now(), 110);
    await sleep(11);
    assert.equal(await get('a'), 'a2');
    assert.equal(runs.length, 2);
    assert.equal(get.snapshot().staleHits, 2);
    await sleep(200);
    assert.equal(get.has('a'), false);
    assert.equal(await get('a'), 'a3');
  }),
);

test(
  'cache: a background refresh survives the caller that found the value stale',
  virtually(async () => {
    const { load } = counter();
    const get = cache(load, { ttlMs: 100, staleWhileRevalidateMs: 100 });
    await get('a');
    await sleep(100);
    await withScope(() => get('a'));
    await sleep(11);
    assert.equal(await get('a'), 'a2');
  }),
);

test('cache: a background refresh that fails is reported, and the old value stays', async () => {
  const boom = new Error('boom');
  const reported: unknown[] = [];
  let fail = false;
  await run(
    async () => {
      const get = cache(
        async (_key: string) => {
          if (fail) throw boom;
          return 'old';
        },
        { ttlMs: 0, staleWhileRevalidateMs: 60_000 },
      );
      await get('a');
      fail = true;
      assert.equal(await get('a'), 'old');
      await sleep(1);
      assert.equal(await get('a'), 'old');
    },
    { signals: false, onError: (error: unknown) => void reported.push(error) },
  );
  assert.ok(reported.length >= 1);
  assert.ok(reported.every((error) => error === boom));
});

test('cache: where nobody can own a background refresh the caller waits for it', async () => {
  let runs = 0;
  const get = cache(
    async (_key: string) => {
      await sleep(0);
      return ++runs;
    },
    { ttlMs: 0, staleWhileRevalidateMs: 60_000 },
  );
  assert.equal(await withScope(() => get('a')), 1);
  assert.equal(await withScope(() => get('a')), 2);
  // A group that is given owns it.
  await taskGroup(async (group) => {
    const owned = cache(async (_key: string) => ++runs, { ttlMs: 0, staleWhileRevalidateMs: 60_000, group });
    assert.equal(await owned('a'), 3);
    assert.equal(await owned('a'), 3);
    await sleep(0);
    assert.equal(await owned('a'), 4);
  });
});

test(
  'cache: a run that was begun before its key was deleted leaves the cache alone',
  virtually(async () => {
    const { runs, load } = counter();
    const get = cache(load);
    await taskGroup(async (group) => {
      const before = group.spawn(() => get('a'));
      await sleep(5);
      assert.equal(get.delete('a'), true);
      const after = group.spawn(() => get('a'));
      await sleep(6);
      assert.equal(await before.join(), 'a1');
      assert.equal(get.has('a'), false);
      assert.equal(await after.join(), 'a2');
      assert.equal(await get('a'), 'a2');
    });
    assert.equal(runs.length, 2);
    assert.equal(get.delete('nothing'), false);
  }),
);

test(
  'cache: what was set while a run was under way is not overwritten by it',
  virtually(async () => {
    const { load } = counter();
    const get = cache(load);
    await taskGroup(async (group) => {
      group.spawn(() => get('a'));
      group.spawn(() => get('b'));
      await sleep(5);
      get.set('a', 'by hand');
      get.clear();
      get.set('a', 'by hand');
    });
    assert.equal(await get('a'), 'by hand');
    assert.equal(get.has('b'), false);
  }),
);

test(
  'cache: refresh fetches although there is a value, and a failed one keeps it',
  virtually(async () => {
    let next: string | Error = 'one';
    const get = cache(async (_key: string) => {
      await sleep(1);
      if (next instanceof Error) throw next;
      return next;
    });
    await get('a');
    next = 'two';
    assert.equal(await get.refresh('a'), 'two');
    assert.equal(await get('a'), 'two');
    next = new Error('boom');
    assert.equal(await failureOf(get.refresh('a')), next);
    assert.equal(await get('a'), 'two');
    await withScope(async (scope) => {
      next = 'three';
      assert.equal(await get.refreshIn(scope, 'a'), 'three');
      scope.cancel();
      assert.equal(await failureOf(get.refreshIn(scope, 'a')), scope.reason);
      assert.equal(await failureOf(get('a')), scope.reason);
    });
  }),
);

test(
  'cache: one caller of a miss times out, the others get the value',
  virtually(async () => {
    const { runs, load } = counter(20);
    const get = cache(load);
    const [late, value] = await gather([() => failureOf(timeout(5, () => get('a'))), () => get('a')]);
    assert.equal((late as Error).name, 'TimeoutError');
    assert.equal(value, 'a1');
    assert.equal(runs.length, 1);
  }),
);

test(
  'cache: a run that nobody waits for any more is cancelled and keeps nothing',
  virtually(async () => {
    const get = cache(async (_key: string) => {
      try {
        await sleepForever();
      } finally {
        await shield(() => sleep(1));
      }
    });
    await moveOnAfter(5, () => get('a'));
    assert.equal(get.snapshot().size, 0);
    assert.equal(get.snapshot().running, 0);
  }),
);

test(
  'cache: undefined is a value like any other',
  virtually(async () => {
    let runs = 0;
    const get = cache((_key: string): undefined => void runs++);
    assert.equal(await get('a'), undefined);
    assert.equal(await get('a'), undefined);
    assert.equal(runs, 1);
  }),
);

test('cache: misuse is refused', () => {
  const fn = (): number => 1;
  assert.throws(() => cache(5 as never), TypeError);
  assert.throws(() => cache(fn, 60_000 as never), TypeError);
  assert.throws(() => cache(fn, { key: 5 as never }), TypeError);
  for (const max of [0, -1, 1.5, Number.NaN]) assert.throws(() => cache(fn, { max }), RangeError);
  for (const ms of [-1, Number.NaN, '5' as never]) {
    assert.throws(() => cache(fn, { ttlMs: ms }), RangeError);
    assert.throws(() => cache(fn, { staleWhileRevalidateMs: ms }), RangeError);
    assert.throws(() => cache(fn, { negativeTtlMs: ms }), RangeError);
  }
});

type Step = readonly ['get' | 'delete' | 'set', string] | readonly ['wait', number];

test('cache: agrees with a plain model of age and use', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.tuple(fc.constantFrom('get' as const, 'delete' as const, 'set' as const), key),
    fc.tuple(fc.constant('wait' as const), fc.integer({ min: 1, max: 60 })),
  );
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    await virtually(async (clock) => {
      let made = 0;
      const get = cache((_key: string) => ++made, { ttlMs: 50, max: 2 });
      let model: { key: string; value: number; at: number }[] = [];
      for (const [what, which] of steps) {
        if (what === 'wait') await sleep(which);
        else if (what === 'delete') {
          get.delete(which);
          model = model.filter((entry) => entry.key !== which);
        } else {
          const known = model.find((entry) => entry.key === which && clock.now() - entry.at < 50);
          model = model.filter((entry) => entry.key !== which);
          if (what === 'set') get.set(which, ++made);
          const fresh = what === 'set' || !known;
          const entry = fresh ? { key: which, value: what === 'set' ? made : made + 1, at: clock.now() } : known;
          model = [...model, entry].slice(-2);
          if (what === 'get') assert.equal(await get(which), entry.value);
        }
      }
    })();
  });
  await fc.assert(property, { numRuns: 60 });
});
