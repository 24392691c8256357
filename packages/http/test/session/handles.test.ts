import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import {
  currentScope,
  isCancelled,
  moveOnAfter,
  sleep,
  taskGroup,
  timeout,
  TimeoutError,
  withScope,
  type Scope,
} from 'corral';

import type { ClientResponse } from '../../src/response/client-response.ts';
import { ProtocolError, StatusError } from '../../src/errors.ts';
import { errorOf, gate, pair, unhandledIn } from './fixture.ts';

test('RequestHandle: begins without being awaited', async () => {
  await using at = await pair();
  const handle = at.session.get('/fault/text');
  await at.server.waitFor(({ requests }) => requests.length === 1);
  assert.equal(await handle.text(), 'ok');
});

test('RequestHandle: awaited twice gives the same response', async () => {
  await using at = await pair();
  const handle = at.session.get('/fault/text');
  await using first = await handle;
  assert.equal(await handle, first);
  assert.equal(at.server.requests.length, 1);
});

test('RequestHandle: the body can be asked for after the response was awaited', async () => {
  await using at = await pair();
  const handle = at.session.get('/fault/json');
  await handle;
  assert.deepEqual(await handle.json(), { ok: true });
});

test('RequestHandle: the body cannot be had twice', async () => {
  await using at = await pair();
  const handle = at.session.get('/fault/text');
  const [first, second] = await Promise.allSettled([handle.text(), handle.text()]);
  assert.deepEqual(first, { status: 'fulfilled', value: 'ok' });
  assert.equal(second.status, 'rejected');
  assert.match(String(second.status === 'rejected' && second.reason), /its body is wanted already/);
});

test('RequestHandle: the response cannot be had where its body is', async () => {
  await using at = await pair();
  const handle = at.session.get('/fault/text');
  const text = handle.text();
  assert.match((await errorOf(handle)).message, /^Cannot await the response as its body is wanted already/);
  assert.equal(await text, 'ok');
});

test('RequestHandle: then, catch and finally are those of promises', async () => {
  await using at = await pair();
  const seen: unknown[] = [];
  await at.session.get('/fault/status?status=404').then((response) => seen.push(response.status));
  await at.session.get('/fault/fin-before').catch((error: unknown) => seen.push(error instanceof ProtocolError));
  await at.session.get('/fault/text').finally(() => seen.push('finally'));
  assert.deepEqual(seen, [404, true, 'finally']);
});

test('RequestHandle: a failure comes out of all that await it', async () => {
  await using at = await pair();
  const handle = at.session.get('/fault/reset-before');
  const errors = [await errorOf(handle), await errorOf(handle)];
  assert.ok(errors[0] instanceof ProtocolError);
  assert.equal(errors[0], errors[1]);
});

test('text: releases the response by itself', async () => {
  await using at = await pair();
  await at.session.get('/fault/text').text();
  const { inFlight } = at.session.snapshot();
  assert.equal(inFlight, 0);
});

test('json: of what is no JSON throws DecodeError that shows its beginning', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.get('/fault/text?body=<html>').json());
  assert.equal(error.name, 'DecodeError');
  assert.match(error.message, /<html>/);
});

test('json: cancelled while a schema thinks, it ends at once', async () => {
  await using at = await pair();
  const asked = gate();
  const validate = (): Promise<never> => {
    asked.open();
    return new Promise<never>(() => {});
  };
  const schema = { '~standard': { version: 1, vendor: 'mine', validate } } as const;
  await withScope(async (scope) => {
    const error = errorOf(at.session.get('/fault/json').json(schema));
    await asked.promise;
    scope.cancel();
    assert.ok(isCancelled(await error));
  });
});

test('json: of an empty body throws DecodeError', async () => {
  await using at = await pair();
  assert.equal((await errorOf(at.session.get('/fault/status?status=200').json())).name, 'DecodeError');
});

test('text: of an empty body is empty', async () => {
  await using at = await pair();
  assert.equal(await at.session.get('/fault/status?status=200').text(), '');
});

test('text: is decoded by the charset of Content-Type', async () => {
  const latin = (exchange: {
    respond(status: number, body: Uint8Array, headers: Record<string, string>): Promise<void>;
  }) => exchange.respond(200, Buffer.from('Zürich', 'latin1'), { 'Content-Type': 'text/plain; charset=ISO-8859-1' });
  await using at = await pair({}, { '/': latin });
  assert.equal(await at.session.get('/').text(), 'Zürich');
});

test('text: is decoded by Content-Type, though another header has that name for its value', async () => {
  const headers = { Vary: 'content-type', 'Content-Type': 'text/plain; charset=ISO-8859-1' };
  await using at = await pair(
    {},
    { '/': (exchange) => exchange.respond(200, Buffer.from('Zürich', 'latin1'), headers) },
  );
  assert.equal(await at.session.get('/').text(), 'Zürich');
  await using response = await at.session.get('/');
  await sleep(10);
  assert.equal(await response.text(), 'Zürich');
});

test('bytes: gives them as they are', async () => {
  await using at = await pair();
  assert.equal((await at.session.get('/fault/bytes?bytes=100000').bytes()).byteLength, 100_000);
});

test('stream: gives chunks, and releases the response at the end', async () => {
  await using at = await pair();
  let size = 0;
  for await (const chunk of at.session.get('/fault/bytes?bytes=300000').stream()) size += chunk.byteLength;
  assert.equal(size, 300_000);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('stream: left early ends the request', async () => {
  await using at = await pair();
  for await (const chunk of at.session.get('/fault/endless-body').stream()) {
    assert.ok(chunk.byteLength > 0);
    break;
  }
  await at.server.waitFor(({ requests }) => requests[0]?.abandoned);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('lines: gives lines, and releases the response at the end', async () => {
  await using at = await pair();
  const lines: string[] = [];
  for await (const line of at.session.get('/fault/lines?n=3&split=2').lines()) lines.push(line);
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { n: number }).n),
    [1, 2, 3],
  );
  assert.equal(at.session.snapshot().inFlight, 0);
});

// Scopes ---------------------------------------------------------------------------------------------------------------

test('RequestHandle: never awaited is an error of its scope', async () => {
  await using at = await pair();
  const error = await errorOf(
    withScope(
      async () => {
        void at.session.get('/fault/no-answer');
        await at.server.waitFor(({ requests }) => requests.length === 1);
      },
      { name: 'careless' },
    ),
  );
  assert.match(error.message, /careless.*not awaited: GET 127\.0\.0\.1/);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('RequestHandle: never awaited, and its response came, is an error of its scope too', async () => {
  await using at = await pair();
  const error = await errorOf(
    withScope(async () => {
      void at.session.get('/fault/text');
      await at.server.waitFor(({ requests }) => requests[0]?.answered);
      await sleep(5);
    }),
  );
  assert.match(error.message, /not awaited/);
});

test('RequestHandle: never awaited, its failure is an error of its scope', async () => {
  await using at = await pair();
  const error = await errorOf(
    withScope(async () => {
      void at.session.get('/fault/reset-before');
      await at.server.waitFor(({ requests }) => requests.length === 1);
      await at.server.idle();
      await sleep(10);
    }),
  );
  assert.ok(error instanceof ProtocolError);
});

test('RequestHandle: that fails before it is awaited tells its failure when it is', async () => {
  await using at = await pair();
  await withScope(async () => {
    const slow = at.session.get('/fault/slow-start?ms=50');
    const failing = at.session.get('/fault/reset-before');
    const asText = at.session.get('/fault/text');
    assert.equal(await (await slow).text(), 'ok');
    assert.ok((await errorOf(failing)) instanceof ProtocolError);
    assert.equal(await asText.text(), 'ok');
  });
});

test('RequestHandle: that is wrong and never awaited is an error of its scope', async () => {
  await using at = await pair();
  const error = await errorOf(
    withScope(async () => {
      void at.session.get('ftp://example.org/');
      await sleep(10);
    }),
  );
  assert.match(error.message, /^Cannot get\(\) as a URL begins with http/);
});

test('RequestHandle: that is wrong and awaited late tells it then', async () => {
  await using at = await pair();
  await withScope(async () => {
    const wrong = at.session.get('ftp://example.org/');
    await at.session.get('/fault/text').text();
    assert.ok((await errorOf(wrong)) instanceof TypeError);
  });
});

test('text: that fails and is never awaited is not silent', async () => {
  await using at = await pair();
  const [unhandled] = await unhandledIn(() =>
    withScope(async () => {
      void at.session.get('/fault/reset-before').text();
      await at.server.waitFor(({ requests }) => requests.length === 1);
      await at.server.idle();
      await sleep(20);
    }),
  );
  assert.ok(unhandled instanceof ProtocolError);
});

test('text: that is cancelled and never awaited is silent', async () => {
  await using at = await pair();
  const unhandled = await unhandledIn(() =>
    withScope(async (scope) => {
      void at.session.get('/fault/no-answer').text();
      void at.session.get('/fault/stall-body').text();
      await at.server.waitFor(({ requests }) => requests.length === 2);
      scope.cancel();
    }),
  );
  assert.deepEqual(unhandled, []);
});

test('RequestHandle: never awaited in a scope that is cancelled, it says nothing', async () => {
  await using at = await pair();
  await withScope(async (scope) => {
    void at.session.get('/fault/no-answer');
    await at.server.waitFor(({ requests }) => requests.length === 1);
    scope.cancel();
  });
  await at.server.idle();
});

test('ClientResponse: is released when the scope of its request ends', async () => {
  await using at = await pair();
  let kept: ClientResponse | undefined;
  await withScope(async () => {
    kept = await at.session.get('/fault/endless-body');
  });
  await at.server.waitFor(({ requests }) => requests[0]?.abandoned);
  assert.equal(at.session.snapshot().inFlight, 0);
  const error = await errorOf(kept!.text());
  assert.match(error.message, /^Cannot read the body as the response was released/);
});

test('ClientResponse: that came whole cannot be read either when its scope has ended', async () => {
  await using at = await pair();
  let kept: ClientResponse | undefined;
  await withScope(async () => {
    kept = await at.session.get('/fault/text');
    await sleep(10);
  });
  assert.match((await errorOf(kept!.text())).message, /^Cannot read the body as the response was released/);
});

test('RequestHandle: belongs to the scope that is given', async () => {
  await using at = await pair();
  await withScope(async (outer) => {
    let response: ClientResponse | undefined;
    await withScope(async () => {
      response = await at.session.get('/fault/text', { scope: outer });
    });
    assert.equal(await response!.text(), 'ok');
  });
});

test('RequestHandle: with a scope that has ended it is refused, and nothing is sent', async () => {
  await using at = await pair();
  let scope: Scope | undefined;
  await withScope(async (own) => void (scope = own));
  const error = await errorOf(at.session.get('/fault/text', { scope: scope! }));
  assert.equal(error.name, 'ScopeClosedError');
  assert.equal(at.server.requests.length, 0);
});

for (const [phase, path] of [
  ['the head is waited for', '/fault/no-answer'],
  ['the head comes', '/fault/stall-head'],
  ['the body comes', '/fault/stall-body'],
] as const) {
  test(`RequestHandle: cancelled while ${phase} it ends at once, and the connection with it`, async () => {
    await using at = await pair();
    await withScope(async (scope) => {
      const body = at.session.get(path).bytes();
      await at.server.waitFor(({ requests }) => requests.length === 1);
      await sleep(20);
      scope.cancel('enough');
      assert.ok(isCancelled(await errorOf(body)));
    });
    assert.equal(at.session.snapshot().inFlight, 0);
    await at.server.idle();
  });
}

test('RequestHandle: cancelled before it began, nothing is sent', async () => {
  await using at = await pair();
  await withScope(async (scope) => {
    const handle = at.session.get('/fault/text');
    scope.cancel();
    assert.ok(isCancelled(await errorOf(handle)));
  });
  assert.equal(at.server.requests.length, 0);
  assert.equal(at.server.connections.total, 0);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('RequestHandle: in a cancelled scope nothing is sent', async () => {
  await using at = await pair();
  await withScope(async (scope) => {
    scope.cancel();
    assert.ok(isCancelled(await errorOf(at.session.get('/fault/text').text())));
  });
  assert.equal(at.server.connections.total, 0);
});

test('RequestHandle: cancelled while it waits for its turn it leaves the line', async () => {
  await using at = await pair({ limits: { total: 1 } });
  await using first = await at.session.get('/fault/stall-body');
  await withScope(async (scope) => {
    const waiting = at.session.get('/fault/text').text();
    await sleep(1);
    assert.equal(at.session.snapshot().waiting, 1);
    scope.cancel();
    assert.ok(isCancelled(await errorOf(waiting)));
    assert.equal(at.session.snapshot().waiting, 0);
  });
  await first.release();
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(at.server.requests.length, 2);
});

test('RequestHandle: timeout() around a request throws TimeoutError, of corral', async () => {
  await using at = await pair();
  const error = await errorOf(timeout(50, () => at.session.get('/fault/no-answer')));
  assert.ok(error instanceof TimeoutError);
  await at.server.idle();
});

test('RequestHandle: timeout() around a request that is fast enough is gone', async () => {
  await using at = await pair();
  assert.equal(await timeout(10_000, () => at.session.get('/fault/text').text()), 'ok');
});

test('RequestHandle: the failure of one task ends the requests of the others', async () => {
  await using at = await pair();
  const error = await errorOf(
    taskGroup(async (group) => {
      for (let i = 0; i < 5; i++) group.spawn(() => at.session.get('/fault/no-answer').text());
      group.spawn(async () => {
        await at.server.waitFor(({ inFlight }) => inFlight.now === 5);
        return at.session.get('/fault/status?status=500', { raiseForStatus: true });
      });
    }),
  );
  assert.ok(error instanceof StatusError);
  await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
  assert.equal(at.session.snapshot().inFlight, 0);
});

// Signals --------------------------------------------------------------------------------------------------------------

test('signal: ends the request, which throws its reason', async () => {
  await using at = await pair();
  const controller = new AbortController();
  const handle = at.session.get('/fault/no-answer', { signal: controller.signal });
  await at.server.waitFor(({ requests }) => requests.length === 1);
  const reason = new Error('mine');
  controller.abort(reason);
  assert.equal(await errorOf(handle), reason);
  await at.server.idle();
});

test('signal: ends a response whose body is being read', async () => {
  await using at = await pair();
  const controller = new AbortController();
  const response = await at.session.get('/fault/stall-body', { signal: controller.signal });
  const text = errorOf(response.text());
  controller.abort(new Error('mine'));
  await text;
  await at.server.idle();
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('signal: aborted before, nothing is sent', async () => {
  await using at = await pair();
  const reason = new Error('mine');
  assert.equal(await errorOf(at.session.get('/fault/text', { signal: AbortSignal.abort(reason) })), reason);
  assert.equal(at.server.connections.total, 0);
});

test('signal: what is none is refused', async () => {
  await using at = await pair();
  assert.ok((await errorOf(at.session.get('/fault/text', { signal: {} as never }))) instanceof TypeError);
  assert.equal(at.server.requests.length, 0);
});

test('signal: keeps no listener when the request is over', async () => {
  await using at = await pair();
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add;
  signal.removeEventListener = ((...args: Parameters<typeof remove>) => (
    listeners--,
    remove(...args)
  )) as typeof remove;
  for (let i = 0; i < 3; i++) await at.session.get('/fault/text', { signal }).text();
  assert.equal(listeners, 0);
});

test('RequestHandle: callbacks of the caller run in the context of the caller, and in a scope', async () => {
  await using at = await pair();
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const allow = (): boolean => {
    seen.push(storage.getStore(), currentScope() !== undefined);
    return true;
  };
  await storage.run('first', () => at.session.get('/fault/redirect', { redirect: { allow } }).text());
  await storage.run('second', () => at.session.get('/fault/redirect', { redirect: { allow } }).text());
  assert.deepEqual(seen, ['first', true, 'second', true]);
});

test('ClientResponse: leaving its block releases it, and the slot with it', async () => {
  await using at = await pair({ limits: { total: 1 } });
  {
    await using response = await at.session.get('/fault/endless-body');
    assert.equal(response.status, 200);
    assert.equal(at.session.snapshot().inFlight, 1);
  }
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
});

test('ClientResponse: an error in its block releases it too', async () => {
  await using at = await pair();
  const mine = new Error('mine');
  const use = async (): Promise<never> => {
    await using response = await at.session.get('/fault/endless-body');
    assert.equal(response.status, 200);
    throw mine;
  };
  assert.equal(await errorOf(use()), mine);
  await at.server.waitFor(({ requests }) => requests[0]?.abandoned);
});

test('release: twice is once', async () => {
  await using at = await pair({ limits: { total: 1 } });
  const response = await at.session.get('/fault/endless-body');
  await response.release();
  await response.release();
  await at.server.waitFor(({ requests }) => requests[0]?.abandoned);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('release: while somebody reads, the reader is told', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/stall-body?bytes=0');
  const read = errorOf(response.body.read());
  await response.release();
  assert.match((await read).message, /^Cannot read the body as the response was released/);
});

test('release: a body that was read in part does not look as if it had ended', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/stall-body?bytes=10&of=20');
  const chunks = response.body[Symbol.asyncIterator]();
  assert.equal((await chunks.next()).value?.byteLength, 10);
  await response.release();
  for (let turn = 0; turn < 2; turn++) {
    assert.match((await errorOf(chunks.next())).message, /^Cannot read the body as the response was released/);
    await at.server.idle();
  }
});

test('body: what waits to be read is not given in a cancelled scope', async () => {
  await using at = await pair();
  await withScope(async (scope) => {
    const response = await at.session.get('/fault/many-chunks');
    await response.body.read(1);
    await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
    const chunks = withScope(
      async (inner) => {
        inner.cancel();
        return isCancelled(await errorOf(response.body.readExactly(100)));
      },
      { scope },
    );
    assert.equal(await chunks, true);
    assert.ok((await response.bytes()).byteLength > 0);
  });
});

test('RequestHandle: a request that began in a scope ends before the scope does', async () => {
  await using at = await pair();
  const order: string[] = [];
  const done = gate();
  await withScope(async () => {
    const text = at.session.get('/fault/slow-start?ms=50').text();
    const note = async (): Promise<void> => {
      order.push(await text);
      done.open();
    };
    void note();
    await done.promise;
  });
  order.push('scope');
  assert.deepEqual(order, ['ok', 'scope']);
});

test('RequestHandle.saveTo: of HEAD, which brings no body, is refused before anything is sent', async () => {
  await using at = await pair();
  await assert.rejects(at.session.head('/fault/ok').saveTo('/no/such/folder/file'), {
    name: 'TypeError',
    message: 'Cannot saveTo as the answer must have a body: current value is HEAD',
  });
  assert.equal(at.server.requests.length, 0);
});

for (const wanted of ['text', 'json', 'bytes'] as const) {
  test(`${wanted}: that nobody awaits when the scope ends is an error of the scope`, async () => {
    await using at = await pair();
    const error = await errorOf(
      withScope(() => void at.session.get('/fault/slow-start?ms=300')[wanted](), { name: 'careless' }),
    );
    assert.match(error.message, /^Cannot end careless as a request that was begun in it is not awaited: GET /);
  });
}

test('text: in a scope that is cancelled from further out, the cancellation is what is heard of', async () => {
  await using at = await pair();
  let heard: unknown;
  await moveOnAfter(20, () =>
    withScope(async () => {
      heard = await errorOf(at.session.get('/fault/no-answer').text());
    }),
  );
  assert.equal((heard as Error).name, 'AbortError');
});

test('get: the stack of an error shows who awaited the response', async () => {
  await using at = await pair();
  async function whoAsked(): Promise<void> {
    await at.session.get('http://127.0.0.1:1/');
  }
  assert.match((await errorOf(whoAsked())).stack ?? '', /whoAsked/);
});

test('acquireMs: the error says that responses hold the host that nobody reads', async () => {
  await using at = await pair({ limits: { perHost: 1 } });
  await using _held = await at.session.get('/fault/endless-body');
  const error = await errorOf(at.session.get('/fault/text', { timeout: { acquireMs: 300 } }));
  assert.match(error.message, /turn at 127\.0\.0\.1:\d+: a response of it is neither read nor released/);
});
