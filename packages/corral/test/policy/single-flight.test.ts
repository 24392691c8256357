import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  AbandonedTaskError,
  ContextVariable,
  Event,
  TaskCancelledError,
  TimeoutError,
  abortable,
  currentScope,
  gather,
  isCancelled,
  moveOnAfter,
  shield,
  singleFlight,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Scope,
  type TaskGroup,
} from '../../src/index.ts';
import { installReporter } from '../../src/internal/report.ts';
import { failureOf, pledge, untilCut, virtually } from '../core/virtually.ts';

test(
  'singleFlight: concurrent calls with the same key share a run, others do not, later ones begin anew',
  virtually(async (clock) => {
    const runs: string[] = [];
    const load = singleFlight(async (key: string) => {
      runs.push(`${key} at ${clock.now()}`);
      await sleep(10);
      return { key };
    });
    const [a, same, b] = await gather([() => load('a'), () => load('a'), () => load('b')]);
    assert.equal(a, same);
    assert.deepEqual(b, { key: 'b' });
    assert.notEqual(await load('a'), a);
    assert.deepEqual(runs, ['a at 0', 'b at 0', 'a at 10']);
    assert.deepEqual(load.snapshot(), { name: 'singleFlight', running: 0 });
  }),
);

test(
  'singleFlight: all who wait get the same error object, falsy ones and sync throws included',
  virtually(async () => {
    for (const error of [new Error('boom'), undefined, 0, '']) {
      const fail = singleFlight(async (_key: number) => {
        await sleep(1);
        throw error;
      });
      const failures = await gather([() => failureOf(fail(1)), () => failureOf(fail(1))]);
      assert.deepEqual(failures, [error, error]);
      assert.equal(failures[0], failures[1]);
    }
    const boom = new Error('sync');
    const sync = singleFlight((_key: number) => {
      throw boom;
    });
    assert.equal(await failureOf(sync(1)), boom);
    assert.equal(sync.snapshot().running, 0);
  }),
);

for (const victim of [0, 1, 2]) {
  test(
    `singleFlight: caller ${victim} of three is cancelled alone, the run goes on for the others`,
    virtually(async (clock) => {
      let runs = 0;
      const load = singleFlight(async (_key: string) => {
        runs++;
        await sleep(10);
        return clock.now();
      });
      await taskGroup(async (group) => {
        const tasks = [0, 1, 2].map(() => group.spawn(() => load('a')));
        await sleep(5);
        tasks[victim]?.cancel();
        const outcomes = await Promise.all(tasks.map((task) => task.settled));
        outcomes.forEach((outcome, index) => {
          if (index === victim) assert.equal(outcome.status, 'cancelled');
          else assert.deepEqual(outcome, { status: 'succeeded', value: 10 });
        });
      });
      assert.equal(runs, 1);
    }),
  );
}

test(
  'singleFlight: when the last caller leaves the run is cancelled, and that caller waits until it has ended',
  virtually(async (clock) => {
    const trace: string[] = [];
    const load = singleFlight(async (_key: string) => {
      try {
        await sleepForever();
      } finally {
        await shield(() => sleep(5));
        trace.push(`run ended at ${clock.now()}`);
      }
    });
    const caller = async (name: string, ms: number): Promise<void> => {
      await moveOnAfter(ms, async () => {
        try {
          await load('a');
        } finally {
          trace.push(`${name} left at ${clock.now()}`);
        }
      });
    };
    await gather([() => caller('one', 10), () => caller('two', 20)]);
    assert.deepEqual(trace, ['one left at 10', 'run ended at 25', 'two left at 25']);
  }),
);

test(
  'singleFlight: all callers cancelled at once, the run is cancelled and awaited',
  virtually(async (clock) => {
    let ended = 0;
    const load = singleFlight(async (_key: string) => {
      try {
        await sleepForever();
      } finally {
        await shield(() => sleep(5));
        ended = clock.now();
      }
    });
    await moveOnAfter(10, () => gather([() => load('a'), () => load('a'), () => load('a')]));
    assert.equal(ended, 15);
    assert.equal(clock.now(), 15);
  }),
);

test(
  'singleFlight: a call that comes while an unwanted run ends begins a new one after it',
  virtually(async (clock) => {
    const trace: string[] = [];
    let running = 0;
    const load = singleFlight(async (_key: string) => {
      assert.equal(++running, 1);
      trace.push(`begun at ${clock.now()}`);
      try {
        await sleep(20);
        return 'value';
      } finally {
        await shield(() => sleep(5));
        running--;
      }
    });
    await taskGroup(async (group) => {
      group.spawn(() => moveOnAfter(10, () => load('a')));
      await sleep(12);
      // One that leaves before its run has begun leaves the line behind it as it was.
      await moveOnAfter(1, () => load('a'));
      assert.equal(await load('a'), 'value');
    });
    assert.deepEqual(trace, ['begun at 0', 'begun at 15']);
    assert.equal(load.snapshot().running, 0);
  }),
);

test('singleFlight: a call that comes while the waiting one leaves and the unwanted run ends is answered', async () => {
  const ticks = async (count: number): Promise<void> => {
    for (let tick = 0; tick < count; tick++) await Promise.resolve();
  };
  for (let later = 0; later < 10; later++) {
    await virtually(async () => {
      const mayEnd = new Event();
      let runs = 0;
      const load = singleFlight(async (_key: string) => {
        if (++runs === 1) await shield(() => mayEnd.wait());
        return runs;
      });
      await taskGroup(async (group) => {
        const first = group.spawn(() => load('a'));
        await sleep(1);
        first.cancel();
        await sleep(1);
        const second = group.spawn(() => load('a'));
        await sleep(1);
        // The steps follow each other without a gap: the leaving, the end of the run, and the new call.
        group.spawn(() => ticks(later).then(() => void second.cancel()));
        group.spawn(() => void mayEnd.set());
        const third = group.spawn(() => ticks(later).then(() => load('a')));
        assert.ok((await third.join()) >= 2);
      });
    })();
  }
});

test(
  'singleFlight: a call in the very step of the last cancellation keeps the run',
  virtually(async () => {
    let runs = 0;
    const load = singleFlight(async (_key: string) => {
      runs++;
      await sleep(10);
      return 'kept';
    });
    await taskGroup(async (group) => {
      const first = group.spawn(() => load('a'));
      await sleep(5);
      first.cancel();
      assert.equal(await load('a'), 'kept');
      assert.equal(first.state, 'cancelled');
    });
    assert.equal(runs, 1);
  }),
);

test(
  'singleFlight: a caller that is cancelled after the value was handed over keeps it',
  virtually(async () => {
    const load = singleFlight((_key: string) => sleep(5).then(() => 'value'));
    await withScope(async (scope) => {
      const value = await load('a');
      scope.cancel();
      assert.equal(value, 'value');
    });
  }),
);

test(
  'singleFlight: a real error of a run that nobody waits for any more is thrown by the scope that left last',
  virtually(async () => {
    const boom = new Error('while cleaning up');
    const load = singleFlight(async (_key: string) => {
      try {
        await sleepForever();
      } finally {
        await shield(() => sleep(1));
        throw boom; // eslint-disable-line no-unsafe-finally
      }
    });
    assert.equal(await failureOf(timeout(5, () => load('a'))), boom);
    assert.equal(
      await failureOf(
        withScope(async () => {
          void load('a');
          await sleep(1);
        }),
      ),
      boom,
    );
  }),
);

test(
  'singleFlight: a call that nobody awaits ends with its scope, which waits for the run',
  virtually(async (clock) => {
    let ended = false;
    const load = singleFlight(async (_key: string) => {
      try {
        await sleepForever();
      } finally {
        await shield(() => sleep(3));
        ended = true;
      }
    });
    await withScope(() => void load('a'));
    assert.equal(ended, true);
    assert.equal(clock.now(), 3);
  }),
);

test(
  'singleFlight: a call that nobody awaits in a group leaves the run to the others when the group ends',
  virtually(async (clock) => {
    const load = singleFlight((key: string) => sleep(10).then(() => key));
    const ended: [string, number][] = [];
    const [, value] = await gather([
      async () => {
        await taskGroup(() => void Promise.allSettled([load('a'), load('a')]));
        ended.push(['group', clock.now()]);
      },
      () => load('a'),
    ]);
    assert.equal(value, 'a');
    assert.deepEqual(ended, [['group', 0]]);
  }),
);

test(
  'singleFlight: several calls that nobody awaits end with their scope, which waits for the run once',
  virtually(async (clock) => {
    let runs = 0;
    const load = singleFlight(async (_key: string) => {
      runs++;
      try {
        await sleepForever();
      } finally {
        await shield(() => sleep(3));
      }
    });
    await withScope(() => {
      for (let n = 0; n < 3; n++) void load('a');
    });
    assert.equal(runs, 1);
    assert.equal(clock.now(), 3);
    await withScope(async () => {
      for (let n = 0; n < 3; n++) void load('a');
      await sleep(1);
    });
    assert.equal(clock.now(), 7);
  }),
);

test(
  'singleFlight: a task that is abandoned leaves the run to the others',
  virtually(async (clock) => {
    const load = singleFlight((_key: string) => sleep(100).then(() => 'value'));
    await taskGroup(async (group) => {
      const failing = taskGroup(
        (inner) => {
          inner.spawn(async () => {
            const first = load('a');
            await shield(() => Promise.allSettled([first, load('a')]));
          });
          inner.cancel();
          inner.spawn(() => shield(() => load('a')), { start: 'always' });
        },
        { graceMs: 10 },
      );
      const other = group.spawn(() => load('a'));
      await failureOf(failing);
      assert.equal(await other.join(), 'value');
      assert.equal(clock.now(), 100);
    });
  }),
);

test('singleFlight: a run that is abandoned with the task in which it lives is reported once, with the task', async () => {
  const reported: unknown[] = [];
  const before = installReporter((error) => reported.push(error));
  try {
    await virtually(async () => {
      const load = singleFlight((key: string) => sleep(50).then(() => key));
      const group = taskGroup(
        async (tasks) => {
          tasks.spawn(() => shield(() => load('a')));
          await sleep(5);
          tasks.cancel();
        },
        { graceMs: 5 },
      );
      assert.ok((await failureOf(group)) instanceof AbandonedTaskError);
      await sleep(1);
    })();
  } finally {
    installReporter(before);
  }
  assert.deepEqual(reported, []);
});

test(
  'singleFlight: runs that wait for each other end when those outside have left',
  virtually(async (clock) => {
    const load: (key: string) => Promise<unknown> = singleFlight(async (key: string) => {
      await sleep(5);
      return load(key === 'a' ? 'b' : 'a');
    });
    const results = await gather([
      () => moveOnAfter(20, () => failureOf(load('a'))),
      () => moveOnAfter(30, () => failureOf(load('b'))),
    ]);
    assert.equal(results.length, 2);
    assert.ok(clock.now() <= 30);
  }),
);

test(
  'singleFlight: the deadline of a caller is that of this caller alone',
  virtually(async () => {
    const load = singleFlight((_key: string) => sleep(20).then(() => 'slow'));
    const results = await gather([() => failureOf(timeout(5, () => load('a'))), () => load('a')]);
    assert.ok(results[0] instanceof TimeoutError);
    assert.equal(results[1], 'slow');
  }),
);

test(
  'singleFlight: the run sees the variables of the caller that began it, and its own scope as this',
  virtually(async () => {
    const variable = new ContextVariable<string>();
    const load = singleFlight(async function (this: Scope, _key: string) {
      assert.equal(this, currentScope());
      await this.sleep(1);
      return variable.get();
    });
    const values = await gather([
      () => variable.run('first', () => load('a')),
      () => variable.run('second', () => load('a')),
    ]);
    assert.deepEqual(values, ['first', 'first']);
  }),
);

test(
  'singleFlight: a run that had to wait for another has the async context of its caller, not of that one',
  virtually(async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const load = singleFlight(async (_key: string) => {
      seen.push(request.getStore());
      await untilCut(() => shield(() => sleep(5)));
    });
    await taskGroup(async (group) => {
      const one = group.spawn(() => request.run('one', () => load('a')));
      await sleep(1);
      one.cancel();
      const two = group.spawn(() => request.run('two', () => load('a')));
      const three = group.spawn(() => request.run('three', () => load('a')));
      await sleep(1);
      two.cancel();
      await sleep(10);
      three.cancel();
    });
    assert.deepEqual(seen, ['one', 'three']);
  }),
);

test(
  'singleFlight: a run that calls for its own key is refused instead of waiting for itself',
  virtually(async () => {
    const load: (key: string) => Promise<unknown> = singleFlight(async (key: string) => {
      await sleep(1);
      return load(key === 'a' ? 'b' : 'a');
    });
    await assert.rejects(load('a'), { name: 'TypeError', message: /wait for itself/ });
    const direct: (key: string) => Promise<unknown> = singleFlight((key: string) => direct(key));
    await assert.rejects(direct('a'), { name: 'TypeError', message: /wait for itself/ });
  }),
);

test(
  'singleFlight: a run that cancels itself is told apart from a caller that was cancelled',
  virtually(async () => {
    const load = singleFlight(async function (this: Scope, _key: string) {
      this.cancel('enough');
      await sleep(1);
    });
    const error = await failureOf(load('a'));
    assert.ok(error instanceof TaskCancelledError);
    assert.ok(!isCancelled(error));
  }),
);

test(
  'singleFlight: with a group the run goes on when its callers have left, and the group waits for it',
  virtually(async (clock) => {
    let ended = 0;
    await taskGroup(async (group) => {
      const load = singleFlight(
        async (_key: string) => {
          await sleep(20);
          ended = clock.now();
        },
        { group },
      );
      await moveOnAfter(5, () => load('a'));
      assert.equal(clock.now(), 5);
      await moveOnAfter(5, () => load('a'));
    });
    assert.equal(ended, 20);
  }),
);

test(
  'singleFlight: the group gets an error only when no caller is there to get it',
  virtually(async () => {
    const boom = new Error('boom');
    const open = (leave: boolean): Promise<void> =>
      taskGroup(async (group) => {
        const load = singleFlight(
          async (_key: string) => {
            await sleep(20);
            throw boom;
          },
          { group },
        );
        if (leave) await moveOnAfter(5, () => load('a'));
        else assert.equal(await failureOf(load('a')), boom);
      });
    await open(false);
    assert.equal(await failureOf(open(true)), boom);
  }),
);

test(
  'singleFlight: a run that cancels itself when no caller is left does not fail its group',
  virtually(async () => {
    const failed = await taskGroup(async (group) => {
      const load = singleFlight(
        async function (this: Scope, _key: string) {
          await sleep(5);
          this.cancel();
          await sleep(1);
        },
        { group },
      );
      await moveOnAfter(1, () => load('a'));
      await sleep(10);
      return group.scope.cancelled;
    });
    assert.equal(failed, false);
  }),
);

test(
  'singleFlight: when the group is cancelled the run goes on for callers elsewhere',
  virtually(async () => {
    await taskGroup(async (outer) => {
      const started = await outer.start<void, (key: string) => Promise<string>>(async (_scope, ready) => {
        await taskGroup(async (group) => {
          ready(singleFlight((key: string) => sleep(20).then(() => key), { group }));
          await sleep(10);
          group.cancel();
        });
      });
      assert.equal(await started.value('a'), 'a');
    });
  }),
);

test('singleFlight: callers of different roots share a run, and it survives the root that began it', async () => {
  const end = pledge<string>();
  let runs = 0;
  const load = singleFlight((_key: string) => (runs++, abortable(end.promise)));
  const begun = new Event();
  const first = withScope(async (scope) => {
    begun.set();
    setTimeout(() => scope.cancel(), 2);
    await load('a');
  });
  const second = withScope(async () => {
    await begun.wait();
    return load('a');
  });
  assert.equal(await first, undefined);
  end.resolve('value');
  assert.equal(await second, 'value');
  assert.equal(runs, 1);
});

test('singleFlight: works outside every scope', async () => {
  const load = singleFlight(async (key: string) => key);
  assert.deepEqual(await Promise.all([load('a'), load('a')]), ['a', 'a']);
});

test(
  'singleFlight: forget lets the next call begin a run of its own',
  virtually(async () => {
    let runs = 0;
    const load = singleFlight(async (_key: string) => {
      const run = ++runs;
      await sleep(10);
      return run;
    });
    await taskGroup(async (group) => {
      const before = group.spawn(() => load('a'));
      await sleep(1);
      load.forget('a');
      assert.equal(await load('a'), 2);
      assert.equal(await before.join(), 1);
    });
  }),
);

test('singleFlight: misuse is refused', async () => {
  assert.throws(() => singleFlight(5 as never), TypeError);
  assert.throws(() => singleFlight(() => 1, 5 as never), TypeError);
  assert.throws(() => singleFlight(() => 1, { key: 5 as never }), TypeError);
  assert.throws(() => singleFlight(() => 1, { group: {} as never }), TypeError);
  const two = singleFlight(async (a: number, b: number) => a + b);
  await assert.rejects(two(1, 2), { name: 'TypeError', message: /takes \{ key \}/ });
  const keyed = singleFlight(async (a: number, b: number) => a + b, { key: (a, b) => `${a}/${b}` });
  assert.deepEqual(await Promise.all([keyed(1, 2), keyed(1, 3)]), [3, 4]);
  const boom = new Error('key');
  const bad = singleFlight((_n: number) => 1, {
    key: () => {
      throw boom;
    },
  });
  assert.equal(await failureOf(bad(1)), boom);
});

test('singleFlight: 10,000 callers of one run, cancelled one by one from the first, all leave', async () => {
  const load = singleFlight((_key: string) => sleepForever());
  await taskGroup((group) => {
    const tasks = Array.from({ length: 10_000 }, () => group.spawn(() => load('a'), { eager: true }));
    for (const task of tasks) task.cancel();
  });
  assert.equal(load.snapshot().running, 0);
});

interface Caller {
  readonly key: 'a' | 'b';
  readonly at: number;
  readonly cancelAfter: number | undefined;
  /** Opens a scope around the call that is cancelled, instead of the task. */
  readonly inScope: boolean;
}

test('singleFlight: whoever calls and leaves when, there is one run of a key at a time, and none that nobody waits for', async () => {
  const caller: fc.Arbitrary<Caller> = fc.record({
    key: fc.constantFrom('a' as const, 'b' as const),
    at: fc.integer({ min: 0, max: 12 }),
    cancelAfter: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
    inScope: fc.boolean(),
  });
  const property = fc.asyncProperty(
    fc.array(caller, { maxLength: 12 }),
    fc.integer({ min: 0, max: 6 }),
    fc.integer({ min: 0, max: 3 }),
    fc.boolean(),
    fc.option(fc.integer(), { nil: undefined }),
    async (callers, workMs, cleanMs, withGroup, seed) => {
      const body = async (): Promise<void> => {
        const running = { a: 0, b: 0 };
        const waiting = { a: 0, b: 0 };
        const use = async (group: TaskGroup | undefined): Promise<void> => {
          const work = async (key: 'a' | 'b'): Promise<string> => {
            assert.equal(++running[key], 1, 'two runs of a key');
            try {
              await sleep(workMs);
              return key;
            } finally {
              await shield(() => sleep(cleanMs));
              running[key]--;
            }
          };
          const load = singleFlight(work, { group });
          await taskGroup((tasks) => {
            for (const { key, at, cancelAfter, inScope } of callers) {
              const call = async (): Promise<void> => {
                waiting[key]++;
                try {
                  assert.equal(await load(key), key);
                } finally {
                  waiting[key]--;
                  if (!group && waiting[key] === 0) assert.equal(running[key], 0, 'left behind');
                }
              };
              const task = tasks.spawn(async () => {
                await sleep(at);
                if (inScope && cancelAfter !== undefined) await moveOnAfter(cancelAfter, call);
                else await call();
              });
              if (!inScope && cancelAfter !== undefined) {
                tasks.spawn(() => sleep(at + cancelAfter).then(() => task.cancel()));
              }
            }
          });
          if (!group) assert.equal(load.snapshot().running, 0);
        };
        if (withGroup) await taskGroup(use);
        else await use(undefined);
        assert.deepEqual(running, { a: 0, b: 0 });
      };
      await virtually(body, { seed })();
    },
  );
  await fc.assert(property, { numRuns: 80 });
});
