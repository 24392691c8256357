// What the console shows of the objects that users hold: a line each, not the whole tree with its private parts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { openTaskGroup, sleep, taskGroup, withScope, type Scope } from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { virtually } from './virtually.ts';

test(
  'console.log: shows a task by name, number and state, with what it waits for',
  virtually(() =>
    taskGroup(async (group) => {
      const task = group.spawn(() => Promise.all([sleep(5), sleep(5)]), { name: 'load' });
      assert.equal(inspect(task), `Task "load" #${task.id} (pending)`);
      await waitAllTasksBlocked();
      assert.equal(inspect(task), `Task "load" #${task.id} (running, waits for sleep)`);
      assert.equal(inspect({ tasks: [task] }), `{ tasks: [ Task "load" #${task.id} (running, waits for sleep) ] }`);
      await task.join();
      assert.equal(inspect(task), `Task "load" #${task.id} (succeeded)`);
    }),
  ),
);

test(
  'console.log: does not say of code that is running what it waits for',
  virtually(() => taskGroup((group) => void group.spawn((scope) => assert.match(inspect(scope), /\(running\)$/)))),
);

test(
  'console.log: shows a scope by name, with why it is cancelled',
  virtually(async () => {
    let outer;
    await withScope(
      async (scope) => {
        outer = scope;
        assert.equal(inspect(scope), 'Scope "outer" (open)');
        scope.cancel();
        assert.equal(inspect(scope), 'Scope "outer" (cancelled: explicit)');
        const show = (inner: Scope): string => inspect(inner);
        assert.equal(await withScope(show, { name: 'inner' }), 'Scope "inner" (cancelled: explicit)');
      },
      { name: 'outer' },
    );
    assert.match(inspect(outer), /^Scope "outer" \(/);
  }),
);

test(
  'console.log: shows a group by name, with how many tasks live in it',
  virtually(async () => {
    await using open = openTaskGroup({ name: 'open' });
    assert.equal(inspect(open), 'TaskGroup "open" (open, tasks: 0)');
    await taskGroup(
      async (group) => {
        for (let ms = 1; ms <= 3; ms++) group.spawn(() => sleep(ms));
        assert.equal(inspect(group), 'TaskGroup "fetch" (open, tasks: 3)');
        group.cancel();
        assert.match(inspect(group), /^TaskGroup "fetch" \(cancelled: explicit, tasks: \d\)$/);
      },
      { name: 'fetch' },
    );
  }),
);

test(
  'console.log: shows a prototype as usual',
  virtually(() => withScope((scope) => assert.doesNotThrow(() => inspect(Object.getPrototypeOf(scope))))),
);
