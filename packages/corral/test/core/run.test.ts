import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  ScopeClosedError,
  cleanup,
  currentScope,
  detach,
  isCancelled,
  run,
  sleep,
  sleepForever,
  taskGroup,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { failureOf, untilCut } from './virtually.ts';
import { startProgram } from './fixtures/start-program.ts';

const quiet = { signals: false } as const;

// asyncio test_runners.py::RunTests::test_asyncio_run_return
test('run: returns what main returns, sync or async, and hands it the root scope', async () => {
  assert.equal(await run(() => 1, quiet), 1);
  assert.equal(await run(async () => 'value', quiet), 'value');
  await run(
    (scope) => {
      assert.equal(scope, currentScope());
      assert.equal(scope.name, 'server');
      assert.equal(scope.parent, undefined);
    },
    { ...quiet, name: 'server' },
  );
  assert.equal(currentScope(), undefined);
});

// asyncio test_runners.py::RunTests::test_asyncio_run_raises
test('run: throws what main throws', async () => {
  const failure = new Error('main');
  assert.equal(await failureOf(run(() => Promise.reject(failure), quiet)), failure);
  assert.equal(
    await failureOf(run(() => taskGroup((g) => void g.spawn(() => Promise.reject(failure))), quiet)),
    failure,
  );
  assert.equal(await failureOf(run(() => Promise.reject(undefined), quiet)), undefined);
});

// asyncio test_runners.py::RunTests::test_asyncio_run_only_coro
test('run: what is not a function, or no number of milliseconds, is refused', async () => {
  await assert.rejects(run(Promise.resolve() as never), { name: 'TypeError', message: /it has started already/ });
  await assert.rejects(
    run(() => 1, { drainMs: Number.NaN }),
    RangeError,
  );
  await assert.rejects(
    run(() => 1, { graceMs: 'x' as never }),
    RangeError,
  );
});

// asyncio test_runners.py::RunTests::test_asyncio_run_from_running_loop
test('run: inside a task it is refused', async () => {
  await run(
    async () => {
      const message =
        'Cannot run a program inside another as run() makes a root: current scope is outer; use taskGroup()';
      await assert.rejects(
        run(() => 1, quiet),
        { name: 'TypeError', message },
      );
      await withScope(() =>
        assert.rejects(
          run(() => 1, quiet),
          TypeError,
        ),
      );
    },
    { ...quiet, name: 'outer' },
  );
});

test('run: several roots may run side by side', async () => {
  const values = await Promise.all([1, 2, 3].map((n) => run(() => sleep(n).then(() => n), quiet)));
  assert.deepEqual(values, [1, 2, 3]);
});

// asyncio test_runners.py::RunTests::test_asyncio_run_cancels_hanging_tasks
test('run: at the end of main it cancels what is detached, and waits for it', async () => {
  const trace: string[] = [];
  await run(async () => {
    await withScope(() => {
      detach(async () => {
        await sleepForever().catch((error: unknown) =>
          trace.push(isCancelled(error) ? 'detached cancelled' : 'failed'),
        );
        await cleanup(() => sleep(1));
        trace.push('detached cleaned up');
      });
    });
    await sleep(1);
    trace.push('main ended');
  }, quiet);
  trace.push('run returned');
  assert.deepEqual(trace, ['main ended', 'detached cancelled', 'detached cleaned up', 'run returned']);
});

// asyncio test_runners.py::RunTests::test_asyncio_run_reports_hanging_tasks_errors
test('run: errors of what is detached are reported to onError, and main is not disturbed', async () => {
  const [early, late] = [new Error('early'), new Error('while ending')];
  const reports: unknown[] = [];
  const value = await run(
    async () => {
      detach(() => Promise.reject(early), undefined, { name: 'one' });
      detach(() => sleepForever().catch(() => Promise.reject(late)), undefined, { name: 'two' });
      await sleep(1);
      return 'value';
    },
    { ...quiet, onError: (error, where) => void reports.push(error, where) },
  );
  assert.equal(value, 'value');
  assert.deepEqual(reports, [early, 'detached task one failed', late, 'detached task two failed']);
});

test('run: when main fails, what is detached is cancelled and awaited all the same', async () => {
  const trace: string[] = [];
  const failure = new Error('main');
  const error = await failureOf(
    run(async () => {
      detach(() => sleepForever().finally(() => trace.push('detached ended')));
      await sleep(1);
      throw failure;
    }, quiet),
  );
  trace.push('run rejected');
  assert.equal(error, failure);
  assert.deepEqual(trace, ['detached ended', 'run rejected']);
});

test('run: main may cancel its own root; it then returns undefined', async () => {
  const value = await run(async (scope) => {
    scope.cancel();
    await sleep(1);
    return 'not reached';
  }, quiet);
  assert.equal(value, undefined);
});

test('run: what main started and did not await is cancelled and awaited', async () => {
  const trace: string[] = [];
  await run(() => {
    void taskGroup((group) => {
      group.spawn(() => untilCut(() => cleanup(() => sleep(1)).then(() => trace.push('ended'))), { eager: true });
    });
  }, quiet);
  trace.push('run returned');
  assert.deepEqual(trace, ['ended', 'run returned']);
});

test('run: its scope is closed at the end', async () => {
  let root: Scope | undefined;
  await run((scope) => void (root = scope), quiet);
  assert.ok((await failureOf((root as Scope).sleep(1))) instanceof ScopeClosedError);
});

test('run: a callback that fires after the end cannot detach any more', async () => {
  let detachLate: (() => unknown) | undefined;
  await run(() => {
    const scope = currentScope() as Scope;
    detach(() => {});
    detachLate = () => withScope(() => detach(() => assert.fail('started')), { scope });
  }, quiet);
  await assert.rejects(async () => detachLate?.(), { code: 'CORRAL_SCOPE_CLOSED' });
});

test('run: its value arrives in a process of its own, which then ends', async () => {
  const ended = await startProgram('returns');
  assert.deepEqual(ended, { code: 0, signal: null, lines: ['returned value'], errors: '' });
});

test('run: an error of main that nobody catches ends the process like any other', async () => {
  const ended = await startProgram('throws');
  assert.match(ended.errors, /main failed/);
  assert.equal(ended.code, 1);
});

test('run: a sleep or a deadline that is left over does not keep the process alive', async () => {
  for (const name of ['forgets a sleep', 'forgets a timeout']) {
    const ended = await startProgram(name);
    assert.deepEqual(ended, { code: 0, signal: null, lines: ['returned'], errors: '' });
  }
});

// asyncio test_runners.py::RunnerTests::test_signal_install_not_supported_ok
test('run: works in a worker thread, where there are no signals to listen to', async () => {
  const worker = new Worker(new URL('fixtures/worker.js', import.meta.url));
  const [message] = (await once(worker, 'message')) as [unknown];
  assert.equal(message, 'value');
  await worker.terminate();
});
