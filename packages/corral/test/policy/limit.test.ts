import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  CallDroppedError,
  ContextVariable,
  createLimit,
  currentScope,
  debounce,
  gather,
  isCancelled,
  limit,
  moveOnAfter,
  shield,
  sleep,
  taskGroup,
  withScope,
  type Scope,
  type Task,
} from '../../src/index.ts';
import { failureOf, pledge, virtually } from '../core/virtually.ts';

test(
  'limit: at most n calls run at a time, first come first served, same arguments and results',
  virtually(async (clock) => {
    const trace: string[] = [];
    const work = limit(async (name: string, ms: number) => {
      trace.push(`${name} at ${clock.now()}`);
      await sleep(ms);
      return name.toUpperCase();
    }, 2);
    const results = await gather([() => work('a', 30), () => work('b', 10), () => work('c', 10), () => work('d', 1)]);
    assert.deepEqual(results, ['A', 'B', 'C', 'D']);
    assert.deepEqual(trace, ['a at 0', 'b at 0', 'c at 10', 'd at 20']);
  }),
);

test(
  'limit: a place is held until the work has ended, though its caller was cancelled',
  virtually(async (clock) => {
    const trace: string[] = [];
    const work = limit(async (name: string) => {
      trace.push(`${name}+ ${clock.now()}`);
      try {
        await sleep(100);
      } finally {
        await shield(() => sleep(50));
        trace.push(`${name}- ${clock.now()}`);
      }
    }, 1);
    await taskGroup((group) => {
      group.spawn(() => moveOnAfter(10, () => work('a')));
      group.spawn(() => work('b'));
    });
    assert.deepEqual(trace, ['a+ 0', 'a- 60', 'b+ 60', 'b- 210']);
    assert.equal(work.activeCount, 0);
  }),
);

test(
  'limit: whoever is cancelled while waiting leaves the line and its function is never called',
  virtually(async () => {
    const trace: string[] = [];
    const work = limit(async (name: string) => {
      trace.push(name);
      await sleep(10);
    }, 1);
    await taskGroup(async (group) => {
      group.spawn(() => work('a'));
      const second = group.spawn(() => work('b'));
      group.spawn(() => work('c'));
      await sleep(1);
      assert.equal(work.pendingCount, 2);
      second.cancel();
      assert.equal(work.pendingCount, 1);
    });
    assert.deepEqual(trace, ['a', 'c']);
  }),
);

test(
  'limit: cancelled in the instant of the hand-over it does not begin, and its place goes on to the next',
  virtually(async () => {
    const trace: string[] = [];
    const run = createLimit(1);
    await taskGroup(async (group) => {
      const waiting: Task<unknown>[] = [];
      // Ends in the very step in which the second is handed the place: before its function is called.
      const holder = group.spawn(() => run(() => sleep(10)));
      waiting.push(group.spawn(() => run(() => trace.push('second'))));
      waiting.push(group.spawn(() => run(() => trace.push('third'))));
      await sleep(5);
      const { activeCount } = run;
      await withScope(async () => {
        await sleep(5);
        while (run.pendingCount === 2) await null;
        waiting[0]?.cancel();
      });
      await holder.join();
      await waiting[1]?.join();
      assert.equal(activeCount, 1);
      assert.equal(waiting[0]?.state, 'cancelled');
    });
    assert.deepEqual(trace, ['third']);
    assert.equal(run.activeCount, 0);
  }),
);

test(
  'limit: in a cancelled scope the function is not called',
  virtually(async () => {
    let called = false;
    const work = limit(() => (called = true), 1);
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(work()), scope.reason);
    });
    assert.equal(called, false);
    assert.equal(work.activeCount, 0);
  }),
);

test('limit: a sync throw and a falsy rejection come out as they are and free the place', async () => {
  const run = createLimit(1);
  const sync = new Error('sync');
  assert.equal(
    await failureOf(
      run(() => {
        throw sync;
      }),
    ),
    sync,
  );
  for (const falsy of [undefined, null, 0, '']) assert.equal(await failureOf(run(() => Promise.reject(falsy))), falsy);
  assert.equal(await run(() => 5), 5);
  assert.equal(run.activeCount, 0);
});

test('limit: what is not awaited and cancelled in line is no unhandled rejection', async () => {
  const run = createLimit(1);
  const end = pledge();
  const holder = run(() => end.promise);
  await withScope((scope) => {
    void run(() => 1);
    scope.cancel();
  });
  void run(() => 1);
  run.clearQueue();
  end.resolve();
  await holder;
  await new Promise((resolve) => void setTimeout(resolve, 1));
});

test(
  'createLimit: clearQueue rejects what waits and leaves nothing pending',
  virtually(async () => {
    const run = createLimit(1, { name: 'api' });
    await taskGroup(async (group) => {
      group.spawn(() => run(() => sleep(10)));
      const cleared = group.spawn(() => failureOf(run(() => 'never')));
      await sleep(1);
      run.clearQueue();
      const error = await cleared.join();
      assert.ok(error instanceof CallDroppedError);
      assert.equal(error.code, 'CORRAL_CALL_DROPPED');
      assert.match(error.message, /api/);
      assert.equal(run.activeCount, 1);
    });
  }),
);

test(
  'createLimit: concurrency can be changed; growing begins what waits, shrinking waits',
  virtually(async (clock) => {
    const run = createLimit(1);
    const begun: number[] = [];
    await taskGroup(async (group) => {
      for (let n = 0; n < 6; n++) group.spawn(() => run(() => (begun.push(clock.now()), sleep(10))));
      await sleep(1);
      run.concurrency = 3;
      await sleep(1);
      run.concurrency = 1;
    });
    assert.deepEqual(begun, [0, 1, 1, 11, 21, 31]);
    assert.throws(() => (run.concurrency = 0), RangeError);
    assert.equal(run.concurrency, 1);
  }),
);

test('createLimit: functions run in the scope and context of their callers, that of others included', async () => {
  const run = createLimit(1);
  const variable = new ContextVariable<string>();
  const foreign = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  await taskGroup((group) => {
    for (const name of ['a', 'b', 'c']) {
      group.spawn((own) =>
        variable.run(name, () =>
          foreign.run(name, () =>
            run(async () => {
              await sleep(0);
              seen.push([variable.get(), foreign.getStore(), currentScope() === own]);
            }),
          ),
        ),
      );
    }
  });
  assert.deepEqual(
    seen,
    ['a', 'b', 'c'].map((name) => [name, name, true]),
  );
});

test(
  'createLimit: map keeps the order, shares the places, and a failure cancels and awaits the rest',
  virtually(async (clock) => {
    const run = createLimit(2);
    assert.deepEqual(await run.map([1, 2, 3], (n, index) => sleep(10).then(() => n * 10 + index)), [10, 21, 32]);
    assert.equal(clock.now(), 20);
    const trace: string[] = [];
    const boom = new Error('boom');
    const failure = await failureOf(
      run.map([1, 2, 3], async (n) => {
        try {
          await sleep(n);
          if (n === 1) throw boom;
          await sleep(100);
        } finally {
          trace.push(`${n} ended`);
        }
      }),
    );
    assert.equal(failure, boom);
    assert.deepEqual(trace.slice(0, 2), ['1 ended', '2 ended']);
    assert.equal(run.activeCount, 0);
  }),
);

test('limit: callIn takes the scope by hand and hands it on as this', async () => {
  await withScope(async (scope) => {
    const work = limit(function (this: Scope | undefined, n: number) {
      return [this, n] as const;
    }, 1);
    assert.deepEqual(await work.callIn(scope, 1), [scope, 1]);
    const run = createLimit(1);
    scope.cancel();
    assert.ok(isCancelled(await failureOf(run.callIn(scope, () => 1))));
  });
  await assert.rejects(
    createLimit(1).callIn(5 as never, () => 1),
    TypeError,
  );
});

test('limit: misuse is refused', async () => {
  for (const bad of [0, -1, 1.5, Number.NaN, '2']) {
    assert.throws(() => limit(() => 1, bad as never), RangeError);
    assert.throws(() => createLimit(bad as never), RangeError);
  }
  assert.throws(() => limit(5 as never, 1), TypeError);
  await assert.rejects(createLimit(1)(5 as never), TypeError);
  await assert.rejects(createLimit(1).map([1], undefined as never), /^TypeError: Cannot map through limit/);
});

test('limit: has the name it was given, or that of its function', () => {
  const fetchPage = (): number => 1;
  assert.equal(limit(fetchPage, 1).name, 'fetchPage');
  const pages = limit(fetchPage, 1, { name: 'pages' });
  assert.equal(pages.name, 'pages');
  assert.deepEqual(pages.snapshot(), { name: 'pages', concurrency: 1, running: 0, waiting: 0 });
});

test('limit: 100,000 in line are cancelled at once, and the line is empty', async () => {
  const run = createLimit(1);
  const end = pledge();
  const holder = run(() => end.promise);
  await withScope(async (scope) => {
    const waits: Promise<unknown>[] = [];
    for (let n = 0; n < 100_000; n++) waits.push(run(() => n));
    assert.equal(run.pendingCount, 100_000);
    scope.cancel();
    assert.equal(run.pendingCount, 0);
    await Promise.allSettled(waits);
  });
  end.resolve();
  await holder;
});

test('limit: a loop over calls that never wait does not starve timers, whether they return or throw', async () => {
  const run = createLimit(1);
  const fail = (): never => {
    throw new Error('sync');
  };
  for (const fn of [() => 1, fail, () => Promise.reject(new Error('async'))]) {
    let fired = false;
    setTimeout(() => (fired = true), 1);
    while (!fired) await run(fn).catch(() => {});
  }
});

// JavaScriptCore names no callers beyond an await.
test('limit: the stack of an error leads to the caller', { skip: 'Bun' in globalThis }, async () => {
  const run = createLimit(1);
  async function failing(): Promise<never> {
    await sleep(1);
    throw new Error('deep');
  }
  async function theCaller(): Promise<unknown> {
    return await run(failing);
  }
  const error = (await failureOf(theCaller())) as Error;
  assert.match(error.stack ?? '', /theCaller/);
});

type Step = { readonly kind: 'call'; readonly ms: number; readonly cancelAfter: number | undefined };

test('limit: no place is lost or given twice, whatever is cancelled when', async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constant('call'),
    ms: fc.integer({ min: 0, max: 4 }),
    cancelAfter: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
  });
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: 20 }),
    fc.integer({ min: 1, max: 3 }),
    async (steps, concurrency) => {
      await virtually(async () => {
        const run = createLimit(concurrency);
        let running = 0;
        let most = 0;
        let completed = 0;
        const work = async (ms: number): Promise<void> => {
          most = Math.max(most, ++running);
          try {
            await sleep(ms);
            completed++;
          } finally {
            await shield(() => sleep(1));
            running--;
          }
        };
        await taskGroup(async (group) => {
          for (const { ms, cancelAfter } of steps) {
            const task = group.spawn(() => run(work, ms));
            if (cancelAfter !== undefined) group.spawn(() => sleep(cancelAfter).then(() => task.cancel()));
          }
        });
        assert.ok(most <= concurrency);
        assert.equal(run.activeCount, 0);
        assert.equal(run.pendingCount, 0);
        assert.ok(completed >= steps.filter((each) => each.cancelAfter === undefined).length);
      })();
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test(
  'createLimit, debounce: each call that is dropped gets an error of its own, to which its group may attach others',
  virtually(async () => {
    const run = createLimit(1);
    const save = debounce(async () => {}, { waitMs: 10 });
    const first = run(() => sleep(10));
    const dropped = [run(async () => {}), run(async () => {}), save(), save()].map((call) => failureOf(call));
    run.clearQueue();
    save.cancel();
    const errors = await Promise.all(dropped);
    assert.ok(errors.every((error) => error instanceof CallDroppedError));
    assert.equal(new Set(errors).size, 4);
    await first;
  }),
);
