// What is begun and not awaited, and what is called when its scope has ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ScopeClosedError,
  abortable,
  any,
  asCompleted,
  checkpoint,
  cleanup,
  currentScope,
  currentTask,
  forEach,
  gather,
  interval,
  map,
  moveOnAfter,
  race,
  shield,
  sleep,
  sleepForever,
  sleepUntil,
  taskGroup,
  timeout,
  withScope,
  withSignal,
  type Scope,
  type TaskGroup,
} from '../../src/index.ts';
import { Sequencer, VirtualClock, assertNoLeaks, waitAllTasksBlocked } from '../../src/testing/index.ts';
import { reportsOf, tick, timersSetOn, unhandledOf } from '../internal/observe.ts';
import { failureOf, virtually } from './virtually.ts';

const nap = (): Promise<void> => sleep(1_000);
const napInSignal = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });

/** Everything that can be begun and forgotten. */
const forgotten: Readonly<Record<string, () => Promise<unknown>>> = {
  sleep: () => sleep(1_000),
  sleepUntil: () => sleepUntil(1_000),
  sleepForever: () => sleepForever(),
  checkpoint: () => checkpoint(),
  abortable: () => abortable(new Promise((resolve) => void setTimeout(resolve, 1))),
  withSignal: () => withSignal(napInSignal),
  withScope: () => withScope(nap),
  timeout: () => timeout(5_000, nap),
  moveOnAfter: () => moveOnAfter(5_000, nap),
  shield: () => shield(nap),
  cleanup: () => cleanup(nap),
  taskGroup: () => taskGroup((group) => void group.spawn(nap)),
  gather: () => gather([nap, nap]),
  map: () => map([1, 2], nap),
  forEach: () => forEach([1, 2], nap),
  race: () => race([nap, nap]),
  any: () => any([nap, nap]),
  waitAllTasksBlocked: () => waitAllTasksBlocked(),
  Sequencer: () => new Sequencer().at(1, nap),
  assertNoLeaks: () => assertNoLeaks(nap),
};

/** What an async generator's `next()` returns is the engine's promise: only the loop that reads it can handle it. */
const generators: Readonly<Record<string, () => Promise<unknown>>> = {
  interval: () => interval(1_000).next(),
  asCompleted: () => asCompleted([nap]).next(),
};

for (const [name, begin] of Object.entries(forgotten)) {
  test(`${name}: still pending when its scope ends, it is aborted and never an unhandled rejection`, async () => {
    let after: Scope | undefined;
    const errors = await unhandledOf(
      virtually(() =>
        withScope((scope) => {
          after = scope;
          void begin();
        }),
      ),
    );
    assert.deepEqual(errors, []);
    assert.deepEqual([after?.operations, after?.firstChild], [undefined, undefined]);
  });

  test(`${name}: un-awaited in a scope that is cancelled, it is never an unhandled rejection`, async () => {
    const errors = await unhandledOf(
      virtually(() =>
        withScope(async (scope) => {
          void begin();
          for (let ticks = 0; ticks < 5; ticks++) await tick();
          scope.cancel();
          void begin();
          await sleep(1);
        }),
      ),
    );
    assert.deepEqual(errors, []);
  });
}

const forgottenInGroup: Readonly<Record<string, (group: TaskGroup) => unknown>> = {
  'task.join': (group) => group.spawn(nap).join(),
  'task.settled': (group) => group.spawn(nap).settled,
  'group.join': (group) => group.join(),
  'group.start': (group) => group.start(nap),
  'group.spawnWhenReady': (group) => group.spawnWhenReady(nap),
};

for (const [name, begin] of Object.entries(forgottenInGroup)) {
  test(`${name}: un-awaited in a group that is cancelled, it is never an unhandled rejection`, async () => {
    const errors = await unhandledOf(
      virtually(() =>
        taskGroup(async (group) => {
          group.concurrency = 1;
          group.spawn(nap);
          void begin(group);
          for (let ticks = 0; ticks < 5; ticks++) await tick();
          group.cancel();
          await sleep(1);
        }),
      ),
    );
    assert.deepEqual(errors, []);
  });
}

test(
  'an operation that outlives its scope: rejects with ScopeClosedError that names the scope, and leaves no timer',
  virtually(async (clock) => {
    const timers = timersSetOn(clock);
    let left: Promise<void> | undefined;
    await withScope(() => void (left = sleep(1_000)), { name: 'short' });
    const failure = await failureOf(left as Promise<void>);
    assert.ok(failure instanceof ScopeClosedError);
    assert.match(failure.message, /short.*detach/);
    assert.ok(timers.every((timer) => timer.slot === -1));
    assert.equal(clock.now(), 0);
  }),
);

test(
  'an operation that outlives its task: rejects with ScopeClosedError as well',
  virtually(async () => {
    let left: Promise<void> | undefined;
    await taskGroup((group) => group.spawn(() => void (left = sleep(1_000)), { name: 'brief' }).join());
    const failure = await failureOf(left as Promise<void>);
    assert.ok(failure instanceof ScopeClosedError);
    assert.match(failure.message, /brief/);
  }),
);

test('a real error in a group that nobody awaited: is thrown or reported, not lost', async () => {
  const error = new Error('real');
  const fail = (): never => {
    throw error;
  };
  let thrown: unknown;
  const reports = await reportsOf(async () => {
    const errors = await unhandledOf(
      virtually(async () => {
        await withScope(async () => {
          void taskGroup((group) => {
            group.spawn(() => sleepForever().finally(fail));
          });
          await checkpoint();
        }).catch((failure: unknown) => (thrown = failure));
      }),
    );
    assert.deepEqual(errors, []);
  });
  assert.deepEqual([thrown, ...reports].filter(Boolean), [error]);
});

for (const [name, begin] of Object.entries({ ...forgotten, ...generators })) {
  test(
    `${name}: called from a setTimeout callback whose scope has ended, it rejects with ScopeClosedError`,
    virtually(async () => {
      const failure = await new Promise<unknown>((resolve, reject) => {
        void withScope(
          () => {
            setTimeout(() => {
              assert.equal(currentScope()?.name, 'ended');
              // asCompleted, which returns no promise, throws.
              failureOf((async () => begin())()).then(resolve, reject);
            }, 1);
          },
          { name: 'ended' },
        );
      });
      assert.ok(failure instanceof ScopeClosedError, String(failure));
      assert.match(failure.message, /ended.*detach/);
    }),
  );
}

test(
  'a callback whose task has ended: still knows its task and scope, and sees them as they ended',
  virtually(async () => {
    await new Promise<void>((resolve, reject) => {
      void taskGroup((group) => {
        const task = group.spawn(() => {
          setTimeout(() => {
            try {
              assert.equal(currentTask(), task);
              assert.equal(task.state, 'succeeded');
              assert.equal(currentScope()?.cancel(), false);
              resolve();
            } catch (error) {
              reject(error);
            }
          }, 1);
        });
      });
    });
  }),
);

test('a promise that an operation of another clock run left behind: is settled, not kept waiting', async () => {
  let left: Promise<unknown> | undefined;
  await new VirtualClock().run((scope) =>
    withScope(
      () => {
        left = scope.sleep(5).then(() => 'slept');
      },
      { name: 'inner' },
    ).then(() => left),
  );
  assert.equal(await left, 'slept');
});

test(
  'ScopeClosedError: says which operation was not awaited, and in which task or scope',
  virtually(async () => {
    const begun: Promise<unknown>[] = [];
    const messages = async (): Promise<string[]> =>
      Promise.all(begun.splice(0).map(async (promise) => ((await failureOf(promise)) as Error).message));
    const rest = 'as it has ended: was an await forgotten? Else use detach(fn, group)';
    await taskGroup(
      (group) => {
        const slow = group.spawn(() => sleep(5), { name: 'slow' });
        group.spawn(() => void begun.push(sleep(1), sleepForever(), slow.join(), checkpoint()), { name: 'load' });
        void withScope(() => void begun.push(sleep(1)), { name: 'inner' });
      },
      { name: 'crawl' },
    );
    assert.deepEqual(await messages(), [
      `Cannot wait for sleep in scope inner ${rest}`,
      `Cannot wait for sleep in scope load ${rest}`,
      `Cannot wait for sleep forever in scope load ${rest}`,
      `Cannot wait for join slow in scope load ${rest}`,
      `Cannot wait for checkpoint in scope load ${rest}`,
    ]);
  }),
);
