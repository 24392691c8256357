import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import {
  CallDroppedError,
  ContextVariable,
  ScopeClosedError,
  debounce,
  gather,
  moveOnAfter,
  now,
  shield,
  sleep,
  taskGroup,
  throttle,
  withScope,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

/** Calls at these times; says what each call gave. */
function callAt(fn: (n: number) => Promise<unknown>, times: readonly number[]): Promise<unknown[]> {
  return Promise.all(times.map((at, index) => sleep(at).then(() => fn(index))));
}

test(
  'debounce: calls in quick succession are one run, with the last arguments, after a pause',
  virtually(async (clock) => {
    const save = debounce(async (n: number) => `${n} at ${clock.now()}`, { waitMs: 100 });
    assert.deepEqual(await callAt(save, [0, 50, 149, 300]), ['2 at 249', '2 at 249', '2 at 249', '3 at 400']);
  }),
);

test(
  'debounce: maxWaitMs ends a burst that never pauses',
  virtually(async (clock) => {
    const save = debounce(async (n: number) => `${n} at ${clock.now()}`, { waitMs: 100, maxWaitMs: 150 });
    const results = await callAt(save, [0, 80, 140, 160, 400]);
    assert.deepEqual(results, ['2 at 150', '2 at 150', '2 at 150', '3 at 260', '4 at 500']);
  }),
);

test(
  'debounce: leading runs the first call at once, trailing the later ones after a pause',
  virtually(async (clock) => {
    const both = debounce(async (n: number) => `${n} at ${clock.now()}`, { waitMs: 100, leading: true });
    assert.deepEqual(await callAt(both, [0, 50, 60, 300]), ['0 at 0', '2 at 160', '2 at 160', '3 at 300']);
  }),
);

test(
  'debounce: leading without trailing gives later calls what the first one gave',
  virtually(async (clock) => {
    const first = debounce(async (n: number) => `${n} at ${clock.now()}`, {
      waitMs: 100,
      leading: true,
      trailing: false,
    });
    assert.deepEqual(await callAt(first, [0, 50, 140, 300]), ['0 at 0', '0 at 0', '0 at 0', '3 at 300']);
  }),
);

test(
  'debounce: leading without trailing, a first run that was cut off is not what later calls get',
  virtually(async () => {
    const first = debounce((n: number) => sleep(50).then(() => n), { waitMs: 100, leading: true, trailing: false });
    await moveOnAfter(10, () => first(1));
    assert.equal(await first(2), 2);
  }),
);

test(
  'debounce: a cancelled caller withdraws; the run uses the arguments of the last who still waits',
  virtually(async () => {
    const variable = new ContextVariable<string>();
    const save = debounce(async (n: number) => [n, variable.get()], { waitMs: 100 });
    await taskGroup(async (group) => {
      const one = group.spawn(() => variable.run('one', () => save(1)));
      const two = group.spawn(() => variable.run('two', () => save(2)));
      await sleep(10);
      two.cancel();
      assert.deepEqual(await one.join(), [1, 'one']);
    });
  }),
);

test(
  'debounce: when all callers have left nothing runs and no timer is left',
  virtually(async (clock) => {
    const save = debounce(() => assert.fail('called'), { waitMs: 100 });
    await moveOnAfter(10, () => gather([() => save(), () => save()]));
    assert.equal(save.pending, false);
    assert.equal(clock.now(), 10);
    await sleep(1_000);
  }),
);

test(
  'debounce: a last caller that leaves in the very step in which the run is due is not run for',
  virtually(async (clock) => {
    const save = debounce(() => assert.fail('called'), { waitMs: 100 });
    assert.deepEqual(await moveOnAfter(100, () => save()), { timedOut: true });
    assert.equal(clock.now(), 100);
    assert.deepEqual(save.snapshot(), { name: 'debounce', pending: false, waiting: 0, runs: 0 });
  }),
);

test(
  'debounce: a run that began in the very step in which its last caller leaves is cancelled and awaited',
  virtually(async (clock) => {
    let ended = 0;
    const save = debounce(
      async () => {
        try {
          await sleep(50);
        } finally {
          await shield(() => sleep(5));
          ended = clock.now();
        }
      },
      { waitMs: 100 },
    );
    await taskGroup(async (group) => {
      const task = group.spawn(() => save());
      await sleep(0);
      await sleep(100);
      task.cancel();
    });
    assert.equal(ended, 105);
  }),
);

test(
  'debounce: a call that is not awaited ends with its scope',
  virtually(async () => {
    const save = debounce(() => assert.fail('called'), { waitMs: 100 });
    let forgotten: Promise<never> | undefined;
    await withScope(() => void (forgotten = save()));
    assert.ok((await failureOf(forgotten as Promise<never>)) instanceof ScopeClosedError);
    await sleep(200);
  }),
);

test(
  'debounce: with a group the run takes place though the caller has left, with the last arguments',
  virtually(async (clock) => {
    const runs: string[] = [];
    await taskGroup(async (group) => {
      const save = debounce(async (n: number) => void runs.push(`${n} at ${clock.now()}`), { waitMs: 100, group });
      await withScope(() => {
        void save(1).catch(() => {});
        void save(2).catch(() => {});
      });
      await moveOnAfter(10, () => save(3));
      runs.push(`body ended at ${clock.now()}`);
    });
    assert.deepEqual(runs, ['body ended at 10', '3 at 100']);
  }),
);

test(
  'debounce: a group that has no place free at first wants what the last caller asked for all the same',
  virtually(async () => {
    const saved: number[] = [];
    await taskGroup(
      async (group) => {
        const save = debounce(async (n: number) => saved.push(n), { waitMs: 10, group });
        group.spawn(() => sleep(5));
        await sleep(1);
        await gather([() => save(1), () => sleep(1).then(() => save(2))]);
      },
      { concurrency: 1 },
    );
    assert.deepEqual(saved, [2]);
  }),
);

test(
  'debounce: with a group that has no place free the run waits for one, though all callers have left',
  virtually(async (clock) => {
    const saved: [number, number][] = [];
    await taskGroup(
      async (group) => {
        const save = debounce(async (n: number) => saved.push([n, clock.now()]), { waitMs: 10, group });
        group.spawn(() => sleep(30));
        await sleep(1);
        await withScope(() => void save(1).catch(() => {}));
        await sleep(1);
        await withScope(() => void save(2).catch(() => {}));
      },
      { concurrency: 1 },
    );
    assert.deepEqual(saved, [[2, 30]]);
  }),
);

test(
  'debounce: a group that is cancelled before it has a place free does not run what only it wanted',
  virtually(async () => {
    const saved: number[] = [];
    await taskGroup(
      async (group) => {
        const save = debounce(async (n: number) => saved.push(n), { waitMs: 10, group });
        group.spawn(() => sleep(30));
        await sleep(1);
        await withScope(() => void save(1).catch(() => {}));
        await sleep(15);
        assert.equal(save.pending, false);
        group.cancel();
      },
      { concurrency: 1 },
    );
    assert.deepEqual(saved, []);
  }),
);

test(
  'debounce: the run has the async context of its last caller, whoever flushes it',
  virtually(async () => {
    const request = new AsyncLocalStorage<string>();
    const save = debounce(async (_n: number) => request.getStore(), { waitMs: 10 });
    const both = (): Promise<unknown[]> =>
      gather([() => request.run('one', () => save(1)), () => request.run('two', () => save(2))]);
    assert.deepEqual(await both(), ['two', 'two']);
    const flush = (): Promise<boolean> => request.run('flush', () => sleep(1).then(() => save.flush()));
    assert.deepEqual((await gather([both, flush]))[0], ['two', 'two']);
  }),
);

test(
  'debounce: dropped on purpose, a run fails nobody but those who wait for it',
  virtually(async () => {
    await taskGroup(async (group) => {
      const save = debounce(() => assert.fail('called'), { waitMs: 100, group });
      const caller = group.spawn(() => failureOf(save()));
      await sleep(1);
      save.cancel();
      assert.ok((await caller.join()) instanceof CallDroppedError);
      await withScope(() => void save().catch(() => {}));
      save.cancel();
    });
  }),
);

test(
  'debounce: the group gets the error of a run that no caller waits for',
  virtually(async () => {
    const boom = new Error('boom');
    const failure = await failureOf(
      taskGroup(async (group) => {
        const save = debounce(() => Promise.reject(boom), { waitMs: 100, group });
        await moveOnAfter(10, () => save());
      }),
    );
    assert.equal(failure, boom);
  }),
);

test(
  'debounce: called inside its own run it begins the next burst',
  virtually(async () => {
    const trace: string[] = [];
    const save: (depth: number) => Promise<void> = debounce(
      async (depth: number): Promise<void> => {
        trace.push(`${depth} at ${now()}`);
        if (depth > 0) await save(depth - 1);
      },
      { waitMs: 10 },
    );
    await save(2);
    assert.deepEqual(trace, ['2 at 10', '1 at 20', '0 at 30']);
  }),
);

test(
  'debounce: 100,000 callers are one run',
  virtually(async () => {
    let runs = 0;
    const save = debounce((n: number) => (runs++, n), { waitMs: 10 });
    const calls: Promise<number>[] = [];
    for (let n = 0; n < 100_000; n++) calls.push(save(n));
    const results = await Promise.all(calls);
    assert.ok(results.every((result) => result === 99_999));
    assert.equal(runs, 1);
  }),
);

test(
  'debounce: a scope that is given by hand holds the wait',
  virtually(async () => {
    const save = debounce((n: number) => n, { waitMs: 10 });
    await withScope(async (scope) => {
      assert.equal(await save.callIn(scope, 1), 1);
      const waiting = failureOf(save.callIn(scope, 2));
      scope.cancel();
      assert.equal(await waiting, scope.reason);
    });
  }),
);

test('debounce: misuse is refused', () => {
  const fn = (): number => 1;
  assert.throws(() => debounce(5 as never, { waitMs: 1 }), TypeError);
  assert.throws(() => debounce(fn, undefined as never), RangeError);
  assert.throws(() => debounce(fn, 100 as never), /Cannot call debounce\(\) as it takes an object of options/);
  for (const waitMs of [0, -1, Number.NaN, Infinity]) assert.throws(() => debounce(fn, { waitMs }), RangeError);
  for (const maxWaitMs of [1, Number.NaN]) assert.throws(() => debounce(fn, { waitMs: 5, maxWaitMs }), RangeError);
  assert.throws(() => debounce(fn, { waitMs: 1, leading: false, trailing: false }), TypeError);
});

test(
  'debounce.spawn: a call for which nobody but the group waits: merged, awaited by the group, which gets its failure',
  virtually(async (clock) => {
    const saved: string[] = [];
    await taskGroup((group) => {
      const save = debounce(async (text: string) => void saved.push(`${text} at ${clock.now()}`), {
        waitMs: 10,
        group,
      });
      save.spawn('a');
      save.spawn('ab');
      assert.equal(save.snapshot().waiting, 1);
    });
    assert.deepEqual(saved, ['ab at 10']);
    const failure = new Error('disk full');
    const failed = taskGroup(async (group) => {
      const save = debounce(() => Promise.reject(failure), { waitMs: 10, group });
      save.spawn();
      await sleep(60_000);
    });
    assert.equal(await failureOf(failed), failure);
    assert.equal(clock.now(), 20);
  }),
);

test(
  'throttle.spawn: leading, then at most so often; without a group, after disposal and after the end it is refused',
  virtually(async (clock) => {
    const runs: string[] = [];
    let ended: ReturnType<typeof throttle<[string], void>> | undefined;
    await taskGroup(async (group) => {
      const log = throttle(async (text: string) => void runs.push(`${text} at ${clock.now()}`), { perMs: 10, group });
      ended = log;
      for (const text of ['a', 'b', 'c']) log.spawn(text);
      await sleep(15);
      const disposed = throttle(async () => {}, { perMs: 10, group });
      disposed[Symbol.dispose]();
      assert.throws(() => disposed.spawn(), { name: 'CallDroppedError' });
    });
    assert.deepEqual(runs, ['a at 0', 'c at 10']);
    assert.throws(() => ended?.spawn('late'), { name: 'GroupClosedError' });
    assert.throws(() => debounce(async () => {}, { waitMs: 1 }).spawn(), {
      name: 'TypeError',
      message: /^Cannot spawn a run of .* pass \{ group \}$/,
    });
  }),
);
