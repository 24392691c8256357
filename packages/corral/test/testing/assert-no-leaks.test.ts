import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abortable, openTaskGroup, sleep, sleepForever, taskGroup, timeout, withScope } from '../../src/index.ts';
import { LeakError, assertNoLeaks } from '../../src/testing/index.ts';
import { failureOf, pledge, virtually } from '../core/virtually.ts';

test(
  'assertNoLeaks: returns what the body returns when everything was awaited',
  virtually(async () => {
    const value = await assertNoLeaks(async () => {
      await taskGroup((group) => void group.spawn(() => sleep(5)));
      await timeout(10, () => sleep(5));
      const failed = await failureOf(withScope(() => Promise.reject(new Error('handled'))));
      return (failed as Error).message;
    });
    assert.equal(value, 'handled');
  }),
);

const leaks: Readonly<Record<string, () => unknown>> = {
  'an operation': () => sleep(5),
  'a scope': () => withScope(() => sleep(5)),
  'a group': () => taskGroup((group) => void group.spawn(() => sleep(5), { name: 'forgotten' })),
  'an open group': () => openTaskGroup(),
};

for (const [name, leak] of Object.entries(leaks)) {
  test(
    `assertNoLeaks: throws a LeakError with the tree when ${name} is left`,
    virtually(async () => {
      const failure = await failureOf(
        assertNoLeaks(async function careless() {
          void leak();
        }),
      );
      assert.ok(failure instanceof LeakError);
      assert.match(failure.tree, /careless/);
    }),
  );
}

test(
  'assertNoLeaks: a promise that abortable still waits for is one',
  virtually(async () => {
    const { promise, resolve } = pledge();
    setTimeout(resolve, 5);
    assert.ok((await failureOf(assertNoLeaks(() => void abortable(promise)))) instanceof LeakError);
  }),
);

test(
  'assertNoLeaks: what is left is cancelled and waited for all the same',
  virtually(async () => {
    const trace: string[] = [];
    await failureOf(assertNoLeaks(() => void taskGroup(() => sleepForever().finally(() => trace.push('cancelled')))));
    assert.deepEqual(trace, ['cancelled']);
  }),
);

test(
  'assertNoLeaks: what the body throws is thrown, leak or not',
  virtually(async () => {
    const error = new Error('own');
    const failure = await failureOf(
      assertNoLeaks(() => {
        void sleep(5);
        throw error;
      }),
    );
    assert.equal(failure, error);
  }),
);

test(
  'assertNoLeaks: does not look at what lives outside of it',
  virtually(async () => {
    await taskGroup(async (group) => {
      group.spawn(() => sleep(10));
      await assertNoLeaks(() => sleep(5));
    });
  }),
);

test('assertNoLeaks: misuse rejects', async () => {
  assert.ok((await failureOf(assertNoLeaks(Promise.resolve() as never))) instanceof TypeError);
});
