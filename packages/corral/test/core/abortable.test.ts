import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ScopeClosedError,
  TimeoutError,
  abortable,
  isCancelled,
  moveOnAfter,
  sleep,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { CountedController, reportsOf, tick, unhandledOf } from '../internal/observe.ts';
import { failureOf, pledge, virtually } from './virtually.ts';

/** Cancels `scope` once it waits for something foreign, and then settles that something. */
async function cancelThen(scope: Scope, settle: () => void): Promise<void> {
  await tick();
  scope.cancel();
  await tick();
  settle();
}

test(
  'abortable: gives what the promise gives',
  virtually(async () => {
    const error = new Error('real');
    assert.equal(await abortable(Promise.resolve('value')), 'value');
    assert.equal(await failureOf(abortable(Promise.reject(error))), error);
  }),
);

test(
  'abortable: stops waiting when cancelled; the scope still waits for the promise before it ends',
  virtually(async () => {
    const trace: string[] = [];
    const { promise, resolve } = pledge();
    await withScope(async (scope) => {
      setTimeout(() => {
        scope.cancel();
        setTimeout(() => {
          trace.push('settled');
          resolve();
        }, 1);
      }, 1);
      await abortable(promise).catch((error: unknown) => trace.push(`stopped waiting: ${isCancelled(error)}`));
    });
    trace.push('scope ended');
    assert.deepEqual(trace, ['stopped waiting: true', 'settled', 'scope ended']);
  }),
);

test(
  'abortable: a task and a group wait for the promise as well',
  virtually(async () => {
    const trace: string[] = [];
    const { promise, resolve } = pledge();
    await taskGroup((group) => {
      const task = group.spawn(() => abortable(promise));
      void task.settled.then(({ status }) => trace.push(`task ${status}`));
      setTimeout(() => {
        group.cancel();
        setTimeout(() => {
          trace.push('settled');
          resolve();
        }, 1);
      }, 1);
    });
    trace.push('group ended');
    assert.deepEqual(trace, ['settled', 'task cancelled', 'group ended']);
  }),
);

test(
  'abortable: with abandon the scope does not wait',
  virtually(async () => {
    const { promise } = pledge();
    await withScope(async (scope) => {
      const waiting = abortable(promise, { abandon: true });
      scope.cancel();
      await waiting;
    });
  }),
);

for (const abandon of [false, true]) {
  test(
    `abortable: a value that arrives late goes to onAbandoned, once (abandon: ${abandon})`,
    virtually(async () => {
      const released: string[] = [];
      const { promise, resolve } = pledge<string>();
      await withScope(async (scope) => {
        const waiting = abortable(promise, { abandon, onAbandoned: (value) => released.push(value) });
        void cancelThen(scope, () => resolve('late'));
        await waiting;
      });
      await promise;
      assert.deepEqual(released, ['late']);
    }),
  );
}

test(
  'abortable: a value that is received is not handed to onAbandoned, cancelled in the same tick or not',
  virtually(async () => {
    const onAbandoned = (): never => assert.fail('received');
    await withScope(async (scope) => {
      const { promise, resolve } = pledge<string>();
      const waiting = abortable(promise, { onAbandoned });
      void promise.then(() => scope.cancel());
      resolve('value');
      assert.equal(await waiting, 'value');
    });
  }),
);

test(
  'abortable: called in a cancelled scope it throws at once, and what arrives is released',
  virtually(async () => {
    const released: number[] = [];
    await withScope(async (scope) => {
      scope.cancel();
      const failure = await failureOf(abortable(Promise.resolve(1), { onAbandoned: (value) => released.push(value) }));
      assert.equal(failure, scope.reason);
    });
    assert.deepEqual(released, [1]);
  }),
);

test(
  'abortable: an error that arrives late is thrown by the scope',
  virtually(async () => {
    const error = new Error('late');
    const { promise, reject } = pledge();
    const failure = await failureOf(
      withScope(async (scope) => {
        const waiting = abortable(promise);
        void cancelThen(scope, () => reject(error));
        await waiting;
      }),
    );
    assert.equal(failure, error);
  }),
);

test(
  'abortable: an error that arrives late fails the task in which it was awaited',
  virtually(async () => {
    const error = new Error('late');
    const { promise, reject } = pledge();
    const failure = await failureOf(
      taskGroup((group) => {
        const task = group.spawn(() => abortable(promise));
        void cancelThen(group.scope, () => reject(error));
        return task.settled;
      }),
    );
    assert.equal(failure, error);
  }),
);

test(
  'abortable: an error that arrives late travels with the one that the body threw',
  virtually(async () => {
    const [own, late] = [new Error('own'), new Error('late')];
    const { promise, reject } = pledge();
    const failure = await failureOf(
      withScope(async (scope) => {
        const waiting = abortable(promise);
        void cancelThen(scope, () => reject(late));
        await waiting.catch(() => Promise.reject(own));
      }),
    );
    assert.equal(failure, own);
    assert.deepEqual(suppressedErrors(own), [late]);
  }),
);

// semantics: isCancelled, and while the scope is cancelled any AbortError
test(
  'abortable: a cancellation that arrives late is none of the errors: not ours, not a foreign AbortError',
  virtually(async () => {
    const foreign = new DOMException('aborted', 'AbortError');
    for (const late of [(scope: Scope) => scope.reason, () => foreign, () => new AggregateError([foreign])]) {
      const { promise, reject } = pledge();
      const value = await withScope(async (scope) => {
        const waiting = abortable(promise);
        void cancelThen(scope, () => reject(late(scope)));
        await waiting;
      });
      assert.equal(value, undefined);
    }
  }),
);

test(
  'abortable: the reason of the foreign signal that cancelled the scope is no late error either',
  virtually(async () => {
    const controller = new CountedController();
    const reason = new Error('foreign');
    const { promise, reject } = pledge();
    const failure = await failureOf(
      withScope(
        async () => {
          setTimeout(() => {
            controller.abort(reason);
            reject(reason);
          }, 1);
          await abortable(promise);
        },
        { signal: controller.signal },
      ),
    );
    assert.equal(failure, reason);
    assert.deepEqual(suppressedErrors(reason), []);
  }),
);

test('abortable: with abandon an error that arrives late is reported', async () => {
  const error = new Error('late');
  const { promise, reject } = pledge();
  const reports = await reportsOf(async () => {
    await virtually(() =>
      withScope(async (scope) => {
        const waiting = abortable(promise, { abandon: true });
        scope.cancel();
        await waiting;
      }),
    )();
    reject(error);
    await promise.catch(() => {});
  });
  assert.deepEqual(reports, [error]);
});

test('abortable: an error that arrives after its scope has ended is reported', async () => {
  const error = new Error('late');
  const { promise, reject } = pledge();
  const reports = await reportsOf(
    virtually(async () => {
      const ended = await withScope((scope) => scope);
      assert.ok((await failureOf(abortable(promise, { scope: ended }))) instanceof ScopeClosedError);
      reject(error);
      await promise.catch(() => {});
    }),
  );
  assert.deepEqual(reports, [error]);
});

test('abortable: what onAbandoned throws is thrown by the scope, or reported when it abandoned the promise', async () => {
  const error = new Error('in onAbandoned');
  const onAbandoned = (): never => {
    throw error;
  };
  const late = (abandon: boolean): Promise<unknown> => {
    const { promise, resolve } = pledge();
    return withScope(async (scope) => {
      const waiting = abortable(promise, { abandon, onAbandoned });
      void cancelThen(scope, resolve);
      await waiting.catch(() => promise);
    });
  };
  const reports = await reportsOf(
    virtually(async () => {
      assert.equal(await failureOf(late(false)), error);
      assert.equal(await late(true), undefined);
    }),
  );
  assert.deepEqual(reports, [error]);
});

test('abortable: a promise that is rejected late is never an unhandled rejection', async () => {
  const errors = await unhandledOf(() =>
    reportsOf(
      virtually(async () => {
        for (const abandon of [false, true]) {
          const { promise, reject } = pledge();
          await withScope(async (scope) => {
            void abortable(promise, { abandon });
            scope.cancel();
            reject(new Error('late'));
            await promise.catch(() => {});
          }).catch(() => {});
        }
      }),
    ),
  );
  assert.deepEqual(errors, []);
});

test(
  'abortable: a timeout around it expires although the promise never settles, when it may be abandoned',
  virtually(async (clock) => {
    const { promise } = pledge();
    const waiting = timeout(100, () => abortable(promise, { abandon: true })).catch((error: unknown) => error);
    await clock.advance(100);
    assert.ok((await waiting) instanceof TimeoutError);
  }),
);

test(
  'abortable: still un-awaited when the scope ends, the promise is waited for and its error thrown',
  virtually(async () => {
    const error = new Error('late');
    const { promise, reject } = pledge();
    const failure = await failureOf(
      withScope(() => {
        void abortable(promise);
        setTimeout(() => reject(error), 1);
      }),
    );
    assert.equal(failure, error);
  }),
);

test(
  'abortable: many waiters of one promise are each cancelled alone',
  virtually(async () => {
    const { promise, resolve } = pledge<string>();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => trace.push(`a: ${await abortable(promise)}`));
      const cancelled = group.spawn(() => abortable(promise));
      group.spawn(async () => trace.push(`b: ${await abortable(promise)}`));
      await sleep(0);
      cancelled.cancel();
      resolve('value');
    });
    assert.deepEqual(trace, ['a: value', 'b: value']);
  }),
);

test(
  'abortable: takes any thenable; one that throws rejects, one that calls back twice counts once',
  virtually(async () => {
    const error = new Error('in then');
    const throwing = {
      then: (): never => {
        throw error;
      },
    };
    let call: ((value: string) => void) | undefined;
    const twice = {
      then: (resolve: (value: string) => void) => void (call = resolve),
    } as unknown as PromiseLike<string>;
    assert.equal(await failureOf(abortable(throwing as unknown as PromiseLike<void>)), error);
    await withScope(async (scope) => {
      const waiting = failureOf(abortable(twice));
      await sleep(0);
      scope.cancel();
      call?.('first');
      call?.('second');
      assert.ok(isCancelled(await waiting));
    });
    assert.deepEqual(await moveOnAfter(10, () => sleep(5)), { timedOut: false, value: undefined });
  }),
);

test(
  'abortable: misuse rejects',
  virtually(async () => {
    for (const wrong of [undefined, null, 5, () => Promise.resolve()]) {
      assert.ok((await failureOf(abortable(wrong as never))) instanceof TypeError);
    }
    assert.ok((await failureOf(abortable(Promise.resolve(), { scope: {} as never }))) instanceof TypeError);
  }),
);
