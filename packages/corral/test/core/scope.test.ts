import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ScopeClosedError,
  currentScope,
  isCancelled,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { reportsOf } from '../internal/observe.ts';
import { failureOf, virtually } from './virtually.ts';

test(
  'withScope: returns what the body returns and hands it the scope, which is the current one',
  virtually(async () => {
    const value = await withScope((scope) => {
      assert.equal(currentScope(), scope);
      return 'value';
    });
    assert.equal(value, 'value');
  }),
);

test(
  'withScope: the scope is called what the option says, or as its body, or as the call',
  virtually(async () => {
    assert.equal(await withScope((scope) => scope.name, { name: 'given' }), 'given');
    assert.equal(
      await withScope(function named(scope) {
        return scope.name;
      }),
      'named',
    );
    assert.equal(await withScope((scope) => scope.name), 'withScope');
  }),
);

// trio test_run.py::test_cancel_edge_cases; semantics: a scope absorbs its own cancellation
test(
  'withScope: returns undefined when scope.cancel() cut the body off',
  virtually(async () => {
    const value = await withScope(async (scope) => {
      scope.cancel();
      await sleep(1);
      return 'not reached';
    });
    assert.equal(value, undefined);
  }),
);

test(
  'withScope: a body that swallows the cancellation and returns keeps its value',
  virtually(async () => {
    const value = await withScope(async (scope) => {
      scope.cancel();
      await sleep(1).catch(() => {});
      return 'swallowed';
    });
    assert.equal(value, 'swallowed');
  }),
);

// trio test_run.py::test_cancel_scope_nesting: a pending cancellation that is popped is not delivered
test(
  'withScope: a cancellation that the body never met is not delivered after it',
  virtually(async (clock) => {
    assert.equal(await withScope((scope) => scope.cancel()), true);
    await sleep(10);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'withScope: throws what the body throws, the very object',
  virtually(async () => {
    const error = new Error('real');
    assert.equal(await failureOf(withScope(() => Promise.reject(error))), error);
    assert.equal(
      await failureOf(
        withScope(() => {
          throw error;
        }),
      ),
      error,
    );
  }),
);

test(
  'withScope: a real error of the body is thrown although the scope was cancelled',
  virtually(async () => {
    const error = new Error('real');
    const failure = await failureOf(
      withScope(async (scope) => {
        scope.cancel();
        await sleep(1).catch(() => Promise.reject(error));
      }),
    );
    assert.equal(failure, error);
  }),
);

test(
  'withScope: cancels and waits for scopes that its body opened and did not await',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(() => {
      void withScope(async (inner) => {
        await sleepForever().catch(() => trace.push(`cancelled: ${inner.reason?.cause.kind}`));
        await withScope(() => sleep(50), { shield: true });
        trace.push(`clean at ${clock.now()}`);
      });
    });
    trace.push(`ended at ${clock.now()}`);
    assert.deepEqual(trace, ['cancelled: closed', 'clean at 50', 'ended at 50']);
  }),
);

test(
  'withScope: misuse rejects before anything is started',
  virtually(async () => {
    const body = (): never => assert.fail('started');
    for (const [call, type] of [
      [() => withScope(Promise.resolve(1) as never), TypeError],
      [() => withScope(body, { signal: 5 as never }), TypeError],
      [() => withScope(body, { scope: {} as never }), TypeError],
      [() => withScope(body, { deadlineMs: NaN }), RangeError],
      [() => withScope(body, { deadlineMs: '5' as never }), RangeError],
    ] as const) {
      const failure = await failureOf(call());
      assert.ok(failure instanceof type, String(failure));
      assert.match(failure.message, /^Cannot .* as .*: current value is /);
    }
  }),
);

// semantics: operations called with a closed scope name it and the way out
test(
  'withScope: a scope cannot be opened in one that has ended',
  virtually(async () => {
    let closed: Scope | undefined;
    await withScope((scope) => void (closed = scope), { name: 'gone' });
    const failure = await failureOf(withScope(() => assert.fail('started'), { scope: closed }));
    assert.ok(failure instanceof ScopeClosedError);
    assert.match(failure.message, /gone.*detach/);
  }),
);

// trio test_cancelled.py::test_cancel_reason_not_overwritten; asyncio and trio: cancel is idempotent
test(
  'scope.cancel: the first cause wins; later calls return false',
  virtually(async () => {
    await withScope(async (scope) => {
      assert.equal(scope.cancel('first'), true);
      assert.equal(scope.cancel('second'), false);
      assert.equal(scope.reason?.cause.reason, 'first');
      assert.equal(await failureOf(sleep(1)), scope.reason);
    });
  }),
);

test(
  'scope.cancel: does nothing and returns false once the scope has ended',
  virtually(async () => {
    let ended: Scope | undefined;
    let calls = 0;
    await withScope((scope) => {
      ended = scope;
      scope.onCancel(() => calls++);
    });
    assert.equal(ended?.cancel(), false);
    assert.equal(ended?.cancelled, false);
    assert.equal(ended?.reason, undefined);
    assert.equal(calls, 0);
  }),
);

// trio test_run.py::test_cancel_unbound: never un-cancels
test(
  'scope.cancel: is never undone, and is still to be seen after the end',
  virtually(async () => {
    let seen: Scope | undefined;
    await withScope(async (scope) => {
      seen = scope;
      scope.cancel('why');
      for (let times = 0; times < 3; times++) assert.ok(isCancelled(await failureOf(sleep(1))));
    });
    assert.equal(seen?.cancelled, true);
    assert.equal(seen?.reason?.cause.reason, 'why');
  }),
);

test(
  'scope.cancel: reaches what is below, not what is beside or around',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      await taskGroup((group) => {
        group.spawn(() => sleep(100).then(() => trace.push('beside')));
        group.spawn(() =>
          withScope(async (scope) => {
            scope.cancel();
            await withScope(() => timeout(1_000, () => sleep(50)));
            trace.push('not reached');
          }),
        );
      });
      trace.push(`around: ${outer.cancelled} at ${clock.now()}`);
    });
    assert.deepEqual(trace, ['beside', 'around: false at 100']);
  }),
);

// anyio test_taskgroups.py::test_cancel_scope_in_another_task
test(
  'scope.cancel: may be called by another task',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      let handle: Scope | undefined;
      group.spawn(async () => {
        await withScope((scope) => {
          handle = scope;
          return sleepForever();
        });
        trace.push(`went on at ${clock.now()}`);
        await sleep(5);
      });
      await sleep(20);
      handle?.cancel();
    });
    assert.deepEqual(trace, ['went on at 20']);
    assert.equal(clock.now(), 25);
  }),
);

test(
  'scope.cancel: from the finally of its own body lets a real error through and absorbs what is cancelled there',
  virtually(async () => {
    const error = new Error('real');
    const cancelling = (failing: boolean): Promise<void> =>
      withScope(async (scope) => {
        try {
          if (failing) throw error;
        } finally {
          scope.cancel();
        }
        await sleep(1);
      });
    assert.equal(await failureOf(cancelling(true)), error);
    assert.equal(await cancelling(false), undefined);
  }),
);

test(
  'scope.onCancel: calls back once, inside cancel(), with the reason',
  virtually(async () => {
    const trace: unknown[] = [];
    await withScope(async (scope) => {
      await withScope((inner) => {
        inner.onCancel((reason) => trace.push(reason));
        scope.cancel();
        assert.deepEqual(trace, [scope.reason]);
        inner.cancel();
      });
    });
    assert.equal(trace.length, 1);
  }),
);

test(
  'scope.onCancel: calls back at once when the scope is cancelled already',
  virtually(async () => {
    await withScope((scope) => {
      scope.cancel();
      let reason: unknown;
      scope.onCancel((given) => (reason = given));
      assert.equal(reason, scope.reason);
    });
  }),
);

test(
  'scope.onCancel: returns what takes the callback back',
  virtually(async () => {
    const trace: string[] = [];
    await withScope((scope) => {
      const first = scope.onCancel(() => trace.push('first'));
      scope.onCancel(() => trace.push('second'));
      first();
      first();
      scope.cancel();
    });
    assert.deepEqual(trace, ['second']);
  }),
);

test(
  'scope.onCancel: what a callback throws is reported, never thrown by cancel(), and the others are called',
  virtually(async () => {
    const [first, late] = [new Error('first'), new Error('late')];
    const trace: string[] = [];
    const reports = await reportsOf(() =>
      withScope((scope) => {
        scope.onCancel(() => {
          throw first;
        });
        scope.onCancel(() => trace.push('second'));
        assert.equal(scope.cancel(), true);
        scope.onCancel(() => {
          throw late;
        });
        trace.push('body goes on');
      }).catch((error: unknown) => trace.push(String(error))),
    );
    assert.deepEqual(trace, ['second', 'body goes on']);
    assert.deepEqual(reports, [first, late]);
  }),
);

test(
  'scope.onCancel: a callback may cancel again and register another, which is called at once',
  virtually(async () => {
    const trace: unknown[] = [];
    await withScope((scope) => {
      scope.onCancel(() => {
        trace.push(scope.cancel());
        scope.onCancel(() => trace.push('nested'));
        trace.push('callback ends');
      });
      scope.cancel();
    });
    assert.deepEqual(trace, [false, 'nested', 'callback ends']);
  }),
);

test(
  'scope.onCancel: a callback may take back one that has not been called yet',
  virtually(async () => {
    const trace: string[] = [];
    await withScope((scope) => {
      scope.onCancel(() => second());
      const second = scope.onCancel(() => trace.push('second'));
      scope.cancel();
    });
    assert.deepEqual(trace, []);
  }),
);
