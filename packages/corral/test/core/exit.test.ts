// What a scope makes of the error with which its body ended.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledError,
  StrayCancellationError,
  TaskGroupError,
  isCancelled,
  moveOnAfter,
  shield,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

/** What leaves a cancelled scope whose body throws what `make` makes of the cancellation. */
function through(make: (cancelled: CancelledError, scope: Scope) => unknown): Promise<unknown> {
  return failureOf(
    withScope((scope) => {
      scope.cancel();
      throw make(scope.reason as CancelledError, scope);
    }).then((value) => {
      throw value === undefined ? absorbed : value;
    }),
  );
}
const absorbed = new Error('absorbed');

/** As `using` makes it; engines that have no SuppressedError get what compilers put in its place. */
function suppressedError(error: unknown, suppressed: unknown): Error {
  return Object.assign(Object.defineProperty(new Error('suppressed'), 'name', { value: 'SuppressedError' }), {
    error,
    suppressed,
  });
}

// trio test_run.py::test_cancel_scope_exceptiongroup_filtering
test(
  'exit: of an aggregate with three cancellations and an error only the error leaves the scope',
  virtually(async () => {
    const real = new RangeError('key');
    const left = await through((c) => new AggregateError([c, real, c, c], 'several'));
    assert.ok(left instanceof AggregateError);
    assert.deepEqual([left.errors, left.message], [[real], 'several']);
  }),
);

test(
  'exit: an aggregate of nothing but cancellations is absorbed like one, however it is nested',
  virtually(async () => {
    assert.equal(await through((c) => new AggregateError([c, c])), absorbed);
    assert.equal(await through((c) => new AggregateError([new AggregateError([c]), suppressedError(c, c)])), absorbed);
    assert.equal(await through((c) => suppressedError(c, suppressedError(c, new TaskGroupError([c])))), absorbed);
  }),
);

test(
  'exit: an aggregate without cancellations leaves as it is, the very object',
  virtually(async () => {
    for (const error of [
      new AggregateError([new Error('a'), new Error('b')]),
      suppressedError(new Error('a'), new Error('b')),
      new AggregateError([]),
      new TaskGroupError([1, 2]),
    ]) {
      assert.equal(await through(() => error), error);
    }
  }),
);

test(
  'exit: aggregates in aggregates are filtered leaf by leaf and keep their class and cause',
  virtually(async () => {
    const [a, b] = [new Error('a'), new Error('b')];
    const left = (await through(
      (c) => new AggregateError([new TaskGroupError([c, a]), c, b], 'outer', { cause: 'why' }),
    )) as AggregateError;
    assert.deepEqual([left.message, left.cause], ['outer', 'why']);
    const [inner, second] = left.errors as [TaskGroupError, Error];
    assert.ok(inner instanceof TaskGroupError);
    assert.deepEqual(inner.errors, [a]);
    assert.equal(second, b);
  }),
);

// semantics: SuppressedErrors are filtered leaf by leaf
test(
  'exit: of a SuppressedError the side that is no cancellation is left',
  virtually(async () => {
    const real = new Error('real');
    assert.equal(await through((c) => suppressedError(real, c)), real);
    assert.equal(await through((c) => suppressedError(c, real)), real);
    assert.equal(await through((c) => suppressedError(c, suppressedError(real, c))), real);
  }),
);

test(
  'exit: a SuppressedError with something real on both sides loses the cancellations deeper down',
  virtually(async () => {
    const [r1, r2] = [new Error('r1'), new Error('r2')];
    const left = (await through((c) => suppressedError(r1, suppressedError(r2, c)))) as ReturnType<
      typeof suppressedError
    > & { error: unknown; suppressed: unknown };
    assert.equal(left.name, 'SuppressedError');
    assert.deepEqual([left.error, left.suppressed], [r1, r2]);
  }),
);

test(
  'exit: two resources whose disposal fails in a cancelled block throw their own errors only',
  virtually(async () => {
    const failing = (error: Error): AsyncDisposable => ({ [Symbol.asyncDispose]: () => Promise.reject(error) });
    const [r1, r2] = [new Error('r1'), new Error('r2')];
    const left = (await failureOf(
      withScope(async (scope) => {
        await using _first = failing(r1);
        await using _second = failing(r2);
        scope.cancel();
        await sleep(1);
      }),
    )) as { error: unknown; suppressed: unknown };
    assert.deepEqual([left.error, left.suppressed], [r1, r2]);
  }),
);

test(
  'exit: 10,000 SuppressedErrors in each other that hold nothing but cancellations are absorbed',
  virtually(async () => {
    const left = await through((c) => {
      let chain: unknown = c;
      for (let depth = 0; depth < 10_000; depth++) chain = suppressedError(c, chain);
      return chain;
    });
    assert.equal(left, absorbed);
  }),
);

test(
  'exit: an aggregate that contains itself, or shares its parts, is filtered in no time',
  virtually(async () => {
    const real = new Error('real');
    const self = new AggregateError([]);
    self.errors.push(self, self, real);
    assert.ok((await through(() => self)) instanceof AggregateError);
    const shared = (await through((c) => {
      let error = new AggregateError([c, real]);
      for (let depth = 0; depth < 30; depth++) error = new AggregateError([error, error]);
      return error;
    })) as AggregateError;
    assert.ok(shared instanceof AggregateError);
  }),
);

// semantics: while the scope is cancelled, any AbortError is a cancellation
test(
  'exit: while the scope is cancelled every AbortError counts as the cancellation, otherwise none does',
  virtually(async () => {
    const foreign = new DOMException('aborted', 'AbortError');
    assert.equal(await through(() => foreign), absorbed);
    assert.equal(await through(() => new AggregateError([foreign])), absorbed);
    assert.equal(await failureOf(withScope(() => Promise.reject(foreign))), foreign);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_08; semantics: a real error never loses to a cancellation
test(
  'exit: a real error that replaces a cancellation in flight is thrown, through any number of cancelled scopes',
  virtually(async () => {
    const real = new Error('real');
    const failure = await failureOf(
      withScope((outer) =>
        timeout(10, () =>
          withScope(async (inner) => {
            try {
              inner.cancel();
              await sleep(1);
            } finally {
              outer.cancel();
              await shield(() => sleep(20));
              // oxlint-disable-next-line no-unsafe-finally
              throw real;
            }
          }),
        ),
      ),
    );
    assert.equal(failure, real);
  }),
);

test(
  'exit: the outermost cancelled scope takes the error, even if it was cancelled while the inner one was in flight',
  virtually(async () => {
    const passed: string[] = [];
    await withScope(async (outer) => {
      await withScope(async (middle) => {
        await withScope(async (inner) => {
          inner.cancel();
          await sleep(1).finally(() => outer.cancel());
        }).finally(() => passed.push('inner'));
        middle.cancel();
      }).finally(() => passed.push('middle'));
      passed.push('not reached');
    });
    assert.deepEqual(passed, ['inner', 'middle']);
  }),
);

// semantics: a CancelledError that escapes where nothing is cancelled; trio would let it through
test(
  'stray: a cancellation that was kept and is thrown again where nothing is cancelled becomes an error',
  virtually(async () => {
    let kept: unknown;
    await withScope(async (scope) => {
      scope.cancel();
      kept = await failureOf(sleep(1));
    });
    const failure = await failureOf(withScope(() => Promise.reject(kept), { name: 'innocent' }));
    assert.ok(failure instanceof StrayCancellationError);
    assert.equal(failure.cause, kept);
    assert.match(failure.message, /innocent/);
    assert.equal(isCancelled(failure), false);
  }),
);

test(
  'stray: fails a task and thereby its group, like any error',
  virtually(async (clock) => {
    const kept = new CancelledError({ kind: 'explicit' });
    const failure = await failureOf(
      taskGroup((group) => {
        group.spawn(() => sleepForever());
        group.spawn(() => sleep(5).then(() => Promise.reject(kept)), { name: 'confused' });
      }),
    );
    assert.ok(failure instanceof StrayCancellationError);
    assert.match(failure.message, /confused/);
    assert.equal(clock.now(), 5);
  }),
);

test(
  'stray: an aggregate of nothing but kept cancellations is one as well',
  virtually(async () => {
    const kept = new CancelledError({ kind: 'explicit' });
    const aggregate = new AggregateError([kept, kept]);
    const failure = await failureOf(timeout(10, () => Promise.reject(aggregate)));
    assert.ok(failure instanceof StrayCancellationError);
    assert.equal(failure.cause, aggregate);
  }),
);

test(
  'stray: the body of a group that throws a kept cancellation fails the group',
  virtually(async () => {
    const kept = new CancelledError({ kind: 'explicit' });
    let sibling = '';
    const failure = await failureOf(
      taskGroup(async (group) => {
        group.spawn(() => sleepForever().finally(() => (sibling = group.scope.reason!.cause.kind)));
        await sleep(1);
        throw kept;
      }),
    );
    assert.ok(failure instanceof StrayCancellationError);
    assert.equal(sibling, 'body-failed');
  }),
);

// trio test_run.py::test_precancelled_task and others: the error of one scope inside another that is cancelled too
test(
  'exit: a kept cancellation that is thrown in a cancelled scope is absorbed by it',
  virtually(async () => {
    const kept = new CancelledError({ kind: 'explicit', by: 'somewhere else' });
    assert.equal(await through(() => kept), absorbed);
  }),
);

test(
  'exit: a scope that absorbs does so for itself only: the code around it goes on and can wait',
  virtually(async (clock) => {
    const result = await moveOnAfter(10, () => sleepForever());
    assert.deepEqual(result, { timedOut: true });
    await sleep(5);
    assert.equal(clock.now(), 15);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_context_manager_exit_raises
test(
  'exit: failures of a body and of tasks travel together, cancellations filtered out of each',
  virtually(async () => {
    const [body, task] = [new Error('body'), new Error('task')];
    const failure = await failureOf(
      taskGroup(async (group) => {
        group.spawn(async () => {
          try {
            await sleepForever();
          } catch (error) {
            throw new AggregateError([error, task], 'both', { cause: error });
          }
        });
        await sleep(1);
        throw body;
      }),
    );
    assert.equal(failure, body);
    assert.deepEqual((suppressedErrors(body)[0] as AggregateError).errors, [task]);
  }),
);

test(
  'exit: falsy and exotic values that are thrown leave as they are',
  virtually(async () => {
    for (const value of [undefined, null, 0, '', false, Symbol('x'), () => {}]) {
      assert.equal(await failureOf(withScope(() => Promise.reject(value))), value);
      assert.equal(await failureOf(taskGroup((group) => void group.spawn(() => Promise.reject(value)))), value);
    }
  }),
);

test(
  'exit: an error that throws when it is looked at leaves all the same, and its scope ends',
  virtually(async () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const hostile = Object.defineProperty(new Error('hostile'), 'name', { get: () => assert.fail('looked at') });
    for (const error of [proxy, hostile]) {
      const left: unknown[] = [];
      await withScope(() => Promise.reject(error)).catch((failure: unknown) => void left.push(failure));
      await taskGroup((group) => void group.spawn(() => Promise.reject(error))).catch(
        (failure: unknown) => void left.push(failure),
      );
      assert.ok(left.length === 2 && left.every((failure) => Object.is(failure, error)));
    }
  }),
);
