import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ClosedResourceError,
  ResourceStack,
  TimeoutError,
  isCancelled,
  resource,
  resourceStack,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  use,
  withScope,
  type Failure,
} from '../../src/index.ts';
import { failureOf, pledge, virtually } from '../core/virtually.ts';

function traced(trace: string[], ms = 0) {
  return resource(async function* (value: string) {
    if (ms > 0) await sleep(ms);
    trace.push(`enter ${value}`);
    try {
      yield value;
    } catch (error) {
      trace.push(`${value} told ${isCancelled(error) ? 'cancelled' : (error as Error).message}`);
      throw error;
    } finally {
      trace.push(`leave ${value}`);
    }
  });
}

// contextlib test_contextlib.py::TestBaseExitStack::test_no_resources
test(
  'ResourceStack: with nothing in it does nothing',
  virtually(async () => {
    await using stack = new ResourceStack();
    assert.equal(stack.size, 0);
    assert.equal(await resourceStack(() => 1), 1);
  }),
);

// ::test_callback, test_contextlib_async.py::TestAsyncExitStack::test_async_callback
test(
  'callback: calls back last in first out, waits for each, and returns what it was given',
  virtually(async () => {
    const trace: string[] = [];
    {
      await using stack = new ResourceStack();
      const first = (): void => void trace.push('first');
      assert.equal(stack.callback(first), first);
      stack.callback(() => sleep(10).then(() => trace.push('second')));
      stack.callback(() => void trace.push('third'));
      assert.equal(stack.size, 3);
    }
    assert.deepEqual(trace, ['third', 'second', 'first']);
  }),
);

// ::test_push, TestAsyncExitStack::test_async_push
test(
  'push: is told what failed as it stands, and suppresses it by returning true alone',
  virtually(async () => {
    const error = new Error('boom');
    const told: (Failure | undefined)[] = [];
    const result = await resourceStack(async (stack) => {
      const below = (failure: Failure | undefined): void => void told.push(failure);
      assert.equal(stack.push(below), below);
      stack.push(() => true);
      stack.push(async (failure) => {
        told.push(failure);
        return 'truthy';
      });
      stack.push((failure) => {
        told.push(failure);
        return 1;
      });
      throw error;
    });
    assert.equal(result, undefined);
    assert.deepEqual(
      told.map((failure) => failure?.error),
      [error, error, undefined],
    );
    assert.equal(told[2], undefined);
  }),
);

// ::test_enter_context, TestAsyncExitStack::test_async_enter_context
test(
  'enter: gives the value and leaves in reverse order among callbacks',
  virtually(async () => {
    const trace: string[] = [];
    await resourceStack(async (stack) => {
      assert.equal(await stack.enter(traced(trace)('a')), 'a');
      stack.callback(() => trace.push('callback'));
      assert.equal(await stack.enter({ value: 7, close: () => trace.push('close') }), 7);
      const disposable = { [Symbol.dispose]: () => void trace.push('dispose') };
      assert.equal(await stack.enter(disposable), disposable);
    });
    assert.deepEqual(trace, ['enter a', 'dispose', 'close', 'callback', 'leave a']);
  }),
);

// TestAsyncExitStack::test_enter_async_context_errors
test('enter: misuse is refused', async () => {
  const stack = new ResourceStack();
  await assert.rejects(stack.enter({} as never), TypeError);
  assert.throws(() => stack.callback(5 as never), TypeError);
  assert.throws(() => stack.push(undefined as never), TypeError);
  assert.throws(() => new ResourceStack({ exitTimeoutMs: Number.NaN }), RangeError);
  assert.throws(() => new ResourceStack({ scope: 5 as never }), TypeError);
  await assert.rejects(resourceStack(5 as never), TypeError);
  assert.equal(stack.size, 0);
});

test(
  'enter: a set-up that fails leaves what was entered before',
  virtually(async () => {
    const trace: string[] = [];
    const error = new Error('no');
    const failing = resource(async function* () {
      if (error) throw error;
      yield 1;
    });
    const body = resourceStack(async (stack) => {
      await stack.enter(traced(trace)('a'));
      await stack.enter(failing());
    });
    assert.equal(await failureOf(body), error);
    assert.deepEqual(trace, ['enter a', 'a told no', 'leave a']);
  }),
);

// ::test_close, TestAsyncExitStack::test_async_close
test(
  'dispose: leaves all at once, and a second time nothing',
  virtually(async () => {
    const trace: string[] = [];
    const stack = new ResourceStack();
    await stack.enter(traced(trace)('a'));
    assert.equal(stack.closed, false);
    await stack[Symbol.asyncDispose]();
    assert.equal(stack.closed, true);
    await stack[Symbol.asyncDispose]();
    assert.deepEqual(trace, ['enter a', 'leave a']);
    assert.throws(() => stack.callback(() => {}), ClosedResourceError);
    assert.throws(() => stack.push(() => {}), ClosedResourceError);
    assert.throws(() => stack.popAll(), ClosedResourceError);
    await assert.rejects(stack.enter(traced(trace)('b')), ClosedResourceError);
    assert.deepEqual(trace, ['enter a', 'leave a']);
  }),
);

test(
  'enter: what is open already is closed when the stack has been left',
  virtually(async () => {
    const trace: string[] = [];
    const stack = new ResourceStack();
    await stack[Symbol.asyncDispose]();
    await assert.rejects(stack.enter({ value: 1, close: () => trace.push('closed') }), ClosedResourceError);
    assert.deepEqual(trace, ['closed']);
  }),
);

test(
  'enter: a set-up that ends when the stack has been left is left at once, told why',
  virtually(async () => {
    const trace: string[] = [];
    const stack = new ResourceStack();
    await taskGroup(async (group) => {
      const entering = group.spawn(() => failureOf(stack.enter(traced(trace, 20)('a'))));
      await sleep(10);
      await stack[Symbol.asyncDispose]();
      assert.ok((await entering.join()) instanceof ClosedResourceError);
    });
    assert.equal(trace.at(0), 'enter a');
    assert.match(trace.at(1) ?? '', /^a told Cannot use resource stack as it must not be closed/);
    assert.equal(trace.at(2), 'leave a');
  }),
);

// ::test_pop_all
test(
  'popAll: hands all over to a new stack, in order',
  virtually(async () => {
    const trace: string[] = [];
    let kept: ResourceStack | undefined;
    await resourceStack(async (stack) => {
      for (const n of [1, 2, 3]) stack.callback(() => trace.push(`left ${n}`));
      kept = stack.popAll();
      assert.equal(stack.size, 0);
      stack.callback(() => trace.push('left behind'));
    });
    assert.deepEqual(trace, ['left behind']);
    assert.equal(kept?.size, 3);
    await kept?.[Symbol.asyncDispose]();
    assert.deepEqual(trace.slice(1), ['left 3', 'left 2', 'left 1']);
  }),
);

// ::test_exit_raise
test(
  'resourceStack: the error of the body is thrown when all has been left',
  virtually(async () => {
    const error = new Error('boom');
    const trace: string[] = [];
    const body = resourceStack(async (stack) => {
      stack.push(() => false);
      await stack.enter(traced(trace)('a'));
      throw error;
    });
    assert.equal(await failureOf(body), error);
    assert.deepEqual(trace, ['enter a', 'a told boom', 'leave a']);
  }),
);

// ::test_exit_suppress, test_body_exception_suppress
test(
  'resourceStack: a suppressed error is not known to those below, and undefined is returned',
  virtually(async () => {
    const trace: string[] = [];
    const swallowing = resource(async function* () {
      try {
        yield;
      } catch {}
    });
    const result = await resourceStack(async (stack) => {
      await stack.enter(traced(trace)('below'));
      await stack.enter(swallowing());
      await stack.enter(traced(trace)('above'));
      throw new Error('boom');
    });
    assert.equal(result, undefined);
    assert.deepEqual(trace.slice(2), ['above told boom', 'leave above', 'leave below']);
  }),
);

// ::test_exit_exception_chaining_reference, test_exit_exception_chaining, test_exit_exception_with_correct_context
test(
  'resourceStack: all exits run; what one that is told throws takes the place of what it was told, which travels with it',
  virtually(async () => {
    const errors = ['body', 'inner', 'outer'].map((text) => new Error(text));
    const [body, inner, outer] = errors as [Error, Error, Error];
    const told: unknown[] = [];
    const running = resourceStack(async (stack) => {
      for (const error of [outer, inner]) {
        stack.push((failure) => {
          told.push(failure?.error);
          throw error;
        });
      }
      throw body;
    });
    assert.equal(await failureOf(running), outer);
    assert.deepEqual(told, [body, inner]);
    assert.deepEqual(suppressedErrors(outer), [inner]);
    assert.deepEqual(suppressedErrors(inner), [body]);
  }),
);

test(
  'resourceStack: what callbacks and disposables throw is attached to the error of the body',
  virtually(async () => {
    const [body, one, two] = [new Error('body'), new Error('one'), new Error('two')];
    const told: unknown[] = [];
    const running = resourceStack(async (stack) => {
      stack.push((failure) => void told.push(failure?.error));
      stack.callback(() => Promise.reject(two));
      await stack.enter({ value: 1, close: () => Promise.reject(one) });
      throw body;
    });
    assert.equal(await failureOf(running), body);
    assert.deepEqual(suppressedErrors(body), [one, two]);
    assert.deepEqual(told, [body]);
  }),
);

test(
  'dispose: the first exit that fails is thrown, those after it attached, and all run',
  virtually(async () => {
    const errors = [new Error('1'), new Error('2'), new Error('3')];
    const stack = new ResourceStack();
    for (const error of errors) {
      stack.callback(() => {
        throw error;
      });
    }
    const thrown = await failureOf(stack[Symbol.asyncDispose]());
    assert.equal(thrown, errors[2]);
    assert.deepEqual(suppressedErrors(thrown), [errors[1], errors[0]]);
  }),
);

// ::test_exit_exception_with_existing_context
test(
  'resourceStack: an error that names what it was told as its cause carries it once',
  virtually(async () => {
    const body = new Error('body');
    const running = resourceStack(async (stack) => {
      stack.push((failure) => {
        throw new Error('wrapped', { cause: failure?.error });
      });
      throw body;
    });
    const error = (await failureOf(running)) as Error;
    assert.equal(error.cause, body);
    assert.deepEqual(suppressedErrors(error), []);
  }),
);

// ::test_exit_exception_non_suppressing
test(
  'resourceStack: a later exit may suppress what an earlier one threw',
  virtually(async () => {
    const result = await resourceStack(async (stack) => {
      stack.push(() => true);
      stack.callback(() => Promise.reject(new Error('close')));
      return 1;
    });
    assert.equal(result, 1);
  }),
);

// ::test_excessive_nesting
test(
  'ResourceStack: as deep as one likes',
  virtually(async () => {
    let left = 0;
    const stack = new ResourceStack();
    for (let n = 0; n < 10_000; n++) stack.callback(() => void left++);
    await stack[Symbol.asyncDispose]();
    assert.equal(left, 10_000);
  }),
);

// ::test_dont_reraise_RuntimeError
test(
  'resourceStack: the same error thrown again by an exit is the same, and carries nothing',
  virtually(async () => {
    const error = new Error('boom');
    const running = resourceStack(async (stack) => {
      stack.push((failure) => {
        throw failure?.error;
      });
      stack.push((failure) => {
        throw failure?.error;
      });
      throw error;
    });
    assert.equal(await failureOf(running), error);
    assert.deepEqual(suppressedErrors(error), []);
  }),
);

test(
  'resourceStack: cancelled in the body, every exit is told and runs to its end',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      const running = resourceStack(async (stack) => {
        stack.callback(() => sleep(20).then(() => trace.push('waited')));
        await stack.enter(traced(trace)('a'));
        await sleepForever();
      });
      await sleep(10);
      scope.cancel();
      assert.equal(await failureOf(running), scope.reason);
    });
    assert.deepEqual(trace, ['enter a', 'a told cancelled', 'leave a', 'waited']);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'enter: cancelled while it sets up, the stack keeps what it has',
  virtually(async () => {
    const trace: string[] = [];
    await using stack = new ResourceStack();
    stack.callback(() => trace.push('callback'));
    await taskGroup(async (group) => {
      const task = group.spawn(() => stack.enter(traced(trace, 50)('a')));
      await sleep(10);
      task.cancel();
    });
    assert.equal(stack.size, 1);
    assert.deepEqual(trace, []);
  }),
);

test(
  'enter: cancelled in the instant in which the set-up ends, the stack leaves the resource once',
  virtually(async () => {
    for (const hops of [0, 1, 2, 3, 4, 5]) {
      const trace: string[] = [];
      const ready = pledge();
      const made = resource(async function* () {
        await ready.promise;
        trace.push('entered');
        try {
          yield;
        } finally {
          trace.push('left');
        }
      });
      await withScope(async (scope) => {
        const running = resourceStack(async (stack) => {
          await stack.enter(made());
          await sleep(1_000);
        });
        for (let hop = 0; hop < 20; hop++) await undefined; // until it is being entered
        ready.resolve();
        for (let hop = 0; hop < hops; hop++) await undefined;
        scope.cancel();
        assert.ok(isCancelled(await failureOf(running)));
      });
      assert.deepEqual(trace, ['entered', 'left']);
    }
  }),
);

test(
  'ResourceStack: each exit has a bound of its own, and those below run even so',
  virtually(async (clock) => {
    const trace: string[] = [];
    const stack = new ResourceStack({ exitTimeoutMs: 100 });
    stack.callback(() => trace.push('below'));
    stack.callback(() => sleep(90));
    stack.callback(() => sleepForever());
    assert.ok((await failureOf(stack[Symbol.asyncDispose]())) instanceof TimeoutError);
    assert.deepEqual(trace, ['below']);
    assert.equal(clock.now(), 190);
  }),
);

test(
  'dispose: one that nobody awaits goes on, and its scope waits for it',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(() => {
      const stack = new ResourceStack();
      stack.callback(() => sleep(50).then(() => trace.push('left')));
      void stack[Symbol.asyncDispose]();
    });
    assert.deepEqual(trace, ['left']);
    assert.equal(clock.now(), 50);
  }),
);

test(
  'use: a stack is told how the body has ended',
  virtually(async () => {
    const error = new Error('boom');
    const told: unknown[] = [];
    const running = use(new ResourceStack(), (stack) => {
      stack.push((failure) => void told.push(failure?.error));
      throw error;
    });
    assert.equal(await failureOf(running), error);
    assert.deepEqual(told, [error]);
  }),
);

test(
  'callback: to a stack that is being left it is refused',
  virtually(async () => {
    let refused: unknown;
    await resourceStack((stack) => {
      stack.callback(() => {
        try {
          stack.callback(() => {});
        } catch (error) {
          refused = error;
        }
      });
    });
    assert.ok(refused instanceof ClosedResourceError);
  }),
);
