import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { moveOnAfter } from 'corral';

import { digestAuth } from '../../src/auth/digest-auth.ts';
import { CookieJar } from '../../src/cookies/cookie-jar.ts';
import { HttpTimeoutError, StatusError } from '../../src/errors.ts';
import { exponential } from '../../src/retry/retry-policy.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import type { SessionOptions } from '../../src/session/options.ts';
import { makeCertificates, missingOpenssl } from '../faults/certificates.ts';
import { elsewhere } from '../faults/elsewhere.ts';
import { startFaultServer } from '../faults/server.ts';
import { missingHttpbin, startHttpbin } from '../servers/httpbin.ts';
import { missingNghttpd, startNghttpd } from '../servers/nghttpd.ts';
import { missingNginx, SMALL, startNginx } from '../servers/nginx.ts';
import { missingTinyproxy, startTinyproxy } from '../servers/tinyproxy.ts';
import { assertIdle, failsWith, timed, until } from './fixture.ts';

const nginxSkip = elsewhere || missingNginx();
const nghttpdSkip = elsewhere || missingNghttpd() || missingOpenssl();
const httpbinSkip = elsewhere || missingHttpbin();
const proxySkip = elsewhere || missingTinyproxy();

function sessionOf(baseUrl: string, options: SessionOptions = {}): ClientSession {
  return new ClientSession({ baseUrl, retry: false, ...options });
}

// nginx ----------------------------------------------------------------------------------------------------------------

test('nginx: many small answers over few connections', { skip: nginxSkip }, async () => {
  await using nginx = await startNginx();
  await using session = sessionOf(nginx.origin, { limits: { perHost: 4 } });
  const texts = await Promise.all(Array.from({ length: 500 }, () => session.get('/small').text()));
  assert.ok(texts.every((text) => text === SMALL));
  assert.ok(session.snapshot().connections.open <= 4);
  assertIdle(session);
});

test('nginx: parts of files, and files that are known already', { skip: nginxSkip }, async () => {
  await using nginx = await startNginx();
  const content = randomBytes(300_000);
  await nginx.put('a.bin', content);
  await using session = sessionOf(nginx.origin);
  await using part = await session.get('/files/a.bin', { headers: { range: 'bytes=100000-100009' } });
  assert.deepEqual([part.status, part.header('content-range')], [206, 'bytes 100000-100009/300000']);
  assert.deepEqual(Buffer.from(await part.bytes()), content.subarray(100_000, 100_010));
  await using whole = await session.get('/files/a.bin');
  assert.deepEqual(Buffer.from(await whole.bytes()), content);
  await using known = await session.get('/files/a.bin', { headers: { 'if-none-match': String(whole.header('etag')) } });
  assert.deepEqual([known.status, (await known.bytes()).byteLength], [304, 0]);
  await using outside = await session.get('/files/a.bin', { headers: { range: 'bytes=300000-' } });
  assert.equal(outside.status, 416);
});

test('nginx: gzip is asked for and undone', { skip: nginxSkip }, async () => {
  await using nginx = await startNginx();
  const text = 'hello world '.repeat(10_000);
  await nginx.put('a.txt', text);
  await using session = sessionOf(nginx.origin);
  await using response = await session.get('/gzip/a.txt');
  assert.equal(response.header('content-encoding'), 'gzip');
  assert.equal(await response.text(), text);
  assert.ok(response.body.receivedBytes < text.length / 10);
  assert.equal(await session.get('/gzip/a.txt', { decompress: false }).text(), text);
});

test('nginx: 429 with Retry-After is waited for by all', { skip: nginxSkip }, async () => {
  await using nginx = await startNginx({ requestsPerSecond: 5 });
  await using session = sessionOf(nginx.origin, { retry: exponential({ attempts: 8, baseMs: 50, budget: Infinity }) });
  const { value, ms } = await timed(() => Promise.all(Array.from({ length: 4 }, () => session.get('/limited').text())));
  assert.deepEqual(value, [SMALL, SMALL, SMALL, SMALL]);
  assert.ok(ms > 900, `took ${ms} ms`);
  assertIdle(session);
});

test('nginx: 503 is an error when it is to be one', { skip: nginxSkip }, async () => {
  await using nginx = await startNginx({ requestsPerSecond: 1 });
  await using session = sessionOf(nginx.origin, { raiseForStatus: true });
  const all = await Promise.allSettled(Array.from({ length: 3 }, () => session.get('/limited-503').text()));
  const errors = all.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
  assert.ok(errors.length >= 1 && errors.every((error) => error instanceof StatusError && error.status === 503));
});

test('nginx: TLS, with HTTP/1.1 and with HTTP/2', { skip: nginxSkip || missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using nginx = await startNginx({ tls: certificates.good });
  for (const [http, version] of [
    [1, '1.1'],
    ['auto', '2'],
  ] as const) {
    await using session = sessionOf(nginx.tlsOrigin, { http, tls: { ca: certificates.ca } });
    const responses = await Promise.all(Array.from({ length: 20 }, () => session.get('/small')));
    for (const response of responses) assert.deepEqual([response.http, await response.text()], [version, SMALL]);
    assertIdle(session);
  }
});

test('nginx: a body of 20 kB/s that is given up frees its place', { skip: nginxSkip }, async () => {
  await using nginx = await startNginx();
  await nginx.put('big', randomBytes(1_000_000));
  await using session = sessionOf(nginx.origin, { limits: { total: 1 } });
  await failsWith(session.get('/slow/big', { timeout: { totalMs: 200 } }).bytes(), HttpTimeoutError);
  await failsWith(
    session.get('/slow/big', { timeout: { minSpeed: { bytes: 100_000, overMs: 300 } } }).bytes(),
    HttpTimeoutError,
  );
  assert.equal(await session.get('/small').text(), SMALL);
});

// nghttpd --------------------------------------------------------------------------------------------------------------

test('nghttpd: many requests over one connection', { skip: nghttpdSkip }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startNghttpd({ tls: certificates.good });
  const content = randomBytes(200_000);
  await server.put('big', content);
  await using session = sessionOf(server.origin, {
    http: 'auto',
    tls: { ca: certificates.ca },
    limits: { perHost: 20 },
  });
  const bodies = await Promise.all(Array.from({ length: 40 }, () => session.get('/big').bytes()));
  assert.ok(bodies.every((bytes) => content.equals(bytes)));
  assert.ok(session.snapshot().connections.open <= 2, `${session.snapshot().connections.open} connections`);
  assertIdle(session);
});

// RFC 9113, section 8.7: a stream that is refused was not acted upon; those of the first burst are begun before the
// server has said how many it takes.
test('nghttpd: more at once than the server takes, without retries', { skip: nghttpdSkip }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startNghttpd({ tls: certificates.good, maxConcurrentStreams: 5 });
  await server.put('big', randomBytes(100_000));
  await using session = sessionOf(server.origin, {
    http: 'auto',
    tls: { ca: certificates.ca },
    limits: { perHost: 20 },
  });
  await Promise.all(Array.from({ length: 40 }, () => session.get('/big').bytes()));
});

test('nghttpd: more at once than the server takes, with retries', { skip: nghttpdSkip }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startNghttpd({ tls: certificates.good, maxConcurrentStreams: 5 });
  await server.put('big', randomBytes(100_000));
  const retry = exponential({ attempts: 20, baseMs: 5, capMs: 20, budget: Infinity });
  await using session = sessionOf(server.origin, {
    http: 'auto',
    tls: { ca: certificates.ca },
    limits: { perHost: 20 },
    retry,
  });
  await Promise.all(Array.from({ length: 40 }, () => session.get('/big').bytes()));
  assertIdle(session);
});

test('nghttpd: nothing is left of requests that are given up', { skip: nghttpdSkip }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startNghttpd({ tls: certificates.good, maxConcurrentStreams: 10 });
  await server.put('big', randomBytes(300_000));
  await using session = sessionOf(server.origin, { http: 'auto', tls: { ca: certificates.ca } });
  const given = Array.from({ length: 120 }, (_, n) =>
    moveOnAfter(n, async () => {
      if (n % 3 === 0) return void (await session.get('/big').bytes());
      for await (const _chunk of session.get('/big').stream()) if (n % 3 === 1) break;
    }),
  );
  await Promise.all(given);
  await until(() => session.snapshot().inFlight === 0);
  assertIdle(session);
  assert.equal((await session.get('/big').bytes()).byteLength, 300_000);
  assert.ok(session.snapshot().connections.open <= 2);
});

test('nghttpd: does not speak HTTP/1.1, and that is an error', { skip: nghttpdSkip }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startNghttpd({ tls: certificates.good });
  await using session = sessionOf(server.origin, { tls: { ca: certificates.ca }, timeout: 5_000 });
  await assert.rejects(session.get('/').text(), /Error/);
  assertIdle(session);
});

// httpbin --------------------------------------------------------------------------------------------------------------

test('httpbin: redirects, cookies, compression, authentication and slow bodies', { skip: httpbinSkip }, async () => {
  await using httpbin = await startHttpbin();
  await using session = sessionOf(httpbin.origin, { cookies: new CookieJar({ allowIpHosts: true }), timeout: 20_000 });

  await using moved = await session.get('/redirect/3');
  assert.deepEqual([moved.status, moved.history.map(({ status }) => status)], [200, [302, 302, 302]]);
  const { cookies } = await session.get('/cookies/set?a=1&b=2').json<{ cookies: unknown }>();
  assert.deepEqual(cookies, { a: '1', b: '2' });

  for (const [path, key] of [
    ['/gzip', 'gzipped'],
    ['/deflate', 'deflated'],
    ['/brotli', 'brotli'],
  ] as const) {
    assert.equal((await session.get(path).json<Record<string, unknown>>())[key], true, path);
  }

  const posted = await session
    .post('/post', { json: { a: [1] } })
    .json<{ json: unknown; headers: Record<string, string> }>();
  assert.deepEqual([posted.json, posted.headers['Content-Type']], [{ a: [1] }, 'application/json']);
  const form = new FormData();
  form.append('field', 'value');
  form.append('file', new Blob(['content']), 'a.txt');
  const sent = await session.post('/post', { body: form }).json<{ form: unknown; files: unknown }>();
  assert.deepEqual([sent.form, sent.files], [{ field: 'value' }, { file: 'content' }]);

  const auth = { username: 'user', password: 'secret' };
  assert.equal((await session.get('/basic-auth/user/secret', { auth })).status, 200);
  for (const algorithm of ['MD5', 'SHA-256']) {
    await using digest = await session.get(`/digest-auth/auth/user/secret/${algorithm}`, { use: [digestAuth(auth)] });
    assert.equal(digest.status, 200, algorithm);
    await digest.release();
  }
  await using wrong = await session.get('/digest-auth/auth/user/secret', {
    use: [digestAuth({ ...auth, password: 'no' })],
  });
  assert.equal(wrong.status, 401);

  assert.equal((await session.get('/drip?numbytes=5&duration=0.3&delay=0').bytes()).byteLength, 5);
  const slow = session.get('/delay/5', { timeout: { headersMs: 300 } });
  assert.equal((await failsWith(slow, HttpTimeoutError)).kind, 'headers');
});

// tinyproxy ------------------------------------------------------------------------------------------------------------

test('tinyproxy: carries http and https, for those who may', { skip: proxySkip || missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using plain = await startFaultServer();
  await using secure = await startFaultServer({ tls: certificates.good });
  await using proxy = await startTinyproxy({ user: 'user', password: 'secret' });
  const tls = { ca: certificates.ca };
  const url = new URL(proxy.origin);
  [url.username, url.password] = ['user', 'secret'];
  await using session = sessionOf(plain.origin, { proxy: url, tls });
  assert.equal(await session.get(plain.url('text')).text(), 'ok');
  assert.equal(await session.get(secure.url('text')).text(), 'ok');
  assert.match(await proxy.log(), /CONNECT localhost:/);
  for (const server of [plain, secure]) assert.equal(server.requests.at(-1)?.headers['proxy-authorization'], undefined);

  await using stranger = sessionOf(plain.origin, { proxy: proxy.origin, tls });
  await using refused = await stranger.get(plain.url('text'));
  assert.ok([401, 407].includes(refused.status));
  await refused.release();
  await assert.rejects(stranger.get(secure.url('text')).text(), /refused CONNECT with status (401|407)/);
  assert.equal(plain.requests.length + secure.requests.length, 2);
});

test(
  'tinyproxy: a tunnel to one host carries nothing to another',
  { skip: proxySkip || missingOpenssl() },
  async () => {
    await using certificates = await makeCertificates();
    await using one = await startFaultServer({ tls: certificates.good });
    await using other = await startFaultServer({ tls: certificates.good });
    await using proxy = await startTinyproxy();
    await using session = sessionOf(one.origin, { proxy: proxy.origin, tls: { ca: certificates.ca } });
    for (let n = 0; n < 5; n++) {
      assert.equal(await session.get(one.url('text', { body: 'one' })).text(), 'one');
      assert.equal(await session.get(other.url('text', { body: 'other' })).text(), 'other');
    }
    assert.deepEqual([one.requests.length, other.requests.length], [5, 5]);
    assert.deepEqual([one.connections.total, other.connections.total], [1, 1]);
  },
);

test('tinyproxy: NO_PROXY is no matter of how a host is written', { skip: proxySkip }, async () => {
  await using server = await startFaultServer();
  await using proxy = await startTinyproxy();
  const before = { ...process.env };
  Object.assign(process.env, { http_proxy: proxy.origin, no_proxy: `127.0.0.1,LOCALHOST.,[::1]` });
  try {
    await using session = sessionOf(server.origin, { proxy: 'environment' });
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', 'localhost', 'LOCALHOST']) {
      await session.get(`http://${host}:${server.port}/fault/text`).text();
      assert.equal(server.requests.at(-1)?.headers['via'], undefined, host);
    }
    // Not below it, nor what only ends like it.
    process.env['no_proxy'] = 'host.test,.example.org';
    await session.get(server.url('text')).text();
    assert.match(String(server.requests.at(-1)?.headers['via']), /tinyproxy/);
  } finally {
    for (const name of ['http_proxy', 'no_proxy']) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
});
