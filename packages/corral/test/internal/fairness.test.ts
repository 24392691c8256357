// semantics "Fairness and starvation", on the platform's clock: real time, bounded by what is measured.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkpoint, forEach, isCancelled, map, run, sleep, taskGroup, withScope, type Task } from '../../src/index.ts';
import { failureOf } from '../core/virtually.ts';

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
