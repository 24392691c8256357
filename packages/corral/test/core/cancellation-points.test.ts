// Which operations are cancellation points, and what each does when it is cancelled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  abortable,
  asCompleted,
  checkpoint,
  interval,
  openTaskGroup,
  shield,
  sleep,
  sleepForever,
  sleepUntil,
  taskGroup,
  timeout,
  withScope,
  withSignal,
  type TaskGroup,
} from '../../src/index.ts';
import { Sequencer, waitAllTasksBlocked } from '../../src/testing/index.ts';
import { tick, timersSetOn } from '../internal/observe.ts';
import { failureOf, pledge, virtually } from './virtually.ts';

const notCalled = (): never => assert.fail('called');

/** All waiting operations of the core, begun in the current scope. */
const operations: Readonly<Record<string, (group: TaskGroup) => Promise<unknown>>> = {
  sleep: () => sleep(10),
  'sleep(0)': () => sleep(0),
  sleepUntil: () => sleepUntil(1_000),
  sleepForever: () => sleepForever(),
  checkpoint: () => checkpoint(),
  'interval.next': () => interval(10).next(),
  'join of a task that has ended': (group) => [...ended.get(group)!][0]!.join(),
  'join of a task that runs': (group) => [...group.tasks][0]!.join(),
  spawnWhenReady: (group) => group.spawnWhenReady(notCalled),
  start: (group) => group.start(notCalled),
  abortable: () => abortable(Promise.resolve(1)),
  withSignal: () => withSignal(notCalled),
  'asCompleted.next': () => asCompleted([notCalled]).next(),
  'openTaskGroup join': async (group) => {
    await using inner = openTaskGroup({ scope: group.scope });
    await inner.join();
  },
  waitAllTasksBlocked: () => waitAllTasksBlocked(),
  'Sequencer.at': () => new Sequencer().at(0, notCalled),
};

const ended = new WeakMap<TaskGroup, Set<{ join(): Promise<unknown> }>>();

for (const [name, begin] of Object.entries(operations)) {
  test(
    `${name}: throws on entry in a cancelled scope, before it does anything, every time`,
    virtually(async (clock) => {
      await taskGroup(async (group) => {
        ended.set(group, new Set([group.spawn(() => 'value', { eager: true })]));
        group.spawn(() => shield(() => sleep(50)), { name: 'runs', eager: true });
        group.cancel();
        for (let times = 0; times < 2; times++) {
          assert.equal(await failureOf(begin(group)), group.scope.reason);
        }
        assert.equal(clock.now(), 0);
      });
    }),
  );
}

for (const [name, begin] of Object.entries(operations)) {
  if (/ended|abortable|withSignal|start|blocked|Sequencer|asCompleted|openTaskGroup|spawnWhenReady/i.test(name))
    continue;
  test(
    `${name}: throws when it is cancelled while it waits, and leaves nothing behind`,
    virtually(async (clock) => {
      await taskGroup(async (group) => {
        group.spawn(() => shield(() => sleep(50)), { eager: true });
        const timers = timersSetOn(clock);
        const failure = failureOf(begin(group));
        await tick();
        await tick();
        const set = [...timers];
        group.cancel();
        assert.equal(group.scope.operations, undefined);
        assert.equal(await failure, group.scope.reason);
        assert.ok(set.every((timer) => timer.slot === -1));
      });
    }),
  );
}

// trio test_run.py::test_cancel_points
test(
  'cancellation points: a raw await is none; entering and leaving scopes and groups is none',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      scope.cancel();
      await Promise.resolve();
      await withScope(() => trace.push('scope'));
      await timeout(10, () => trace.push('timeout'));
      await taskGroup(() => void trace.push('group'));
      await shield(() => trace.push('shield'));
      scope.onCancel(() => trace.push('onCancel'));
      trace.push('body ends');
    });
    assert.deepEqual(trace, ['scope', 'timeout', 'group', 'shield', 'onCancel', 'body ends']);
  }),
);

// semantics: a group's own exit is no cancellation point
test(
  "cancellation points: a group's own exit is none: the values of tasks that ended in spite of it stand",
  virtually(async () => {
    const value = await withScope(async (scope) => {
      const { promise, resolve } = pledge();
      const group = taskGroup((inner) => {
        inner.spawn(() => promise, { eager: true });
        return 'value';
      });
      scope.cancel();
      resolve();
      return await group;
    });
    assert.equal(value, 'value');
  }),
);
