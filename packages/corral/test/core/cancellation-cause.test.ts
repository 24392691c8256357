import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledError,
  moveOnAfter,
  openTaskGroup,
  sleep,
  sleepForever,
  taskGroup,
  withScope,
  type CancelCause,
  type Scope,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

/** Waits to be cancelled and says why it was. */
async function causeOf(scope: Scope): Promise<CancelCause> {
  const error = await failureOf(scope.sleep(Infinity));
  assert.ok(error instanceof CancelledError);
  assert.equal(error, scope.reason);
  return error.cause;
}

test(
  'cause: explicit, with the reason and the name of the scope',
  virtually(async () => {
    const reason = { because: 'of this' };
    await withScope(
      async (scope) => {
        scope.cancel(reason);
        assert.deepEqual(await causeOf(scope), { kind: 'explicit', reason, by: 'named' });
        assert.match(scope.reason!.message, /explicit \(named\)/);
      },
      { name: 'named' },
    );
  }),
);

// trio test_cancelled.py::test_attach_deadline_to_cancel / deadline as the source
test(
  'cause: deadline',
  virtually(async () => {
    await moveOnAfter(10, async (scope) => assert.deepEqual(await causeOf(scope), { kind: 'deadline', by: 'limit' }), {
      name: 'limit',
    });
  }),
);

// trio test_cancelled.py::test_cancel_reason_nursery
test(
  'cause: sibling-failed names the task that failed and its error',
  virtually(async () => {
    const error = new Error('boom');
    let cause: CancelCause | undefined;
    await failureOf(
      taskGroup((group) => {
        group.spawn(async (scope) => void (cause = await causeOf(scope)));
        group.spawn(() => sleep(5).then(() => Promise.reject(error)), { name: 'culprit' });
      }),
    );
    assert.deepEqual(cause, { kind: 'sibling-failed', by: 'culprit', error });
  }),
);

test(
  'cause: body-failed names the group and the error of its body',
  virtually(async () => {
    const error = new Error('boom');
    let cause: CancelCause | undefined;
    await failureOf(
      taskGroup(
        async (group) => {
          group.spawn(async (scope) => void (cause = await causeOf(scope)));
          await sleep(5);
          throw error;
        },
        { name: 'group' },
      ),
    );
    assert.deepEqual(cause, { kind: 'body-failed', by: 'group', error });
  }),
);

test(
  'cause: parent, with the reason of the foreign signal',
  virtually(async () => {
    const controller = new AbortController();
    const reason = new Error('foreign');
    let cause: CancelCause | undefined;
    const call = withScope(async (scope) => void (cause = await causeOf(scope)), {
      signal: controller.signal,
      name: 'adopted',
    });
    controller.abort(reason);
    await call;
    assert.deepEqual(cause, { kind: 'parent', reason, by: 'adopted' });
  }),
);

test(
  'cause: closed, for what was not awaited, for background tasks, and for a group whose block was left early',
  virtually(async () => {
    const kinds: string[] = [];
    const note = async (scope: Scope): Promise<unknown> => kinds.push((await causeOf(scope)).kind);
    await withScope(() => void withScope(note));
    await taskGroup((group) => void group.spawn(note, { background: true, eager: true }));
    {
      await using group = openTaskGroup();
      group.spawn(note, { eager: true });
    }
    assert.deepEqual(kinds, ['closed', 'closed', 'closed']);
  }),
);

// trio test_cancelled.py::test_cancel_reason_not_overwritten (second half: by a deadline)
test(
  'cause: a deadline, a failure or a signal that comes later does not replace the first',
  virtually(async () => {
    const controller = new AbortController();
    await withScope(
      async (scope) => {
        scope.cancel('first');
        controller.abort('second');
        scope.onCancel(({ cause }) => assert.deepEqual([cause.kind, cause.reason], ['explicit', 'first']));
        await withScope(() => sleep(20), { shield: true });
        assert.equal(scope.reason?.cause.reason, 'first');
      },
      { deadlineMs: 10, signal: controller.signal },
    );
  }),
);

// trio test_cancelled.py::test_nested_reason: what is below sees the cause of the scope that was cancelled
test(
  'cause: is the same for all that one cancel() reaches',
  virtually(async () => {
    const causes = new Set<CancelCause>();
    await withScope(async (outer) => {
      await taskGroup((group) => {
        for (let count = 0; count < 3; count++) {
          group.spawn(() => withScope(async (scope) => void causes.add(await causeOf(scope))));
        }
        group.spawn(async () => void outer.cancel('all'));
      });
    });
    assert.deepEqual(
      [...causes].map((cause) => cause.reason),
      ['all'],
    );
  }),
);

test(
  'cause: of a task that is cancelled alone names the task, and is the cause of the error that joining it throws',
  virtually(async () => {
    await taskGroup(async (group) => {
      const task = group.spawn(() => sleepForever(), { name: 'alone' });
      await sleep(1);
      assert.equal(task.cancel('go'), true);
      const failure = (await failureOf(task.join())) as Error;
      assert.equal(failure.name, 'TaskCancelledError');
      assert.deepEqual((failure.cause as CancelledError).cause, { kind: 'explicit', reason: 'go', by: 'alone' });
    });
  }),
);
