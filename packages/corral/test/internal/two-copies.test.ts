// Two copies of the library in one process: two versions in one node_modules, a bundle and its host.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import * as first from '../../src/index.ts';
import { failureOf } from '../core/virtually.ts';
import { importCopy } from './library-copy.ts';

let second: typeof first;
before(async () => {
  second = await importCopy();
});

/** A CancelledError as `library` makes it. */
async function cancelledBy(library: typeof first): Promise<unknown> {
  return library.withScope(async (scope) => {
    scope.cancel('why');
    return failureOf(library.sleep(1));
  });
}

test('two copies: they are two', () => {
  assert.notEqual(first.CancelledError, second.CancelledError);
});

test('isCancelled: recognises the cancellation of another copy, both ways', async () => {
  for (const [maker, judge] of [
    [first, second],
    [second, first],
  ] as const) {
    const error = await cancelledBy(maker);
    assert.equal(error instanceof judge.CancelledError, false);
    assert.equal(judge.isCancelled(error), true);
    const wrapped = Object.defineProperty(new Error('x', { cause: error }), 'name', { value: 'AbortError' });
    assert.equal(judge.isCancelled(wrapped), true);
  }
});

test('exit: the cancellation of another copy is absorbed in a cancelled scope', async () => {
  const error = await cancelledBy(second);
  const value = await first.withScope((scope) => {
    scope.cancel();
    throw error;
  });
  assert.equal(value, undefined);
});

test('exit: cancellations of another copy are filtered out of aggregates', async () => {
  const [error, real] = [await cancelledBy(second), new Error('real')];
  const failure = await failureOf(
    first.withScope((scope) => {
      scope.cancel();
      throw new second.TaskGroupError([error, real]);
    }),
  );
  assert.deepEqual((failure as AggregateError).errors, [real]);
});

test('exit: the cancellation of another copy where nothing is cancelled is stray', async () => {
  const error = await cancelledBy(second);
  const failure = await failureOf(first.withScope(() => Promise.reject(error)));
  assert.ok(failure instanceof first.StrayCancellationError);
  assert.equal(failure.cause, error);
});

test('suppressedErrors: reads what another copy attached, and adds to it on the way up', async () => {
  const [a, b, c] = [new Error('a'), new Error('b'), new Error('c')];
  const inner = (): Promise<unknown> =>
    second.taskGroup((group) => {
      group.spawn(() => Promise.reject(a), { eager: true });
      group.spawn(() => Promise.reject(b), { eager: true });
    });
  const failure = await failureOf(
    first.taskGroup((group) => {
      group.spawn(() => first.sleepForever().catch(() => Promise.reject(c)), { eager: true });
      group.spawn(() => inner().catch((error: unknown) => assert.deepEqual(first.suppressedErrors(error), [b])));
      group.spawn(inner);
    }),
  );
  assert.equal(failure, a);
  assert.deepEqual(second.suppressedErrors(a), [b, c]);
});

test('errors: the codes and brands of two copies are the same', async () => {
  const make = (library: typeof first): Promise<unknown>[] => [
    failureOf(library.timeout(0, () => library.sleep(1))),
    failureOf(library.taskGroup((group) => Promise.resolve(group)).then((group) => group.spawn(() => 1))),
  ];
  const brand = Symbol.for('corral.error');
  const [mine, theirs] = await Promise.all([Promise.all(make(first)), Promise.all(make(second))]);
  for (const [index, error] of (mine as Record<PropertyKey, unknown>[]).entries()) {
    const other = theirs[index] as Record<PropertyKey, unknown>;
    assert.deepEqual([error['code'], error['name'], error[brand]], [other['code'], other['name'], other[brand]]);
  }
});

test('two copies: neither sees what is current in the other', async () => {
  await first.withScope(async () => {
    assert.equal(second.currentScope(), undefined);
    await second.withScope(() => assert.ok(first.currentScope()));
  });
});

test('two copies: a scope of one cancels what runs in the other through its signal', async () => {
  let inner: unknown;
  const value = await first.withScope(async (scope) => {
    setTimeout(() => scope.cancel('why'), 1);
    inner = await failureOf(second.withScope(() => second.sleepForever(), { signal: scope.signal }));
    throw inner;
  });
  assert.equal(value, undefined);
  assert.ok(inner instanceof first.CancelledError);
});

test('two copies: a scope of one handed to the other as { scope } is refused with a message', async () => {
  await first.withScope(async (scope) => {
    const failure = await failureOf(second.sleep(1, { scope }));
    assert.ok(failure instanceof TypeError);
    assert.match(failure.message, /^Cannot use \{ scope \} as it takes a Scope/);
  });
});
