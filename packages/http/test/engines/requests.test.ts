import assert from 'node:assert/strict';
import { test } from 'node:test';

import { currentScope } from 'corral';
import {
  ConnectError,
  CookieJar,
  digestAuth,
  exponential,
  HttpError,
  ProtocolError,
  RedirectError,
  StatusError,
  TruncatedError,
} from '../../src/server.ts';
import { refusedPort } from '../faults/dead-ends.ts';
import { startFaultServer } from '../faults/server.ts';
import { errorOf, failure, pair } from './fixture.ts';

test('fetch session: headers of session and request are sent, and credentials', async () => {
  await using at = await pair({ headers: { 'x-session': 's', 'user-agent': 'mine/1' } });
  await at.session.get('/fault/echo', { headers: { 'x-request': 'r' }, auth: { username: 'ü', password: 'p' } }).text();
  assert.deepEqual([at.last.headers['x-session'], at.last.headers['x-request']], ['s', 'r']);
  assert.equal(at.last.headers['user-agent'], 'mine/1');
  assert.equal(at.last.headers['authorization'], `Basic ${Buffer.from('ü:p').toString('base64')}`);
});

test('fetch session: a query is added to the URL', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo?a=1', { query: { b: ['x y', 2], c: undefined } }).text();
  assert.equal(at.last.target, '/fault/echo?a=1&b=x+y&b=2');
});

test('fetch session: redirects are followed as each status says, and remembered', async () => {
  await using at = await pair();
  for (const [status, method] of [
    [302, 'GET'],
    [303, 'GET'],
    [307, 'POST'],
    [308, 'POST'],
  ] as const) {
    const path = `/fault/redirect?status=${status}`;
    await using response = await at.session.post(path, { json: { some: 'data' } });
    assert.equal(at.last.method, method);
    assert.equal(at.last.body.toString(), method === 'POST' ? '{"some":"data"}' : '');
    assert.deepEqual(response.history, [{ status, url: at.server.url(`/fault/redirect?status=${status}`) }]);
  }
});

test('fetch session: to another origin no secret goes along', async () => {
  await using other = await startFaultServer();
  await using at = await pair({ secretHeaders: ['x-mine'] });
  const secrets = { authorization: 'Basic x', cookie: 'a=b', 'x-api-key': 'k', 'x-mine': 'm' };
  const to = encodeURIComponent(other.url('echo'));
  await at.session.get(`/fault/redirect?to=${to}`, { headers: { ...secrets, 'x-other': 'o' } }).text();
  for (const [name, value] of Object.entries(secrets)) {
    assert.equal(at.last.headers[name], value, name);
    assert.equal(other.requests[0]?.headers[name], undefined, name);
  }
  assert.equal(other.requests[0]?.headers['x-other'], 'o');
});

test('fetch session: redirects have an end, and may be refused', async () => {
  await using at = await pair();
  assert.equal((await failure(at.session.get('/fault/redirect-loop'), RedirectError)).reason, 'too-many');
  assert.equal(at.server.requests.length, 11);
  const away = '/fault/redirect?to=file:///etc/passwd';
  assert.equal((await failure(at.session.get(away), RedirectError)).reason, 'scheme');
  await using response = await at.session.get('/fault/redirect', { redirect: false });
  assert.deepEqual([response.status, response.header('location')], [302, '/fault/echo']);
});

test('fetch session: cookies are kept and sent, those of redirects too', async () => {
  await using at = await pair({ cookies: new CookieJar({ allowIpHosts: true }) });
  await at.session.get(`/fault/set-cookie?cookie=${encodeURIComponent('a=1; Path=/\nb=2; Path=/elsewhere')}`).text();
  assert.deepEqual(await at.session.get('/fault/cookies').json(), { cookie: 'a=1' });
  await at.session.get('/fault/redirect-cookie').text();
  assert.equal(at.last.path, '/fault/redirect-cookie');
  assert.ok(at.last.headers['cookie']?.startsWith('a=1; '), at.last.headers['cookie']);
  await using stranger = await pair();
  await stranger.session.get('/fault/set-cookie').text();
  assert.deepEqual(await stranger.session.get('/fault/cookies').json(), { cookie: null });
});

test('fetch session: what a request has loaded leaves nothing of it in the context of others', () => {
  assert.equal(currentScope(), undefined);
});

for (const algorithm of ['MD5', 'SHA-256']) {
  test(`fetch session: digestAuth answers a challenge with ${algorithm}`, async () => {
    await using at = await pair({ use: [digestAuth({ username: 'user', password: 'secret' })] });
    const url = `/fault/digest-auth?algorithm=${algorithm}`;
    assert.deepEqual(await at.session.get(url).json(), { user: 'user', nc: '00000001' });
    assert.deepEqual(await at.session.get(url).json(), { user: 'user', nc: '00000002' });
    assert.equal(at.server.requests.length, 3);
  });
}

test('fetch session: middleware goes around each hop', async () => {
  const seen: string[] = [];
  await using at = await pair({
    use: [
      async (request, next) => {
        request.headers.set('x-added', 'yes');
        const response = await next(request);
        seen.push(`${request.url.pathname} ${response.status}`);
        return response;
      },
    ],
  });
  await at.session.get('/fault/redirect').text();
  assert.deepEqual(seen, ['/fault/redirect 302', '/fault/echo 200']);
  assert.equal(at.last.headers['x-added'], 'yes');
});

test('fetch session: a listener is told what happens, in order', async () => {
  const told: string[] = [];
  const listener = Object.fromEntries(
    ['onAdmitted', 'onSent', 'onHeaders', 'onRedirect', 'onEnd', 'onError'].map((name) => [
      name,
      () => told.push(name),
    ]),
  );
  await using at = await pair({ listener });
  await at.session.get('/fault/redirect').text();
  const hop = ['onAdmitted', 'onSent', 'onHeaders'];
  assert.deepEqual(told, [...hop, 'onRedirect', ...hop, 'onEnd']);
});

test('fetch session: what failed for a while is sent again, after a while', async () => {
  await using at = await pair({ retry: exponential({ baseMs: 1 }) });
  for (const how of ['503', 'fin']) {
    await using response = await at.session.get(`/fault/flaky?key=${how}&how=${how}`);
    assert.equal(await response.text(), 'ok');
    // Bun sends some again by itself.
    assert.ok(response.attempts.length > 1, how);
    assert.equal(at.server.counted(`flaky:${how}`), 3, how);
  }
});

test('fetch session: Retry-After is waited for', async () => {
  await using at = await pair({ retry: exponential({ baseMs: 1 }) });
  const since = performance.now();
  await using response = await at.session.get('/fault/flaky?fails=1&how=429&retryAfter=1');
  assert.equal(response.status, 200);
  assert.equal(response.attempts[0]?.retryAfterMs, 1_000);
  assert.ok(performance.now() - since >= 990);
});

test('fetch session: a POST is not sent again', async () => {
  await using at = await pair({ retry: exponential({ baseMs: 1 }) });
  await using response = await at.session.post('/fault/flaky?how=500', { body: 'once' });
  assert.equal(response.status, 500);
  assert.equal(at.server.requests.length, 1);
});

test('fetch session: a status may be an error, with the beginning of the body', async () => {
  await using at = await pair({ raiseForStatus: true });
  const error = await failure(at.session.get('/fault/status?status=503&body=later&retryAfter=7'), StatusError);
  assert.deepEqual([error.status, error.bodySnippet], [503, 'later']);
  assert.ok((error.retryAt ?? 0) > Date.now());
});

test('fetch session: no connection, no answer and half an answer are told apart', async () => {
  await using at = await pair();
  const refused = await failure(at.session.get(`http://127.0.0.1:${await refusedPort()}/`), ConnectError);
  assert.equal(refused.retryable, true);
  assert.equal((await failure(at.session.get('/fault/fin-before'), ProtocolError)).requestSent, true);
  await failure(at.session.get('/fault/cut-chunked').bytes(), TruncatedError);
  await failure(at.session.get('/fault/cut-length').bytes(), TruncatedError);
});

test('fetch session: what is not HTTP is an error', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.get('/fault/ssh-banner', { timeout: { headersMs: 5_000 } }));
  assert.ok(error instanceof HttpError, String(error));
});

test('fetch session: errors show no credentials', async () => {
  await using at = await pair();
  const url = new URL('/fault/fin-before', at.server.origin);
  url.username = 'user';
  url.password = 'hunter2';
  const error = await failure(at.session.get(url), ProtocolError);
  assert.doesNotMatch(`${error.message} ${error.url}`, /hunter2/);
});
