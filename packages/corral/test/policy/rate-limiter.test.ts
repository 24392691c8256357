import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  DeadlockError,
  RateLimiter,
  ScopeClosedError,
  checkpoint,
  currentScope,
  forEach,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type RateLimiterOptions,
  type Scope,
} from '../../src/index.ts';
import { Gcra } from '../../src/policy/gcra.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

const both: RateLimiterOptions[] = [
  { limit: 2, perMs: 100 },
  { limit: 2, perMs: 100, burst: 2 },
];

/** When so many who ask at once are served. */
async function times(limiter: RateLimiter, count: number, weight = 1): Promise<number[]> {
  const served: number[] = [];
  const clock = new VirtualClock();
  await clock.run(() =>
    taskGroup((group) => {
      for (let n = 0; n < count; n++) {
        group.spawn(async () => {
          await limiter.acquire(weight);
          served.push(clock.now());
        });
      }
    }),
  );
  return served;
}

test('RateLimiter: the sliding window lets all go at once, then as they leave it', async () => {
  assert.deepEqual(
    await times(new RateLimiter({ limit: 3, perMs: 1_000 }), 8),
    [0, 0, 0, 1_000, 1_000, 1_000, 2_000, 2_000],
  );
});

test('RateLimiter: gcra spaces evenly', async () => {
  const limiter = new RateLimiter({ limit: 3, perMs: 1_000, algorithm: 'gcra' });
  assert.deepEqual(await times(limiter, 8), [0, 334, 667, 1_000, 1_334, 1_667, 2_000, 2_334]);
});

test('RateLimiter: gcra lets a burst go first', async () => {
  const limiter = new RateLimiter({ limit: 3, perMs: 1_000, burst: 3 });
  assert.deepEqual(await times(limiter, 8), [0, 0, 0, 334, 667, 1_000, 1_334, 1_667]);
});

// limiter and rate-limiter-flexible count in fixed windows: twice the limit passes around their edges.
test(
  'RateLimiter: no more than the limit pass around the edge of a window',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 10, perMs: 1_000 });
    await sleep(990);
    for (let n = 0; n < 10; n++) assert.equal(limiter.tryAcquire(), true);
    await sleep(20);
    assert.equal(limiter.tryAcquire(), false);
    await limiter.acquire();
    assert.equal(clock.now(), 1_990);
  }),
);

test('Gcra: a million permits of a third of a millisecond and of a third of a second do not drift', () => {
  for (const [limit, perMs] of [
    [3, 1],
    [3, 1_000],
    [7, 3_600_000],
  ] as const) {
    const meter = new Gcra({ limit, perMs, burst: 1 });
    const begun = 1_700_000_000_000.25;
    let now = begun;
    for (let nth = 0; nth < 1_000_000; nth++) {
      now = meter.earliest(1, now);
      if (now !== begun + Math.ceil((nth * perMs) / limit)) assert.equal(now - begun, (nth * perMs) / limit);
      meter.take(1, now);
    }
  }
});

test('RateLimiter: three thousand one after the other are exact to the millisecond', async () => {
  const clock = new VirtualClock();
  for (const algorithm of ['gcra', 'sliding-window'] as const) {
    const limiter = new RateLimiter({ limit: 7, perMs: 100, algorithm });
    const begun = clock.now();
    await clock.run(async () => {
      for (let n = 0; n < 3_001; n++) await limiter.acquire();
    });
    const exact = algorithm === 'gcra' ? Math.ceil((3_000 * 100) / 7) : Math.floor(3_000 / 7) * 100;
    assert.equal(clock.now() - begun, exact);
  }
});

test(
  'RateLimiter: what is not used is lost, but for the burst',
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 10, perMs: 1_000, burst: 3 });
    await sleep(60_000);
    assert.equal(limiter.snapshot().available, 3);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => limiter.tryAcquire()),
      [true, true, true, false],
    );
    await sleep(99);
    assert.equal(limiter.tryAcquire(), false);
    await sleep(1);
    assert.equal(limiter.tryAcquire(), true);
    assert.equal(limiter.tryAcquire(), false);
  }),
);

test('RateLimiter: weights count, first come first served, the small ones wait for the big one', async () => {
  for (const options of both) {
    const trace: string[] = [];
    const clock = new VirtualClock();
    const limiter = new RateLimiter(options);
    await clock.run(() =>
      taskGroup((group) => {
        for (const [name, weight] of [
          ['a', 1],
          ['b', 2],
          ['c', 1],
        ] as const) {
          group.spawn(async () => {
            await limiter.acquire(weight);
            trace.push(`${name} at ${clock.now()}`);
          });
        }
      }),
    );
    assert.deepEqual(trace, options.burst ? ['a at 0', 'b at 50', 'c at 100'] : ['a at 0', 'b at 100', 'c at 200']);
  }
});

test(
  'RateLimiter: nobody overtakes those who wait',
  virtually(async () => {
    for (const options of both) {
      const limiter = new RateLimiter(options);
      limiter.tryAcquire(1);
      await taskGroup(async (group) => {
        group.spawn(() => limiter.acquire(2), { eager: true });
        assert.equal(limiter.tryAcquire(1), false);
        assert.equal(limiter.snapshot().available, 0);
      });
    }
  }),
);

test('RateLimiter: a weight that can never be had is an error and no wait', async () => {
  const window = new RateLimiter({ limit: 5, perMs: 100, name: 'api' });
  const spaced = new RateLimiter({ limit: 5, perMs: 100, burst: 2 });
  await assert.rejects(window.acquire(6), {
    name: 'RangeError',
    message: 'Cannot acquire api as it takes an integer from 1 to 5: current value is 6',
  });
  await assert.rejects(spaced.acquire(3), RangeError);
  for (const weight of [0, -1, 1.5, Number.NaN, Infinity, '1' as never]) {
    await assert.rejects(window.acquire(weight), RangeError);
    assert.throws(() => window.tryAcquire(weight), RangeError);
    assert.throws(() => window.reserve(weight), RangeError);
  }
  assert.equal(window.snapshot().available, 5);
});

// Cancellation -------------------------------------------------------------------------------------------------------

test(
  'RateLimiter: whoever is cancelled while waiting has taken nothing, and those behind move up',
  virtually(async (clock) => {
    for (const options of both) {
      const begun = clock.now();
      const limiter = new RateLimiter(options);
      limiter.tryAcquire(2);
      const trace: string[] = [];
      await taskGroup(async (group) => {
        const first = group.spawn(() => limiter.acquire(2), { eager: true });
        group.spawn(async () => {
          await limiter.acquire(1);
          trace.push(`served after ${clock.now() - begun}`);
        });
        await sleep(60);
        first.cancel();
      });
      assert.deepEqual(trace, [options.burst ? 'served after 60' : 'served after 100']);
    }
  }),
);

test(
  'RateLimiter: cancelled in the instant in which its turn comes, it has either been served or taken nothing',
  virtually(async (clock) => {
    for (const options of both) {
      const limiter = new RateLimiter(options);
      limiter.tryAcquire(2);
      const at = clock.now() + (options.burst ? 50 : 100);
      let served = 0;
      await taskGroup(async (group) => {
        const acquire = async (): Promise<void> => {
          await limiter.acquire(options.burst ? 1 : 2);
          served++;
        };
        const task = group.spawn(acquire, { eager: true });
        await sleep(at - clock.now());
        task.cancel();
        await task.settled;
      });
      assert.equal(clock.now(), at);
      assert.equal(limiter.snapshot().available, served > 0 ? 0 : options.burst ? 1 : 2);
    }
  }),
);

test(
  'RateLimiter: a timeout around a wait leaves no timer and no place',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 1, perMs: 60_000 });
    limiter.tryAcquire();
    await failureOf(timeout(10, () => limiter.acquire()));
    assert.equal(clock.now(), 10);
    assert.equal(limiter.snapshot().waiting, 0);
  }),
);

test('RateLimiter: a timer is set only while somebody waits, and not for reservations', async () => {
  const leave = (limiter: RateLimiter): Promise<unknown> => failureOf(timeout(10, () => limiter.acquire()));
  for (const before of [leave, (limiter: RateLimiter) => limiter.reserve(), undefined]) {
    for (const options of both) {
      const clock = new VirtualClock();
      const limiter = new RateLimiter({ ...options, perMs: 60_000 });
      const stuck = clock.run(async () => {
        limiter.tryAcquire(2);
        await before?.(limiter);
        await leave(limiter);
        await sleepForever();
      });
      await assert.rejects(stuck, DeadlockError);
      // Time would have gone on to the timer.
      assert.ok(clock.now() <= 20, `${clock.now()}`);
    }
  }
});

test(
  'RateLimiter: in a cancelled scope, and in one that has ended, nothing is taken',
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 1, perMs: 100 });
    let ended: Scope | undefined;
    await withScope(async (scope) => {
      ended = scope;
      scope.cancel();
      assert.equal(await failureOf(limiter.acquire()), scope.reason);
    });
    await withScope((scope) => void (ended = scope));
    assert.ok((await failureOf(limiter.acquire(1, { scope: ended }))) instanceof ScopeClosedError);
    assert.equal(limiter.tryAcquire(), true);
  }),
);

test(
  'RateLimiter: one that nobody awaits ends with its scope',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 1, perMs: 60_000 });
    limiter.tryAcquire();
    await withScope(() => void limiter.acquire());
    assert.equal(limiter.snapshot().waiting, 0);
    assert.equal(clock.now(), 0);
  }),
);

// bottleneck runs out of memory with long queues; cockatiel shifts an array.
test(
  'RateLimiter: a hundred thousand wait, half are served in order, half are cancelled at once',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 1_000, perMs: 10 });
    let last = -1;
    let cancelled = 0;
    await withScope(async (scope) => {
      const wait = async (nth: number): Promise<void> => {
        try {
          await limiter.acquire();
        } catch {
          cancelled++;
          return;
        }
        assert.equal(last, nth - 1);
        last = nth;
      };
      const waits = Array.from({ length: 100_000 }, (_, nth) => wait(nth));
      await sleep(495);
      assert.equal(limiter.snapshot().waiting, 50_000);
      scope.cancel();
      await Promise.all(waits);
    });
    assert.equal(cancelled, 50_000);
    assert.equal(last, 49_999);
    assert.equal(limiter.snapshot().waiting, 0);
    assert.equal(clock.now(), 495);
  }),
);

// Reservations -------------------------------------------------------------------------------------------------------

test(
  'RateLimiter: reserve says when, and those who come later come later',
  virtually(async (clock) => {
    for (const options of both) {
      const begun = clock.now();
      const limiter = new RateLimiter(options);
      const delays = [1, 1, 1, 2, 1].map((weight) => limiter.reserve(weight).delayMs);
      assert.deepEqual(delays, options.burst ? [0, 0, 50, 150, 200] : [0, 0, 100, 200, 300]);
      assert.equal(limiter.snapshot().reserved, 3);
      await limiter.acquire();
      assert.equal(clock.now() - begun, options.burst ? 250 : 300);
      assert.equal(limiter.snapshot().reserved, 0);
    }
  }),
);

test(
  'RateLimiter: a reservation comes after all who wait',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 1, perMs: 100 });
    limiter.tryAcquire();
    await taskGroup(async (group) => {
      group.spawn(() => limiter.acquire(), { eager: true });
      group.spawn(() => limiter.acquire(), { eager: true });
      await sleep(30);
      assert.equal(limiter.reserve().delayMs, 270);
    });
    assert.equal(clock.now(), 200);
    assert.equal(limiter.tryAcquire(), false);
  }),
);

test(
  'RateLimiter: a reservation that is cancelled gives its place back, once and in time only',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 1, perMs: 100 });
    const taken = limiter.reserve();
    const first = limiter.reserve();
    const second = limiter.reserve();
    assert.equal(taken.cancel(), false);
    assert.equal(second.cancel(), true);
    assert.equal(second.cancel(), false);
    assert.equal(limiter.reserve().delayMs, 200);
    await sleep(100);
    assert.equal(first.cancel(), false);
    await sleep(150);
    assert.equal(limiter.tryAcquire(), false);
    await sleep(50);
    assert.equal(limiter.tryAcquire(), true);
    assert.equal(clock.now(), 300);
  }),
);

test(
  'RateLimiter: those who wait behind a reservation move up when it is cancelled',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 1, perMs: 100 });
    limiter.tryAcquire();
    const reservation = limiter.reserve();
    await taskGroup(async (group) => {
      group.spawn(() => limiter.acquire(), { eager: true });
      await sleep(10);
      reservation.cancel();
    });
    assert.equal(clock.now(), 100);
  }),
);

test('RateLimiter: reservations keep no process from ending', async () => {
  const limiter = new RateLimiter({ limit: 1, perMs: 3_600_000 });
  limiter.reserve();
  assert.ok(limiter.reserve().delayMs > 3_500_000);
});

// Updates ------------------------------------------------------------------------------------------------------------

test(
  'RateLimiter: update serves those who wait at the new rate',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 1, perMs: 60_000 });
    limiter.tryAcquire();
    await taskGroup(async (group) => {
      for (let n = 0; n < 4; n++) group.spawn(() => limiter.acquire(), { eager: true });
      await sleep(10);
      limiter.update({ limit: 2, perMs: 100 });
    });
    // At 10, then as what was taken leaves: at 100 that of the beginning, at 110, at 200.
    assert.equal(clock.now(), 200);
    const { limit, perMs, burst } = limiter.snapshot();
    assert.deepEqual([limit, perMs, burst], [2, 100, 2]);
  }),
);

test(
  'RateLimiter: after update to less, what was taken still counts',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 10, perMs: 100 });
    for (let n = 0; n < 10; n++) limiter.tryAcquire();
    limiter.update({ limit: 2 });
    await sleep(99);
    assert.equal(limiter.tryAcquire(), false);
    await limiter.acquire(2);
    assert.equal(clock.now(), 100);
  }),
);

test(
  'RateLimiter: whoever waits for more than the new rate ever gives fails, and those behind are served',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 5, perMs: 100 });
    limiter.tryAcquire(5);
    await taskGroup(async (group) => {
      const big = group.spawn(() => failureOf(limiter.acquire(4)), { eager: true });
      group.spawn(() => limiter.acquire(3), { eager: true });
      limiter.update({ limit: 3 });
      assert.ok((await big.join()) instanceof RangeError);
    });
    assert.equal(clock.now(), 100);
  }),
);

test('RateLimiter: an update that makes no sense changes nothing', () => {
  const limiter = new RateLimiter({ limit: 5, perMs: 100 });
  for (const bad of [0, -1, 1.5, Number.NaN, Infinity, '5' as never]) {
    assert.throws(() => limiter.update({ limit: bad }), RangeError);
    assert.throws(() => limiter.update({ limit: 1, perMs: bad }), RangeError);
  }
  assert.throws(() => limiter.update({ burst: 5 }), {
    name: 'TypeError',
    message: 'Cannot set burst of a rate limiter as only gcra has one: current value is 5',
  });
  assert.equal(limiter.snapshot().limit, 5);
});

// Surroundings -------------------------------------------------------------------------------------------------------

test(
  'RateLimiter: each goes on in its own scope and context, whoever came first',
  virtually(async () => {
    const user = new ContextVariable<string>({ defaultValue: 'nobody' });
    const limiter = new RateLimiter({ limit: 1, perMs: 10 });
    const seen: (string | undefined)[] = [];
    await taskGroup((group) => {
      for (const name of ['ada', 'bob', 'eve']) {
        user.run(name, () =>
          group.spawn(async (scope) => {
            await limiter.acquire();
            assert.equal(currentScope(), scope);
            seen.push(user.get());
          }),
        );
      }
    });
    assert.deepEqual(seen, ['ada', 'bob', 'eve']);
  }),
);

test('RateLimiter: one that is shared by several virtual clocks does not wait for the time of another', async () => {
  for (const options of both) {
    const limiter = new RateLimiter(options);
    await new VirtualClock({ start: 1e12 }).run(() => limiter.acquire(2));
    const clock = new VirtualClock();
    await clock.run(async () => {
      await limiter.acquire(2);
      assert.equal(clock.now(), 0);
      await limiter.acquire(2);
      assert.equal(clock.now(), 100);
    });
  }
});

test('RateLimiter: works in real time and outside every scope', async () => {
  const limiter = new RateLimiter({ limit: 2, perMs: 5 });
  const begun = performance.now();
  for (let n = 0; n < 5; n++) await limiter.acquire();
  assert.ok(performance.now() - begun >= 9.5);
});

test(
  'RateLimiter: takes its scope by hand',
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 1, perMs: 100 });
    limiter.tryAcquire();
    await withScope(async (outer) => {
      await withScope(async () => {
        const wait = limiter.acquire(1, { scope: outer });
        outer.cancel();
        assert.equal(await failureOf(wait), outer.reason);
      }).catch(() => {});
    });
    await assert.rejects(limiter.acquire(1, { scope: 5 as never }), TypeError);
  }),
);

test('RateLimiter: a loop that never waits gives timers a turn', async () => {
  const limiter = new RateLimiter({ limit: 1e9, perMs: 1 });
  let fired = false;
  setTimeout(() => (fired = true), 1);
  const begun = performance.now();
  while (!fired && performance.now() - begun < 2_000) await limiter.acquire();
  assert.ok(fired);
});

test(
  'RateLimiter: snapshot is a frozen record',
  virtually(async () => {
    const limiter = new RateLimiter({ limit: 5, perMs: 100, burst: 3, name: 'api' });
    limiter.tryAcquire(2);
    const snapshot = limiter.snapshot();
    assert.ok(Object.isFrozen(snapshot));
    assert.deepEqual(snapshot, {
      name: 'api',
      algorithm: 'gcra',
      limit: 5,
      perMs: 100,
      burst: 3,
      available: 1,
      waiting: 0,
      reserved: 0,
    });
  }),
);

test('RateLimiter: options that make no sense are refused', () => {
  const bad: [RateLimiterOptions, RegExp][] = [
    [{} as never, /^Cannot set limit of a rate limiter as it takes a positive integer: current value is undefined$/],
    [{ limit: 0, perMs: 1 }, /limit/],
    [{ limit: 0.5, perMs: 1 }, /limit/],
    [{ limit: Infinity, perMs: 1 }, /limit/],
    [{ limit: 1, perMs: 0 }, /perMs/],
    [{ limit: 1, perMs: 0.5 }, /perMs/],
    [{ limit: 1, perMs: 1, burst: 0 }, /burst/],
    [{ limit: 1, perMs: 1, burst: 1, algorithm: 'sliding-window' }, /burst/],
    [{ limit: 1, perMs: 1, algorithm: 'token-bucket' as never }, /algorithm as it takes gcra or sliding-window/],
  ];
  for (const [options, message] of bad) assert.throws(() => new RateLimiter(options), { message });
});

test(
  'RateLimiter: bounds a forEach, whatever its concurrency',
  virtually(async (clock) => {
    const limiter = new RateLimiter({ limit: 10, perMs: 1_000 });
    await forEach(
      Array.from({ length: 95 }, (_, n) => n),
      () => limiter.acquire(),
      { concurrency: 20 },
    );
    await checkpoint();
    assert.equal(clock.now(), 9_000);
  }),
);
