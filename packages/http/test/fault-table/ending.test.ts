import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentScope, isCancelled, moveOnAfter, run, sleep, withScope } from 'corral';

import { exponential } from '../../src/retry/retry-policy.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import { elsewhere } from '../faults/elsewhere.ts';
import { errorOf, pair } from '../session/fixture.ts';
import { assertIdle, until } from './fixture.ts';

const skip = elsewhere;

test('ClientSession: a body that waited for its turn is read in the scope of its own request', { skip }, async () => {
  await using at = await pair({ limits: { total: 1 } });
  const seen: (string | undefined)[] = [];
  await run(async () => {
    const first = withScope(() => at.session.get('/fault/slow-start?ms=30').text(), { name: 'first' });
    await until(() => at.session.snapshot().inFlight === 1);
    const second = withScope(
      () => {
        const body = async function* (): AsyncGenerator<Uint8Array> {
          seen.push(currentScope()?.name);
          yield new Uint8Array(1);
          await sleep(1);
          seen.push(currentScope()?.name);
        };
        return at.session.post('/fault/upload', { body }).text();
      },
      { name: 'second' },
    );
    await Promise.all([first, second]);
  });
  assert.equal(seen.length, 2);
  // The scope of the request, which is a child of it.
  assert.ok(
    seen.every((name) => name?.startsWith('POST')),
    String(seen),
  );
});

test(
  'ClientSession: a request that nobody awaits, and that is aborted, is no unhandled rejection',
  { skip },
  async () => {
    await using at = await pair();
    const controller = new AbortController();
    await withScope(async () => {
      void at.session.get('/fault/no-answer', { signal: controller.signal });
      await at.server.waitFor(({ requests }) => requests.length === 1);
      controller.abort(new Error('enough'));
      await sleep(20);
    });
    assertIdle(at.session);
  },
);

test(
  'ClientSession: a request that nobody awaits, and that failed before its scope was cancelled, is none either',
  { skip },
  async () => {
    await using at = await pair();
    const scope = moveOnAfter(50, async () => {
      void at.session.get('/fault/reset-before');
      await sleep(10_000);
    });
    // The scope may still see it, or be over.
    await scope.then(undefined, (error: unknown) => assert.equal((error as Error).name, 'ProtocolError'));
    await sleep(5);
    assertIdle(at.session);
  },
);

test('ClientSession: whoever reads a body that is aborted by a signal gets its reason', { skip }, async () => {
  await using at = await pair();
  const controller = new AbortController();
  const reason = new Error('enough');
  await withScope(async () => {
    const read = async (): Promise<void> => {
      for await (const _chunk of at.session.get('/fault/stall-body', { signal: controller.signal }).stream());
    };
    const error = errorOf(read());
    await at.server.waitFor(({ requests }) => requests.length === 1);
    await sleep(20);
    controller.abort(reason);
    assert.equal(await error, reason);
  });
});

test('ClientSession: what fails in the moment in which it is cancelled is reported to nobody', { skip }, async () => {
  await using at = await pair();
  const reported: unknown[] = [];
  await run(
    async () => {
      const session = new ClientSession({ retry: false });
      await withScope(async (scope) => {
        const requests = ['no-answer', 'stall-body', 'stall-head'] as const;
        const all = requests.map((name) => errorOf(session.get(at.server.url(name)).bytes()));
        await at.server.waitFor(({ requests: { length } }) => length === 3);
        await sleep(20);
        scope.cancel();
        const closing = session.close({ graceMs: 0 });
        for (const error of await Promise.all(all)) assert.ok(isCancelled(error), String(error));
        await closing;
      });
    },
    { onError: (error) => reported.push(error) },
  );
  assert.deepEqual(reported, []);
});

test('close: ends a request that waits to try again, and with a grace as well', { skip }, async () => {
  await using at = await pair({ retry: exponential({ baseMs: 60_000, jitter: 'none' }) });
  const error = errorOf(at.session.get('/fault/status?status=503'));
  await until(() => at.server.requests[0]?.answered === true && at.session.snapshot().inFlight === 0);
  await at.session.close();
  assert.equal((await error).name, 'SessionClosedError');
  assert.equal(at.server.requests.length, 1);
});
