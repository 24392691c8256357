// The platform's clock, with the native timers replaced where their arguments matter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { now, sleep, sleepUntil, taskGroup, withScope } from '../../src/index.ts';
import { Alarm } from '../../src/internal/alarm.ts';
import { clock, nextTurn } from '../../src/internal/clock.ts';
import { currentFrame } from '../../src/internal/ambient.ts';
import { tick } from './observe.ts';

interface Armed {
  readonly ms: number;
  readonly fire: () => void;
  cleared: boolean;
  refs: number;
}

/** Runs `body` with native timeouts that are only written down. */
async function withFakeTimeouts(body: (armed: readonly Armed[]) => Promise<void>): Promise<void> {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const armed: Armed[] = [];
  const fake = (fire: () => void, ms: number): unknown => {
    const entry = { ms, fire, cleared: false, refs: 1, ref: () => (entry.refs = 1), unref: () => (entry.refs = 0) };
    armed.push(entry);
    return entry;
  };
  globalThis.setTimeout = fake as never;
  globalThis.clearTimeout = ((entry: Armed | undefined) => {
    if (entry) entry.cleared = true;
  }) as never;
  try {
    await body(armed);
    // The clock must not keep a handle that is not a native one.
    await withScope(async (scope) => {
      const soon = sleepUntil(now() - 1).catch(() => {});
      armed.at(-1)?.fire();
      scope.cancel();
      await soon;
    });
  } finally {
    globalThis.setTimeout = set;
    globalThis.clearTimeout = clear;
  }
}

test('clock: now() is close to the time of day and never goes back', () => {
  assert.ok(Math.abs(clock.now() - Date.now()) < 60_000);
  let before = now();
  for (let times = 0; times < 10_000; times++) {
    const time = now();
    assert.ok(time >= before);
    before = time;
  }
});

test('clock: never wakes early', async () => {
  await taskGroup((group) => {
    for (let index = 0; index < 40; index++) {
      const ms = 1 + (index % 8) * 1.37;
      group.spawn(async () => {
        const begun = performance.now();
        await sleep(ms);
        // A millionth is what the sum of two doubles may lose.
        assert.ok(performance.now() - begun >= ms - 1e-3);
      });
    }
  });
});

test('clock: a wait beyond what the native timeout can hold is armed again and again', () =>
  withFakeTimeouts(async (armed) => {
    await withScope(async (scope) => {
      let woke = false;
      const slept = sleep(2 ** 33).then(
        () => (woke = true),
        () => {},
      );
      assert.equal(armed.length, 1);
      assert.equal(armed[0]?.ms, 2 ** 31 - 1);
      armed[0]?.fire();
      await tick();
      assert.equal(woke, false);
      assert.equal(armed.length, 2);
      assert.equal(armed[1]?.ms, 2 ** 31 - 1);
      scope.cancel();
      await slept;
      assert.equal(woke, false);
    });
  }));

test('clock: all waits share one native timeout; only an earlier one arms another', () =>
  withFakeTimeouts(async (armed) => {
    await withScope(async (scope) => {
      for (let ms = 1_000; ms < 2_000; ms++) void sleep(ms);
      assert.equal(armed.length, 1);
      void sleep(500);
      assert.equal(armed.length, 2);
      assert.ok(armed[0]?.cleared);
      scope.cancel();
    });
  }));

test('clock: with nothing left to wait for the native timeout lets the process end, and holds it again later', () =>
  withFakeTimeouts(async (armed) => {
    await withScope(async (scope) => {
      void sleep(1_000);
      assert.equal(armed[0]?.refs, 1);
      scope.cancel();
      assert.equal(armed[0]?.refs, 0);
    });
    await withScope(async (scope) => {
      void sleep(2_000);
      assert.equal(armed.length, 1);
      assert.equal(armed[0]?.refs, 1);
      scope.cancel();
    });
  }));

test('clock: timers in the background let the process end, and those before them do not', () =>
  withFakeTimeouts(async (armed) => {
    await withScope(async (scope) => {
      let fired = false;
      const alarm = new Alarm(() => (fired = true), true);
      alarm.set(1_000);
      assert.equal(armed[0]?.refs, 0);
      void sleep(2_000);
      assert.equal(armed.length, 1);
      assert.equal(armed[0]?.refs, 1);
      void sleep(500);
      assert.equal(armed[1]?.refs, 1);
      scope.cancel();
      assert.equal(armed[1]?.refs, 0);
      alarm.set(100);
      assert.equal(armed[2]?.refs, 0);
      alarm.set(-1);
      armed.at(-1)?.fire();
      assert.equal(fired, true);
      alarm.set(100);
      alarm.clear();
    });
  }));

test('clock: a timer in the background that is set while the last of the others expire lets the process end', () =>
  withFakeTimeouts(async (armed) => {
    const background = new Alarm(() => {}, true);
    const first = new Alarm(() => background.set(1_000));
    const last = new Alarm(() => {});
    for (const alarm of [first, last]) alarm.set(-1);
    armed.at(-1)?.fire();
    assert.equal(armed.at(-1)?.refs, 0);
    background.clear();
  }));

test('clock: infinite waits arm nothing', () =>
  withFakeTimeouts(async (armed) => {
    await withScope(async (scope) => {
      void sleep(Infinity);
      assert.equal(armed.length, 0);
      scope.cancel();
    });
  }));

test('clock: native timers are armed outside every frame, so they keep nothing alive', async () => {
  const { setTimeout: set } = globalThis;
  const frames: unknown[] = [];
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    frames.push(currentFrame());
    return set(callback, ms);
  }) as never;
  try {
    await withScope(() => sleep(1));
  } finally {
    globalThis.setTimeout = set;
  }
  assert.deepEqual(frames, [undefined]);
});

test('nextTurn: calls back after what was promised before, in order', async () => {
  const trace: string[] = [];
  await new Promise<void>((resolve) => {
    nextTurn(() => trace.push('first'));
    nextTurn(() => {
      trace.push('second');
      resolve();
    });
    queueMicrotask(() => trace.push('microtask'));
  });
  assert.deepEqual(trace, ['microtask', 'first', 'second']);
});
