import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  ScopeClosedError,
  TimeoutError,
  currentScope,
  isCancelled,
  moveOnAfter,
  openTaskGroup,
  resource,
  shield,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  use,
  withScope,
} from '../../src/index.ts';
import { failureOf, pledge, virtually } from '../core/virtually.ts';
import { reported } from './pool-world.ts';

/** A resource that says what happens to it. */
function traced(trace: string[], { enterMs = 0, exitMs = 0 } = {}) {
  return resource(async function* traced(value: string) {
    trace.push(`enter ${value}`);
    if (enterMs > 0) await sleep(enterMs);
    trace.push(`entered ${value}`);
    try {
      yield value;
      trace.push(`after ${value}`);
    } catch (error) {
      trace.push(`thrown in ${value}: ${isCancelled(error) ? 'cancelled' : String(error)}`);
      throw error;
    } finally {
      if (exitMs > 0) await sleep(exitMs);
      trace.push(`left ${value}`);
    }
  });
}

// The rules of asynccontextmanager -----------------------------------------------------------------------------------

// contextlib test_contextlib_async.py::AsyncContextManagerTestCase::test_contextmanager_plain
test(
  'use: sets up, gives the body the value, cleans up, and returns what the body returned',
  virtually(async () => {
    const trace: string[] = [];
    const result = await use(traced(trace, { enterMs: 5, exitMs: 5 })('a'), async (value) => {
      trace.push(`body ${value}`);
      return 42;
    });
    assert.equal(result, 42);
    assert.deepEqual(trace, ['enter a', 'entered a', 'body a', 'after a', 'left a']);
  }),
);

// ::test_contextmanager_finally
test(
  'use: the error of the body is thrown in at the yield, and thrown again as it is',
  virtually(async () => {
    const trace: string[] = [];
    const error = new Error('boom');
    assert.equal(await failureOf(use(traced(trace)('a'), () => Promise.reject(error))), error);
    assert.deepEqual(trace, ['enter a', 'entered a', 'thrown in a: Error: boom', 'left a']);
    assert.deepEqual(suppressedErrors(error), []);
  }),
);

// ::test_contextmanager_except
test(
  'use: a generator that catches the error and ends suppresses it, and undefined is returned',
  virtually(async () => {
    const caught: unknown[] = [];
    const lenient = resource(async function* () {
      try {
        yield 1;
      } catch (error) {
        caught.push(error);
      }
    });
    for (const thrown of [new Error('boom'), undefined, null, 0]) {
      assert.equal(await use(lenient(), () => Promise.reject(thrown)), undefined);
      assert.equal(caught.pop(), thrown);
    }
  }),
);

test(
  'use: with suppresses false an error that the generator swallows is thrown all the same',
  virtually(async () => {
    const swallowing = resource(
      async function* () {
        try {
          yield 1;
        } catch {}
      },
      { suppresses: false },
    );
    const error = new Error('boom');
    assert.equal(await failureOf(use(swallowing(), () => Promise.reject(error))), error);
    assert.equal(await use(swallowing(), (one) => one), 1);
  }),
);

test(
  'use: another error that the generator throws takes the place of the first, which travels with it',
  virtually(async () => {
    const [first, second] = [new Error('first'), new Error('second')];
    const replacing = resource(async function* () {
      try {
        yield;
      } finally {
        throw second; // eslint-disable-line no-unsafe-finally
      }
    });
    assert.equal(await failureOf(use(replacing(), () => Promise.reject(first))), second);
    assert.deepEqual(suppressedErrors(second), [first]);
  }),
);

test(
  'use: an error that names the first as its cause carries it nowhere else',
  virtually(async () => {
    const first = new Error('first');
    const translating = resource(async function* () {
      try {
        yield;
      } catch (cause) {
        throw new Error('translated', { cause });
      }
    });
    const error = (await failureOf(use(translating(), () => Promise.reject(first)))) as Error;
    assert.equal(error.message, 'translated');
    assert.equal(error.cause, first);
    assert.deepEqual(suppressedErrors(error), []);
  }),
);

test(
  'use: an error after a body that succeeded is thrown',
  virtually(async () => {
    const error = new Error('close failed');
    const failing = resource(async function* () {
      yield;
      throw error;
    });
    assert.equal(await failureOf(use(failing(), () => 1)), error);
  }),
);

// ::test_contextmanager_trap_no_yield
test(
  'use: a generator that ends without a yield is an error, and the body does not run',
  virtually(async () => {
    const none = resource(async function* none(): AsyncGenerator<number> {});
    await assert.rejects(
      use(none(), () => assert.fail('the body ran')),
      { name: 'TypeError', message: 'Cannot enter none as its generator must yield: it ended without' },
    );
  }),
);

// ::test_contextmanager_trap_second_yield
test(
  'use: a generator that yields twice is an error, and is closed',
  virtually(async () => {
    const trace: string[] = [];
    const twice = resource(async function* twice() {
      try {
        yield 1;
        yield 2;
        trace.push('went on');
      } finally {
        await sleep(5);
        trace.push('closed');
      }
    });
    await assert.rejects(
      use(twice(), () => 'value'),
      { name: 'TypeError', message: 'Cannot leave twice as its generator must yield once: it yielded again' },
    );
    assert.deepEqual(trace, ['closed']);
  }),
);

// ::test_contextmanager_trap_yield_after_throw
test(
  'use: a generator that yields again after an error was thrown in is an error, closed, and the error is kept',
  virtually(async () => {
    const trace: string[] = [];
    const again = resource(async function* again() {
      try {
        yield 1;
      } catch {
        try {
          yield 2;
        } finally {
          trace.push('closed');
        }
      }
    });
    const first = new Error('first');
    const error = await failureOf(use(again(), () => Promise.reject(first)));
    assert.match(String(error), /^TypeError: Cannot leave again .* yielded again$/);
    assert.deepEqual(suppressedErrors(error), [first]);
    assert.deepEqual(trace, ['closed']);
  }),
);

test(
  'use: what closing a generator that yielded twice throws is attached',
  virtually(async () => {
    const close = new Error('close');
    const twice = resource(async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        throw close; // eslint-disable-line no-unsafe-finally
      }
    });
    const error = await failureOf(use(twice(), () => 0));
    assert.match(String(error), /yielded again/);
    assert.deepEqual(suppressedErrors(error), [close]);
  }),
);

// ::test_recursive, and _GeneratorContextManager: "generator didn't yield" when entered twice
test(
  'use: a resource is entered once, its function makes as many as are wanted',
  virtually(async () => {
    const trace: string[] = [];
    const make = traced(trace);
    const one = make('a');
    await use(one, () => use(make('b'), () => trace.push('body')));
    assert.deepEqual(
      trace.filter((line) => /^(left|body)/.test(line)),
      ['body', 'left b', 'left a'],
    );
    await assert.rejects(
      use(one, () => 1),
      { name: 'TypeError', message: /^Cannot enter traced as a resource is entered once: call its function again/ },
    );
  }),
);

// ::test_contextmanager_attribs, test_param_errors_keywords
test(
  'resource: takes its name and hands on its arguments; nothing runs before it is entered',
  virtually(async () => {
    let ran = false;
    const pair = resource(async function* pair(a: number, b: string) {
      ran = true;
      yield [a, b] as const;
    });
    const made = pair(1, 'b');
    await sleep(1);
    assert.equal(ran, false);
    assert.equal(made.name, 'pair');
    assert.deepEqual(await use(made, (value) => value), [1, 'b']);
    assert.equal(resource(async function* () {}, { name: 'given' })().name, 'given');
    assert.equal(resource(async function* () {})().name, 'resource');
  }),
);

test(
  'resource: takes a generator function that is not async',
  virtually(async () => {
    const trace: string[] = [];
    const plain = resource(function* () {
      try {
        yield 1;
      } catch (error) {
        trace.push(String(error));
      } finally {
        trace.push('left');
      }
    });
    assert.equal(await use(plain(), (one) => one + 1), 2);
    assert.equal(await use(plain(), () => Promise.reject(new Error('boom'))), undefined);
    assert.deepEqual(trace, ['left', 'Error: boom', 'left']);
  }),
);

test('resource: misuse is refused', async () => {
  assert.throws(() => resource(5 as never), TypeError);
  const plain = resource((async () => 1) as never);
  await assert.rejects(
    use(plain(), () => 1),
    { name: 'TypeError', message: /takes a generator function: what it returned is a promise$/ },
  );
  for (const wrong of [undefined, null, 5, 'x', {}, { close() {} }, { value: 1 }, () => 1, []]) {
    await assert.rejects(
      use(wrong as never, () => 1),
      { name: 'TypeError', message: /takes a resource, something/ },
    );
  }
  await assert.rejects(use(resource(function* () {})(), 5 as never), TypeError);
  await assert.rejects(
    use({ value: 1, close() {} }, () => 1, { exitTimeoutMs: Number.NaN }),
    RangeError,
  );
});

// Cancelling ---------------------------------------------------------------------------------------------------------

test(
  'use: cancelled while it sets up, the body does not run and the generator cleans up by itself',
  virtually(async (clock) => {
    const trace: string[] = [];
    const slow = resource(async function* () {
      try {
        await sleep(1_000);
        yield 1;
      } catch (error) {
        trace.push(isCancelled(error) ? 'set-up cancelled' : 'something else');
        throw error;
      }
    });
    await withScope(async (scope) => {
      setTimeout(() => {}, 0);
      await taskGroup((group) => {
        group.spawn(() => sleep(10).then(() => scope.cancel()));
        group.spawn(() => use(slow(), () => trace.push('body')));
      });
    });
    assert.deepEqual(trace, ['set-up cancelled']);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'use: cancelled in the instant in which the set-up ends, the resource is left exactly once',
  virtually(async () => {
    for (const hops of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
      const trace: string[] = [];
      const ready = pledge<string>();
      const made = resource(async function* () {
        const value = await ready.promise;
        trace.push('entered');
        try {
          yield value;
        } finally {
          trace.push('left');
        }
      });
      await withScope(async (scope) => {
        const using = use(made(), async () => {
          trace.push('body');
          await sleep(1_000);
          trace.push('not reached');
        });
        ready.resolve('value');
        for (let hop = 0; hop < hops; hop++) await undefined;
        scope.cancel();
        assert.ok(isCancelled(await failureOf(using)));
      });
      const begun = trace.includes('body') ? ['body'] : [];
      assert.deepEqual(trace, ['entered', ...begun, 'left'], `after ${hops} microtasks`);
    }
  }),
);

test(
  'use: cancelled in the body, the cancellation is thrown in at the yield and the exit may wait',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      const using = use(traced(trace, { exitMs: 50 })('a'), () => sleepForever());
      await sleep(10);
      scope.cancel();
      assert.equal(await failureOf(using), scope.reason);
    });
    assert.deepEqual(trace, ['enter a', 'entered a', 'thrown in a: cancelled', 'left a']);
    assert.equal(clock.now(), 60);
  }),
);

test(
  'use: cancelled while it leaves, it goes on leaving, and the value stands',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      const using = use(traced(trace, { exitMs: 100 })('a'), () => 'value');
      await sleep(10);
      scope.cancel();
      assert.equal(await using, 'value');
    });
    assert.equal(trace.at(-1), 'left a');
    assert.equal(clock.now(), 100);
  }),
);

test(
  'use: in a cancelled scope nothing is set up, and the resource can still be entered',
  virtually(async () => {
    const trace: string[] = [];
    const one = traced(trace)('a');
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(use(one, () => 1)), scope.reason);
      assert.deepEqual(trace, []);
      assert.equal(await shield(() => use(one, () => 1)), 1);
    });
  }),
);

test(
  'use: a cancellation that the generator suppresses is seen at the next wait',
  virtually(async () => {
    const swallowing = resource(async function* () {
      try {
        yield;
      } catch {}
    });
    await withScope(async (scope) => {
      const using = use(swallowing(), () => sleepForever());
      await Promise.resolve();
      scope.cancel();
      assert.equal(await using, undefined);
      assert.ok(isCancelled(await failureOf(sleep(1))));
    });
  }),
);

test(
  'use: a real error of the exit wins over the cancellation',
  virtually(async () => {
    const error = new Error('close failed');
    const failing = resource(async function* () {
      try {
        yield;
      } finally {
        throw error; // eslint-disable-line no-unsafe-finally
      }
    });
    await withScope(async (scope) => {
      const using = use(failing(), () => sleepForever());
      await sleep(1);
      scope.cancel();
      assert.equal(await failureOf(using), error);
      assert.deepEqual(suppressedErrors(error), []);
    });
  }),
);

// The bound ----------------------------------------------------------------------------------------------------------

test(
  'use: an exit that takes too long is cancelled after 10 s, or what was asked for, and TimeoutError thrown',
  virtually(async (clock) => {
    const trace: string[] = [];
    const stuck = resource(async function* stuck() {
      yield 1;
      await sleepForever();
      trace.push('not reached');
    });
    const error = await failureOf(use(stuck(), () => 1));
    assert.ok(error instanceof TimeoutError);
    assert.equal(error.ms, 10_000);
    assert.match(error.message, /leave stuck/);
    assert.equal(clock.now(), 10_000);
    await assert.rejects(
      use(stuck(), () => 1, { exitTimeoutMs: 50 }),
      TimeoutError,
    );
    assert.equal(clock.now(), 10_050);
    assert.deepEqual(trace, []);
  }),
);

test(
  'use: the error of the body stays the first when the exit takes too long',
  virtually(async () => {
    const stuck = resource(async function* () {
      try {
        yield 1;
      } finally {
        await sleepForever();
      }
    });
    const error = new Error('boom');
    assert.equal(await failureOf(use(stuck(), () => Promise.reject(error))), error);
    const [late] = suppressedErrors(error);
    assert.ok(late instanceof TimeoutError);
  }),
);

test('use: an exit that waits for something foreign is given up after its time', async () => {
  const foreign = pledge();
  const stuck = resource(async function* () {
    yield 1;
    await foreign.promise;
  });
  await assert.rejects(
    use(stuck(), () => 1, { exitTimeoutMs: 5 }),
    TimeoutError,
  );
  foreign.resolve();
});

test('use: what an exit that was given up throws later is reported', async () => {
  const foreign = pledge();
  const stuck = resource(async function* () {
    yield 1;
    await foreign.promise;
  });
  const error = new Error('late');
  const errors = await reported(async () => {
    const using = use(stuck(), () => 1, { exitTimeoutMs: 5 });
    assert.ok((await failureOf(using)) instanceof TimeoutError);
    foreign.reject(error);
    await sleep(1);
  });
  assert.deepEqual(errors, [error]);
});

// Scopes and contexts ------------------------------------------------------------------------------------------------

test(
  'use: set-up, body and exit run in the scope and with the variables of the caller',
  virtually(async () => {
    const variable = new ContextVariable<string>({ name: 'request' });
    const seen: unknown[] = [];
    let outer: unknown;
    const ancestors = (): boolean => {
      let scope = currentScope();
      while (scope && scope !== outer) scope = scope.parent;
      return scope !== undefined;
    };
    const looking = resource(async function* () {
      seen.push(['set-up', variable.get(), ancestors()]);
      await sleep(1);
      seen.push(['later', variable.get(), ancestors()]);
      try {
        yield;
      } finally {
        seen.push(['exit', variable.get(), ancestors()]);
        await sleep(1);
        seen.push(['later', variable.get(), ancestors()]);
      }
    });
    await withScope(async (scope) => {
      outer = scope;
      await variable.run('r1', () =>
        use(looking(), async () => {
          await sleep(1);
          seen.push(['body', variable.get(), ancestors()]);
        }),
      );
    });
    const each = ['set-up', 'later', 'body', 'exit', 'later'];
    assert.deepEqual(
      seen,
      each.map((what) => [what, 'r1', true]),
    );
  }),
);

test(
  'use: the exit runs when all that the body has started has ended',
  virtually(async () => {
    const trace: string[] = [];
    await use(traced(trace)('a'), (_value, scope) => {
      void taskGroup(
        (group) => {
          group.spawn(async () => {
            try {
              await sleepForever();
            } finally {
              await shield(() => sleep(5));
              trace.push('task ended');
            }
          });
        },
        { scope },
      );
    });
    assert.deepEqual(trace.slice(2), ['task ended', 'after a', 'left a']);
  }),
);

test(
  'use: a group that the set-up opens lives until the exit',
  virtually(async () => {
    const trace: string[] = [];
    const withHeartbeat = resource(async function* () {
      const group = openTaskGroup();
      try {
        group.spawn(
          async () => {
            for (;;) {
              await sleep(10);
              trace.push('beat');
            }
          },
          { background: true },
        );
        yield;
        await group.join();
      } finally {
        await group[Symbol.asyncDispose]();
        trace.push('left');
      }
    });
    await use(withHeartbeat(), () => sleep(35));
    assert.deepEqual(trace, ['beat', 'beat', 'beat', 'left']);
  }),
);

test(
  'use: one that nobody awaits is cancelled with its scope, which waits for its exit',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async () => {
      void use(traced(trace, { exitMs: 20 })('a'), () => sleepForever()).catch(() => {});
      await sleep(5);
    });
    assert.equal(trace.at(-1), 'left a');
    assert.equal(clock.now(), 25);
  }),
);

// Other things that are closed ---------------------------------------------------------------------------------------

test(
  'use: takes anything disposable, the async way first, and any { value, close }',
  virtually(async () => {
    const trace: string[] = [];
    const sync = { [Symbol.dispose]: () => void trace.push('sync') };
    const both = { ...sync, [Symbol.asyncDispose]: () => sleep(1).then(() => void trace.push('async')) };
    const closeable = {
      value: 7,
      close(): void {
        trace.push(`closed ${this.value}`);
      },
    };
    assert.equal(await use(sync, (value) => value === sync), true);
    assert.equal(await use(both, (value) => value === both), true);
    assert.equal(await use(closeable, (value) => value), 7);
    assert.deepEqual(trace, ['sync', 'async', 'closed 7']);
  }),
);

test(
  'use: what closing throws is attached to the error of the body, or thrown when there is none',
  virtually(async () => {
    const [body, close] = [new Error('body'), new Error('close')];
    const bad = { value: 1, close: () => Promise.reject(close) };
    assert.equal(await failureOf(use(bad, () => Promise.reject(body))), body);
    assert.deepEqual(suppressedErrors(body), [close]);
    assert.equal(await failureOf(use(bad, () => 1)), close);
  }),
);

test(
  'use: what is open already is closed when the scope is cancelled or has ended before the call',
  virtually(async () => {
    const trace: string[] = [];
    const one = { value: 1, close: () => sleep(1).then(() => trace.push('closed')) };
    let ended: ReturnType<typeof currentScope>;
    await withScope((scope) => void (ended = scope));
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(use(one, () => trace.push('body'))), scope.reason);
    });
    assert.deepEqual(trace, ['closed']);
    assert.ok((await failureOf(use(one, () => trace.push('body'), { scope: ended }))) instanceof ScopeClosedError);
    assert.deepEqual(trace, ['closed', 'closed']);
  }),
);

test(
  'use: cancelled during a set-up that goes on to its end, the body does not begin, and the resource is left',
  virtually(async () => {
    const trace: string[] = [];
    const deaf = resource(async function* deaf() {
      await shield(() => sleep(50));
      try {
        yield 1;
      } finally {
        trace.push('left');
      }
    });
    const result = await moveOnAfter(10, () => use(deaf(), () => void trace.push('body')));
    assert.equal(result.timedOut, true);
    assert.deepEqual(trace, ['left']);
  }),
);
