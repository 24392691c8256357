import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RedirectError } from '../../src/errors.ts';
import { startFaultServer } from '../faults/server.ts';
import { errorOf, pair } from './fixture.ts';

async function refused(promise: PromiseLike<unknown>): Promise<RedirectError> {
  const error = await errorOf(promise);
  assert.ok(error instanceof RedirectError, String(error));
  return error;
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`redirect: ${status} is followed, and history says so`, async () => {
    await using at = await pair();
    await using response = await at.session.get(`/fault/redirect?status=${status}`);
    assert.equal(response.status, 200);
    assert.equal(response.url, at.server.url('/fault/echo'));
    assert.equal(response.redirected, true);
    assert.deepEqual(response.history, [{ status, url: at.server.url(`/fault/redirect?status=${status}`) }]);
  });
}

for (const status of [300, 304, 305, 306]) {
  test(`redirect: ${status} is not followed`, async () => {
    await using at = await pair(
      {},
      { '/': (exchange) => exchange.head(status, { Location: '/x', 'Content-Length': 0 }) },
    );
    await using response = await at.session.get('/');
    assert.equal(response.status, status);
    assert.equal(at.server.requests.length, 1);
  });
}

for (const [status, method, then, keeps] of [
  [301, 'GET', 'GET', true],
  [301, 'POST', 'GET', false],
  [301, 'PUT', 'PUT', true],
  [302, 'POST', 'GET', false],
  [302, 'PATCH', 'PATCH', true],
  [302, 'DELETE', 'DELETE', true],
  [303, 'POST', 'GET', false],
  [303, 'PUT', 'GET', false],
  [303, 'HEAD', 'HEAD', false],
  [307, 'POST', 'POST', true],
  [307, 'PUT', 'PUT', true],
  [308, 'POST', 'POST', true],
] as const) {
  test(`redirect: ${status} after ${method} leads to ${then}, ${keeps ? 'with' : 'without'} what was sent`, async () => {
    await using at = await pair();
    const withBody = method !== 'GET' && method !== 'HEAD';
    const options = withBody ? { json: { some: 'data' } } : {};
    await at.session.request(method, `/fault/redirect?status=${status}`, options).bytes();
    assert.equal(at.server.requests.length, 2);
    assert.equal(at.last.method, then);
    const kept = withBody && keeps;
    assert.equal(at.last.body.toString(), kept ? '{"some":"data"}' : '');
    assert.equal(at.last.headers['content-type'], kept ? 'application/json' : undefined);
    assert.equal(at.last.headers['content-length'], kept ? '15' : undefined);
  });
}

test('redirect: HEAD stays HEAD', async () => {
  await using at = await pair();
  await using response = await at.session.head('/fault/redirect');
  assert.equal(response.status, 200);
  assert.deepEqual(
    at.server.requests.map(({ method }) => method),
    ['HEAD', 'HEAD'],
  );
});

test('redirect: a Content-Length that the caller set is not sent on with a request that has no body any more', async () => {
  await using at = await pair();
  await at.session.post('/fault/redirect', { body: 'four', headers: { 'content-length': '4' } }).text();
  assert.equal(at.last.method, 'GET');
  assert.equal(at.last.headers['content-length'], undefined);
});

test('redirect: a chain is followed, and history has all of it, the first one first', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/redirect-chain?n=3');
  assert.deepEqual(
    response.history.map(({ url }) => new URL(url).searchParams.get('n')),
    ['3', '2', '1'],
  );
});

test('redirect: without any, history is empty', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/echo');
  assert.deepEqual(response.history, []);
});

test('redirect: more than max throws, with what it is about', async () => {
  await using at = await pair();
  const error = await refused(at.session.get('/fault/redirect-endless', { redirect: { max: 2 } }));
  assert.equal(error.reason, 'too-many');
  assert.equal(error.code, 'CORRAL_HTTP_REDIRECT');
  assert.equal(at.server.requests.length, 3);
  assert.equal(error.method, 'GET');
});

test('redirect: by default 10 are followed', async () => {
  await using at = await pair();
  assert.equal((await refused(at.session.get('/fault/redirect-loop'))).reason, 'too-many');
  assert.equal(at.server.requests.length, 11);
  assert.equal(await at.session.get('/fault/redirect-chain?n=10&to=/fault/text').text(), 'ok');
});

test('redirect: max 0 allows none', async () => {
  await using at = await pair({ redirect: { max: 0 } });
  assert.equal((await refused(at.session.get('/fault/redirect'))).reason, 'too-many');
});

test('redirect: false gives the response that is one, with its body', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/redirect', { redirect: false });
  assert.equal(response.status, 302);
  assert.equal(response.header('location'), '/fault/echo');
  assert.equal(await response.text(), 'elsewhere');
});

test('redirect: false on the session holds for its requests, which may say otherwise', async () => {
  await using at = await pair({ redirect: false });
  assert.equal(await at.session.get('/fault/redirect').text(), 'elsewhere');
  await using response = await at.session.get('/fault/redirect', { redirect: {} });
  assert.equal(response.status, 200);
});

test('redirect: one without Location is a response like any other', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/redirect-nowhere');
  assert.equal(response.status, 302);
  assert.equal(await response.text(), 'nowhere');
});

test('redirect: Location is relative to the URL that redirects', async () => {
  await using at = await pair({}, { '/a/b/c': (exchange) => exchange.respond(302, '', { Location: '../d?x=1' }) });
  await at.session.get('/a/b/c').text();
  assert.equal(at.last.target, '/a/d?x=1');
});

test('redirect: Location may be a whole URL', async () => {
  await using at = await pair();
  const to = encodeURIComponent(at.server.url('/fault/text'));
  assert.equal(await at.session.get(`/fault/redirect?to=${to}`).text(), 'ok');
});

test('redirect: the query of the first URL is not sent on', async () => {
  await using at = await pair({}, { '/': (exchange) => exchange.respond(302, '', { Location: '/ok?a=redirect' }) });
  await at.session.get('/', { query: { a: 'initial' } }).text();
  assert.equal(at.last.target, '/ok?a=redirect');
});

test('redirect: a fragment in Location is not sent', async () => {
  await using at = await pair();
  await at.session.get('/fault/redirect?to=/fault/echo%23fragment').text();
  assert.equal(at.last.target, '/fault/echo');
});

test('redirect: what is not ASCII in Location is encoded', async () => {
  await using at = await pair(
    {},
    { '/': (exchange) => exchange.write('HTTP/1.1 302 Found\r\nLocation: /a b\r\nContent-Length: 0\r\n\r\n') },
  );
  await at.session.get('/').text();
  assert.equal(at.last.target, '/a%20b');
});

for (const to of [
  'ftp://127.0.0.1/test/',
  'file:///etc/passwd',
  'data:,x',
  'javascript:0',
  'call:+380123456789',
  'slack://instance/room',
]) {
  test(`redirect: to ${to} throws`, async () => {
    await using at = await pair();
    const error = await refused(at.session.get(`/fault/redirect?to=${encodeURIComponent(to)}`));
    assert.equal(error.reason, 'scheme');
    assert.equal(at.server.requests.length, 1);
  });
}

for (const to of ['http://', 'http://[::1', 'http://example.org:non_int_port/', 'http://exa mple.org/', 'http:///']) {
  test(`redirect: to ${to}, which is no URL, throws`, async () => {
    await using at = await pair();
    const error = await refused(at.session.get(`/fault/redirect?to=${encodeURIComponent(to)}`));
    assert.equal(error.reason, 'invalid');
    assert.equal(error.retryable, false);
  });
}

test('redirect: a bad one after good ones throws too', async () => {
  await using at = await pair();
  const error = await refused(at.session.get('/fault/redirect-chain?n=3&to=ftp:%2F%2Fx%2F'));
  assert.equal(error.reason, 'scheme');
  assert.equal(at.server.requests.length, 3);
});

test('redirect: allow is asked with both URLs, and false is an error', async () => {
  await using at = await pair();
  const asked: string[] = [];
  const allow = (from: URL, to: URL): boolean => {
    asked.push(`${from.pathname} ${to.pathname}`);
    return to.searchParams.get('n') !== '1';
  };
  const error = await refused(at.session.get('/fault/redirect-chain?n=3', { redirect: { allow } }));
  assert.equal(error.reason, 'refused');
  assert.equal(asked.length, 2);
  assert.equal(at.server.requests.length, 2);
});

test('redirect: allow that gives a promise is no permission', async () => {
  await using at = await pair();
  const allow = (() => Promise.resolve(false)) as never;
  const error = await errorOf(at.session.get('/fault/redirect', { redirect: { allow } }));
  assert.match(error.message, /^Cannot follow a redirect as \{ allow \} gives true or false/);
  assert.equal(at.server.requests.length, 1);
});

test('redirect: what a request does not set it has from its session', async () => {
  await using at = await pair({ redirect: { allow: () => false } });
  const error = await refused(at.session.get('/fault/redirect', { redirect: { max: 3 } }));
  assert.equal(error.reason, 'refused');
  const own = { allow: () => true };
  assert.equal((await at.session.get('/fault/redirect', { redirect: own })).status, 200);
});

test('redirect: what allow throws comes out as it is', async () => {
  await using at = await pair();
  const mine = new Error('mine');
  const allow = (): never => {
    throw mine;
  };
  assert.equal(await errorOf(at.session.get('/fault/redirect', { redirect: { allow } })), mine);
  assert.equal(at.session.snapshot().inFlight, 0);
});

const SECRETS = {
  authorization: 'Basic x',
  cookie: 'a=b',
  'proxy-authorization': 'Basic y',
  'x-api-key': 'k',
  'x-mine': 'm',
};

test('redirect: to another port no secret goes along: it is another origin', async () => {
  await using other = await startFaultServer();
  await using at = await pair({ secretHeaders: ['X-Mine'] });
  const to = encodeURIComponent(other.url('echo'));
  await at.session.get(`/fault/redirect?to=${to}`, { headers: { ...SECRETS, 'x-other': 'o' } }).text();
  const { headers } = other.requests[0]!;
  for (const name of Object.keys(SECRETS)) assert.equal(headers[name], undefined, name);
  assert.equal(headers['x-other'], 'o');
  for (const [name, value] of Object.entries(SECRETS)) assert.equal(at.last.headers[name], value);
});

test('redirect: to another name of the same host no secret goes along', async () => {
  await using at = await pair();
  const to = encodeURIComponent(`http://localhost:${at.server.port}/fault/echo`);
  await at.session.get(`/fault/redirect?to=${to}`, { headers: SECRETS }).text();
  assert.equal(at.last.headers['authorization'], undefined);
  assert.equal(at.last.headers['cookie'], undefined);
});

test('redirect: all copies of a secret are dropped', async () => {
  await using other = await startFaultServer();
  await using at = await pair();
  const headers = [
    ['Authorization', 'Basic first'],
    ['Authorization', 'Basic second'],
    ['Cookie', 'a=b'],
    ['Cookie', 'c=d'],
  ] as const;
  await at.session.get(`/fault/redirect?to=${encodeURIComponent(other.url('echo'))}`, { headers }).text();
  assert.equal(other.requests[0]?.headers['authorization'], undefined);
  assert.equal(other.requests[0]?.headers['cookie'], undefined);
});

test('redirect: the Authorization of the session, auth and the credentials of the URL are dropped alike', async () => {
  await using other = await startFaultServer();
  await using at = await pair({ headers: { authorization: 'Bearer session' } });
  const path = `/fault/redirect?to=${encodeURIComponent(other.url('echo'))}`;
  const url = new URL(path, at.server.origin);
  url.username = 'user';
  await at.session.get(path).text();
  await at.session.get(path, { auth: { username: 'u', password: 'p' } }).text();
  await at.session.get(url).text();
  assert.equal(other.requests.length, 3);
  for (const { headers } of other.requests) assert.equal(headers['authorization'], undefined);
  for (const { headers } of at.server.requests) assert.ok(headers['authorization']);
});

test('redirect: a secret that was dropped does not come back on the way home', async () => {
  await using other = await startFaultServer();
  await using at = await pair();
  const home = at.server.url('echo');
  const away = other.url('redirect', { to: home });
  await at.session.get(`/fault/redirect?to=${encodeURIComponent(away)}`, { headers: SECRETS }).text();
  assert.equal(at.last.path, '/fault/echo');
  assert.equal(at.last.headers['authorization'], undefined);
});

test('redirect: within an origin secrets go along', async () => {
  await using at = await pair();
  await at.session.get('/fault/redirect', { headers: SECRETS }).text();
  for (const [name, value] of Object.entries(SECRETS)) assert.equal(at.last.headers[name], value);
});

test('redirect: credentials that a server puts into Location are not taken from it', async () => {
  await using at = await pair();
  const to = encodeURIComponent(`http://mallory:secret@127.0.0.1:${at.server.port}/fault/echo`);
  await using response = await at.session.get(`/fault/redirect?to=${to}`);
  assert.equal(at.last.headers['authorization'], undefined);
  assert.equal(response.url, at.server.url('/fault/echo'));
});

test('redirect: a Host that the caller set is not sent on', async () => {
  await using at = await pair();
  await at.session.get('/fault/redirect', { headers: { host: 'other.example' } }).text();
  assert.equal(at.last.headers['host'], `127.0.0.1:${at.server.port}`);
});

test('redirect: a body of bytes is sent again, over several', async () => {
  await using at = await pair();
  await at.session.post('/fault/redirect-chain?n=3&status=307', { body: new TextEncoder().encode('payload') }).text();
  assert.deepEqual(
    at.server.requests.map(({ body }) => body.toString()),
    Array.from({ length: 4 }, () => 'payload'),
  );
});

test('redirect: a body is sent again until a redirect drops it, and not after', async () => {
  await using at = await pair();
  const to = encodeURIComponent('/fault/redirect?status=302&to=/fault/redirect%3Fstatus=307');
  await at.session.post(`/fault/redirect?status=307&to=${to}`, { body: 'payload' }).text();
  assert.deepEqual(
    at.server.requests.map(({ method, body }) => `${method} ${body.toString()}`),
    ['POST payload', 'POST payload', 'GET ', 'GET '],
  );
});

test('redirect: a function that opens a body is called again', async () => {
  await using at = await pair();
  let opened = 0;
  const body = async function* () {
    opened++;
    yield 'pay';
    yield 'load';
  };
  await at.session.post('/fault/redirect?status=308', { body }).text();
  assert.equal(opened, 2);
  assert.equal(at.last.body.toString(), 'payload');
});

test('redirect: a stream that is gone cannot be sent again, which is an error and no empty body', async () => {
  await using at = await pair();
  const body = (async function* () {
    yield 'payload';
  })();
  const error = await refused(at.session.post('/fault/redirect?status=307', { body }));
  assert.equal(error.reason, 'body');
  assert.equal(at.server.requests.length, 1);
  assert.equal(at.last.body.toString(), 'payload');
});

test('redirect: a stream that is gone is no matter where the redirect drops the body', async () => {
  await using at = await pair();
  const body = (async function* () {
    yield 'payload';
  })();
  await at.session.post('/fault/redirect?status=303', { body }).text();
  assert.deepEqual([at.last.method, at.last.body.toString()], ['GET', '']);
});

test('redirect: keeps the content type that the caller set, with the body', async () => {
  await using at = await pair();
  await at.session.post('/fault/redirect?status=307', { body: 'a,b', headers: { 'content-type': 'text/csv' } }).text();
  assert.equal(at.last.headers['content-type'], 'text/csv');
});

test('redirect: headers of the request that are no secret are sent on', async () => {
  await using at = await pair({ headers: { 'x-session': 's' } });
  await at.session.get('/fault/redirect', { headers: { 'x-request': 'r' } }).text();
  assert.deepEqual([at.last.headers['x-session'], at.last.headers['x-request']], ['s', 'r']);
});

test('redirect: of two Locations the first one is taken', async () => {
  await using at = await pair();
  await at.session.get('/fault/redirect-twice').text();
  assert.equal(at.last.path, '/fault/echo');
});

test('redirect: the connection of one is used for the next', async () => {
  await using at = await pair();
  await at.session.get('/fault/redirect-chain?n=5').text();
  assert.equal(at.server.connections.total, 1);
});

test('redirect: one whose own body never ends does not hold the next up', async () => {
  await using at = await pair();
  await at.session.get('/fault/redirect-endless-body').text();
  assert.equal(at.last.path, '/fault/echo');
  await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
});

test('redirect: passwords in Location are not shown by errors', async () => {
  const headers = { Location: 'ftp://user:hunter2@example.org/' };
  await using at = await pair({}, { '/': (exchange) => exchange.respond(302, '', headers) });
  const error = await refused(at.session.get('/'));
  assert.doesNotMatch(`${error.message} ${error.location}`, /hunter2/);
});

test('redirect: raiseForStatus looks at the last response alone', async () => {
  await using at = await pair({ raiseForStatus: true });
  await using response = await at.session.get('/fault/redirect');
  assert.equal(response.status, 200);
});
