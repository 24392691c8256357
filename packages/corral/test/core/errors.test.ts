import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  AbandonedTaskError,
  BrokenResourceError,
  BrokenBarrierError,
  CancelledError,
  ClosedResourceError,
  CorralError,
  DeadlockError,
  EndOfChannelError,
  GroupClosedError,
  QueueShutDownError,
  LineFullError,
  ScopeClosedError,
  StrayCancellationError,
  TaskCancelledError,
  TaskGroupError,
  TimeoutError,
  isCancelled,
  sleepForever,
  suppressedErrors,
  taskGroup,
} from '../../src/index.ts';
import { LeakError, SequenceBrokenError } from '../../src/testing/index.ts';
import { failureOf, virtually } from './virtually.ts';

const errors = [
  [new CancelledError({ kind: 'explicit' }), 'AbortError', 'ABORT_ERR'],
  [new TimeoutError(5), 'TimeoutError', 'CORRAL_TIMEOUT'],
  [new TaskCancelledError('task'), 'TaskCancelledError', 'CORRAL_TASK_CANCELLED'],
  [new TaskGroupError([1]), 'TaskGroupError', 'CORRAL_TASK_GROUP'],
  [new AbandonedTaskError('task', 5), 'AbandonedTaskError', 'CORRAL_TASK_ABANDONED'],
  [new ScopeClosedError('scope'), 'ScopeClosedError', 'CORRAL_SCOPE_CLOSED'],
  [new GroupClosedError('group'), 'GroupClosedError', 'CORRAL_GROUP_CLOSED'],
  [new StrayCancellationError(1, 'scope'), 'StrayCancellationError', 'CORRAL_STRAY_CANCELLATION'],
  [new BrokenBarrierError(), 'BrokenBarrierError', 'CORRAL_BROKEN_BARRIER'],
  [new LineFullError(1), 'LineFullError', 'CORRAL_LINE_FULL'],
  [new DeadlockError('tree'), 'DeadlockError', 'CORRAL_DEADLOCK'],
  [new QueueShutDownError('queue', 'put into'), 'QueueShutDownError', 'CORRAL_QUEUE_SHUT_DOWN'],
  [new EndOfChannelError('channel'), 'EndOfChannelError', 'CORRAL_END_OF_CHANNEL'],
  [new ClosedResourceError('sender'), 'ClosedResourceError', 'CORRAL_RESOURCE_CLOSED'],
  [new BrokenResourceError('channel', 'send to'), 'BrokenResourceError', 'CORRAL_RESOURCE_BROKEN'],
  [new LeakError('tree'), 'LeakError', 'CORRAL_LEAK'],
  [new SequenceBrokenError(1), 'SequenceBrokenError', 'CORRAL_SEQUENCE_BROKEN'],
] as const;

for (const [error, name, code] of errors) {
  test(`${error.constructor.name}: is an Error with a stable code, a name, a stack, and the brand of the library`, () => {
    assert.ok(error instanceof Error);
    assert.ok(error instanceof CorralError || error instanceof AggregateError);
    assert.deepEqual([error.name, (error as { code?: unknown }).code], [name, code]);
    assert.equal((error as unknown as Record<symbol, unknown>)[Symbol.for('corral.error')], code);
    assert.ok(error.stack?.includes(error.message));
    assert.equal(String(error), `${name}: ${error.message}`);
    assert.deepEqual(
      Object.keys(error).filter((key) => key === 'name' || key === 'code'),
      [],
    );
  });

  test(`${error.constructor.name}: is a cancellation for isCancelled only if it is the CancelledError`, () => {
    assert.equal(isCancelled(error), error instanceof CancelledError);
  });
}

// semantics: name AbortError and code ABORT_ERR are what the ecosystem keys on
test('CancelledError: carries why, where, and the reason that was given', () => {
  const error = new CancelledError({ kind: 'sibling-failed', by: 'culprit', error: new TypeError('boom') });
  assert.equal(error.message, 'Cancelled: sibling-failed (culprit): TypeError: boom');
  assert.equal(error.cause.by, 'culprit');
});

test('CancelledError: can be made with any reason, also one that has no text', () => {
  for (const reason of [undefined, null, 0, '', Symbol('s'), Object.create(null), { toString: null }, () => {}]) {
    assert.equal(new CancelledError({ kind: 'explicit', reason }).cause.reason, reason);
  }
});

// semantics: an AbortError whose cause is branded (what Node's own APIs throw)
test('isCancelled: recognises an AbortError whose cause is a CancelledError, and no other AbortError', () => {
  const cancelled = new CancelledError({ kind: 'explicit' });
  const abortError = (cause?: unknown): Error =>
    Object.defineProperty(new Error('The operation was aborted', { cause }), 'name', { value: 'AbortError' });
  assert.equal(isCancelled(abortError(cancelled)), true);
  assert.equal(isCancelled(abortError()), false);
  assert.equal(isCancelled(abortError(new Error('other'))), false);
  assert.equal(isCancelled(new DOMException('aborted', 'AbortError')), false);
  assert.equal(isCancelled(new Error('not an AbortError', { cause: cancelled })), false);
});

test('isCancelled: answers for everything that can be thrown, and calls nothing', () => {
  const revoked = Proxy.revocable({}, {});
  for (const value of [undefined, null, 0, 'AbortError', true, 1n, Symbol('x'), {}, [], () => {}, new Error('x')]) {
    assert.equal(isCancelled(value), false);
  }
  assert.equal(isCancelled(revoked.proxy), false);
  assert.equal(isCancelled({ name: 'AbortError', code: 'ABORT_ERR' }), false);
});

test('suppressedErrors: is empty for an error that travels alone and for what is no object', () => {
  for (const value of [undefined, null, 1, 'x', {}, new Error('alone')]) assert.deepEqual(suppressedErrors(value), []);
});

test(
  'suppressedErrors: the later failures are an enumerable property that the console shows',
  virtually(async () => {
    const [first, second] = [new Error('first'), new Error('second one')];
    const failure = await failureOf(
      taskGroup((group) => {
        group.spawn(() => Promise.reject(first));
        group.spawn(() => Promise.reject(second));
      }),
    );
    assert.equal(failure, first);
    assert.deepEqual(suppressedErrors(first), [second]);
    const key = Symbol.for('corral.suppressed');
    assert.ok(Object.getOwnPropertyDescriptor(first, key)?.enumerable);
    assert.match(inspect(first), /second one/);
  }),
);

test(
  'suppressedErrors: grow on the way up through several groups; nothing stands there twice',
  virtually(async () => {
    const [first, second, third] = [new Error('first'), new Error('second'), new Error('third')];
    const fail = (...tasks: (() => Promise<unknown>)[]): Promise<unknown> =>
      taskGroup((group) => {
        for (const task of tasks) group.spawn(task);
      });
    const reject = (error: Error) => (): Promise<never> => Promise.reject(error);
    const failure = await failureOf(
      fail(
        () => fail(reject(first), reject(second)),
        () => sleepForever().catch(reject(third)),
        () => sleepForever().catch(reject(second)),
      ),
    );
    assert.equal(failure, first);
    assert.deepEqual(suppressedErrors(first), [second, third]);
  }),
);

test(
  'suppressedErrors: are those of the last group that threw the object, when it is thrown anew',
  virtually(async () => {
    const [kept, second, third] = [new Error('kept'), new Error('second'), new Error('third')];
    for (const other of [second, third]) {
      await failureOf(
        taskGroup((group) => {
          group.spawn(() => Promise.reject(kept));
          group.spawn(() => Promise.reject(other));
        }),
      );
      assert.deepEqual(suppressedErrors(kept), [other]);
    }
  }),
);

test(
  'TaskGroupError: is thrown when the first failure cannot carry the others',
  virtually(async () => {
    for (const first of ['text', 0, null, undefined, Object.freeze(new Error('frozen'))]) {
      const failure = await failureOf(
        taskGroup((group) => {
          group.spawn(() => Promise.reject(first), { eager: true });
          group.spawn(() => Promise.reject(new Error('second')), { eager: true });
        }),
      );
      assert.ok(failure instanceof TaskGroupError);
      assert.equal(failure.errors.length, 2);
      assert.equal(failure.errors[0], first);
    }
  }),
);
