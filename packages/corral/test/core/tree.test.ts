import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  currentScope,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Scope,
  type TaskGroup,
} from '../../src/index.ts';
import { formatTree, waitAllTasksBlocked } from '../../src/testing/index.ts';
import { pledge, virtually } from './virtually.ts';

test(
  'formatTree: a line for each scope, below the scope that it lives in, with what it waits for',
  virtually(async () => {
    await taskGroup(
      async (group) => {
        const fetch = group.spawn(() => sleep(10), { name: 'fetch' });
        const parse = group.spawn(() => timeout(50, () => sleep(10), { name: 'limit' }), { name: 'parse' });
        await waitAllTasksBlocked();
        assert.deepEqual(lines(group.scope).slice(1), [
          `├─ fetch #${fetch.id} running: waits for sleep`,
          `└─ parse #${parse.id} running`,
          '   └─ limit: waits for sleep',
        ]);
        assert.match(lines(group.scope)[0] ?? '', /^loader/);
      },
      { name: 'loader' },
    );
  }),
);

// asyncio test_graph.py::test_stack_tgroup, as far as the tree of scopes tells it
test(
  'formatTree: shows who joins whom by name',
  virtually(async () => {
    await taskGroup(async (group) => {
      const leaf = group.spawn(() => sleep(10), { name: 'leaf' });
      const one = group.spawn(() => leaf.join(), { name: 'one' });
      const two = group.spawn(() => one.join(), { name: 'two' });
      await waitAllTasksBlocked();
      assert.deepEqual(lines(group.scope).slice(1), [
        `├─ leaf #${leaf.id} running: waits for sleep`,
        `├─ one #${one.id} running: waits for join leaf`,
        `└─ two #${two.id} running: waits for join one`,
      ]);
    });
  }),
);

test(
  'formatTree: tells a foreign promise and a task that has not begun',
  virtually(async () => {
    const foreign = pledge();
    await taskGroup(async (group) => {
      const task = group.spawn(() => foreign.promise, { name: 'io' });
      assert.equal(lines(group.scope)[1], `└─ io #${task.id} pending`);
      await waitAllTasksBlocked();
      assert.equal(lines(group.scope)[1], `└─ io #${task.id} running: waits for a foreign promise`);
      foreign.resolve();
    });
  }),
);

test(
  'formatTree: says of cancelled scopes why they were cancelled',
  virtually(async () => {
    let load: Scope | undefined;
    const ended = withScope(
      async (scope) => {
        load = scope;
        scope.cancel('enough');
        await shield(() => sleep(1), { name: 'critical' });
      },
      { name: 'load' },
    );
    await waitAllTasksBlocked();
    assert.deepEqual(lines(load), ['load (cancelled: explicit)', '└─ critical: waits for sleep']);
    await ended;
  }),
);

test('formatTree: a tree thousands deep is no problem', async () => {
  let depth = 0;
  const nest = (left: number): Promise<void> =>
    withScope(async (scope) => {
      await Promise.resolve();
      if (left > 0) return nest(left - 1);
      let top = scope;
      while (top.parent) top = top.parent;
      depth = lines(top).length;
    });
  await nest(5_000);
  assert.equal(depth, 5_001);
});

test(
  'snapshot: a frozen picture of the group',
  virtually(async () => {
    await taskGroup(
      async (group) => {
        const first = group.spawn(() => sleepForever(), { name: 'first' });
        const second = group.spawn(() => sleep(1), { name: 'second' });
        await waitAllTasksBlocked();
        const picture = group.snapshot();
        assert.deepEqual(picture, {
          name: 'pool',
          cancelled: false,
          concurrency: 1,
          running: 1,
          waiting: 1,
          tasks: [
            { id: first.id, name: 'first', state: 'running' },
            { id: second.id, name: 'second', state: 'pending' },
          ],
        });
        assert.ok(Object.isFrozen(picture) && Object.isFrozen(picture.tasks) && picture.tasks.every(Object.isFrozen));
        group.cancel();
        assert.equal(picture.cancelled, false);
        assert.deepEqual(
          group.snapshot().tasks.map((task) => task.state),
          ['cancelling'],
        );
        assert.equal(group.snapshot().cancelled, true);
      },
      { name: 'pool', concurrency: 1 },
    );
  }),
);

test(
  'snapshot: of a group that has ended there is nothing left in it',
  virtually(async () => {
    let escaped: TaskGroup | undefined;
    await taskGroup((group) => {
      escaped = group;
      group.spawn(() => sleep(1));
    });
    const { running, waiting, tasks } = (escaped as TaskGroup).snapshot();
    assert.deepEqual({ running, waiting, tasks }, { running: 0, waiting: 0, tasks: [] });
  }),
);

function lines(scope: Scope | undefined): string[] {
  return formatTree((scope ?? currentScope()) as Scope).split('\n');
}
