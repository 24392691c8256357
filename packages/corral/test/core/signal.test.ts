// A scope shown to foreign code as a signal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledError,
  currentScope,
  currentSignal,
  moveOnAfter,
  sleepForever,
  taskGroup,
  withScope,
} from '../../src/index.ts';
import { reportsOf } from '../internal/observe.ts';
import { virtually } from './virtually.ts';

test(
  'scope.signal: is made when it is first read, and is the same every time',
  virtually(async () => {
    await withScope((scope) => {
      assert.equal(scope.extras?.controller, undefined);
      const { signal } = scope;
      assert.ok(signal instanceof AbortSignal);
      assert.equal(scope.signal, signal);
      assert.equal(currentSignal(), signal);
      assert.equal(signal.aborted, false);
    });
  }),
);

test(
  'scope.signal: is aborted by cancel(), with the scope reason',
  virtually(async () => {
    await withScope((scope) => {
      const { signal } = scope;
      scope.cancel('why');
      assert.equal(signal.aborted, true);
      assert.equal(signal.reason, scope.reason);
      assert.throws(
        () => signal.throwIfAborted(),
        (error) => error === scope.reason,
      );
    });
  }),
);

test(
  'scope.signal: read for the first time in a cancelled scope it is aborted already',
  virtually(async () => {
    await withScope(async (outer) => {
      outer.cancel();
      await withScope((inner) => {
        assert.equal(inner.signal.aborted, true);
        assert.equal(inner.signal.reason, outer.reason);
      });
    });
  }),
);

test(
  'scope.signal: is aborted by a cancellation or a deadline from outside',
  virtually(async () => {
    const result = await moveOnAfter(10, () =>
      withScope(async (inner) => {
        const reason = await new Promise((resolve) => {
          inner.signal.addEventListener('abort', () => resolve(inner.signal.reason));
          void sleepForever();
        });
        assert.ok(reason instanceof CancelledError);
        assert.equal(reason.cause.kind, 'deadline');
      }),
    );
    assert.deepEqual(result, { timedOut: false, value: undefined });
  }),
);

test(
  'scope.signal: is not aborted by the end of its scope, nor afterwards',
  virtually(async () => {
    await withScope(async (outer) => {
      const signal = await withScope((inner) => inner.signal);
      outer.cancel();
      assert.equal(signal.aborted, false);
    });
  }),
);

test('scope.signal: listeners that throw are reported; cancel() returns and the others are called', async () => {
  const [first, second] = [new Error('function'), new Error('object')];
  const trace: string[] = [];
  const reports = await reportsOf(
    virtually(() =>
      withScope((scope) => {
        const { signal } = scope;
        signal.addEventListener('abort', () => {
          throw first;
        });
        signal.addEventListener('abort', {
          handleEvent() {
            throw second;
          },
        });
        signal.addEventListener('abort', () => trace.push('last'));
        trace.push(`cancel: ${scope.cancel()}`);
      }),
    ),
  );
  assert.deepEqual(trace, ['last', 'cancel: true']);
  assert.deepEqual(reports, [first, second]);
});

// Bun's onabort does not go through addEventListener, so what it throws is an uncaught exception there.
const unguarded = 'Bun' in globalThis && "Bun's onabort cannot be guarded";

test('scope.signal: what an onabort handler throws is reported', { skip: unguarded }, async () => {
  const error = new Error('onabort');
  const reports = await reportsOf(
    virtually(() =>
      withScope((scope) => {
        scope.signal.onabort = () => {
          throw error;
        };
        assert.equal(scope.cancel(), true);
      }),
    ),
  );
  assert.deepEqual(reports, [error]);
});

test(
  'scope.signal: takes listeners, options and removals as any AbortSignal',
  virtually(async () => {
    const trace: string[] = [];
    await withScope((scope) => {
      const { signal } = scope;
      const twice = (): unknown => trace.push('added twice, called once');
      const removed = (): never => assert.fail('removed');
      const object = { handleEvent: (event: Event): unknown => trace.push(`object: ${event.type}`) };
      signal.addEventListener('abort', twice);
      signal.addEventListener('abort', twice);
      signal.addEventListener('abort', removed);
      signal.addEventListener('abort', object, { once: true });
      signal.addEventListener('abort', null as never);
      signal.removeEventListener('abort', removed);
      signal.addEventListener('abort', function (this: AbortSignal, event) {
        trace.push(`this: ${this === signal}, target: ${event.target === signal}`);
      });
      scope.cancel();
    });
    assert.deepEqual(trace, ['added twice, called once', 'object: abort', 'this: true, target: true']);
  }),
);

test(
  'scope.signal: works in AbortSignal.any',
  virtually(async () => {
    await withScope((scope) => {
      const other = new AbortController();
      const combined = AbortSignal.any([scope.signal, other.signal]);
      scope.cancel('why');
      assert.equal(combined.aborted, true);
      assert.equal(combined.reason, scope.reason);
    });
  }),
);

test(
  'currentSignal: is that of the innermost scope; undefined outside all',
  virtually(async () => {
    await withScope(async (scope) => {
      assert.equal(currentSignal(), scope.signal);
      await taskGroup(async (group) => {
        assert.equal(currentSignal(), group.signal);
        await group.spawn((task) => assert.equal(currentSignal(), task.signal)).join();
      });
    });
  }),
);

test('currentSignal: is undefined outside all scopes, as is currentScope', () => {
  assert.deepEqual([currentSignal(), currentScope()], [undefined, undefined]);
});
