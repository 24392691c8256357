// semantics "Fairness and starvation", on the platform's clock: real time, bounded by what is measured; and on a virtual clock's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Event,
  checkpoint,
  forEach,
  isCancelled,
  map,
  run,
  sleep,
  taskGroup,
  withScope,
  type Task,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

const under = <T>(main: () => Promise<T>): Promise<T> => run(main, { signals: false });

/** Says when a timer and a turn of the event loop have come through. */
function served(): { timer: boolean; turn: boolean; timeUp(): boolean } {
  const begun = performance.now();
  const state = { timer: false, turn: false, timeUp: () => performance.now() - begun > 5_000 };
  setTimeout(() => (state.timer = true), 0);
  setImmediate(() => (state.turn = true));
  return state;
}

test('fairness: an operation that need not wait resolves in a microtask', () =>
  under(() =>
    taskGroup(async (group) => {
      const task = group.spawn(() => 'value');
      await sleep(0);
      const state = served();
      await task.join();
      await group.spawnWhenReady(() => 'value');
      assert.deepEqual([state.timer, state.turn], [false, false]);
    }),
  ));

/** Keeps the event loop from turning. */
function compute(ms: number): void {
  const begun = performance.now();
  while (performance.now() - begun < ms);
}

/**
 * Does something after 20 ms in which corral did nothing, until it took less than 10 ms of real time, whatever else the
 * machine has to do; returns what came of that.
 */
async function undisturbed<T>(body: () => Promise<T>, before: () => unknown = () => compute(20)): Promise<T> {
  for (let times = 1; ; times++) {
    await checkpoint();
    await before();
    const begun = performance.now();
    const result = await body();
    if (performance.now() - begun < 10 || times === 50) return result;
  }
}

/** Whether a timer and a turn of the event loop came through in 50 steps. */
async function servedIn(step: () => Promise<unknown>): Promise<readonly boolean[]> {
  const state = served();
  for (let count = 0; count < 50; count++) await step();
  return [state.timer, state.turn];
}

test('fairness: what the loop did before the first of a row of operations does not count', () =>
  under(() =>
    taskGroup(async (group) => {
      const task = group.spawn(() => 'value');
      assert.deepEqual(await undisturbed(() => servedIn(() => task.join())), [false, false]);
    }),
  ));

test('fairness: tasks start in one turn of the event loop, in order, however long there was none', () =>
  under(async () => {
    const trace = await undisturbed(async () => {
      const order: unknown[] = [];
      setImmediate(() => order.push('turn'));
      await taskGroup((group) => {
        for (let count = 0; count < 20; count++) group.spawn(() => void order.push(count));
      });
      return order;
    });
    assert.deepEqual(trace, [...Array(20).keys()]);
  }));

test('fairness: a pause between two rows of operations does not count', () =>
  under(() =>
    taskGroup(async (group) => {
      const task = group.spawn(() => 'value');
      const row = (): Promise<unknown> => servedIn(() => task.join());
      const after = await undisturbed(row, async () => {
        compute(2);
        await row();
        await new Promise((resolve) => void setTimeout(resolve, 20));
      });
      assert.deepEqual(after, [false, false]);
    }),
  ));

test('fairness: where each step takes long, a turn comes after few of them', () =>
  under(() =>
    taskGroup(async (group) => {
      const task = group.spawn(() => 'value');
      for (let row = 0; row < 3; row++) {
        const state = served();
        let steps = 0;
        for (; !state.turn; steps++) {
          compute(4);
          await task.join();
        }
        assert.ok(steps <= 20, `${steps} steps`);
      }
    }),
  ));

const busy: Readonly<Record<string, (done: () => boolean) => Promise<unknown>>> = {
  'task.join in a loop': (done) =>
    taskGroup(async (group) => {
      const task = group.spawn(() => 'value', { eager: true });
      while (!done()) await task.join();
    }),
  'spawnWhenReady in a loop': (done) =>
    taskGroup(async (group) => {
      while (!done()) await (await group.spawnWhenReady(() => 'value', { eager: true })).join();
    }),
  'tasks that spawn tasks': (done) =>
    taskGroup((group) => {
      const next = (): Task<void> | false => !done() && group.spawn(() => void next());
      next();
    }),
  'map over what is there already': (done) =>
    map(
      (function* () {
        while (!done()) yield 1;
      })(),
      () => {},
      { concurrency: 2 },
    ),
  'forEach over an async generator': (done) =>
    forEach(
      (async function* () {
        while (!done()) yield 1;
      })(),
      () => {},
      { concurrency: 2 },
    ),
  'checkpoint in a loop': async (done) => {
    while (!done()) await checkpoint();
  },
};

for (const [name, loop] of Object.entries(busy)) {
  test(`fairness: ${name} lets timers and the event loop through`, () =>
    under(async () => {
      const state = served();
      await loop(() => (state.timer && state.turn) || state.timeUp());
      assert.deepEqual([state.timer, state.turn], [true, true]);
    }));
}

test('checkpoint: gives the event loop a turn every time', () =>
  under(async () => {
    for (let times = 0; times < 3; times++) {
      let turn = false;
      setImmediate(() => (turn = true));
      await checkpoint();
      assert.equal(turn, true);
    }
  }));

test('sleep: of zero and less is a checkpoint', () =>
  under(async () => {
    for (const ms of [0, -0, -5, -Infinity]) {
      let turn = false;
      setImmediate(() => (turn = true));
      await sleep(ms);
      assert.equal(turn, true);
    }
  }));

// trio test_run.py::test_yield_briefly_checks_for_timeout
test('checkpoint: throws when cancelled, also while it has its turn, and when a deadline has passed meanwhile', () =>
  under(async () => {
    await withScope(async (scope) => {
      const turn = failureOf(checkpoint());
      scope.cancel();
      assert.ok(isCancelled(await turn));
      assert.ok(isCancelled(await failureOf(checkpoint())));
    });
    await withScope(
      async (scope) => {
        const begun = performance.now();
        while (performance.now() - begun < 5);
        while (!scope.cancelled) await checkpoint().catch(() => {});
        assert.equal(scope.reason?.cause.kind, 'deadline');
      },
      { deadlineMs: 1 },
    ).catch(() => {});
  }));

test(
  'VirtualClock: the event loop gets a turn after many steps in one turn of it, not for what went before',
  virtually(() =>
    taskGroup(async (group) => {
      const task = group.spawn(() => 'value');
      for (const wait of [() => checkpoint(), () => sleep(1), () => new Promise(setImmediate)]) {
        for (let count = 0; count < 9_900; count++) await task.join();
        await wait();
        const state = served();
        for (let count = 0; count < 9_900; count++) await task.join();
        assert.equal(state.turn, false);
      }
      const state = served();
      for (let count = 0; count < 10_000; count++) await task.join();
      assert.equal(state.turn, true);
    }),
  ),
);

test('passThrough: what need not wait goes on in turn with others, also across a turn of the event loop', async () => {
  const event = new Event();
  event.set();
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  const trace: string[] = [];
  const until = performance.now() + 60;
  const loop = async (name: string): Promise<void> => {
    while (performance.now() < until) {
      trace.push(name);
      await event.wait();
    }
  };
  await Promise.all([loop('a'), loop('b'), loop('c')]);
  clearInterval(counting);
  assert.ok(turns > 0, 'the event loop had its turns');
  const outOfTurn = trace.findIndex((name, index) => name !== 'abc'[index % 3]);
  assert.equal(outOfTurn, -1);
});
