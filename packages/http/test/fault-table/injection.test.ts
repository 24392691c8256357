import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CookieJar } from '../../src/cookies/cookie-jar.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import type { RequestOptions, SessionOptions } from '../../src/session/options.ts';
import { makeCertificates, missingOpenssl } from '../faults/certificates.ts';
import { elsewhere } from '../faults/elsewhere.ts';
import { startFaultServer } from '../faults/server.ts';
import { errorOf, pair } from '../session/fixture.ts';
import { assertIdle } from './fixture.ts';

const skip = elsewhere;

const CONTROLS = [
  ['CR LF', 'a\r\nX-Injected: 1'],
  ['LF', 'a\nX-Injected: 1'],
  ['CR', 'a\rX-Injected: 1'],
  ['NUL', 'a\0b'],
  ['DEL', 'a\u007fb'],
  ['a character above U+00FF that ends in LF', 'a\u010ab'],
  ['a line separator', 'a\u2028b'],
] as const;

/** Nothing of it may reach the server: neither a connection nor a request. */
async function refused(path: string, options: RequestOptions & { readonly method?: string }): Promise<void> {
  await using at = await pair();
  const { method = 'POST', ...rest } = options;
  const error = await errorOf(at.session.request(method, path, rest));
  assert.equal(error.name, 'TypeError', error.message);
  assert.equal(at.server.connections.total, 0);
  assertIdle(at.session);
}

for (const [what, text] of CONTROLS) {
  test(`headers: ${what} in a value, or a name, is refused`, { skip }, async () => {
    await refused('/fault/echo', { headers: { 'x-a': text } });
    await refused('/fault/echo', { headers: { 'content-type': text }, body: 'x' });
    await refused('/fault/echo', { headers: { host: text } });
    await refused('/fault/echo', { headers: { cookie: text } });
    await refused('/fault/echo', { headers: { [text]: '1' } });
    await refused('/fault/echo', { headers: [['x-a', text]] });
    assert.throws(() => new ClientSession({ headers: { 'x-a': text } }), TypeError);
  });

  test(`method: ${what} is refused`, { skip }, async () => {
    await refused('/fault/echo', { method: text });
  });

  test(`URL: ${what} is no more than a part of the path`, { skip }, async () => {
    await using at = await pair();
    await at.session
      .get(`/fault/text?body=${text}`)
      .then(undefined, (error: unknown) => assert.ok(error instanceof TypeError));
    for (const request of at.server.requests) {
      assert.equal(request.headers['x-injected'], undefined);
      assert.match(request.target, /^[!-~]+$/);
    }
  });

  test(`multipart: ${what} in names writes no header`, { skip }, async () => {
    await using at = await pair();
    const data = new FormData();
    data.append(text, new Blob(['x'], { type: 'text/plain' }), text);
    await at.session.post('/fault/upload', { body: data }).text();
    const [request] = at.server.requests;
    const head = String(request?.body).split('\r\n\r\n')[0] ?? '';
    assert.doesNotMatch(head, /^X-Injected/im);
  });

  test(`multipart: ${what} in the type of a part is refused, or left out`, { skip }, async () => {
    await using at = await pair();
    const blob = Object.defineProperty(new Blob(['x']), 'type', { value: text });
    const data = new FormData();
    data.append('file', blob, 'a');
    await at.session.post('/fault/upload', { body: data }).then(
      (response) => response.release(),
      (error: unknown) => assert.ok(error instanceof TypeError),
    );
    for (const request of at.server.requests) assert.doesNotMatch(String(request.body), /^X-Injected/m);
  });
}

for (const name of ['transfer-encoding', 'connection', 'upgrade', 'te', 'trailer', 'keep-alive', 'proxy-connection']) {
  test(`headers: ${name} is the connection's own`, { skip }, async () => {
    await refused('/fault/echo', { headers: { [name]: 'chunked' }, body: 'x' });
    await refused('/fault/echo', { headers: { [name.toUpperCase()]: 'chunked' }, body: 'x' });
  });
}

test('headers: a Content-Length that is not that of the body is refused', { skip }, async () => {
  for (const value of ['3', '100', '-1', '1, 1', '0x5', '+5', '5 5']) {
    await using at = await pair({ timeout: 1_000 });
    await assert.rejects(
      at.session.post('/fault/upload', { body: 'hello', headers: { 'content-length': value } }).text(),
    );
    assert.ok(at.server.requests.every(({ bodyBytes }) => bodyBytes <= 5));
  }
});

test('headers: two Content-Lengths are refused', { skip }, async () => {
  await using at = await pair({ timeout: 1_000 });
  const headers = [
    ['content-length', '5'],
    ['Content-Length', '50'],
  ] as const;
  await assert.rejects(at.session.post('/fault/upload', { body: 'hello', headers }).text());
  assert.equal(at.server.requests.length, 0);
});

test('URL: what begins with // after the host stays with the host', { skip }, async () => {
  await using at = await pair();
  await at.session.get(`${at.server.origin}//evil.test/x`).then((response) => response.release());
  assert.deepEqual(
    at.server.requests.map(({ target }) => target),
    ['//evil.test/x'],
  );
});

for (const url of ['file:///etc/passwd', 'ftp://h/', 'data:,x', 'unix:/x', 'javascript:1', 'ws://127.0.0.1/']) {
  test(`URL: ${url} is refused`, { skip }, () => refused(url, { method: 'GET' }));
}

test('CONNECT and the like: cannot be sent by hand', { skip }, async () => {
  for (const method of ['CONNECT', 'connect', '', ' GET', 'GET ', 'G ET', 'GET\t']) await refused('/', { method });
});

// Prototypes -----------------------------------------------------------------------------------------------------------

const GADGETS: Readonly<Record<string, unknown>> = {
  proxy: 'http://127.0.0.1:1/',
  baseUrl: 'http://127.0.0.1:1/',
  socketPath: '/nowhere',
  lookup: () => Promise.reject(new Error('polluted')),
  localAddress: '127.0.0.9',
  headers: { 'x-polluted': '1' },
  auth: { username: 'polluted', password: 'polluted' },
  query: { polluted: '1' },
  body: 'polluted',
  json: { polluted: 1 },
  method: 'DELETE',
  path: '/polluted',
  upgrade: 'polluted',
  expectContinue: true,
  reset: true,
  blocking: true,
  servername: 'polluted.test',
  throwOnError: true,
  headersTimeout: 1,
  bodyTimeout: 1,
  maxBytes: 1,
  decompress: false,
  retry: false,
  redirect: false,
  downgrade: 'follow',
  allow: () => false,
  use: [() => Promise.reject(new Error('polluted'))],
  cookies: { getCookieHeader: () => 'polluted=1', setFromResponse: () => {} },
  timeout: 1,
  totalMs: 1,
  connectMs: 1,
  headersMs: 1,
  readMs: 1,
  minSpeed: { bytes: 1e9, overMs: 1 },
  total: 1,
  perHost: { limit: 1, perMs: 60_000 },
  addressPolicy: () => false,
  raiseForStatus: true,
  retryIf: () => true,
  scope: { polluted: true },
  contentType: 'polluted/polluted',
  family: 6,
  host: '127.0.0.9',
  port: 1,
};

/** With something on Object.prototype. */
async function polluted(name: string, value: unknown, body: () => Promise<void>): Promise<void> {
  const all: object = Object.prototype;
  Object.defineProperty(all, name, { value, configurable: true, enumerable: true, writable: true });
  try {
    await body();
  } finally {
    delete (all as Record<string, unknown>)[name];
  }
}

/** Those that reach Node's own sockets, and no code of ours. */
const OF_NODE = new Set(['localAddress', 'family', 'timeout', 'lookup', 'socketPath', 'host', 'port']);

/** From 24 on Node's own sockets read `timeout` there, and fail far from here. */
const NODE_FAILS = Number.parseInt(process.versions.node, 10) >= 24 ? 'Node itself fails with it' : false;

for (const [name, value] of Object.entries(GADGETS)) {
  const unless = skip || (name === 'timeout' && NODE_FAILS);
  test(`Object.prototype.${name}: reaches no session and no request`, { skip: unless }, async () => {
    await using server = await startFaultServer();
    const plain: SessionOptions = { rate: {}, limits: {}, timeout: {}, redirect: {} };
    const ask = async (): Promise<string> => {
      await using session = new ClientSession(OF_NODE.has(name) ? {} : plain);
      const url = server.url('redirect', { to: '/fault/encoded?bytes=100' });
      const [a, b] = [await session.get(url).text(), await session.get(url, { headers: { 'x-a': '1' } }).text()];
      await session.post(server.url('upload'), { body: 'hello' }).text();
      assert.equal(a, b);
      return a;
    };
    const wanted = await ask();
    const clean = server.requests.map(({ method, target, rawHeaders, bodyBytes }) => ({
      method,
      target,
      rawHeaders,
      bodyBytes,
    }));
    server.forget();
    let failure: unknown;
    let got = '';
    await polluted(name, value, async () => {
      got = await ask().catch((error: unknown) => String((failure = error)));
    });
    if (failure !== undefined) throw failure;
    assert.equal(got, wanted);
    assert.deepEqual(
      server.requests.map(({ method, target, rawHeaders, bodyBytes }) => ({ method, target, rawHeaders, bodyBytes })),
      clean,
    );
  });
}

test('Object.prototype.rejectUnauthorized: trusts nobody', { skip: skip || missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using server = await startFaultServer({ tls: certificates.selfSigned });
  await polluted('rejectUnauthorized', false, async () => {
    for (const options of [{}, { tls: {} }, { tls: { ca: certificates.ca } }]) {
      await using session = new ClientSession({ ...options, retry: false });
      assert.equal((await errorOf(session.get(server.url('text')))).name, 'ConnectError');
    }
  });
  assert.equal(server.requests.length, 0);
});

test('tls: an option that is unknown is refused', { skip }, () => {
  assert.throws(() => new ClientSession({ tls: { rejectUnauthorised: false } as object }), TypeError);
});

test('rate: what is wrong is refused', { skip }, () => {
  for (const rate of [{ perHost: { limit: 0, perMs: 1 } }, { perhost: {} }, { total: { limit: 1 } }, { total: 5 }]) {
    assert.throws(() => new ClientSession({ rate: rate as object }), /Cannot/);
  }
});

test('cookies: host-only is kept over saving and loading', { skip }, async () => {
  const jar = new CookieJar();
  await jar.setFromResponse(new URL('http://shop.org/'), ['only=1; Path=/', 'all=1; Path=/; Domain=shop.org']);
  const loaded = CookieJar.fromJSON(JSON.parse(JSON.stringify(jar.toJSON())) as ReturnType<CookieJar['toJSON']>);
  for (const each of [jar, loaded]) {
    assert.equal(await each.getCookieHeader(new URL('http://sub.shop.org/')), 'all=1');
    assert.match(String(await each.getCookieHeader(new URL('http://shop.org/'))), /only=1/);
  }
});
