import assert from 'node:assert/strict';
import { readFile } from 'node:fs';
import { test } from 'node:test';
import {
  ContextVariable,
  fromCallback,
  isCancelled,
  moveOnAfter,
  now,
  promisify,
  run,
  sleep,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
  type Done,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

test(
  'fromCallback: gives what done is called with, at once or later, and only the first call counts',
  virtually(async () => {
    assert.equal(await fromCallback<number>((done) => done(null, 5)), 5);
    assert.equal(await fromCallback<number>((done) => done(undefined, 5)), 5);
    assert.equal(
      await fromCallback<number>((done) => {
        done(null, 1);
        done(new Error('second'));
        done(null, 3);
      }),
      1,
    );
    assert.equal(await fromCallback((done) => void setTimeout(done, 1)), undefined);
  }),
);

test('fromCallback: an error is thrown as it is; falsy ones but null and undefined are errors', async () => {
  for (const error of [new Error('boom'), 0, '', false]) {
    assert.equal(await failureOf(fromCallback((done) => done(error))), error);
  }
});

test('fromCallback: what the function throws is thrown, also after it called done', async () => {
  const boom = new Error('sync');
  for (const early of [true, false]) {
    const failing = fromCallback((done) => {
      if (early) done(null);
      throw boom;
    });
    assert.equal(await failureOf(failing), boom);
  }
});

test('fromCallback: what it returned is called once, on every way out, and awaited', async () => {
  const trace: string[] = [];
  const wait = (how: string): Promise<unknown> =>
    fromCallback((done) => {
      if (how === 'value') done(null, 'value');
      if (how === 'error') setTimeout(() => done('error'), 1);
      return async () => {
        await null;
        trace.push(`undone: ${how}`);
        done(null, 'too late');
      };
    });
  assert.equal(await wait('value'), 'value');
  assert.equal(await failureOf(wait('error')), 'error');
  assert.deepEqual(await moveOnAfter(2, () => wait('cancelled')), { timedOut: true });
  assert.deepEqual(trace, ['undone: value', 'undone: error', 'undone: cancelled']);
});

test(
  'fromCallback: cancelled it aborts the signal, undoes, and ends though done is never called',
  virtually(async (clock) => {
    const trace: string[] = [];
    await moveOnAfter(10, () =>
      fromCallback((_done, signal) => {
        void sleep(20).catch(() => trace.push('its scope was cancelled'));
        signal.addEventListener('abort', () => trace.push('aborted'));
        return () => void trace.push('undone');
      }),
    );
    assert.deepEqual([...trace].sort(), ['aborted', 'its scope was cancelled', 'undone']);
    assert.equal(clock.now(), 10);
  }),
);

test('fromCallback: with nothing to undo it waits for done after the cancellation, and keeps what comes', async () => {
  const answer = (reply: (done: Done<string>, signal: AbortSignal) => void): Promise<unknown> =>
    withScope(async (scope) => {
      setTimeout(() => scope.cancel('enough'), 1);
      const outcome = await failureOrValue(fromCallback(reply));
      assert.equal(scope.cancelled, true);
      return outcome;
    });
  const late = await answer((done, signal) => {
    signal.addEventListener('abort', () => setTimeout(() => done(null, 'in spite of it'), 2));
  });
  assert.equal(late, 'in spite of it');
  const aborted = await answer((done, signal) => signal.addEventListener('abort', () => done(signal.reason)));
  assert.ok(isCancelled(aborted));
});

async function failureOrValue(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: unknown) => error);
}

test('fromCallback: abandon ends the wait at once; a late value is handed over, a late error reported', async () => {
  const handed: unknown[] = [];
  const reported: unknown[] = [];
  const boom = new Error('late');
  const dones: Done<string>[] = [];
  await run(
    async () => {
      const wait = (): Promise<string> =>
        fromCallback<string>((done) => void dones.push(done), {
          abandon: true,
          onAbandoned: (value) => handed.push(value),
        });
      for (let n = 0; n < 3; n++) await moveOnAfter(1, wait);
      dones[0]?.(null, 'connection');
      dones[0]?.(null, 'twice');
      dones[1]?.(boom);
      dones[2]?.(Object.assign(new Error('echo'), { name: 'AbortError' }));
    },
    { signals: false, onError: (error) => void reported.push(error) },
  );
  assert.deepEqual(handed, ['connection']);
  assert.deepEqual(reported, [boom]);
});

test('fromCallback: a value that nobody gets is handed over, whatever fails', async () => {
  const handed: string[] = [];
  const options = { onAbandoned: (value: string) => handed.push(value) };
  const undoing = fromCallback<string>((done) => {
    done(null, 'undo failed');
    return () => {
      throw new Error('undo');
    };
  }, options);
  await assert.rejects(undoing, { message: 'undo' });
  for (const early of [true, false]) {
    let callBack: Done<string> | undefined;
    const starting = fromCallback<string>((done) => {
      callBack = done;
      if (early) done(null, 'early');
      throw new Error('start');
    }, options);
    await assert.rejects(starting, { message: 'start' });
    callBack?.(null, 'late');
  }
  assert.deepEqual(handed, ['undo failed', 'early', 'late']);
});

test('fromCallback: undoing may wait although it was cancelled', async () => {
  const trace: unknown[] = [];
  await withScope(async (scope) => {
    const waiting = fromCallback(() => async () => {
      trace.push('undoing');
      await sleep(1);
      trace.push('undone');
    });
    scope.cancel();
    await waiting.catch((error: unknown) => trace.push(isCancelled(error)));
  });
  assert.deepEqual(trace, ['undoing', 'undone', true]);
});

test('fromCallback: an error while undoing is thrown, attached to the one before it, and never lost to a cancellation', async () => {
  const boom = new Error('undoing');
  const before = new Error('before');
  const failing = (error?: unknown): Promise<unknown> =>
    fromCallback((done) => {
      if (error !== 'never') done(error);
      return () => {
        throw boom;
      };
    });
  assert.equal(await failureOf(failing()), boom);
  assert.equal(await failureOf(failing(before)), before);
  assert.deepEqual(suppressedErrors(before), [boom]);
  assert.equal(await failureOf(timeout(1, () => failing('never'))), boom);
});

test('fromCallback: in a cancelled scope the function is not called', async () => {
  await withScope(async (scope) => {
    scope.cancel();
    assert.equal(await failureOf(fromCallback(() => assert.fail('called'))), scope.reason);
  });
});

test('fromCallback: one that nobody awaits is undone with its scope', async () => {
  let undone = 0;
  await withScope(() => {
    void fromCallback(() => () => void undone++).catch(() => {});
  });
  assert.equal(undone, 1);
});

test('fromCallback: the function sees the context of its caller', async () => {
  const variable = new ContextVariable<string>();
  const seen = await variable.run('mine', () => fromCallback<unknown>((done) => done(null, variable.get())));
  assert.equal(seen, 'mine');
});

test('fromCallback: misuse is refused', async () => {
  await assert.rejects(fromCallback(5 as never), TypeError);
  await assert.rejects(
    fromCallback(() => Promise.reject(new Error('nobody gets this'))),
    { name: 'TypeError', message: /current value is a promise/ },
  );
  await assert.rejects(
    fromCallback(() => {}, { scope: 5 as never }),
    TypeError,
  );
});

test('promisify: the arguments are handed on, with a callback as the last', async () => {
  const add = promisify((a: number, b: number, callback: (error: unknown, sum?: number) => void) =>
    setTimeout(() => callback(null, a + b), 1),
  );
  assert.equal(await add(1, 2), 3);
  await withScope(async (scope) => assert.equal(await add.callIn(scope, 2, 3), 5));
  const boom = new Error('boom');
  const fail = promisify((callback: (error: unknown) => void) => callback(boom));
  assert.equal(await failureOf(fail()), boom);
  assert.throws(() => promisify(5 as never), TypeError);
});

test('promisify: takes a function of Node as it is', async () => {
  const read = promisify((path: string, callback: (error: unknown, text?: string) => void) =>
    readFile(path, 'utf8', callback),
  );
  const error = (await failureOf(read('/nowhere/at/all'))) as NodeJS.ErrnoException;
  assert.equal(error.code, 'ENOENT');
});

test('promisify: what an async function throws instead of calling back is thrown', async () => {
  const boom = new Error('async');
  const failing = promisify(async (_callback: Done<number>) => {
    throw boom;
  });
  assert.equal(await failureOf(failing()), boom);
});

test('promisify: a cancelled call waits for its callback, unless it is abandoned', async () => {
  const slow = (callback: (error: unknown) => void): void => void setTimeout(() => callback(null), 10);
  const begun = now();
  await moveOnAfter(1, () => promisify(slow)());
  assert.ok(now() - begun >= 9);
  let ended = false;
  await taskGroup(async () => {
    const never = (_callback: (error: unknown) => void): void => {};
    await moveOnAfter(1, () => promisify(never, { abandon: true })());
    ended = true;
  });
  assert.equal(ended, true);
});
