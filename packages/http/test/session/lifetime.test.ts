import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCancelled, sleep, taskGroup, use, withScope } from 'corral';

import { HttpError, QueueFullError, SessionClosedError } from '../../src/errors.ts';
import { exponential } from '../../src/retry/retry-policy.ts';
import { ClientSession, session } from '../../src/session/client-session.ts';
import { startFaultServer } from '../faults/server.ts';
import { errorOf, gate, pair } from './fixture.ts';

test('ClientSession: is closed at the end of its block', async () => {
  await using server = await startFaultServer();
  let kept: ClientSession | undefined;
  {
    await using own = new ClientSession({ baseUrl: server.origin });
    kept = own;
    assert.equal(own.closed, false);
    await own.get('/fault/text').text();
  }
  assert.equal(kept.closed, true);
  await server.idle();
});

test('ClientSession: is closed at the end of its block that throws, and the error comes out', async () => {
  await using server = await startFaultServer();
  const mine = new Error('mine');
  const body = async (): Promise<void> => {
    await using own = new ClientSession({ baseUrl: server.origin, graceMs: 10 });
    await own.get('/fault/endless-body');
    throw mine;
  };
  assert.equal(await errorOf(body()), mine);
  await server.idle();
});

test('ClientSession: that was never used closes at once', async () => {
  const own = new ClientSession();
  await own.close();
  assert.equal(own.closed, true);
});

test('ClientSession: ends with the scope that it was made in', async () => {
  await using server = await startFaultServer();
  let kept: ClientSession | undefined;
  await withScope(async () => {
    kept = new ClientSession({ baseUrl: server.origin });
    await kept.get('/fault/text').text();
    assert.equal(server.connections.open, 1);
  });
  assert.equal(kept?.closed, true);
  await server.idle();
});

test('ClientSession: that was closed does not hold up its scope, nor is it an error of it', async () => {
  await withScope(async () => {
    const own = new ClientSession();
    await own.close();
  });
});

test('ClientSession: belongs to the scope that is given', async () => {
  await using server = await startFaultServer();
  await withScope(async (outer) => {
    let own: ClientSession | undefined;
    await withScope(async () => {
      own = new ClientSession({ baseUrl: server.origin, scope: outer });
    });
    assert.equal(await own!.get('/fault/text').text(), 'ok');
  });
});

test('ClientSession: made in a scope that is cancelled later, it ends with it', async () => {
  await using server = await startFaultServer();
  let kept: ClientSession | undefined;
  await withScope(async (scope) => {
    kept = new ClientSession({ baseUrl: server.origin });
    await kept.get('/fault/text').text();
    scope.cancel();
  });
  assert.equal(kept?.closed, true);
  await server.idle();
});

test('ClientSession: a request from outside its scope ends when the session does', async () => {
  await using server = await startFaultServer();
  let request: Promise<Error> | undefined;
  await withScope(async (outer) => {
    await withScope(async () => {
      const own = new ClientSession({ baseUrl: server.origin });
      request = errorOf(own.get('/fault/no-answer', { scope: outer }));
      await server.waitFor(({ requests }) => requests.length === 1);
    });
    assert.ok((await request) instanceof SessionClosedError);
  });
});

test('ClientSession: a session outlives the scopes of its requests', async () => {
  await using at = await pair();
  await withScope(async (scope) => {
    const handle = errorOf(at.session.get('/fault/no-answer'));
    await at.server.waitFor(({ requests }) => requests.length === 1);
    scope.cancel();
    await handle;
  });
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
});

test('session: is a resource, closed after the body, which gets it', async () => {
  await using server = await startFaultServer();
  let kept: ClientSession | undefined;
  const text = await use(session({ baseUrl: server.origin }), (own) => {
    kept = own;
    return own.get('/fault/text').text();
  });
  assert.equal(text, 'ok');
  assert.equal(kept?.closed, true);
  await server.idle();
});

test('session: is closed after a body that throws', async () => {
  let kept: ClientSession | undefined;
  const mine = new Error('mine');
  const used = use(session(), (own) => {
    kept = own;
    throw mine;
  });
  assert.equal(await errorOf(used), mine);
  assert.equal(kept?.closed, true);
});

test('session: options that are wrong are told', async () => {
  assert.match((await errorOf(use(session({ nope: 1 } as never), () => 1))).message, /current value has nope/);
});

// close() --------------------------------------------------------------------------------------------------------------

test('close: lets requests that are under way end', async () => {
  await using at = await pair();
  const text = at.session.get('/fault/slow-start?ms=50').text();
  await at.server.waitFor(({ requests }) => requests.length === 1);
  await at.session.close({ graceMs: 5_000 });
  assert.equal(await text, 'ok');
  await at.server.idle();
});

test('close: ends what is not over within the grace', async () => {
  await using at = await pair();
  const error = errorOf(at.session.get('/fault/no-answer'));
  await at.server.waitFor(({ requests }) => requests.length === 1);
  const began = performance.now();
  await at.session.close({ graceMs: 60 });
  assert.ok(performance.now() - began >= 50);
  assert.ok((await error) instanceof SessionClosedError);
  await at.server.idle();
});

test('close: waits no longer than it has to', async () => {
  await using at = await pair();
  const text = at.session.get('/fault/slow-start?ms=50').text();
  await at.server.waitFor(({ requests }) => requests.length === 1);
  const began = performance.now();
  await at.session.close({ graceMs: 60_000 });
  assert.ok(performance.now() - began < 10_000);
  assert.equal(await text, 'ok');
});

test('close: with no grace ends all at once', async () => {
  await using at = await pair();
  const errors = Array.from({ length: 5 }, () => errorOf(at.session.get('/fault/no-answer')));
  await at.server.waitFor(({ inFlight }) => inFlight.now === 5);
  await at.session.close({ graceMs: 0 });
  for (const error of await Promise.all(errors)) assert.ok(error instanceof SessionClosedError);
  await at.server.idle();
});

test('close: ends a body that is being read', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/stall-body');
  const read = errorOf(response.text());
  await at.session.close({ graceMs: 0 });
  assert.ok((await read) instanceof SessionClosedError);
});

test('close: a response that nobody reads does not hold it up for longer than the grace', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/bytes?bytes=10000000');
  await at.session.close({ graceMs: 20 });
  assert.ok((await errorOf(response.bytes())) instanceof SessionClosedError);
  await at.server.idle();
});

test('close: requests that wait for their turn fail at once', async () => {
  await using at = await pair({ limits: { total: 1 } });
  const text = at.session.get('/fault/slow-start?ms=50').text();
  const waiting = errorOf(at.session.get('/fault/text'));
  await at.server.waitFor(({ requests }) => requests.length === 1);
  const closed = at.session.close({ graceMs: 5_000 });
  const error = await waiting;
  assert.ok(error instanceof SessionClosedError);
  assert.equal(error.requestSent, false);
  assert.equal(await text, 'ok');
  await closed;
});

test('close: twice is once, and both wait', async () => {
  await using at = await pair();
  const text = at.session.get('/fault/slow-start?ms=50').text();
  await at.server.waitFor(({ requests }) => requests.length === 1);
  await Promise.all([at.session.close({ graceMs: 5_000 }), at.session.close({ graceMs: 0 })]);
  assert.equal(await text, 'ok');
  await at.session.close();
});

test('close: afterwards requests are refused, and nothing is sent', async () => {
  await using at = await pair();
  await at.session.close();
  const error = await errorOf(at.session.get('/fault/text'));
  assert.ok(error instanceof SessionClosedError);
  assert.equal(error.code, 'CORRAL_HTTP_SESSION_CLOSED');
  assert.equal(error.requestSent, false);
  assert.equal(at.server.connections.total, 0);
});

test('close: what is refused or given up for it is not tried again', async () => {
  await using at = await pair({ retry: exponential({ baseMs: 60_000, jitter: 'none' }), limits: { total: 1 } });
  const text = at.session.get('/fault/slow-start?ms=50').text();
  const waiting = errorOf(at.session.get('/fault/text'));
  await at.server.waitFor(({ requests }) => requests.length === 1);
  const closed = at.session.close({ graceMs: 5_000 });
  for (const error of [await waiting, await errorOf(at.session.get('/fault/text'))]) {
    assert.ok(error instanceof SessionClosedError);
    assert.ok(error.attempts.length <= 1);
  }
  assert.equal(await text, 'ok');
  await closed;
});

test('limits: one that finds the queue full fails at once, and is not tried again', async () => {
  const retry = exponential({ baseMs: 60_000, jitter: 'none' });
  await using at = await pair({ retry, limits: { total: 1, queue: 0 } });
  const first = errorOf(at.session.get('/fault/no-answer'));
  await at.server.waitFor(({ requests }) => requests.length === 1);
  const error = await errorOf(at.session.get('/fault/text'));
  assert.ok(error instanceof QueueFullError);
  assert.equal(error.attempts.length, 1);
  await at.session.close({ graceMs: 0 });
  await first;
});

test('close: from its beginning on requests are refused', async () => {
  await using at = await pair();
  const text = at.session.get('/fault/slow-start?ms=50').text();
  await at.server.waitFor(({ requests }) => requests.length === 1);
  const closed = at.session.close({ graceMs: 5_000 });
  assert.equal(at.session.closed, true);
  assert.ok((await errorOf(at.session.get('/fault/text'))) instanceof SessionClosedError);
  assert.equal(await text, 'ok');
  await closed;
});

test('close: in a cancelled scope there is no grace', async () => {
  await using at = await pair();
  const error = errorOf(at.session.get('/fault/no-answer'));
  await at.server.waitFor(({ requests }) => requests.length === 1);
  const began = performance.now();
  await withScope(async (scope) => {
    scope.cancel();
    await at.session.close({ graceMs: 60_000 });
  });
  assert.ok(performance.now() - began < 10_000);
  assert.ok((await error) instanceof SessionClosedError);
});

test('close: cancelled while it waits, it ends without more grace', async () => {
  await using at = await pair();
  const error = errorOf(at.session.get('/fault/no-answer'));
  await at.server.waitFor(({ requests }) => requests.length === 1);
  const began = performance.now();
  await withScope(async (scope) => {
    setTimeout(() => scope.cancel(), 20);
    await at.session.close({ graceMs: 60_000 });
  });
  assert.ok(performance.now() - began < 10_000);
  assert.ok((await error) instanceof SessionClosedError);
});

test('close: a task that fails skips the grace of the others', async () => {
  await using server = await startFaultServer();
  const mine = new Error('mine');
  const began = performance.now();
  const error = await errorOf(
    taskGroup(async (group) => {
      await using own = new ClientSession({ baseUrl: server.origin, graceMs: 60_000 });
      const text = own.get('/fault/no-answer').text();
      await server.waitFor(({ requests }) => requests.length === 1);
      group.spawn(() => {
        throw mine;
      });
      await text;
    }),
  );
  assert.equal(error, mine);
  assert.ok(performance.now() - began < 10_000);
  await server.idle();
});

test('close: ends connections that are being made', async () => {
  const asked = gate();
  const lookup = (): Promise<never> => {
    asked.open();
    return new Promise<never>(() => {});
  };
  const own = new ClientSession({ lookup, retry: false });
  const error = errorOf(own.get('http://nowhere.example/'));
  await asked.promise;
  await own.close({ graceMs: 0 });
  assert.ok((await error) instanceof SessionClosedError);
});

test('close: wrong options are refused', async () => {
  await using at = await pair();
  await assert.rejects(at.session.close({ graceMs: -1 }), RangeError);
  await assert.rejects(at.session.close({ graceMs: Number.NaN }), RangeError);
  await assert.rejects(at.session.close({ graceMs: '5' as never }), RangeError);
  await assert.rejects(at.session.close({ grace: 5 } as never), TypeError);
  assert.equal(at.session.closed, false);
});

test('snapshot: says what is under way, frozen', async () => {
  await using at = await pair({ name: 'mine', limits: { total: 1 } });
  await using response = await at.session.get('/fault/stall-body');
  const waiting = errorOf(at.session.get('/fault/text'));
  await sleep(1);
  const snapshot = at.session.snapshot();
  assert.ok(Object.isFrozen(snapshot));
  assert.deepEqual(
    [snapshot.name, snapshot.closed, snapshot.inFlight, snapshot.waiting, snapshot.connections.open],
    ['mine', false, 1, 1, 1],
  );
  assert.equal(response.status, 200);
  await at.session.close({ graceMs: 0 });
  assert.ok((await waiting) instanceof HttpError);
  const after = at.session.snapshot();
  assert.deepEqual([after.closed, after.inFlight, after.waiting, after.connections.open], [true, 0, 0, 0]);
});

test('ClientSession: a storm of requests that are cancelled leaves nothing behind', async () => {
  await using at = await pair({ limits: { total: 10, perHost: 10 } });
  const paths = ['no-answer', 'stall-head', 'stall-body', 'text', 'slow-start?ms=20', 'endless-body', 'redirect'];
  for (let round = 0; round < 5; round++) {
    await withScope(async (scope) => {
      const all = Array.from({ length: 60 }, (_, i) =>
        at.session
          .get(`/fault/${paths[i % paths.length]!}`)
          .bytes()
          .catch((error: unknown) => {
            if (!isCancelled(error)) throw error;
          }),
      );
      await at.server.waitFor(({ requests }) => requests.length > round * 5);
      await sleep(round * 5);
      scope.cancel();
      await Promise.all(all);
    });
    const { inFlight, waiting } = at.session.snapshot();
    assert.deepEqual({ inFlight, waiting }, { inFlight: 0, waiting: 0 });
  }
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
});

test(
  'close: does not wait for a response that nobody reads',
  { todo: 'who will read it still, and who has forgotten it, looks the same: a rule is wanted' },
  async () => {
    await using at = await pair();
    const response = await at.session.get('/fault/bytes?bytes=10000000');
    const began = performance.now();
    await at.session.close({ graceMs: 400 });
    assert.ok(performance.now() - began < 200);
    assert.equal(response.status, 200);
  },
);

test('close: a request that was begun just before has the grace too', async () => {
  const at = await pair();
  const text = at.session.get('/fault/slow-start?ms=50').text();
  await at.session.close();
  assert.equal(await text, 'ok');
  await at.server.close();
});

test('close: a redirect of what is under way is followed within the grace', async () => {
  const at = await pair();
  const text = at.session.get(`/fault/redirect?ms=50&to=${encodeURIComponent('/fault/text')}`).text();
  await at.server.waitFor(({ requests }) => requests.length === 1);
  await at.session.close();
  assert.equal(await text, 'ok');
  await at.server.close();
});
