import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as nativeSleep } from 'node:timers/promises';
import { test } from 'node:test';
import {
  TimeoutError,
  abortable,
  currentScope,
  isCancelled,
  sleep,
  taskGroup,
  timeout,
  withScope,
  withSignal,
} from '../../src/index.ts';
import { failureOf, pledge, virtually } from './virtually.ts';

type Call = (signal: AbortSignal) => Promise<unknown>;

/** The ways in which platform APIs that take a signal reject. */
const shapes: Readonly<Record<string, Call>> = {
  'fetch (the very reason)': (signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
  'a DOMException': (signal) =>
    new Promise((_, reject) => {
      signal.onabort = () => reject(new DOMException('This operation was aborted', 'AbortError'));
    }),
  'throwIfAborted after a while': async (signal) => {
    while (!signal.aborted) await new Promise((resolve) => void setTimeout(resolve, 1));
    signal.throwIfAborted();
  },
  'timers/promises': (signal) => nativeSleep(60_000, undefined, { signal }),
  'events.once': (signal) => once(new EventEmitter(), 'never', { signal }),
  'stream pipeline': (signal) =>
    pipeline(new Readable({ read() {} }), new Writable({ write: (_chunk, _encoding, done) => done() }), { signal }),
};

for (const [shape, call] of Object.entries(shapes)) {
  test(
    `withSignal: translates what ${shape} rejects with into the cancellation`,
    virtually(async () => {
      const value = await withScope(async (scope) => {
        setTimeout(() => scope.cancel('why'), 5);
        const failure = await failureOf(withSignal(call));
        assert.equal(failure, scope.reason);
        throw failure;
      });
      assert.equal(value, undefined);
    }),
  );

  test(`withSignal: a timeout around ${shape} throws TimeoutError`, async () => {
    const failure = await failureOf(timeout(5, () => withSignal(call)));
    assert.ok(failure instanceof TimeoutError, String(failure));
  });

  // The reason is scope.reason itself, so the same holds for a signal that is handed over by hand.
  test(
    `scope.signal: what ${shape} rejects with when given it is absorbed by the scope`,
    virtually(async () => {
      const value = await withScope(async (scope) => {
        setTimeout(() => scope.cancel('why'), 5);
        await call(scope.signal);
      });
      assert.equal(value, undefined);
    }),
  );
}

test(
  'withSignal: returns what the call returns; its signal is never aborted then, not even later',
  virtually(async () => {
    await withScope(async (scope) => {
      const signal = await withSignal((given) => given);
      scope.cancel();
      assert.equal(signal.aborted, false);
    });
  }),
);

test(
  'withSignal: gives each call a signal of its own',
  virtually(async () => {
    await withScope(async (scope) => {
      const first = await withSignal((signal) => signal);
      const second = await withSignal((signal) => signal);
      assert.notEqual(first, second);
      assert.notEqual(first, scope.signal);
    });
  }),
);

test(
  'withSignal: the reason of the signal is the reason of the scope',
  virtually(async () => {
    await withScope(async (scope) => {
      await withSignal((signal) => {
        scope.cancel('why');
        assert.equal(signal.reason, scope.reason);
      });
    });
  }),
);

test(
  'withSignal: waits until the call has settled, however long it takes after the abort',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      setTimeout(() => scope.cancel(), 1);
      await withSignal(async (signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await new Promise((resolve) => void setTimeout(resolve, 5));
        trace.push('call ended');
        signal.throwIfAborted();
      }).finally(() => trace.push('withSignal ended'));
    });
    assert.deepEqual(trace, ['call ended', 'withSignal ended']);
  }),
);

test(
  'withSignal: a value that comes in spite of the abort is returned',
  virtually(async () => {
    await withScope(async (scope) => {
      const { promise, resolve } = pledge<string>();
      const waiting = withSignal(() => promise);
      scope.cancel();
      resolve('in spite');
      assert.equal(await waiting, 'in spite');
      assert.ok(isCancelled(await failureOf(sleep(1))));
    });
  }),
);

test(
  'withSignal: real errors and foreign AbortErrors pass while nothing is cancelled; real ones always',
  virtually(async () => {
    const [foreign, real] = [new DOMException('own timeout', 'AbortError'), new Error('real')];
    assert.equal(await failureOf(withSignal(() => Promise.reject(foreign))), foreign);
    assert.equal(await failureOf(withSignal(() => Promise.reject(real))), real);
    assert.equal(
      await failureOf(
        withScope((scope) =>
          withSignal(() => {
            scope.cancel();
            throw real;
          }),
        ),
      ),
      real,
    );
  }),
);

test(
  'withSignal: in a cancelled scope the function is not called',
  virtually(async () => {
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(withSignal(() => assert.fail('called'))), scope.reason);
    });
  }),
);

test(
  'withSignal: the function runs in a scope of its own, whose operations are cancelled with it',
  virtually(async () => {
    await withScope(async (outer) => {
      await withSignal(() => {
        assert.notEqual(currentScope(), outer);
        return sleep(5);
      });
    });
  }),
);

test(
  'withSignal: thousands of calls leave nothing on a long-lived scope',
  virtually(async () => {
    await withScope(async (scope) => {
      for (let calls = 0; calls < 2_000; calls++) await withSignal(() => calls);
      assert.deepEqual(
        [scope.operations, scope.firstChild, scope.extras?.controller],
        [undefined, undefined, undefined],
      );
    });
  }),
);

test(
  'withSignal: around abortable, and inside tasks, ends with the task',
  virtually(async () => {
    const { promise, resolve } = pledge();
    const trace: string[] = [];
    await taskGroup(async (group) => {
      const task = group.spawn(() =>
        withSignal((signal) => {
          signal.addEventListener('abort', () => resolve());
          return abortable(promise);
        }),
      );
      await sleep(0);
      task.cancel();
      trace.push((await task.settled).status);
    });
    assert.deepEqual(trace, ['cancelled']);
  }),
);

test(
  'withSignal: misuse rejects',
  virtually(async () => {
    const failure = await failureOf(withSignal(Promise.resolve() as never));
    assert.ok(failure instanceof TypeError);
    assert.match(failure.message, /has started already: write \(\) =>/);
  }),
);
