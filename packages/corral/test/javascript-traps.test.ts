import assert from 'node:assert/strict';
import { EventEmitter, getEventListeners, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as nodeTimeout } from 'node:timers/promises';
import {
  TaskGroupError,
  TimeoutError,
  abortable,
  any,
  asCompleted,
  checkpoint,
  cleanup,
  currentSignal,
  forEach,
  gather,
  interval,
  map,
  moveOnAfter,
  now,
  openTaskGroup,
  race,
  shield,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
  withSignal,
} from '../src/index.ts';
import type { Scope, TaskGroup } from '../src/index.ts';
import { installReporter } from '../src/internal/report.ts';
import { VirtualClock } from '../src/testing/index.ts';

type Outcome = { readonly value: unknown } | { readonly error: unknown };

async function outcome(promise: PromiseLike<unknown>): Promise<Outcome> {
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

const inVirtualTime = <T>(main: (scope: Scope) => T | PromiseLike<T>): Promise<T> => new VirtualClock().run(main);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const fail = (error: unknown) => async (): Promise<never> => {
  throw error;
};

/** Runs `body` and asserts that no rejection was left unhandled. */
async function quietly<T>(body: () => Promise<T>): Promise<T> {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    const value = await body();
    await turn();
    await turn();
    assert.deepEqual(unhandled, []);
    return value;
  } finally {
    process.off('unhandledRejection', note);
  }
}

/** Runs `body` and returns what it had reported. */
async function reports(body: () => unknown): Promise<unknown[]> {
  const reported: unknown[] = [];
  const installed = installReporter((error) => void reported.push(error));
  try {
    await body();
    await turn();
    return reported;
  } finally {
    installReporter(installed);
  }
}

describe('foreign calls that take a signal', () => {
  let server: Server;
  let url = '';
  /** Called when a request has come in that is never answered. */
  let arrived = (): void => {};
  before(async () => {
    server = createServer(() => arrived());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Each waits for ever, says so by `begun`, and gives up when its signal is aborted. */
  const calls: Record<string, (signal: AbortSignal, begun: () => void) => Promise<unknown>> = {
    fetch: (signal, begun) => {
      arrived = begun;
      return fetch(url, { signal });
    },
    'timers/promises': (signal, begun) => {
      begun();
      return nodeTimeout(1e6, undefined, { signal });
    },
    'events.once': (signal, begun) => {
      begun();
      return once(new EventEmitter(), 'never', { signal });
    },
    'stream pipeline': (signal, begun) => {
      begun();
      return pipeline(new Readable({ read() {} }), new PassThrough(), { signal });
    },
    'a promise that rejects with signal.reason': (signal, begun) => rejecting(signal, begun, () => signal.reason),
    'a promise that rejects with a DOMException': (signal, begun) =>
      rejecting(signal, begun, () => new DOMException('stopped', 'AbortError')),
  };

  for (const [name, call] of Object.entries(calls)) {
    test(`${name}: cut off by scope.cancel() with the scope's signal, the scope returns undefined`, async () => {
      const result = withScope((scope) => call(scope.signal, () => setImmediate(() => scope.cancel())));
      assert.equal(await result, undefined);
    });

    test(`${name}: cut off by scope.cancel() in withSignal, the scope returns undefined`, async () => {
      const result = withScope((scope) =>
        withSignal((signal) => call(signal, () => setImmediate(() => scope.cancel()))),
      );
      assert.equal(await result, undefined);
    });

    test(`${name}: cut off by a deadline, the timeout throws TimeoutError`, async () => {
      const result = timeout(60_000, (scope) => call(scope.signal, () => setImmediate(() => scope.reschedule(0))));
      await assert.rejects(result, TimeoutError);
    });

    test(`${name}: cut off by a sibling's failure, only the failure is thrown`, async () => {
      const failure = new Error('sibling');
      const group = taskGroup((inner) => {
        let begun = (): void => {};
        const waiting = new Promise<void>((resolve) => {
          begun = resolve;
        });
        inner.spawn((scope) => call(scope.signal, begun));
        inner.spawn(async () => {
          await waiting;
          throw failure;
        });
      });
      assert.deepEqual(await outcome(group), { error: failure });
      assert.deepEqual(suppressedErrors(failure), []);
    });

    test(`${name}: in a scope that is cancelled already nothing is left waiting`, async () => {
      const result = withScope(async (scope) => {
        scope.cancel();
        await call(currentSignal() as AbortSignal, () => {});
      });
      assert.equal(await result, undefined);
    });
  }

  test('withSignal: the signal of each call is its own, none is left on the scope', async () => {
    await withScope(async (scope) => {
      const before = scope.signal;
      for (let i = 0; i < 20; i++) await withSignal((signal) => nodeTimeout(0, undefined, { signal }));
      assert.deepEqual(getEventListeners(before, 'abort'), []);
    });
  });
});

describe('errors that hold several', () => {
  const cut = async (scope: Scope): Promise<unknown> => {
    scope.cancel();
    return ((await outcome(sleep(1))) as { error: unknown }).error;
  };

  test('withScope: an AggregateError of nothing but its cancellation is its cancellation', async () => {
    const result = withScope(async (scope) => {
      throw new AggregateError([await cut(scope), new AggregateError([await cut(scope)])]);
    });
    assert.equal(await result, undefined);
  });

  test('withScope: of an AggregateError the real errors are kept', async () => {
    const real = new Error('real');
    const result = withScope(async (scope) => {
      throw new AggregateError([await cut(scope), real], 'both');
    });
    const { error } = (await outcome(result)) as { error: AggregateError };
    assert.deepEqual([error.constructor, error.message, error.errors], [AggregateError, 'both', [real]]);
  });

  test('Promise.any in a cancelled scope: its AggregateError is the cancellation', async () => {
    const result = inVirtualTime(() =>
      withScope(async (scope) => {
        scope.onCancel(() => {});
        const waiting = Promise.any([sleep(10), sleep(20)]);
        scope.cancel();
        await waiting;
      }),
    );
    assert.equal(await result, undefined);
  });

  test('await using: a disposer that fails while the block is cancelled is a real error', async () => {
    const broken = new Error('dispose');
    const result = withScope(async (scope) => {
      await using _resource = { [Symbol.asyncDispose]: fail(broken) };
      scope.cancel();
      await sleep(1);
    });
    assert.deepEqual(await outcome(result), { error: broken });
  });

  test('await using: a disposer that is cut off does not hide the failure of the block', async () => {
    const failure = new Error('block');
    const result = withScope(async (scope) => {
      await using _resource = { [Symbol.asyncDispose]: () => sleep(1) };
      scope.cancel();
      throw failure;
    });
    assert.deepEqual(await outcome(result), { error: failure });
  });

  test('taskGroup: failures are attached to a SuppressedError as to any other', async () => {
    const [first, second, third] = [new Error('1'), new Error('2'), new Error('3')];
    const result = taskGroup((group) => {
      group.spawn(async () => {
        await using _resource = { [Symbol.asyncDispose]: fail(second) };
        throw first;
      });
      group.spawn(async () => {
        await outcome(sleepForever());
        throw third;
      });
    });
    const { error } = (await outcome(result)) as { error: { error: unknown; suppressed: unknown } };
    assert.deepEqual([error.error, error.suppressed, suppressedErrors(error)], [second, first, [third]]);
  });
});

describe('what nobody awaits', () => {
  const calls: Record<string, (group: TaskGroup, scope: Scope) => unknown> = {
    sleep: () => sleep(5),
    checkpoint: () => checkpoint(),
    'scope.sleep': (_, scope) => scope.sleep(5),
    'scope.checkpoint': (_, scope) => scope.checkpoint(),
    'task.join': (group) => group.spawn(() => sleep(5)).join(),
    'task.settled': (group) => group.spawn(() => sleep(5)).settled,
    'group.join': (group) => {
      group.spawn(() => sleep(5));
      return group.join();
    },
    'group.spawnWhenReady': (group) => {
      group.concurrency = 1;
      group.spawn(() => sleep(5));
      return group.spawnWhenReady(() => sleep(5));
    },
    'group.start': (group) => group.start(() => sleep(5)),
    taskGroup: () => taskGroup((inner) => void inner.spawn(() => sleep(5))),
    gather: () => gather([() => sleep(5), () => sleep(6)]),
    'gather settled': () => gather([() => sleep(5)], { settled: true }),
    race: () => race([() => sleep(5), () => sleep(6)]),
    any: () => any([() => sleep(5), () => sleep(6)], { staggerMs: 1 }),
    map: () => map([1, 2], () => sleep(5)),
    forEach: () => forEach([1, 2], () => sleep(5), { concurrency: 1 }),
    withScope: () => withScope(() => sleep(5)),
    timeout: () => timeout(7, () => sleep(5)),
    moveOnAfter: () => moveOnAfter(7, () => sleep(5)),
    shield: () => shield(() => sleep(5)),
    cleanup: () => cleanup(() => sleep(5)),
    withSignal: () => withSignal((signal) => nodeTimeout(1e6, undefined, { signal })),
    abortable: () => abortable(nodeTimeout(1)),
    'abortable, abandoned': () => abortable(nodeTimeout(1), { abandon: true }),
    openTaskGroup: () => openTaskGroup().spawn(() => sleep(5)),
  };

  for (const [name, call] of Object.entries(calls)) {
    test(`${name}: left behind when its scope ends, it neither hangs nor ends the process`, async () => {
      const result = inVirtualTime(() =>
        taskGroup((group) =>
          withScope(async (scope) => {
            void call(group, scope);
            await checkpoint();
            return 'returned';
          }),
        ),
      );
      assert.equal(await quietly(() => result), 'returned');
    });

    test(`${name}: begun in a cancelled scope and not awaited, it does not end the process`, async () => {
      const result = inVirtualTime(() =>
        taskGroup((group) =>
          withScope((scope) => {
            scope.cancel();
            void call(group, scope);
            return 'returned';
          }),
        ),
      );
      assert.equal(await quietly(() => result), 'returned');
    });
  }

  test('Promise.all: when one fails the others are cut off with the scope, and nothing is unhandled', async () => {
    const failure = new Error('first');
    const trace: string[] = [];
    const slow = async (): Promise<void> => {
      try {
        await sleep(50);
      } finally {
        trace.push('slow ended');
      }
    };
    const result = inVirtualTime(() =>
      withScope(async () => {
        await Promise.all([
          slow(),
          gather([() => slow()]),
          taskGroup((group) => void group.spawn(slow)),
          fail(failure)(),
        ]);
      }).finally(() => trace.push('scope ended')),
    );
    assert.deepEqual(await quietly(() => outcome(result)), { error: failure });
    // The plain function is the caller's: only what corral runs is waited for.
    assert.deepEqual(trace.filter((event) => event !== 'scope ended').length, 3);
    assert.ok(trace.indexOf('scope ended') >= 2);
  });

  test('Promise.race: the losers are cut off when the scope ends', async () => {
    const result = inVirtualTime(() => withScope(() => Promise.race([sleep(5).then(() => 'fast'), sleep(1e9)])));
    assert.equal(await quietly(() => result), 'fast');
  });
});

describe('listeners and callbacks', () => {
  test('scope.signal: a listener that throws is reported, the others are called, cancel() does not throw', async () => {
    const failure = new Error('listener');
    const called: string[] = [];
    const reported = await reports(() =>
      withScope((scope) => {
        scope.signal.addEventListener('abort', () => {
          throw failure;
        });
        scope.signal.addEventListener(
          'abort',
          {
            handleEvent: () => {
              throw failure;
            },
          },
          { once: true },
        );
        scope.signal.addEventListener('abort', () => called.push('second'));
        scope.onCancel(() => called.push('callback'));
        assert.equal(scope.cancel(), true);
      }),
    );
    assert.deepEqual(called, ['callback', 'second']);
    assert.deepEqual(reported, [failure, failure]);
  });

  const native = process.versions['bun'] !== undefined && 'Bun: onabort does not go through addEventListener';
  test('scope.signal: an onabort that throws is reported', { skip: native }, async () => {
    const failure = new Error('onabort');
    const reported = await reports(() =>
      withScope((scope) => {
        scope.signal.onabort = () => {
          throw failure;
        };
        scope.cancel();
      }),
    );
    assert.deepEqual(reported, [failure]);
  });

  test('scope.signal: a listener is taken away like anywhere else', async () => {
    let calls = 0;
    const listener = (): void => void calls++;
    await withScope((scope) => {
      scope.signal.addEventListener('abort', listener);
      scope.signal.addEventListener('abort', listener);
      assert.equal(getEventListeners(scope.signal, 'abort').length, 1);
      scope.signal.removeEventListener('abort', listener);
      scope.cancel();
    });
    assert.equal(calls, 0);
  });

  test('scope.onCancel: the same function twice is two registrations', async () => {
    let calls = 0;
    const callback = (): void => void calls++;
    await withScope((scope) => {
      const takeBack = scope.onCancel(callback);
      scope.onCancel(callback);
      takeBack();
      scope.cancel();
    });
    assert.equal(calls, 1);
  });

  test('scope.cancel() in a then-handler cuts off what waits, once', async () => {
    const trace: string[] = [];
    await inVirtualTime(() =>
      withScope(async (scope) => {
        const waiting = Promise.all([sleep(5), sleep(5)]);
        void Promise.resolve().then(() => trace.push(`first ${scope.cancel('why')}`));
        void Promise.resolve().then(() => trace.push(`again ${scope.cancel('other')}`));
        try {
          await waiting;
        } catch {
          trace.push(`cut off: ${String(scope.reason?.cause.reason)}`);
        }
      }),
    );
    assert.deepEqual(trace, ['first true', 'again false', 'cut off: why']);
  });

  test('scope.cancel() in the then-handler of the operation it would cancel comes too late for it', async () => {
    const result = inVirtualTime(() => withScope((scope) => sleep(5).then(() => (scope.cancel(), 'slept'))));
    assert.equal(await result, 'slept');
  });
});

describe('values that are thrown', () => {
  const falsy: readonly unknown[] = [undefined, null, 0, NaN, '', false, 0n];
  for (const value of falsy) {
    const shown = typeof value === 'string' ? "''" : String(value);
    const calls: Record<string, (throws: () => Promise<never>) => Promise<unknown>> = {
      taskGroup: (throws) => taskGroup((group) => void group.spawn(throws)),
      'the body of taskGroup': (throws) => taskGroup(throws),
      withScope: (throws) => withScope(throws),
      gather: (throws) => gather([throws, () => sleepForever()]),
      race: (throws) => race([throws, () => sleepForever()]),
      any: (throws) => any([throws]),
      map: (throws) => map([1], throws),
      'task.join': (throws) => taskGroup((group) => group.spawn(throws).join(), { onTaskError: () => 'ignore' }),
      asCompleted: (throws) => asCompleted([throws]).next(),
      abortable: (throws) => abortable(throws()),
      withSignal: (throws) => withSignal(throws),
      timeout: (throws) => timeout(5, throws),
    };
    test(`${Object.keys(calls).join(', ')}: ${shown} that is thrown arrives`, async () => {
      for (const [name, call] of Object.entries(calls)) {
        const result = await outcome(call(fail(value)));
        assert.deepEqual(result, { error: value }, name);
      }
    });
  }

  test('gather settled: a falsy failure is a rejection', async () => {
    assert.deepEqual(await gather([fail(undefined), fail(0)], { settled: true }), [
      { status: 'rejected', reason: undefined },
      { status: 'rejected', reason: 0 },
    ]);
  });

  test('taskGroup: of several falsy failures none is lost', async () => {
    const failing = taskGroup((group) => {
      for (const value of [undefined, 0, null, false]) group.spawn(() => shield(fail(value)), { eager: true });
    });
    const { error } = (await outcome(failing)) as { error: TaskGroupError };
    assert.ok(error instanceof TaskGroupError);
    // In the order in which they ended: one may have given the event loop a turn first.
    assert.deepEqual(new Set(error.errors), new Set([undefined, 0, null, false]));
    assert.equal(error.errors.length, 4);
  });

  const closed: Record<string, unknown> = {
    'a frozen error': Object.freeze(new Error('frozen')),
    'a sealed error': Object.seal(new Error('sealed')),
    'an error that cannot be extended': Object.preventExtensions(new Error('closed')),
    'a frozen object': Object.freeze({ code: 1 }),
    'a revoked proxy': revoked(),
  };
  for (const [name, first] of Object.entries(closed)) {
    test(`taskGroup: ${name} that cannot carry the others is thrown with them in a TaskGroupError`, async () => {
      const second = new Error('second');
      const failing = taskGroup((group) => {
        group.spawn(fail(first), { eager: true });
        group.spawn(fail(second), { eager: true });
      });
      const { error } = (await outcome(failing)) as { error: TaskGroupError };
      assert.ok(error instanceof TaskGroupError);
      assert.ok(error.errors[0] === first && error.errors[1] === second && error.errors.length === 2);
    });
  }

  test('taskGroup: the same error from several tasks and from the body counts once', async () => {
    const same = new Error('same');
    const failing = taskGroup(async (group) => {
      group.spawn(fail(same));
      const task = group.spawn(fail(same));
      await task.join();
    });
    assert.deepEqual(await outcome(failing), { error: same });
    assert.deepEqual(suppressedErrors(same), []);
  });

  test('withScope: an error that arrives twice is not attached to itself', async () => {
    const same = new Error('same');
    const late = async (): Promise<never> => {
      await turn();
      throw same;
    };
    const failing = withScope(async () => {
      void abortable(late());
      throw same;
    });
    assert.deepEqual(await quietly(() => outcome(failing)), { error: same });
    assert.deepEqual(suppressedErrors(same), []);
  });

  test('taskGroup: an error that fails in one group after the other keeps what it carries', async () => {
    const [a, b, c] = [new Error('a'), new Error('b'), new Error('c')];
    // Eager, so that all of them begin before the first failure is heard of.
    const all = (...fns: (() => Promise<unknown>)[]): Promise<unknown> =>
      taskGroup((group) => fns.forEach((fn) => group.spawn(fn, { eager: true })));
    const { error } = (await outcome(all(() => all(fail(a), fail(b)), fail(c)))) as { error: Error };
    const [other] = suppressedErrors(error);
    assert.deepEqual(new Set([error, ...suppressedErrors(error), ...suppressedErrors(other)]), new Set([a, b, c]));
  });

  const hostile: Record<string, unknown> = {
    'an error whose name throws': Object.defineProperty(new Error('x'), 'name', throwing()),
    'an object whose name and cause throw': Object.defineProperties({}, { name: throwing(), cause: throwing() }),
    'an AbortError whose cause throws': Object.defineProperty(new DOMException('x', 'AbortError'), 'cause', throwing()),
    'an AggregateError whose errors throw': Object.defineProperty(new AggregateError([]), 'errors', throwing()),
    'an error whose message throws': Object.defineProperty(new Error('x'), 'message', throwing()),
    'a null-prototype object': Object.create(null),
    'a revoked proxy': revoked(),
    'a proxy that throws': new Proxy({}, { get: () => assert.fail('read') }),
    'an error that is its own cause': selfCaused(),
    'an aggregate that holds itself': selfHolding(),
  };
  for (const [name, error] of Object.entries(hostile)) {
    test(`withScope, taskGroup, gather: ${name} is thrown as it is`, async () => {
      const calls = [
        () => withScope(fail(error)),
        () => taskGroup((group) => void group.spawn(fail(error))),
        () => gather([fail(error), () => sleepForever()]),
        () => timeout(5, () => taskGroup(fail(error))),
      ];
      for (const call of calls) {
        const timer = nodeTimeout(500, 'it hangs');
        const result = await quietly(() => outcome(Promise.race([call(), timer])));
        assert.ok('error' in result && result.error === error);
      }
    });
  }

  test('scope.cancel(reason): a reason that cannot be printed does no harm', async () => {
    for (const reason of [Object.create(null), revoked(), { toString: () => assert.fail('printed') }, Symbol('x')]) {
      assert.equal(
        await withScope(async (scope) => {
          scope.cancel(reason);
          await sleep(1);
        }),
        undefined,
      );
    }
  });
});

describe('values that are returned', () => {
  class Subclass<T> extends Promise<T> {}
  const results: Record<string, readonly [make: () => unknown, expected: Outcome]> = {
    'a plain value': [() => 1, { value: 1 }],
    'a thenable': [() => ({ then: (resolve: (value: number) => void) => resolve(1) }), { value: 1 }],
    'a thenable that settles later': [
      () => ({ then: (resolve: (value: number) => void) => void setImmediate(resolve, 1) }),
      { value: 1 },
    ],
    'a thenable of a thenable': [
      () => ({
        then: (resolve: (value: unknown) => void) => resolve({ then: (inner: (value: number) => void) => inner(1) }),
      }),
      { value: 1 },
    ],
    'a thenable that rejects with undefined': [
      () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(undefined) }),
      { error: undefined },
    ],
    'a thenable that throws': [
      () => ({
        then: () => {
          throw 'then';
        },
      }),
      { error: 'then' },
    ],
    'a thenable that throws after it has resolved': [
      () => ({
        then: (resolve: (value: number) => void) => {
          resolve(1);
          throw new Error('ignored');
        },
      }),
      { value: 1 },
    ],
    'a thenable that calls back twice': [
      () => ({
        then: (resolve: (value: number) => void, reject: (error: unknown) => void) => {
          resolve(1);
          resolve(2);
          reject(new Error('ignored'));
        },
      }),
      { value: 1 },
    ],
    'an object whose then throws when read': [
      () => Object.defineProperty({}, 'then', { get: () => assert.fail('then') }),
      { error: 'then' },
    ],
    'a promise of a subclass': [() => Subclass.resolve(1), { value: 1 }],
    'a rejected promise of a subclass': [() => Subclass.reject(0), { error: 0 }],
    'a promise whose own then calls back twice': [
      () => Object.assign(Promise.resolve(1), { then: (resolve: (value: number) => void) => (resolve(1), resolve(2)) }),
      { value: 1 },
    ],
    'a promise whose own then calls back outside the task': [
      () =>
        Object.assign(Promise.resolve(1), { then: (resolve: (value: number) => void) => outside(() => resolve(1)) }),
      { value: 1 },
    ],
    'a function': [() => Promise.resolve, { value: Promise.resolve }],
  };
  for (const [name, [make, expected]] of Object.entries(results)) {
    const same = (result: Outcome): boolean => {
      if ('value' in expected) return 'value' in result && result.value === expected.value;
      return (
        'error' in result && (result.error === expected.error || (result.error as Error).message === expected.error)
      );
    };
    test(`a task function that returns ${name} ends as awaiting it would`, async () => {
      const calls = [
        () => taskGroup((group) => group.spawn(make).join(), { onTaskError: () => 'ignore' }),
        async () => (await gather([make]))[0],
        () => race([make]),
        async () => (await map([1], make))[0],
        () => withScope(make),
        () => timeout(5, make),
      ];
      for (const call of calls) {
        const result = await quietly(() => outcome(Promise.race([call(), nodeTimeout(500, 'it hangs')])));
        assert.ok(same(result), `${call}: ${JSON.stringify(result)}`);
      }
    });
  }

  test('a task that is not awaited twice: returning a task does not join it', async () => {
    const value = await taskGroup(async (group) => {
      const spawn = async (): Promise<{ join(): Promise<number> }> => group.spawn(async () => 1);
      const task = await spawn();
      return task.join();
    });
    assert.equal(value, 1);
  });

  test('map: an iterator result whose getters throw closes nothing and is thrown', async () => {
    const broken = { next: () => Object.defineProperty({}, 'done', { get: () => assert.fail('done') }) };
    const items = { [Symbol.iterator]: () => broken } as unknown as Iterable<number>;
    await assert.rejects(
      map(items, () => 1),
      /done/,
    );
  });

  test('map: a deadline that a callback sets is that of its item', { todo: 'it cuts off later items' }, async () => {
    const items = async function* (): AsyncGenerator<number> {
      for (const item of [1, 2, 3]) {
        yield item;
        await outcome(sleep(10));
      }
    };
    const deadline = (item: number, _index: number, scope: Scope): number => {
      scope.reschedule(now() + 5);
      return item;
    };
    const result = await inVirtualTime(() => map(items(), deadline, { concurrency: 1 }));
    assert.deepEqual(result, [1, 2, 3]);
  });

  test('map: no item is lost when a callback cancels a scope it got earlier', async () => {
    const items = async function* (): AsyncGenerator<number> {
      yield 1;
      await outcome(sleep(10));
      yield 2;
      yield 3;
    };
    const keepAndCancel = (item: number, _index: number, scope: Scope): number => {
      if (item === 1) setImmediate(() => scope.cancel());
      return item;
    };
    const result = await inVirtualTime(() => map(items(), keepAndCancel, { concurrency: 1 }));
    assert.deepEqual(result, [1, 2, 3]);
  });

  test('map: an async iterator that returns thenables instead of promises is read to its end', async () => {
    let index = 0;
    const later = (result: unknown) => ({ then: (resolve: (value: unknown) => void) => resolve(result) });
    const items = {
      [Symbol.asyncIterator]: () => ({
        next: () => later(index < 3 ? { done: false, value: index++ } : { done: true }),
      }),
    } as unknown as AsyncIterable<number>;
    assert.deepEqual(await map(items, (item) => item), [0, 1, 2]);
  });

  test('gather: a record with a getter that throws rejects before anything is started', async () => {
    let calls = 0;
    const record = Object.defineProperty({ a: () => calls++ }, 'b', {
      enumerable: true,
      get: () => assert.fail('getter'),
    });
    await assert.rejects(gather(record as never), /getter/);
    assert.equal(calls, 0);
  });

  test('gather: a record may have the names of Object.prototype', async () => {
    const one = (): number => 1;
    assert.deepEqual(await gather({ toString: one, constructor: one, then2: one }), {
      toString: 1,
      constructor: 1,
      then2: 1,
    });
    const record = Object.fromEntries([['__proto__', one]]) as Record<string, () => number>;
    assert.deepEqual(Object.entries(await gather(record)), [['__proto__', 1]]);
  });
});

describe('async generators', () => {
  test('a generator that a cancelled task reads is closed: its finally blocks run before the group ends', async () => {
    const trace: string[] = [];
    await inVirtualTime(() =>
      taskGroup(async (group) => {
        const numbers = async function* (): AsyncGenerator<number> {
          try {
            for (let i = 0; ; i++) {
              await sleep(1);
              yield i;
            }
          } finally {
            await cleanup(() => sleep(5));
            trace.push('closed');
          }
        };
        group.spawn(async () => {
          for await (const number of numbers()) {
            trace.push(`${number}`);
            await sleep(1);
          }
        });
        await sleep(4);
        group.cancel();
      }).finally(() => trace.push('ended')),
    );
    assert.deepEqual(trace, ['0', '1', 'closed', 'ended']);
  });

  test('a loop over asCompleted that is left early closes a generator inside a function', async () => {
    const trace: string[] = [];
    const slow = async (): Promise<void> => {
      try {
        await sleep(100);
      } finally {
        trace.push('closed');
      }
    };
    await inVirtualTime(async () => {
      for await (const _value of asCompleted([() => sleep(1), slow])) break;
      trace.push('left');
    });
    assert.deepEqual(trace, ['closed', 'left']);
  });
});

describe('the event loop', () => {
  const busy: Record<string, (group: TaskGroup) => Promise<unknown>> = {
    checkpoint: () => checkpoint(),
    'spawn and join': (group) => group.spawn(async () => 1).join(),
    'eager spawn and join': (group) => group.spawn(async () => 1, { eager: true }).join(),
    'join of a task that has ended': async (group) => {
      const task = group.spawn(() => 1, { eager: true });
      await task.join();
    },
    spawnWhenReady: (group) => group.spawnWhenReady(async () => 1),
    gather: () => gather([async () => 1]),
    race: () => race([async () => 1]),
    map: () => map([1, 2], async (item) => item),
    taskGroup: () => taskGroup((group) => void group.spawn(async () => 1)),
    asCompleted: () => asCompleted([async () => 1]).next(),
    'sleep(0)': () => sleep(0),
    abortable: () => abortable(Promise.resolve(1)),
    withSignal: () => withSignal(async () => 1),
  };
  for (const [name, call] of Object.entries(busy)) {
    test(`${name}: a loop that does nothing else does not starve timers`, async () => {
      await taskGroup(async (group) => {
        let fired = false;
        setTimeout(() => (fired = true), 1);
        const begun = performance.now();
        while (!fired && performance.now() - begun < 1_000) await call(group);
        assert.ok(fired);
      });
    });
  }

  test('two tasks that hand over to one another without end do not starve timers', async () => {
    await taskGroup(async (group) => {
      let fired = false;
      setTimeout(() => (fired = true), 1);
      const begun = performance.now();
      const again = (): void => {
        if (!fired && performance.now() - begun < 1_000) group.spawn(async () => again());
      };
      again();
      again();
      await group.join();
      assert.ok(fired);
    });
  });

  test('sleep: beyond 2^31 ms it wakes at its time, under a virtual clock', async () => {
    const clock = new VirtualClock();
    await clock.run(() => sleep(2 ** 32 + 5));
    assert.equal(clock.now(), 2 ** 32 + 5);
  });

  test('sleep, timeout: beyond 2^31 ms they do not fire at once', async () => {
    const warnings: unknown[] = [];
    const note = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', note);
    const result = await withScope(async (scope) => {
      setTimeout(() => scope.cancel(), 5);
      return race([
        () => sleep(2 ** 32).then(() => 'slept'),
        () => sleep(2 ** 31).then(() => 'slept'),
        () => timeout(2 ** 31 + 1, () => sleepForever()),
        () => moveOnAfter(2 ** 53, () => sleepForever()),
        async () => (await interval(2 ** 40).next()).value,
      ]);
    });
    process.off('warning', note);
    assert.deepEqual([result, warnings], [undefined, []]);
  });
});

function rejecting(signal: AbortSignal, begun: () => void, reason: () => unknown): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(reason());
    signal.addEventListener('abort', () => reject(reason()));
    begun();
  });
}

function throwing(): PropertyDescriptor {
  return {
    configurable: true,
    get: () => {
      throw new Error('getter');
    },
  };
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function selfCaused(): Error {
  const error = new Error('loop');
  error.cause = error;
  return error;
}

function selfHolding(): Error {
  const error = new AggregateError([], 'loop');
  error.errors.push(error, error);
  return error;
}

/** Calls back from a place that no context flows to. */
const outsiders: (() => void)[] = [];
setInterval(() => {
  for (const callback of outsiders.splice(0)) callback();
}, 1).unref();
function outside(callback: () => void): void {
  outsiders.push(callback);
}
