import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  ContextVariable,
  TaskCancelledError,
  TaskGroupError,
  hedge,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
  type HedgeOptions,
  type Scope,
} from '../../src/index.ts';
import { installReporter } from '../../src/internal/report.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

/** Attempts that take so long each; negative ones fail then. What they do is traced. */
function lasting(trace: string[], clock: VirtualClock, ...lasts: number[]) {
  return async (_scope: Scope, attempt: number): Promise<number> => {
    const ms = lasts[attempt - 1] ?? Infinity;
    trace.push(`${attempt} begins at ${clock.now()}`);
    try {
      await sleep(Math.abs(ms));
    } catch (error) {
      trace.push(`${attempt} cancelled at ${clock.now()}`);
      throw error;
    }
    if (ms < 0) throw new Error(`failure ${attempt}`);
    return attempt;
  };
}

test(
  'hedge: one that answers in time is the only one',
  virtually(async (clock) => {
    const trace: string[] = [];
    assert.equal(await hedge(lasting(trace, clock, 99), { afterMs: 100 }), 1);
    assert.deepEqual(trace, ['1 begins at 0']);
    assert.equal(clock.now(), 99);
  }),
);

test(
  'hedge: starts the next each time that long has passed, and returns the first success',
  virtually(async (clock) => {
    const trace: string[] = [];
    assert.equal(await hedge(lasting(trace, clock, 500, 500, 20), { afterMs: 100, max: 4 }), 3);
    assert.deepEqual(trace, [
      '1 begins at 0',
      '2 begins at 100',
      '3 begins at 200',
      '1 cancelled at 220',
      '2 cancelled at 220',
    ]);
  }),
);

test(
  'hedge: the first may still win when others have been started',
  virtually(async (clock) => {
    const trace: string[] = [];
    assert.equal(await hedge(lasting(trace, clock, 150, 500), { afterMs: 100 }), 1);
    assert.deepEqual(trace, ['1 begins at 0', '2 begins at 100', '2 cancelled at 150']);
  }),
);

test(
  'hedge: there are two at most, unless max says otherwise',
  virtually(async (clock) => {
    const trace: string[] = [];
    await hedge(lasting(trace, clock, 500), { afterMs: 100 });
    assert.deepEqual(trace, ['1 begins at 0', '2 begins at 100', '2 cancelled at 500']);
    assert.equal(await hedge(async () => 'one', { afterMs: 0, max: 1 }), 'one');
  }),
);

test(
  'hedge: losers have cleaned up before it returns',
  virtually(async (clock) => {
    let cleaned = 0;
    const fn = async (_scope: Scope, attempt: number): Promise<number> => {
      try {
        await sleep(attempt === 2 ? 10 : 60_000);
        return attempt;
      } finally {
        await withScope(() => sleep(30), { shield: true });
        cleaned++;
      }
    };
    assert.equal(await hedge(fn, { afterMs: 10 }), 2);
    assert.equal(cleaned, 2);
    assert.equal(clock.now(), 80);
  }),
);

// gRPC A6: a non-fatal failure sends the next hedged request at once.
test(
  'hedge: a failure starts the next at once, also when others are running',
  virtually(async (clock) => {
    const trace: string[] = [];
    const fn = lasting(trace, clock, -120, 500, -10, 5);
    assert.equal(await hedge(fn, { afterMs: 100, max: 4 }), 4);
    assert.deepEqual(trace, [
      '1 begins at 0',
      '2 begins at 100',
      '3 begins at 120',
      '4 begins at 130',
      '2 cancelled at 135',
    ]);
  }),
);

test(
  'hedge: two failures in one instant start two',
  virtually(async (clock) => {
    const trace: string[] = [];
    const fn = lasting(trace, clock, -100, -50, 500, 10);
    assert.equal(await hedge(fn, { afterMs: 50, max: 4 }), 4);
    assert.deepEqual(trace, [
      '1 begins at 0',
      '2 begins at 50',
      '3 begins at 100',
      '4 begins at 100',
      '3 cancelled at 110',
    ]);
  }),
);

test(
  'hedge: afterMs 0 starts all together, Infinity one after the other',
  virtually(async (clock) => {
    const together: string[] = [];
    await hedge(lasting(together, clock, 30, 20, 10), { afterMs: 0, max: 3 });
    assert.deepEqual(together.slice(0, 3), ['1 begins at 0', '2 begins at 0', '3 begins at 0']);
    const inTurn: string[] = [];
    await hedge(lasting(inTurn, clock, -40, -30, 20), { afterMs: Infinity, max: 3 });
    assert.deepEqual(inTurn, ['1 begins at 10', '2 begins at 50', '3 begins at 80']);
  }),
);

test(
  'hedge: when all fail, the first failure is thrown with the others attached',
  virtually(async (clock) => {
    const fn = lasting([], clock, -30, -10, -10);
    const error = await failureOf(hedge(fn, { afterMs: 5, max: 3 }));
    assert.equal((error as Error).message, 'failure 2');
    assert.deepEqual(
      suppressedErrors(error).map((other) => (other as Error).message),
      ['failure 3', 'failure 1'],
    );
    const all = await failureOf(hedge(fn, { afterMs: 5, max: 3, errors: 'aggregate' }));
    assert.ok(all instanceof TaskGroupError);
    assert.equal(all.errors.length, 3);
  }),
);

test(
  'hedge: a failure that hedgeIf says no to is thrown at once, and the others are cancelled',
  virtually(async (clock) => {
    const trace: string[] = [];
    const asked: [string, number][] = [];
    const hedgeIf = (error: unknown, attempt: number): boolean => {
      asked.push([(error as Error).message, attempt]);
      return attempt === 1;
    };
    const error = await failureOf(hedge(lasting(trace, clock, -30, -30, 500), { afterMs: 10, max: 3, hedgeIf }));
    assert.equal((error as Error).message, 'failure 2');
    assert.equal(clock.now(), 40);
    assert.deepEqual(asked, [
      ['failure 1', 1],
      ['failure 2', 2],
    ]);
    assert.equal(trace.at(-1), '3 cancelled at 40');
    assert.deepEqual(
      suppressedErrors(error).map((other) => (other as Error).message),
      ['failure 1'],
    );
  }),
);

test(
  'hedge: hedgeIf is not asked once it is decided, and what fails then is attached',
  virtually(async () => {
    let asked = 0;
    const fn = async (_scope: Scope, attempt: number): Promise<void> => {
      if (attempt === 1) await sleepForever().catch(() => {});
      throw new Error(`failure ${attempt}`);
    };
    const error = await failureOf(hedge(fn, { afterMs: 10, hedgeIf: () => ++asked < 0 }));
    assert.equal((error as Error).message, 'failure 2');
    assert.equal((suppressedErrors(error)[0] as Error).message, 'failure 1');
    assert.equal(asked, 1);
  }),
);

test(
  'hedge: what hedgeIf throws ends it, and no error is lost',
  virtually(async (clock) => {
    const hedgeIf = (): never => {
      throw new Error('bad callback');
    };
    const error = await failureOf(hedge(lasting([], clock, -30), { afterMs: Infinity, hedgeIf }));
    assert.equal((error as Error).message, 'failure 1');
    assert.equal((suppressedErrors(error)[0] as Error).message, 'bad callback');
  }),
);

test(
  'hedge: what losers fail with after it was won is reported',
  virtually(async () => {
    const reported: string[] = [];
    const before = installReporter((error, where) => reported.push(`${where}: ${(error as Error).message}`));
    const fetchPage = async (_scope: Scope, attempt: number): Promise<string> => {
      if (attempt === 2) return 'second';
      await sleepForever().catch(() => {});
      throw new Error('torn');
    };
    try {
      assert.equal(await hedge(fetchPage, { afterMs: 10 }), 'second');
    } finally {
      installReporter(before);
    }
    assert.deepEqual(reported, ['fetchPage lost a hedge and failed while it was cancelled: torn']);
  }),
);

test(
  'hedge: cancelled, it cancels and awaits all that run and starts no more',
  virtually(async (clock) => {
    const trace: string[] = [];
    await failureOf(timeout(150, () => hedge(lasting(trace, clock), { afterMs: 100, max: 9 })));
    assert.deepEqual(trace, ['1 begins at 0', '2 begins at 100', '1 cancelled at 150', '2 cancelled at 150']);
    assert.equal(clock.now(), 150);
  }),
);

test(
  'hedge: in a cancelled scope nothing is called',
  virtually(async () => {
    let calls = 0;
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(hedge(() => ++calls, { afterMs: 5 })), scope.reason);
    });
    assert.equal(calls, 0);
  }),
);

test(
  'hedge: an attempt that cancels itself starts the next at once, as nobody else would',
  virtually(async (clock) => {
    const fn = async (scope: Scope, attempt: number): Promise<string> => {
      if (attempt === 1) scope.cancel();
      await sleep(1);
      return `${attempt} at ${clock.now()}`;
    };
    assert.equal(await hedge(fn, { afterMs: Infinity }), '2 at 1');
    assert.equal(await hedge(fn, { afterMs: 50 }), '2 at 2');
  }),
);

test(
  'hedge: attempts that cancel themselves are no answer',
  virtually(async () => {
    const fn = async (scope: Scope): Promise<void> => {
      scope.cancel();
      await sleep(1);
    };
    assert.ok((await failureOf(hedge(fn, { afterMs: 5 }))) instanceof TaskCancelledError);
  }),
);

test(
  'hedge: undefined is an answer, and so is a falsy error a failure',
  virtually(async (clock) => {
    assert.equal(await hedge(() => undefined, { afterMs: 5 }), undefined);
    assert.equal(await failureOf(hedge(() => Promise.reject(), { afterMs: 5 })), undefined);
    assert.equal(clock.now(), 0);
  }),
);

test(
  'hedge: attempts see the context variables of the caller',
  virtually(async () => {
    const user = new ContextVariable<string>({ defaultValue: 'nobody' });
    const fn = async (_scope: Scope, attempt: number): Promise<string | undefined> => {
      if (attempt === 1) return sleepForever();
      return user.get();
    };
    assert.equal(await user.run('ada', () => hedge(fn, { afterMs: 5 })), 'ada');
  }),
);

test('hedge: works outside every scope, and takes one by hand', async () => {
  assert.equal(await hedge(async () => 'fine', { afterMs: 5 }), 'fine');
  await withScope(async (outer) => {
    await withScope(async () => {
      const going = hedge(() => sleepForever(), { afterMs: 5, scope: outer });
      outer.cancel();
      assert.equal(await failureOf(going), outer.reason);
    }).catch(() => {});
  });
});

test('hedge: options that make no sense reject before anything is called', async () => {
  let calls = 0;
  const fn = (): number => ++calls;
  const bad: [HedgeOptions, RegExp][] = [
    [undefined as never, /afterMs/],
    [5 as never, /object of options/],
    [{} as never, /^Cannot set afterMs of hedge as it takes a number of at least 0: current value is undefined$/],
    [{ afterMs: -1 }, /afterMs/],
    [{ afterMs: Number.NaN }, /afterMs/],
    [{ afterMs: 5, max: 0 }, /max/],
    [{ afterMs: 5, max: 1.5 }, /max/],
    [{ afterMs: 5, hedgeIf: true as never }, /hedgeIf/],
  ];
  for (const [options, message] of bad) await assert.rejects(hedge(fn, options), { message });
  await assert.rejects(hedge(5 as never, { afterMs: 5 }), { message: /^Cannot hedge as it takes a function/ });
  assert.equal(calls, 0);
});

test('hedge: never more attempts than max, none left running, and the first success wins', async () => {
  const lasts = fc.array(fc.integer({ min: -200, max: 200 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(lasts, fc.nat(100), fc.option(fc.nat()), async (all, afterMs, seed) => {
      const clock = new VirtualClock({ seed: seed ?? undefined });
      let running = 0;
      const begun: number[] = [];
      const ends: number[] = [];
      await clock.run(async () => {
        await taskGroup(async () => {
          const fn = async (_scope: Scope, attempt: number): Promise<number> => {
            const ms = all[attempt - 1] as number;
            begun.push(clock.now());
            if (ms >= 0) ends.push(clock.now() + ms);
            running++;
            try {
              await sleep(Math.abs(ms));
            } finally {
              running--;
            }
            if (ms < 0) throw new Error('failure');
            return clock.now();
          };
          const won = await hedge(fn, { afterMs, max: all.length }).catch(() => undefined);
          assert.equal(running, 0);
          assert.equal(won, ends.length === 0 ? undefined : Math.min(...ends));
        });
      });
      assert.ok(begun.length <= all.length);
      assert.ok(begun.every((at, nth) => at <= nth * afterMs));
    }),
    { seed: 1, numRuns: 200 },
  );
});
