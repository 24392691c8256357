import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  CallDroppedError,
  ContextVariable,
  gather,
  isCancelled,
  moveOnAfter,
  shield,
  sleep,
  taskGroup,
  throttle,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

test(
  'throttle: the first call runs at once, what comes too soon is merged into one run with the last arguments',
  virtually(async (clock) => {
    const runs: string[] = [];
    const send = throttle((n: number) => (runs.push(`${n} at ${clock.now()}`), n * 10), { perMs: 100 });
    const results = await gather([1, 2, 3].map((n) => () => send(n)));
    assert.deepEqual(results, [10, 30, 30]);
    assert.equal(clock.now(), 100);
    await sleep(150);
    assert.equal(await send(4), 40);
    assert.deepEqual(runs, ['1 at 0', '3 at 100', '4 at 250']);
  }),
);

test(
  'throttle: limit runs begin in any span of perMs, and no more',
  virtually(async (clock) => {
    const runs: number[] = [];
    const send = throttle((_n: number) => void runs.push(clock.now()), { perMs: 100, limit: 2 });
    await taskGroup(async (group) => {
      for (let n = 0; n < 30; n++) {
        group.spawn(() => send(n));
        await sleep(10);
      }
    });
    assert.deepEqual(runs, [0, 10, 100, 110, 200, 210, 300]);
  }),
);

test(
  'throttle: leading false waits for others first',
  virtually(async (clock) => {
    const runs: string[] = [];
    const send = throttle((n: number) => void runs.push(`${n} at ${clock.now()}`), { perMs: 100, leading: false });
    await gather([() => send(1), () => sleep(50).then(() => send(2))]);
    await send(3);
    assert.deepEqual(runs, ['2 at 100', '3 at 200']);
  }),
);

test(
  'throttle: trailing false gives what comes too soon the result or the error of the latest run',
  virtually(async () => {
    let runs = 0;
    const send = throttle(
      async (n: number) => {
        runs++;
        await sleep(10);
        if (n < 0) throw new Error('negative');
        return n;
      },
      { perMs: 100, trailing: false },
    );
    assert.deepEqual(await gather([() => send(1), () => send(2)]), [1, 1]);
    assert.equal(await send(3), 1);
    await sleep(100);
    const error = await failureOf(send(-1));
    assert.equal(await failureOf(send(5)), error);
    assert.equal(runs, 2);
  }),
);

test(
  'throttle: trailing false, a latest run that was cut off still counts: the next one waits until it may begin',
  virtually(async (clock) => {
    const begun: number[] = [];
    const work = async (n: number): Promise<number> => {
      begun.push(clock.now());
      await sleep(50);
      return n;
    };
    const paced = throttle(work, { perMs: 100, trailing: false });
    await moveOnAfter(10, () => paced(1));
    assert.equal(await paced(2), 2);
    assert.deepEqual(begun, [0, 100]);
  }),
);

test(
  'throttle: a cancelled caller withdraws with its arguments, and a run without callers does not begin',
  virtually(async (clock) => {
    const runs: string[] = [];
    const send = throttle((n: number) => void runs.push(`${n} at ${clock.now()}`), { perMs: 100 });
    await send(0);
    await taskGroup(async (group) => {
      group.spawn(() => send(1));
      const last = group.spawn(() => send(2));
      await sleep(10);
      last.cancel();
    });
    await moveOnAfter(10, () => send(3));
    assert.equal(send.pending, false);
    await sleep(500);
    assert.deepEqual(runs, ['0 at 0', '1 at 100']);
  }),
);

test(
  'throttle: a run that all callers have left is cancelled and awaited by the last',
  virtually(async (clock) => {
    const trace: string[] = [];
    const send = throttle(
      async (n: number) => {
        try {
          await sleep(1_000);
        } finally {
          await shield(() => sleep(5));
          trace.push(`${n} ended at ${clock.now()}`);
        }
      },
      { perMs: 100 },
    );
    const first = moveOnAfter(10, () => send(1));
    await first;
    trace.push(`left at ${clock.now()}`);
    assert.deepEqual(trace, ['1 ended at 15', 'left at 15']);
  }),
);

test(
  'throttle: the run has the variables of its last caller, and none of the first',
  virtually(async () => {
    const variable = new ContextVariable<string>();
    const send = throttle(
      async function (this: Scope) {
        await this.sleep(1);
        return variable.get();
      },
      { perMs: 100 },
    );
    const values = await gather(['a', 'b', 'c'].map((name) => () => variable.run(name, () => send())));
    assert.deepEqual(values, ['a', 'c', 'c']);
  }),
);

test(
  'throttle: flush begins what waits, cancel drops it, disposal refuses what comes later',
  virtually(async (clock) => {
    const send = throttle((n: number) => n, { perMs: 100, name: 'send' });
    assert.equal(send.flush(), false);
    assert.equal(send.cancel(), false);
    await send(1);
    await taskGroup(async (group) => {
      const flushed = group.spawn(() => send(2));
      await sleep(1);
      assert.equal(send.pending, true);
      assert.equal(send.flush(), true);
      assert.equal(await flushed.join(), 2);
      assert.equal(clock.now(), 1);
      const dropped = group.spawn(() => failureOf(send(3)));
      await sleep(1);
      assert.equal(send.cancel(), true);
      const error = await dropped.join();
      assert.ok(error instanceof CallDroppedError);
      assert.match(error.message, /send/);
    });
    send[Symbol.dispose]();
    send[Symbol.dispose]();
    assert.ok((await failureOf(send(4))) instanceof CallDroppedError);
  }),
);

test(
  'throttle: errors reach all who were merged, falsy ones included',
  virtually(async () => {
    const send = throttle((_n: number) => Promise.reject(undefined), { perMs: 100 });
    const outcomes = await gather(
      [1, 2, 3].map((n) => () => send(n)),
      { settled: true },
    );
    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason === undefined));
  }),
);

test('throttle: misuse is refused', async () => {
  const fn = (): number => 1;
  assert.throws(() => throttle(5 as never, { perMs: 1 }), TypeError);
  assert.throws(() => throttle(fn, undefined as never), RangeError);
  assert.throws(() => throttle(fn, 100 as never), TypeError);
  for (const perMs of [0, -1, Number.NaN, Infinity]) assert.throws(() => throttle(fn, { perMs }), RangeError);
  for (const limit of [0, 1.5, Infinity]) assert.throws(() => throttle(fn, { perMs: 1, limit }), RangeError);
  assert.throws(() => throttle(fn, { perMs: 1, leading: false, trailing: false }), TypeError);
  assert.throws(() => throttle(fn, { perMs: 1, leading: 1 as never }), TypeError);
  assert.throws(() => throttle(fn, { perMs: 1, group: {} as never }), TypeError);
  await withScope(async (scope) => {
    scope.cancel();
    const send = throttle(() => assert.fail('called'), { perMs: 1 });
    assert.ok(isCancelled(await failureOf(send.callIn(scope))));
  });
});

test('throttle: whatever is called and cancelled when, no span sees too many runs and every call is answered', async () => {
  const call = fc.record({
    at: fc.integer({ min: 0, max: 60 }),
    cancelAfter: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
  });
  const property = fc.asyncProperty(
    fc.array(call, { maxLength: 20 }),
    fc.integer({ min: 1, max: 3 }),
    fc.boolean(),
    async (calls, limit, leading) => {
      await virtually(async (clock) => {
        const begun: number[] = [];
        const send = throttle((n: number) => (begun.push(clock.now()), sleep(3).then(() => n)), {
          perMs: 10,
          limit,
          leading,
        });
        await taskGroup(async (group) => {
          calls.forEach(({ at, cancelAfter }, index) => {
            const task = group.spawn(async () => {
              await sleep(at);
              const value = await send(index);
              assert.ok(clock.now() <= at + 10 * 2 + 3);
              // Only a later or equal call's arguments may have replaced its own.
              assert.ok((calls[value]?.at ?? 0) >= at);
            });
            if (cancelAfter !== undefined) group.spawn(() => sleep(at + cancelAfter).then(() => task.cancel()));
          });
        });
        begun.forEach((time, index) => {
          const before = begun[index - limit];
          if (before !== undefined) assert.ok(time - before >= 10);
        });
        assert.equal(send.pending, false);
      })();
    },
  );
  await fc.assert(property, { numRuns: 60 });
});
