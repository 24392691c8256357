import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Condition, taskGroup, withScope } from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

test(
  'Condition.waitFor: returns what the predicate gave when it is truthy, called with the lock held only',
  virtually(async () => {
    const condition = new Condition();
    let value = 0;
    let calls = 0;
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        using held = await condition.acquire();
        return await condition.waitFor(held, () => {
          calls++;
          assert.ok(held.held);
          return value > 1 && `value ${value}`;
        });
      });
      for (let n = 0; n < 3; n++) {
        await waitAllTasksBlocked();
        using held = await condition.acquire();
        value = n;
        condition.notify(held);
      }
      assert.equal(await task.join(), 'value 2');
      assert.equal(calls, 4);
    });
  }),
);

test(
  'Condition.waitFor: an error of the predicate is thrown with the lock held; a promise is refused',
  virtually(async () => {
    const condition = new Condition();
    using held = await condition.acquire();
    const failure = new Error('predicate');
    const throwing = (): never => {
      throw failure;
    };
    assert.equal(await failureOf(condition.waitFor(held, throwing)), failure);
    await assert.rejects(
      condition.waitFor(held, async () => true),
      /the predicate gives a value at once/,
    );
    assert.ok(held.held);
  }),
);

test(
  'Condition.waitFor: refuses in a cancelled scope before it looks',
  virtually(async () => {
    const condition = new Condition();
    using held = await condition.acquire();
    let looked = false;
    await withScope(async (scope) => {
      scope.cancel();
      await condition.waitFor(held, () => (looked = true));
    });
    assert.equal(looked, false);
  }),
);
