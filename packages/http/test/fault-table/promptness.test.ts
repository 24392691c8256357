import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCancelled, sleepForever, taskGroup, timeout, TimeoutError, withScope } from 'corral';

import { elsewhere } from '../faults/elsewhere.ts';
import { errorOf } from '../session/fixture.ts';
import { assertIdle, until } from './fixture.ts';
import { phases, type Stage } from './phases.ts';

/** A few milliseconds, on a machine that has nothing else to do. */
const PROMPT_MS = 250;
const TIMEOUT_MS = 200;

/** Starts the request, waits until it hangs, ends it; gives the time from there to when its caller knows. */
type Canceller = (stage: Stage) => Promise<number>;

const cancellers: Readonly<Record<string, Canceller>> = {
  'scope.cancel()': (stage) =>
    withScope(async (scope) => {
      const act = errorOf(stage.act({}));
      await stage.reached();
      const began = performance.now();
      scope.cancel('enough');
      assert.ok(isCancelled(await act));
      return performance.now() - began;
    }),

  'a foreign signal': async (stage) => {
    const controller = new AbortController();
    const reason = new Error('foreign');
    const act = errorOf(stage.act({ signal: controller.signal }));
    await stage.reached();
    const began = performance.now();
    controller.abort(reason);
    assert.equal(await act, reason);
    return performance.now() - began;
  },

  'a failing sibling': async (stage) => {
    let began = 0;
    const failure = new Error('sibling');
    const group = taskGroup(async (tasks) => {
      tasks.spawn(() => stage.act({}));
      tasks.spawn(async () => {
        await stage.reached();
        began = performance.now();
        throw failure;
      });
      await sleepForever();
    });
    assert.equal(await errorOf(group), failure);
    return performance.now() - began;
  },

  'timeout()': async (stage) => {
    const began = performance.now();
    const error = await errorOf(timeout(TIMEOUT_MS, () => stage.act({})));
    assert.ok(error instanceof TimeoutError, `threw ${error.stack}`);
    return performance.now() - began - TIMEOUT_MS;
  },
};

for (const [phase, open] of Object.entries(phases)) {
  for (const [canceller, cancel] of Object.entries(cancellers)) {
    test(`${canceller}: ends a request at once that is ${phase}`, { skip: elsewhere }, async (t) => {
      const stage = await open();
      if ('missing' in stage) return t.skip(stage.missing);
      try {
        const { inFlight } = stage.session.snapshot();
        const ms = await cancel(stage);
        t.diagnostic(`after ${ms.toFixed(1)} ms`);
        assert.ok(ms < PROMPT_MS, `took ${ms} ms`);
        assert.equal(stage.session.snapshot().inFlight, inFlight);
        assert.deepEqual([stage.session.snapshot().waiting, stage.session.snapshot().connections.connecting], [0, 0]);
        await stage.gone();
      } finally {
        await stage.close();
      }
      await until(() => stage.session.snapshot().connections.open === 0);
      assertIdle(stage.session);
    });
  }
}

for (const [phase, open] of Object.entries(phases)) {
  test(`close: ends a request at once that is ${phase}`, { skip: elsewhere }, async (t) => {
    const stage = await open();
    if ('missing' in stage) return t.skip(stage.missing);
    const act = errorOf(stage.act({}));
    await stage.reached();
    const began = performance.now();
    const closing = stage.session.close({ graceMs: 0 });
    const error = await act;
    const ms = performance.now() - began;
    t.diagnostic(`after ${ms.toFixed(1)} ms`);
    await closing;
    assert.ok(ms < PROMPT_MS, `took ${ms} ms`);
    assert.equal(error.name, 'SessionClosedError', error.message);
    await stage.gone();
    await stage.close();
    assertIdle(stage.session);
    assert.equal(stage.session.snapshot().connections.open, 0);
  });
}
