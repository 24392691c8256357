import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { currentScope, isCancelled, sleep, withScope } from 'corral';

import { TruncatedError } from '../../src/errors.ts';
import { exponential } from '../../src/retry/retry-policy.ts';
import { errorOf, gate, pair, type Pair } from './fixture.ts';

/** What the server took: the body, its type and how it was framed. */
async function sent(
  at: Pair,
  options: Parameters<Pair['session']['post']>[1],
): Promise<[string, string | undefined, string | undefined]> {
  await at.session.post('/fault/echo', options).text();
  const { body, headers } = at.last;
  return [body.toString(), headers['content-type'], headers['transfer-encoding'] ?? headers['content-length']];
}

test('json: is sent as JSON, with its type and length', async () => {
  await using at = await pair();
  assert.deepEqual(await sent(at, { json: { some: 'dätä' } }), ['{"some":"dätä"}', 'application/json', '17']);
});

test('json: null, false and 0 are bodies', async () => {
  await using at = await pair();
  for (const json of [null, false, 0, '']) assert.equal((await sent(at, { json }))[0], JSON.stringify(json));
});

test('json: of undefined is refused, as that has none', async () => {
  await using at = await pair();
  assert.match((await errorOf(at.session.post('/fault/echo', { json: undefined }))).message, /^Cannot send json as/);
  assert.equal(at.server.requests.length, 0);
});

test('form: is sent URL-encoded', async () => {
  await using at = await pair();
  const [body, type] = await sent(at, { form: { some: 'a b&c', more: ['1', '2'] } });
  assert.equal(body, 'some=a+b%26c&more=1&more=2');
  assert.match(type ?? '', /^application\/x-www-form-urlencoded/);
});

test('multipart: is sent as a form with files', async () => {
  await using at = await pair();
  const form = new FormData();
  form.set('field', 'value');
  form.set('file', new File(['content'], 'name.txt', { type: 'text/plain' }));
  const [body, type] = await sent(at, { multipart: form });
  const boundary = /boundary="?([^";]+)/.exec(type ?? '')?.[1] ?? 'none';
  assert.equal(body.split(`--${boundary}`).length, 4);
  assert.match(body, /name="file"; filename="name\.txt"\r\nContent-Type: text\/plain/i);
});

test('body: text is sent as UTF-8 text', async () => {
  await using at = await pair();
  assert.deepEqual(await sent(at, { body: 'pötato' }), ['pötato', 'text/plain;charset=UTF-8', '7']);
});

test('body: bytes are sent as they are, with their length', async () => {
  await using at = await pair();
  const [body, , length] = await sent(at, { body: new TextEncoder().encode('0123456789') });
  assert.deepEqual([body, length], ['0123456789', '10']);
});

test('body: the type that the caller sets is sent', async () => {
  await using at = await pair();
  const headers = { 'Content-Type': 'text/csv' };
  assert.equal((await sent(at, { body: 'a,b', headers }))[1], 'text/csv');
  assert.equal((await sent(at, { json: {}, headers }))[1], 'text/csv');
});

test('body: a Content-Type of the session goes before that of the body', async () => {
  await using at = await pair({ headers: { 'content-type': 'application/vnd.api+json' } });
  assert.equal((await sent(at, { json: {} }))[1], 'application/vnd.api+json');
});

test('body: a stream is sent in chunks', async () => {
  await using at = await pair();
  const body = (async function* () {
    yield 'just ';
    yield new TextEncoder().encode('data');
  })();
  const [text, , framing] = await sent(at, { body });
  assert.deepEqual([text, framing], ['just data', 'chunked']);
});

test('body: a stream of known length, such as a Blob, is sent with it', async () => {
  await using at = await pair();
  const [text, type, length] = await sent(at, { body: new Blob(['con', 'tent'], { type: 'text/x-mine' }) });
  assert.deepEqual([text, type, length], ['content', 'text/x-mine', '7']);
});

test('body: a web stream is sent', async () => {
  await using at = await pair();
  assert.equal((await sent(at, { body: new Blob(['content']).stream() }))[0], 'content');
});

test('body: an empty one has the length 0', async () => {
  await using at = await pair();
  assert.deepEqual(await sent(at, { body: '' }), ['', 'text/plain;charset=UTF-8', '0']);
});

for (const [method, length] of [
  ['GET', undefined],
  ['HEAD', undefined],
  ['OPTIONS', undefined],
  ['POST', '0'],
  ['PUT', '0'],
  ['PATCH', '0'],
] as const) {
  test(`request: ${method} without a body ${length ? 'has the length 0' : 'has no length'}`, async () => {
    await using at = await pair();
    await at.session.request(method, '/fault/echo').bytes();
    assert.equal(at.last.headers['content-length'], length);
    assert.equal(at.last.headers['transfer-encoding'], undefined);
    assert.equal(at.last.headers['content-type'], undefined);
  });
}

test('get: may have a body', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo', { json: { query: 1 } }).text();
  assert.deepEqual([at.last.method, at.last.body.toString()], ['GET', '{"query":1}']);
});

test('body: only one of json, form, multipart and body is taken', async () => {
  await using at = await pair();
  assert.match((await errorOf(at.session.post('/fault/echo', { json: 1, form: {} }))).message, /json and form/);
  assert.equal(at.server.requests.length, 0);
});

test('body: what is none is refused before anything is sent', async () => {
  await using at = await pair();
  for (const body of [5, {}, null, true]) {
    assert.ok((await errorOf(at.session.post('/fault/echo', { body: body as never }))) instanceof TypeError);
  }
  assert.equal(at.server.connections.total, 0);
});

test('body: a large one arrives whole', async () => {
  await using at = await pair();
  const bytes = 5_000_000;
  const body = async function* () {
    for (let left = bytes; left > 0; left -= 50_000) yield new Uint8Array(50_000).fill(left % 251);
  };
  const { bytes: got, framing } = await at.session.post('/fault/upload', { body }).json<Record<string, unknown>>();
  assert.deepEqual([got, framing], [bytes, 'chunked']);
});

test('body: the error of a stream is thrown as it is, and the connection is not used again', async () => {
  await using at = await pair();
  const mine = new Error('mine');
  const body = (async function* () {
    yield 'some';
    await at.server.waitFor(({ requests }) => requests[0]?.bodyBytes === 4);
    throw mine;
  })();
  assert.equal(await errorOf(at.session.post('/fault/echo', { body })), mine);
  await at.server.idle();
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(at.server.connections.total, 2);
});

test('body: the error of a function that opens it is thrown as it is, and nothing is sent again', async () => {
  await using at = await pair({ retry: exponential({ baseMs: 60_000 }) });
  const mine = new Error('mine');
  let calls = 0;
  const body = (): never => {
    calls++;
    throw mine;
  };
  assert.equal(await errorOf(at.session.put('/fault/echo', { body })), mine);
  assert.equal(calls, 1);
  assert.equal(at.server.requests.length, 0);
});

test('body: a function that opens it is called in the context of its caller, whoever lets it in', async () => {
  await using at = await pair({ limits: { total: 1 } });
  const storage = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  const body = async function* (): AsyncGenerator<string> {
    seen.push(storage.getStore(), currentScope() !== undefined);
    yield 'x';
    await null;
    seen.push(storage.getStore());
  };
  const first = storage.run('first', () => at.session.get('/fault/slow-start?ms=20').text());
  const second = storage.run('second', () => {
    const opened = (): AsyncGenerator<string> => {
      seen.push(storage.getStore());
      return body();
    };
    return at.session.put('/fault/echo', { body: opened }).text();
  });
  await Promise.all([first, second]);
  assert.deepEqual(seen, ['second', 'second', true, 'second']);
});

test('retryable: is false of a response that breaks off, where the method may not be sent twice', async () => {
  await using at = await pair();
  const retryable: boolean[] = [];
  for (const method of ['PUT', 'POST']) {
    const error = await errorOf(at.session.request(method, '/fault/cut-length?bytes=1&of=9').bytes());
    assert.ok(error instanceof TruncatedError);
    retryable.push(error.retryable);
  }
  assert.deepEqual(retryable, [true, false]);
});

test('body: what makes it runs in the context of its caller, whatever connection it goes over', async () => {
  await using at = await pair();
  const storage = new AsyncLocalStorage<string>();
  for (const caller of ['first', 'second']) {
    const seen: unknown[] = [];
    const body = async function* (): AsyncGenerator<string> {
      try {
        seen.push(storage.getStore());
        yield 'x';
        seen.push(storage.getStore());
        yield 'y';
      } finally {
        seen.push(storage.getStore());
      }
    };
    await storage.run(caller, () => at.session.put('/fault/echo', { body }).text());
    assert.deepEqual(seen, [caller, caller, caller]);
  }
});

test('body: a response that comes before all of it was sent is given, and the stream is returned', async () => {
  await using at = await pair();
  const returned = gate();
  const body = (async function* () {
    try {
      for (;;) {
        yield new Uint8Array(1_000);
        await sleep(1);
      }
    } finally {
      returned.open();
    }
  })();
  {
    await using response = await at.session.put('/fault/upload-refused', { body });
    assert.equal(response.status, 413);
    assert.equal(await response.text(), 'no');
  }
  await returned.promise;
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(at.server.connections.total, 2, 'what was not sent to its end cannot be followed');
});

test('body: a server that hangs up in the middle of it is an error, and the stream is returned', async () => {
  await using at = await pair();
  const returned = gate();
  const body = (async function* () {
    try {
      for (;;) yield new Uint8Array(1_000);
    } finally {
      returned.open();
    }
  })();
  const error = await errorOf(at.session.put('/fault/close-in-upload', { body }));
  assert.equal(error.name, 'ProtocolError');
  await returned.promise;
});

test('body: of a request that is cancelled in the middle the stream is returned', async () => {
  await using at = await pair();
  const returned = gate();
  const body = (async function* () {
    try {
      for (;;) {
        yield new Uint8Array(1_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      returned.open();
    }
  })();
  await withScope(async (scope) => {
    const error = errorOf(at.session.put('/fault/upload', { body }));
    await at.server.waitFor(({ requests }) => (requests[0]?.bodyBytes ?? 0) > 5_000);
    scope.cancel();
    assert.ok(isCancelled(await error));
  });
  await returned.promise;
  await at.server.idle();
});

for (const [why, path, options] of [
  ['cannot connect', 'http://127.0.0.1:1/', {}],
  ['is cancelled before it begins', '/fault/echo', { signal: AbortSignal.abort() }],
] as const) {
  test(`body: of a request that ${why} a web stream is cancelled`, async () => {
    await using at = await pair();
    const cancelled = gate();
    const body = new ReadableStream<Uint8Array>({ cancel: () => cancelled.open() });
    await errorOf(at.session.post(path, { body, ...options }));
    await cancelled.promise;
  });
}

test('body: of a redirect that cannot be followed the stream has been read or is cancelled', async () => {
  await using at = await pair();
  const done = gate();
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      controller.enqueue(new TextEncoder().encode('data'));
      controller.close();
      done.open();
    },
    cancel: () => done.open(),
  });
  await errorOf(at.session.post('/fault/redirect?status=307&to=ftp:%2F%2Fx%2F', { body }));
  await done.promise;
});

test('body: bytes are sent again by a retry', async () => {
  await using at = await pair({ retry: undefined });
  await at.session.put('/fault/flaky?fails=1&key=bytes&retryAfter=0', { body: 'payload' }).text();
  assert.deepEqual(
    at.server.requests.map(({ body }) => body.toString()),
    ['payload', 'payload'],
  );
});

test('body: a stream is not sent again: the first answer stands', async () => {
  await using at = await pair({ retry: undefined });
  const body = (async function* () {
    yield 'payload';
  })();
  await using response = await at.session.put('/fault/flaky?fails=1&key=stream&retryAfter=0', { body });
  assert.equal(response.status, 503);
  assert.equal(at.server.requests.length, 1);
});

test('body: a connection that the server had closed is replaced, and the body sent again', async () => {
  await using at = await pair({ retry: undefined });
  for (let i = 0; i < 3; i++) {
    const { body } = await at.session.put('/fault/echo', { body: 'payload' }).json<{ body: string }>();
    assert.equal(body, 'payload');
    at.server.resetConnections();
  }
});
