import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DeadlockError,
  ScopeClosedError,
  TimeoutError,
  checkpoint,
  currentScope,
  Queue,
  detach,
  moveOnAfter,
  now,
  run,
  shield,
  sleep,
  sleepForever,
  sleepUntil,
  taskGroup,
  timeout,
  timeoutAt,
  withScope,
} from '../../src/index.ts';
import { LeakError, VirtualClock, waitAllTasksBlocked } from '../../src/testing/index.ts';
import { clock } from '../../src/internal/clock.ts';
import type { Timer } from '../../src/internal/timer-heap.ts';
import { failureOf, pledge, virtually } from '../core/virtually.ts';

// trio test_mock_clock.py::test_mock_clock_autojump
test('VirtualClock: 450 seconds of sleeping take no time, and every waking is exact', async () => {
  const clock = new VirtualClock();
  const begun = performance.now();
  await clock.run(async () => {
    for (let count = 0; count < 10; count++) {
      for (const ms of [0, 1, 0, 20_000.5, 24_998.5]) {
        const before = clock.now();
        await sleep(ms);
        assert.equal(clock.now() - before, ms);
      }
    }
  });
  assert.equal(clock.now(), 450_000);
  assert.ok(performance.now() - begun < 5_000);
});

test(
  'VirtualClock: wakes in order of time, equal times in the order in which they were set',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup((group) => {
      for (const [name, ms] of [
        ['a', 20],
        ['b', 10],
        ['c', 20],
        ['d', 10],
        ['e', 15],
        ['f', 10],
      ] as const) {
        group.spawn(() => sleep(ms).then(() => trace.push(`${name} ${clock.now()}`)));
      }
    });
    assert.deepEqual(trace, ['b 10', 'd 10', 'f 10', 'e 15', 'a 20', 'c 20']);
  }),
);

test(
  'VirtualClock: of a deadline and a sleep that end together the one that was set first counts',
  virtually(async () => {
    assert.ok((await failureOf(timeout(10, () => sleep(10)))) instanceof TimeoutError);
    await withScope(async (scope) => {
      const slept = sleep(10);
      scope.reschedule(now() + 10);
      await slept;
      assert.equal(scope.cancelled, true);
    });
  }),
);

test(
  'VirtualClock: equal deadlines of nested scopes: the outer one was set first and throws',
  virtually(async (clock) => {
    const failure = await failureOf(timeout(10, () => timeout(10, () => sleepForever())));
    assert.ok(failure instanceof TimeoutError);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'VirtualClock: time stands still while anything can go on',
  virtually(async (clock) => {
    const times = new Set<number>();
    await taskGroup((group) => {
      group.spawn(() => sleep(1));
      group.spawn(async () => {
        for (let turns = 0; turns < 200; turns++) {
          await (turns % 2 ? checkpoint() : Promise.resolve());
          times.add(clock.now());
        }
      });
    });
    assert.deepEqual([...times], [0]);
    assert.equal(clock.now(), 1);
  }),
);

test(
  'VirtualClock: jumps over years, and beyond what native timers can hold',
  virtually(async (clock) => {
    const year = 365 * 24 * 3_600_000;
    await timeout(3 * year, () => sleep(2 * year));
    assert.equal(clock.now(), 2 * year);
    await sleepUntil(Number.MAX_SAFE_INTEGER);
    assert.equal(clock.now(), Number.MAX_SAFE_INTEGER);
  }),
);

// trio test_mock_clock.py::test_mock_clock_autojump_0_and_wait_all_tasks_blocked_0
test(
  'VirtualClock: who waits for all others to be blocked goes on before time jumps',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup((group) => {
      group.spawn(() => sleep(10).then(() => trace.push(`slept until ${clock.now()}`)));
      group.spawn(async () => {
        await waitAllTasksBlocked();
        trace.push(`blocked at ${clock.now()}`);
        await sleep(0);
        await waitAllTasksBlocked();
        trace.push(`again at ${clock.now()}`);
      });
    });
    assert.deepEqual(trace, ['blocked at 0', 'again at 0', 'slept until 10']);
  }),
);

test(
  'VirtualClock: a task that waits for a foreign promise holds the clock for all',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup((group) => {
      group.spawn(() => sleep(1).then(() => trace.push(`slept until ${clock.now()}`)));
      group.spawn(async () => {
        await new Promise((resolve) => void setTimeout(resolve, 20));
        trace.push(`foreign at ${clock.now()}`);
      });
    });
    assert.deepEqual(trace, ['foreign at 0', 'slept until 1']);
  }),
);

test(
  'VirtualClock: what corral itself waits for does not hold it',
  virtually(async (clock) => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleep(10));
      await task.settled;
      await Promise.all([group.spawn(() => sleep(10)).join(), group.spawn(() => sleep(20)).join()]);
      await withScope(() => shield(() => sleep(5)));
      const nested = taskGroup((inner) => void inner.spawn(() => sleep(5)));
      await nested;
    });
    assert.equal(clock.now(), 40);
  }),
);

test('VirtualClock: gives up on foreign promises after stallMs of real time, and says who waits', async () => {
  const { promise } = pledge();
  const failure = await failureOf(
    new VirtualClock({ stallMs: 20 }).run(async function hanging() {
      await promise;
    }),
  );
  assert.ok(failure instanceof DeadlockError);
  assert.match(failure.tree, /held for 20 ms/);
  assert.match(failure.tree, /hanging.*waits for a foreign promise/);
});

test('VirtualClock: once it has given up it waits a tenth of stallMs for clean-up, and no timer is left', async () => {
  const { promise } = pledge();
  const set = clock.set;
  const timers: Timer[] = [];
  clock.set = function (timer) {
    timers.push(timer);
    set.call(this, timer);
  };
  try {
    const begun = performance.now();
    const trace: string[] = [];
    const main = (): Promise<unknown> =>
      taskGroup(async (group) => {
        group.spawn(() => sleepForever().finally(() => trace.push('cleaned up')));
        await sleep(1);
        await timeout(5_000, () => promise);
      });
    const failure = await failureOf(new VirtualClock({ stallMs: 400 }).run(main));
    assert.ok(failure instanceof DeadlockError);
    assert.deepEqual(trace, ['cleaned up']);
    const took = performance.now() - begun;
    assert.ok(took >= 400 && took < 790, `${took} ms`);
    assert.deepEqual(
      timers.filter((timer) => timer.slot >= 0),
      [],
    );
  } finally {
    clock.set = set;
  }
});

test('VirtualClock: what it gave up throws from now on wherever it waits', async () => {
  const { promise, resolve } = pledge();
  let late: Promise<unknown> | undefined;
  const main = (): Promise<unknown> =>
    shield(async (scope) => {
      await promise;
      late = failureOf(sleep(1, { scope }));
    });
  assert.ok((await failureOf(new VirtualClock({ stallMs: 10 }).run(main))) instanceof DeadlockError);
  resolve();
  await promise;
  await new Promise(setImmediate);
  assert.ok((await late) instanceof ScopeClosedError);
});

// semantics: whole-system deadlock throws with the task tree
test('VirtualClock: a deadlock throws at once, with the tree of who waits for what', async () => {
  const clock = new VirtualClock();
  const failure = await failureOf(
    clock.run(async function main() {
      await taskGroup(
        async (group) => {
          const sleeper = group.spawn(() => sleepForever(), { name: 'sleeper' });
          group.spawn(() => sleeper.join(), { name: 'joiner' });
          await sleep(5);
        },
        { name: 'pair' },
      );
    }),
  );
  assert.ok(failure instanceof DeadlockError);
  assert.match(failure.tree, /^main/);
  assert.match(failure.tree, /pair/);
  assert.match(failure.tree, /sleeper #\d+ running: waits for sleep/);
  assert.match(failure.tree, /joiner #\d+ running: waits for join sleeper/);
  assert.equal(clock.now(), 5);
});

test('VirtualClock: at a deadlock the clean-up of what is stuck runs, in virtual time, before it throws', async () => {
  const clock = new VirtualClock();
  const trace: string[] = [];
  const failure = await failureOf(
    clock.run(async () => {
      try {
        await sleepForever();
      } finally {
        await shield(() => sleep(50));
        trace.push(`cleaned up at ${clock.now()}`);
      }
    }),
  );
  assert.ok(failure instanceof DeadlockError);
  assert.deepEqual(trace, ['cleaned up at 50']);
});

test('VirtualClock: a deadlock wins over what the clean-up throws or returns', async () => {
  for (const end of [() => 'value', () => Promise.reject(new Error('in clean-up'))]) {
    const failure = await failureOf(new VirtualClock().run(() => sleepForever().catch(end)));
    assert.ok(failure instanceof DeadlockError);
  }
});

test('VirtualClock: a deadlock in spite of the cancellation still throws', async () => {
  const failure = await failureOf(new VirtualClock().run(() => shield(() => sleepForever())));
  assert.ok(failure instanceof DeadlockError);
});

const leaks: Readonly<Record<string, () => unknown>> = {
  'a sleep': () => void sleep(10),
  'a group': () => void taskGroup((group) => void group.spawn(() => sleep(10), { name: 'forgotten' })),
  'a timeout': () => void timeout(10, () => sleepForever()),
};

for (const [name, leak] of Object.entries(leaks)) {
  test(`VirtualClock: ${name} that main started and did not await fails it with a LeakError and the tree`, async () => {
    const failure = await failureOf(new VirtualClock().run(async () => leak()));
    assert.ok(failure instanceof LeakError);
    assert.ok(failure.tree.length > 0);
    assert.ok(failure.message.includes(failure.tree));
  });
}

test('VirtualClock: what main throws is thrown, though it leaks as well', async () => {
  const error = new Error('own');
  const clock = new VirtualClock();
  const failure = await failureOf(
    clock.run(() => {
      void sleep(10);
      throw error;
    }),
  );
  assert.equal(failure, error);
});

test('VirtualClock: what is detached is no leak: the root cancels it and waits', async () => {
  const trace: string[] = [];
  const clock = new VirtualClock();
  await clock.run(() => {
    detach(() => sleepForever().finally(() => trace.push('cancelled')));
    return checkpoint();
  });
  assert.deepEqual(trace, ['cancelled']);
});

// Only one --------------------------------------------------------------------------------------------------------

test('VirtualClock: a second one is refused while one runs, which is not disturbed', async () => {
  const clock = new VirtualClock();
  await clock.run(async () => {
    for (const other of [new VirtualClock(), clock]) {
      const failure = await failureOf(other.run(() => assert.fail('started')));
      assert.ok(failure instanceof TypeError);
      assert.match(failure.message, /only one/);
    }
    await sleep(10);
  });
  assert.equal(clock.now(), 10);
});

const endings: Readonly<Record<string, () => Promise<unknown>>> = {
  value: () => new VirtualClock().run(() => 'value'),
  error: () => new VirtualClock({ seed: 1 }).run(() => Promise.reject(new Error('x'))),
  'synchronous error': () =>
    new VirtualClock().run(() => {
      throw new Error('x');
    }),
  deadlock: () => new VirtualClock().run(() => sleepForever()),
  leak: () => new VirtualClock().run(() => void sleep(5)),
  stall: () => new VirtualClock({ stallMs: 5 }).run(() => new Promise(() => {})),
  misuse: () => new VirtualClock().run(undefined as never),
};

for (const [name, end] of Object.entries(endings)) {
  test(`VirtualClock: after a run that ended with a ${name} the platform's time is in force again`, async () => {
    await end().catch(() => {});
    const before = Date.now();
    assert.ok(Math.abs(now() - before) < 60_000);
    await sleep(2);
    assert.ok(Date.now() - before >= 1);
    await new VirtualClock().run(() => sleep(1_000_000));
  });
}

// The time --------------------------------------------------------------------------------------------------------

test('VirtualClock: starts at 0, or at the number or the Date that is given', async () => {
  assert.equal(new VirtualClock().now(), 0);
  const date = new Date('2030-01-01T00:00:00Z');
  for (const start of [date, date.getTime()]) {
    const clock = new VirtualClock({ start });
    await clock.run(async () => {
      assert.equal(now(), date.getTime());
      await sleepUntil(new Date(date.getTime() + 1_000));
      assert.ok((await failureOf(timeoutAt(date.getTime() + 2_000, () => sleepForever()))) instanceof TimeoutError);
    });
    assert.equal(clock.now(), date.getTime() + 2_000);
  }
});

test('VirtualClock: refuses a start that is no time', () => {
  for (const start of [NaN, Infinity, 'soon', new Date(NaN)]) {
    assert.throws(() => new VirtualClock({ start: start as never }), RangeError);
  }
});

test('VirtualClock: may run one program after the other; its time goes on', async () => {
  const clock = new VirtualClock({ start: 100 });
  await clock.run(() => sleep(10));
  await clock.run(() => sleep(10));
  assert.equal(clock.now(), 120);
});

test('VirtualClock.run: returns what main returns and gives it the root scope', async () => {
  const value = await new VirtualClock().run(function root(scope) {
    assert.equal(currentScope(), scope);
    assert.equal(scope.name, 'root');
    return 'value';
  });
  assert.equal(value, 'value');
});

test(
  'VirtualClock.run: is a root like run(), which cannot be called inside',
  virtually(async () => {
    const failure = await failureOf(run(() => assert.fail('started')));
    assert.ok(failure instanceof TypeError);
  }),
);

test('VirtualClock.run: misuse rejects', async () => {
  assert.ok((await failureOf(new VirtualClock().run(Promise.resolve() as never))) instanceof TypeError);
});

test('VirtualClock: a run that has ended takes no more turns of the event loop, however soon the next one begins', async () => {
  const host = globalThis as { setImmediate?: unknown };
  const { setImmediate } = globalThis;
  let turns = 0;
  host.setImmediate = (callback: () => void): unknown => {
    turns++;
    return setImmediate(callback);
  };
  try {
    for (let runs = 0; runs < 100; runs++) await new VirtualClock().run(() => checkpoint());
  } finally {
    host.setImmediate = setImmediate;
  }
  assert.ok(turns <= 1_000, `${turns} turns`);
});

test('VirtualClock: time goes on while a body awaits an operation that was begun outside it', async () => {
  const clock = new VirtualClock({ stallMs: 200 });
  await clock.run(async () => {
    const begun = sleep(10);
    assert.deepEqual(await moveOnAfter(20, () => begun), { timedOut: false, value: undefined });
    assert.equal(clock.now(), 10);
    const queue = new Queue<number>();
    await taskGroup(async (group) => {
      const item = queue.get();
      group.spawn(() => sleep(5).then(() => queue.put(1)));
      assert.equal(await timeout(100, () => item), 1);
    });
  });
});
