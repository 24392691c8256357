import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  StrayCancellationError,
  TaskGroupError,
  checkpoint,
  currentScope,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  withScope,
} from '../../src/index.ts';
import { failureOf, untilCut, virtually } from './virtually.ts';

/** A task that waits for ever, and fails while it is cancelled. */
function failsWhenCancelled(error: unknown): () => Promise<void> {
  return () => untilCut(() => Promise.reject(error));
}

// asyncio test_taskgroups.py::test_cancel_children_on_child_error
test(
  'taskGroup: of crashes in one tick all are thrown or attached, and cancellations are not among them',
  virtually(async () => {
    const [first, second, third] = [new Error('first'), new Error('second'), new Error('third')];
    const cut: string[] = [];
    const error = await failureOf(
      taskGroup(async (group) => {
        const wait = (name: string) => (): Promise<void> => sleepForever().finally(() => cut.push(name));
        for (const failure of [first, second, third]) {
          group.spawn(async () => {
            await sleep(10);
            throw failure;
          });
        }
        group.spawn(wait('sleeper'));
        await wait('body')();
      }),
    );
    assert.equal(error, first);
    assert.deepEqual(suppressedErrors(error), [second, third]);
    assert.deepEqual(cut.sort(), ['body', 'sleeper']);
  }),
);

test(
  'taskGroup: the first failure is the first in time, not in order of spawning',
  virtually(async () => {
    const [early, late] = [new Error('early'), new Error('late')];
    const error = await failureOf(
      taskGroup((group) => {
        group.spawn(failsWhenCancelled(late));
        group.spawn(() => sleep(1).then(() => Promise.reject(early)));
      }),
    );
    assert.equal(error, early);
    assert.deepEqual(suppressedErrors(error), [late]);
  }),
);

test(
  'taskGroup: later failures stand under an enumerable registered symbol',
  virtually(async () => {
    const [first, later] = [new Error('first'), new Error('later')];
    await failureOf(
      taskGroup((group) => {
        group.spawn(failsWhenCancelled(later));
        group.spawn(() => sleep(1).then(() => Promise.reject(first)));
      }),
    );
    const key = Symbol.for('corral.suppressed');
    const property = Object.getOwnPropertyDescriptor(first, key);
    assert.equal(property?.enumerable, true);
    assert.deepEqual(property?.value, [later]);
    assert.ok(Array.isArray(property?.value));
  }),
);

test(
  'taskGroup: the same object thrown twice counts once',
  virtually(async () => {
    const failure = new Error('shared');
    const error = await failureOf(
      taskGroup((group) => {
        group.spawn(failsWhenCancelled(failure));
        group.spawn(() => sleep(1).then(() => Promise.reject(failure)));
      }),
    );
    assert.equal(error, failure);
    assert.deepEqual(suppressedErrors(error), []);
  }),
);

for (const falsy of [undefined, null, 0, '', false, 'text']) {
  test(
    `taskGroup: a task that throws ${typeof falsy === 'string' ? `'${falsy}'` : falsy} fails the group with that`,
    virtually(async () => {
      assert.equal(await failureOf(taskGroup((group) => group.spawn(() => Promise.reject(falsy)).join())), falsy);
    }),
  );
}

test(
  'taskGroup: a first failure that cannot carry the others becomes a TaskGroupError with all',
  virtually(async () => {
    for (const first of [undefined, 'text', Object.freeze(new Error('frozen'))]) {
      const later = new Error('later');
      const error = await failureOf(
        taskGroup(
          (group) => {
            group.spawn(failsWhenCancelled(later));
            group.spawn(() => sleep(1).then(() => Promise.reject(first)));
          },
          { name: 'loader' },
        ),
      );
      assert.ok(error instanceof TaskGroupError && error instanceof AggregateError);
      assert.deepEqual(error.errors, [first, later]);
      assert.equal(error.message, '2 failures in loader');
      assert.equal(error.code, 'CORRAL_TASK_GROUP');
    }
  }),
);

test(
  'taskGroup: a frozen first failure that is alone is thrown as it is',
  virtually(async () => {
    const frozen = Object.freeze(new Error('frozen'));
    assert.equal(await failureOf(taskGroup((group) => void group.spawn(() => Promise.reject(frozen)))), frozen);
  }),
);

test(
  "taskGroup: { errors: 'aggregate' } throws a TaskGroupError even for one",
  virtually(async () => {
    const failure = new Error('alone');
    const error = await failureOf(
      taskGroup((group) => void group.spawn(() => Promise.reject(failure)), { errors: 'aggregate' }),
    );
    assert.ok(error instanceof TaskGroupError);
    assert.deepEqual(error.errors, [failure]);
    assert.match(error.message, /^1 failure in /);
  }),
);

test(
  'taskGroup: an error in the finally of a cancelled sibling is attached',
  virtually(async () => {
    const [first, inFinally] = [new Error('first'), new Error('in finally')];
    const error = await failureOf(
      taskGroup(async (group) => {
        group.spawn(failsWhenCancelled(inFinally));
        await sleep(1);
        group.spawn(() => Promise.reject(first));
        await sleepForever();
      }),
    );
    assert.equal(error, first);
    assert.deepEqual(suppressedErrors(error), [inFinally]);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_08
test(
  'taskGroup: errors in the finally of tasks win over the cancellation from outside',
  virtually(async () => {
    const [one, two] = [new Error('one'), new Error('two')];
    let inner: Promise<unknown> | undefined;
    const outcome = await withScope(async (scope) => {
      inner = failureOf(
        taskGroup(async (group) => {
          group.spawn(failsWhenCancelled(one));
          group.spawn(failsWhenCancelled(two));
          await sleep(1);
          scope.cancel();
          await sleepForever();
        }),
      );
      return inner;
    });
    assert.ok(outcome === one || outcome === two);
    assert.deepEqual(new Set([outcome, ...suppressedErrors(outcome)]), new Set([one, two]));
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_18
test(
  'taskGroup: an error that the body throws when it is cancelled from outside wins over the cancellation',
  virtually(async () => {
    const failure = new Error('body');
    await withScope(async (scope) => {
      const group = taskGroup((group) => {
        group.spawn(() => sleepForever());
        return untilCut(() => Promise.reject(failure));
      });
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(group), failure);
    });
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_19
test(
  'taskGroup: errors of a task and of the body are both kept',
  virtually(async () => {
    const [ofTask, ofBody] = [new Error('task'), new Error('body')];
    const error = await failureOf(
      taskGroup(async (group) => {
        group.spawn(() => sleep(1).then(() => Promise.reject(ofTask)));
        await untilCut(() => Promise.reject(ofBody));
      }),
    );
    assert.equal(error, ofTask);
    assert.deepEqual(suppressedErrors(error), [ofBody]);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_context_manager_exit_raises
test(
  'taskGroup: an error of a disposer in the body and that of a task are both kept, and nothing stays cancelled',
  virtually(async () => {
    const [ofTask, ofDisposer] = [new Error('task'), new Error('disposer')];
    const error = await failureOf(
      taskGroup(async (group) => {
        await using _resource = { [Symbol.asyncDispose]: () => Promise.reject(ofDisposer) };
        group.spawn(() => Promise.reject(ofTask));
        await sleepForever();
      }),
    );
    assert.equal(error, ofTask);
    assert.deepEqual(suppressedErrors(error), [ofDisposer]);
    assert.equal(currentScope()?.cancelled, false);
    await checkpoint();
  }),
);

// asyncio test_taskgroups.py::test_cancelling_level_preserved, test_cancellation_does_not_leak_out_of_tg
test(
  'taskGroup: after a handled failure the code around it is not cancelled',
  virtually(async (clock) => {
    const error = await failureOf(taskGroup((group) => void group.spawn(() => Promise.reject(new Error('x')))));
    assert.ok(error instanceof Error);
    assert.equal(currentScope()?.cancelled, false);
    assert.equal(currentScope()?.reason, undefined);
    await checkpoint();
    await sleep(5);
    assert.equal(clock.now(), 5);
  }),
);

test(
  'taskGroup: a CancelledError thrown where nothing is cancelled is a StrayCancellationError, never silent',
  virtually(async () => {
    const kept = await withScope(async (scope) => {
      scope.cancel();
      return failureOf(sleep(1));
    });
    const error = await failureOf(taskGroup((group) => void group.spawn(() => Promise.reject(kept))));
    assert.ok(error instanceof StrayCancellationError);
    assert.equal(error.cause, kept);
  }),
);

test(
  'taskGroup: an AbortError of foreign code is a failure, unless the task is cancelled',
  virtually(async () => {
    const abort = new DOMException('gone', 'AbortError');
    assert.equal(await failureOf(taskGroup((group) => void group.spawn(() => Promise.reject(abort)))), abort);
    const value = await taskGroup(async (group) => {
      group.spawn(failsWhenCancelled(abort));
      await sleep(1);
      group.cancel();
      return 'quiet';
    });
    assert.equal(value, 'quiet');
  }),
);

test(
  'taskGroup: the stack of an error leads from its task up to whoever awaits the group',
  { skip: 'Bun' in globalThis && 'JavaScriptCore has no asynchronous stacks' },
  virtually(async () => {
    async function loadPages(): Promise<void> {
      await taskGroup((group) => {
        group.spawn(async function loadPage() {
          await sleep(1);
          throw new Error('no such page');
        });
      });
    }
    const { stack } = (await failureOf(loadPages())) as Error;
    assert.match(stack ?? '', /loadPage\b[^]*async loadPages\b/);
  }),
);
