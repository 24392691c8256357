import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConnectError, HttpError, PolicyError, ProtocolError, QueueFullError, StatusError } from '../../src/errors.ts';
import { makeCertificates, missingOpenssl } from '../faults/certificates.ts';
import { startFaultServer } from '../faults/server.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import { httpServer } from '../transport/fixture.ts';
import { errorOf, pair } from './fixture.ts';

test('ConnectError: a refused connection says so, and that nothing was sent', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.get('http://127.0.0.1:1/'));
  assert.ok(error instanceof ConnectError);
  assert.equal(error.code, 'CORRAL_HTTP_CONNECT');
  assert.deepEqual([error.phase, error.requestSent, error.retryable], ['tcp', false, true]);
  assert.match(error.message, /^GET http:\/\/127\.0\.0\.1:1\/: connection refused/);
  assert.equal((error.cause as { code?: string }).code, 'ECONNREFUSED');
});

test('ConnectError: a name that is not found says so', async () => {
  const lookup = (name: string): Promise<never> =>
    Promise.reject(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', hostname: name }));
  await using at = await pair({ lookup });
  const error = await errorOf(at.session.get('http://nowhere.example/'));
  assert.ok(error instanceof ConnectError, String(error));
  assert.deepEqual([error.phase, error.requestSent], ['dns', false]);
  assert.match(error.message, /nowhere\.example/);
});

test('ConnectError: a second request after one does not hang', async () => {
  await using at = await pair({ limits: { total: 1 } });
  for (let i = 0; i < 3; i++) assert.ok((await errorOf(at.session.get('http://127.0.0.1:1/'))) instanceof ConnectError);
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
});

test('ConnectError: TLS to a server that has none says how far it came', async () => {
  await using server = await httpServer((_request, response) => response.end('plain'));
  await using session = new ClientSession({ retry: false });
  const error = await errorOf(session.get(`https://127.0.0.1:${server.port}/`));
  assert.ok(error instanceof ConnectError, String(error));
  assert.equal(error.phase, 'tls');
});

test('ConnectError: a certificate that is not trusted', { skip: missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  for (const [kind, allowed] of [
    ['selfSigned', false],
    ['expired', false],
    ['wrongHost', false],
    ['unknownAuthority', false],
    ['good', true],
  ] as const) {
    await using server = await startFaultServer({ tls: certificates[kind] });
    await using session = new ClientSession({ baseUrl: server.origin, tls: { ca: certificates.ca }, retry: false });
    if (allowed) assert.equal(await session.get('/fault/text').text(), 'ok');
    else {
      const error = await errorOf(session.get('/fault/text'));
      assert.ok(error instanceof ConnectError, `${kind}: ${String(error)}`);
      assert.equal(error.phase, 'tls', kind);
      assert.equal(server.requests.length, 0);
    }
  }
});

test('tls: rejectUnauthorized false takes any certificate', { skip: missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startFaultServer({ tls: certificates.selfSigned });
  await using session = new ClientSession({ baseUrl: server.origin, tls: { rejectUnauthorized: false } });
  assert.equal(await session.get('/fault/text').text(), 'ok');
});

test('redirect: from https to http is an error, unless it is allowed', { skip: missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using at = await pair();
  await using server = await startFaultServer({ tls: certificates.good });
  await using session = new ClientSession({ baseUrl: server.origin, tls: { ca: certificates.ca } });
  const path = `/fault/redirect?to=${encodeURIComponent(at.server.url('echo'))}`;
  const headers = { authorization: 'Bearer x' };
  const error = await errorOf(session.get(path, { headers }));
  assert.equal((error as { reason?: string }).reason, 'downgrade');
  assert.equal(at.server.requests.length, 0);
  await session.get(path, { headers, redirect: { downgrade: 'follow' } }).text();
  assert.equal(at.last.headers['authorization'], undefined);
});

for (const path of ['fin-before', 'reset-before', 'fin-in-head', 'reset-in-head'] as const) {
  test(`ProtocolError: ${path} is one, and may be tried again`, async () => {
    await using at = await pair();
    const error = await errorOf(at.session.get(at.server.url(path)));
    assert.ok(error instanceof ProtocolError, String(error));
    assert.equal(error.code, 'CORRAL_HTTP_PROTOCOL');
    assert.deepEqual([error.phase, error.requestSent], ['headers', true]);
    assert.equal(error.retryable, true);
    assert.notEqual(error.message, '');
  });
}

test('ProtocolError: after POST it may not be tried again', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.post('/fault/reset-before', { json: 1 }));
  assert.equal((error as HttpError).retryable, false);
});

for (const path of [
  'ssh-banner',
  'h2-preface',
  'http-0.9',
  'two-lengths',
  'length-and-chunked',
  'header-nul',
  'header-no-colon',
  'large-header',
  'many-headers',
  'endless-headers',
  'unsolicited-101',
  'endless-1xx',
] as const) {
  test(`ProtocolError: ${path} is one, and its connection is not used again`, async () => {
    await using at = await pair();
    const error = await errorOf(at.session.get(at.server.url(path)).text());
    assert.ok(error instanceof ProtocolError, String(error));
    assert.equal(await at.session.get('/fault/text').text(), 'ok');
    assert.equal(at.last.connection, 2);
    assert.equal(at.session.snapshot().inFlight, 0);
  });
}

for (const path of ['bad-chunk-size', 'bad-chunk-end'] as const) {
  test(`body: of ${path} throws ProtocolError or TruncatedError`, async () => {
    await using at = await pair();
    const error = await errorOf(at.session.get(at.server.url(path)).text());
    assert.match(error.name, /^(ProtocolError|TruncatedError)$/);
  });
}

test('maxHeaderBytes: bounds the head of a response', async () => {
  await using at = await pair();
  assert.equal(await at.session.get('/fault/large-header?bytes=8000').text(), 'ok');
  assert.ok((await errorOf(at.session.get('/fault/large-header?bytes=20000'))) instanceof ProtocolError);
  await using wide = await pair({ maxHeaderBytes: 100_000 });
  assert.equal(await wide.session.get('/fault/large-header?bytes=50000').text(), 'ok');
  await using narrow = await pair({ maxHeaderBytes: 1_000 });
  assert.ok((await errorOf(narrow.session.get('/fault/large-header?bytes=2000'))) instanceof ProtocolError);
});

test('early-hints: 103 and 100 before the response are no response', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/early-hints');
  assert.equal(response.status, 200);
});

// Statuses -------------------------------------------------------------------------------------------------------------

for (const [status, ok] of [
  [200, true],
  [201, true],
  [206, true],
  [400, false],
  [403, false],
  [500, false],
] as const) {
  test(`raiseForStatus: ${status} ${ok ? 'gives the response' : 'throws'}`, async () => {
    await using at = await pair();
    const request = at.session.get(`/fault/status?status=${status}&body=text`, { raiseForStatus: true });
    if (ok) return assert.equal((await request).status, status);
    const error = await errorOf(request);
    assert.ok(error instanceof StatusError);
    assert.deepEqual([error.status, error.code, error.bodySnippet], [status, 'CORRAL_HTTP_STATUS', 'text']);
  });
}

test('raiseForStatus: of the session holds, and a request may say otherwise', async () => {
  await using at = await pair({ raiseForStatus: true });
  assert.ok((await errorOf(at.session.get('/fault/status?status=400'))) instanceof StatusError);
  assert.equal((await at.session.get('/fault/status?status=400', { raiseForStatus: false })).status, 400);
});

test('raiseForStatus: is off by default', async () => {
  await using at = await pair();
  assert.equal((await at.session.get('/fault/status?status=500')).status, 500);
});

test('raiseForStatus: of a response throws, with the beginning of the body, and releases it', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/status?status=404&body=gone');
  const error = await errorOf(response.raiseForStatus());
  assert.ok(error instanceof StatusError);
  assert.equal(error.bodySnippet, 'gone');
  assert.match(error.message, /the server answered 404 Not Found$/);
  assert.match((await errorOf(response.text())).message, /^Cannot read the body/);
});

test('raiseForStatus: of a good response gives it back, unread', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/text');
  assert.equal(await response.raiseForStatus(), response);
  assert.equal(await response.text(), 'ok');
});

test('raiseForStatus: a body that does not end does not hold it up', async () => {
  const routes: Parameters<typeof pair>[1] = {
    '/': async (exchange) => {
      await exchange.head(500, { 'Transfer-Encoding': 'chunked' });
      while (exchange.isOpen) await exchange.chunk('.'.repeat(10_000));
    },
  };
  await using at = await pair({ raiseForStatus: true }, routes);
  const error = await errorOf(at.session.get('/'));
  assert.ok(error instanceof StatusError);
  assert.equal(error.bodySnippet.length, 1_024);
});

test('raiseForStatus: a body that stalls does not hold it up for ever, and the status is told', async () => {
  const routes: Parameters<typeof pair>[1] = {
    '/': async (exchange) => {
      await exchange.head(500, { 'Content-Length': 100 });
      await exchange.gone;
    },
  };
  await using at = await pair({ raiseForStatus: true, timeout: { readMs: 50 } }, routes);
  assert.ok((await errorOf(at.session.get('/'))) instanceof StatusError);
});

test('StatusError: has the headers, and when to ask again', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.get('/fault/status?status=503&retryAfter=120', { raiseForStatus: true }));
  assert.ok(error instanceof StatusError);
  assert.equal(error.headers.get('retry-after'), '120');
  const waitMs = (error.retryAt ?? 0) - Date.now();
  assert.ok(waitMs > 110_000 && waitMs <= 120_000, String(waitMs));
});

test('HttpError: says which request it was, without credentials', async () => {
  await using at = await pair();
  const url = new URL('/fault/status?status=500&body=x', at.server.origin);
  url.username = 'user';
  url.password = 'hunter2';
  const error = await errorOf(at.session.get(url, { raiseForStatus: true }));
  assert.ok(error instanceof HttpError);
  assert.equal(error.method, 'GET');
  assert.doesNotMatch(`${error.message} ${error.url} ${JSON.stringify(error.attempts)}`, /hunter2/);
});

test('HttpError: has all that was tried', async () => {
  await using at = await pair({ retry: undefined });
  const error = await errorOf(at.session.get('/fault/flaky?fails=9&key=a&retryAfter=0', { raiseForStatus: true }));
  assert.ok(error instanceof StatusError);
  assert.equal(error.attempts.length, at.server.requests.length);
  assert.ok(error.attempts.length > 1);
  for (const attempt of error.attempts) assert.equal(attempt.status, 503);
});

// Limits ---------------------------------------------------------------------------------------------------------------

test('limits: no more than total are in flight', async () => {
  await using at = await pair({ limits: { total: 3, perHost: 10 } });
  await Promise.all(Array.from({ length: 12 }, () => at.session.get('/fault/slow-start?ms=10').text()));
  assert.equal(at.server.inFlight.max, 3);
  assert.ok(at.server.connections.maxOpen <= 3);
});

test('limits: no more than perHost are in flight to a host', async () => {
  await using other = await startFaultServer();
  await using at = await pair({ limits: { perHost: 2 } });
  const urls = [at.server.url('slow-start', { ms: 20 }), other.url('slow-start', { ms: 20 })];
  await Promise.all(Array.from({ length: 12 }, (_, i) => at.session.get(urls[i % 2]!).text()));
  assert.deepEqual([at.server.inFlight.max, other.inFlight.max], [2, 2]);
});

test('limits: Infinity is none', async () => {
  const routes: Parameters<typeof pair>[1] = {
    '/': async (exchange) => {
      await exchange.until(() => exchange.server.inFlight.max === 120);
      await exchange.respond(200, 'ok');
    },
  };
  await using at = await pair({ limits: { total: Infinity, perHost: Infinity } }, routes);
  const all = await Promise.all(Array.from({ length: 120 }, () => at.session.get('/').text()));
  assert.equal(all.length, 120);
});

test('limits: who waits is served in turn', async () => {
  await using at = await pair({ limits: { total: 1 } });
  await Promise.all(Array.from({ length: 10 }, (_, i) => at.session.get(`/fault/text?body=${i}`).text()));
  assert.deepEqual(
    at.server.requests.map(({ query }) => query.get('body')),
    Array.from({ length: 10 }, (_, i) => String(i)),
  );
});

test('limits: a response that is not read holds its place', async () => {
  await using at = await pair({ limits: { total: 1 } });
  const response = await at.session.get('/fault/bytes?bytes=10000000');
  const next = at.session.get('/fault/text').text();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(at.session.snapshot().waiting, 1);
  await response.release();
  assert.equal(await next, 'ok');
});

test('limits: a response that has come whole gives its place back unread', async () => {
  await using at = await pair({ limits: { total: 1 } });
  await using first = await at.session.get('/fault/text');
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(await first.text(), 'ok');
});

test('limits: a failure gives its place back', async () => {
  await using at = await pair({ limits: { total: 1 } });
  for (const path of [
    'reset-before',
    'fin-in-head',
    'cut-length',
    'corrupt-encoding',
    'ssh-banner',
    'redirect-loop',
  ] as const) {
    await errorOf(at.session.get(at.server.url(path)).text());
    assert.equal(at.session.snapshot().inFlight, 0, path);
  }
});

test('limits: one more than may wait is refused', async () => {
  await using at = await pair({ limits: { total: 1, queue: 2 } });
  await using first = await at.session.get('/fault/stall-body');
  const waiting = [errorOf(at.session.get('/fault/text')), errorOf(at.session.get('/fault/text'))];
  const error = await errorOf(at.session.get('/fault/text'));
  assert.ok(error instanceof QueueFullError);
  assert.deepEqual([error.requestSent, error.retryable, first.status], [false, true, 200]);
  await at.session.close({ graceMs: 0 });
  await Promise.all(waiting);
});

test('limits: a redirect needs no second place', async () => {
  await using at = await pair({ limits: { total: 1, queue: 0 } });
  assert.equal(await at.session.get('/fault/redirect-chain?n=3&to=/fault/text').text(), 'ok');
});

test('rate: requests begin no faster', async () => {
  await using at = await pair({ rate: { total: { limit: 2, perMs: 100 } } });
  const began = performance.now();
  await Promise.all(Array.from({ length: 6 }, () => at.session.get('/fault/text').text()));
  assert.ok(performance.now() - began >= 150);
});

test('addressPolicy: public refuses loopback, and nothing is sent', async () => {
  await using at = await pair({ addressPolicy: 'public' });
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433', '0x7f.1']) {
    const error = await errorOf(at.session.get(`http://${host}:${at.server.port}/fault/text`));
    assert.ok(error instanceof PolicyError, `${host}: ${String(error)}`);
  }
  assert.equal(at.server.connections.total, 0);
});

test(
  'raiseForStatus: the beginning of the body is waited for shortly, whatever readMs is',
  {
    todo: 'a status of 500 whose body stalls is told after readMs only, 60 s by default: a bound of its own is wanted',
  },
  async () => {
    const routes: Parameters<typeof pair>[1] = {
      '/': async (exchange) => {
        await exchange.head(500, { 'Content-Length': 100 });
        await exchange.gone;
      },
    };
    await using at = await pair({ raiseForStatus: true, timeout: { readMs: 3_000 } }, routes);
    const began = performance.now();
    await errorOf(at.session.get('/'));
    assert.ok(performance.now() - began < 2_000);
  },
);
