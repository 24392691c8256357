import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCancelled, sleep, withScope } from 'corral';

import { digestAuth } from '../../src/auth/digest-auth.ts';
import type { Middleware } from '../../src/request/middleware.ts';
import { startFaultServer } from '../faults/server.ts';
import { errorOf, gate, pair } from './fixture.ts';

const adds =
  (name: string, value: string): Middleware =>
  (request, next) => {
    request.headers.append(name, value);
    return next(request);
  };

test('use: sees the request and the response', async () => {
  const seen: unknown[] = [];
  const spy: Middleware = async (request, next) => {
    seen.push(request.method, request.url.pathname, request.replayable);
    const response = await next(request);
    seen.push(response.status);
    return response;
  };
  await using at = await pair({ use: [spy] });
  assert.equal(await at.session.post('/fault/text', { json: 1 }).text(), 'ok');
  assert.deepEqual(seen, ['POST', '/fault/text', true, 200]);
});

test('use: the first of the list is the outermost', async () => {
  await using at = await pair({ use: [adds('x-order', '1'), adds('x-order', '2')] });
  await at.session.get('/fault/echo').text();
  assert.equal(at.last.headers['x-order'], '1, 2');
});

test('use: of a request replaces that of the session, also with none', async () => {
  await using at = await pair({ use: [adds('x-session', '1')] });
  await at.session.get('/fault/echo', { use: [adds('x-request', '1')] }).text();
  assert.deepEqual([at.last.headers['x-session'], at.last.headers['x-request']], [undefined, '1']);
  await at.session.get('/fault/echo', { use: [] }).text();
  assert.equal(at.last.headers['x-session'], undefined);
});

test('use: may change and remove headers, and keeps those that come twice', async () => {
  const change: Middleware = (request, next) => {
    request.headers.set('x-a', 'changed');
    request.headers.delete('x-b');
    return next(request);
  };
  await using at = await pair({ use: [change] });
  const headers = [
    ['x-a', '1'],
    ['x-b', '2'],
    ['x-c', '3'],
    ['x-c', '4'],
  ] as const;
  await at.session.get('/fault/echo', { headers }).text();
  assert.deepEqual(
    [at.last.headers['x-a'], at.last.headers['x-b'], at.last.headers['x-c']],
    ['changed', undefined, '3, 4'],
  );
});

test('use: is called for each redirect', async () => {
  const paths: string[] = [];
  const spy: Middleware = (request, next) => {
    paths.push(request.url.pathname);
    return next(request);
  };
  await using at = await pair({ use: [spy] });
  await at.session.get('/fault/redirect').text();
  assert.deepEqual(paths, ['/fault/redirect', '/fault/echo']);
});

test('use: a secret that it adds does not go to another origin by itself', async () => {
  await using other = await startFaultServer();
  const token: Middleware = (request, next) => {
    if (request.url.port !== String(other.port)) request.headers.set('authorization', 'Bearer x');
    return next(request);
  };
  await using at = await pair({ use: [token] });
  await at.session.get(`/fault/redirect?to=${encodeURIComponent(other.url('echo'))}`).text();
  assert.equal(at.last.headers['authorization'], 'Bearer x');
  assert.equal(other.requests[0]?.headers['authorization'], undefined);
});

test('use: may ask again, and gives the response that it wants', async () => {
  const again: Middleware = async (request, next) => {
    const first = await next(request);
    if (first.status !== 503) return first;
    await first.release();
    request.headers.set('x-again', '1');
    return next(request);
  };
  await using at = await pair({ use: [again] });
  await using response = await at.session.get('/fault/flaky?fails=1&key=again');
  assert.equal(response.status, 200);
  assert.equal(await response.text(), 'ok');
  assert.equal(at.last.headers['x-again'], '1');
  assert.equal(at.server.connections.total, 1);
});

test('use: may read the response and ask again', async () => {
  const again: Middleware = async (request, next) => {
    const first = await next(request);
    if (first.status === 200) return first;
    assert.equal(await first.text(), 'failed with 503');
    return next(request);
  };
  await using at = await pair({ use: [again] });
  assert.equal(await at.session.put('/fault/flaky?fails=2&key=read', { body: 'x', use: [again, again] }).text(), 'ok');
});

test('use: what it throws comes out, before anything is sent', async () => {
  const mine = new Error('mine');
  const block: Middleware = () => Promise.reject(mine);
  await using at = await pair({ use: [block] });
  assert.equal(await errorOf(at.session.get('/fault/text')), mine);
  assert.equal(at.server.connections.total, 0);
});

test('use: what it throws synchronously comes out too', async () => {
  const mine = new Error('mine');
  const block = (): never => {
    throw mine;
  };
  await using at = await pair({ use: [block] });
  assert.equal(await errorOf(at.session.get('/fault/text')), mine);
});

test('use: when it throws after the response came, that is released', async () => {
  const mine = new Error('mine');
  const block: Middleware = async (request, next) => {
    await next(request);
    throw mine;
  };
  await using at = await pair({ use: [block], limits: { total: 1 } });
  assert.equal(await errorOf(at.session.get('/fault/endless-body')), mine);
  await at.server.waitFor(({ requests }) => requests[0]?.abandoned);
  assert.equal(await at.session.get('/fault/text', { use: [] }).text(), 'ok');
});

test('use: a response that it swallows is released when the request ends', async () => {
  const swallow: Middleware = async (request, next) => {
    await next(request);
    return next(request);
  };
  await using at = await pair({ use: [swallow], limits: { perHost: 4 } });
  await using response = await at.session.get('/fault/endless-body');
  await response.release();
  await at.server.waitFor(({ requests }) => requests.length === 2 && requests.every(({ abandoned }) => abandoned));
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('use: what is sent once cannot be sent again by it', async () => {
  const again: Middleware = async (request, next) => {
    assert.equal(request.replayable, false);
    await (await next(request)).release();
    return next(request);
  };
  await using at = await pair({ use: [again] });
  const body = (async function* () {
    yield 'payload';
  })();
  const error = await errorOf(at.session.put('/fault/echo', { body }));
  assert.match(error.message, /a stream can be read only once/);
  assert.equal(at.server.requests.length, 1);
});

test('use: headers that may not be sent are refused', async () => {
  const evil: Middleware = (request, next) => {
    request.headers.set('transfer-encoding', 'chunked');
    return next(request);
  };
  await using at = await pair({ use: [evil] });
  assert.ok((await errorOf(at.session.get('/fault/text'))) instanceof TypeError);
  assert.equal(at.server.connections.total, 0);
});

test('use: cancelled while it waits, the request ends', async () => {
  const waiting = gate();
  const stuck: Middleware = async (request, next) => {
    waiting.open();
    await sleep(60_000);
    return next(request);
  };
  await using at = await pair({ use: [stuck] });
  await withScope(async (scope) => {
    const handle = errorOf(at.session.get('/fault/text'));
    await waiting.promise;
    scope.cancel();
    assert.ok(isCancelled(await handle));
  });
});

test('use: may send requests of the session by itself', async () => {
  const token: Middleware = async (request, next) => {
    const value = await at.session.get('/fault/text?body=token', { use: [] }).text();
    request.headers.set('authorization', `Bearer ${value}`);
    return next(request);
  };
  await using at = await pair({ use: [token] });
  await at.session.get('/fault/echo').text();
  assert.equal(at.last.headers['authorization'], 'Bearer token');
});

// Digest ---------------------------------------------------------------------------------------------------------------

const account = { username: 'user', password: 'secret' };

for (const query of [
  '',
  '?algorithm=SHA-256',
  '?algorithm=SHA-512-256',
  '?algorithm=MD5-sess',
  '?qop=',
  '?qop=auth,auth-int',
  '?basic=true',
]) {
  test(`digestAuth: answers the challenge of digest-auth${query}`, async () => {
    await using at = await pair({ use: [digestAuth(account)] });
    const { user } = await at.session.get(`/fault/digest-auth${query}`).json<{ user: string }>();
    assert.equal(user, 'user');
    assert.equal(at.server.requests.length, 2);
    assert.equal(at.server.requests[0]?.headers['authorization'], undefined);
  });
}

test('digestAuth: from the second request on it answers before it is asked, and counts', async () => {
  await using at = await pair({ use: [digestAuth(account)] });
  const counts: (string | null)[] = [];
  for (let i = 0; i < 3; i++) counts.push((await at.session.get('/fault/digest-auth').json<{ nc: string }>()).nc);
  assert.deepEqual(counts, ['00000001', '00000002', '00000003']);
  assert.equal(at.server.requests.length, 4);
});

test('digestAuth: a nonce that has become stale is renewed', async () => {
  await using at = await pair({ use: [digestAuth(account)] });
  for (let i = 0; i < 4; i++)
    assert.equal((await at.session.get('/fault/digest-auth?uses=1').text()).includes('user'), true);
});

test('digestAuth: with a wrong password gives the 401, and does not try for ever', async () => {
  await using at = await pair({ use: [digestAuth({ username: 'user', password: 'wrong' })] });
  await using response = await at.session.get('/fault/digest-auth');
  assert.equal(response.status, 401);
  assert.equal(await response.text(), 'a wrong response');
  assert.equal(at.server.requests.length, 2);
});

test('digestAuth: asks once where no authentication is wanted', async () => {
  await using at = await pair({ use: [digestAuth(account)] });
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(at.last.headers['authorization'], undefined);
  assert.equal(at.server.requests.length, 1);
});

test('digestAuth: does not answer a 401 without a challenge of Digest', async () => {
  await using at = await pair({ use: [digestAuth(account)] });
  assert.equal((await at.session.get('/fault/basic-auth')).status, 401);
  assert.equal(at.server.requests.length, 1);
});

test('digestAuth: sends the body again with the answer', async () => {
  await using at = await pair({ use: [digestAuth(account)] });
  await at.session.post('/fault/digest-auth', { json: { some: 'data' } }).text();
  assert.deepEqual(
    at.server.requests.map(({ body }) => body.toString()),
    ['{"some":"data"}', '{"some":"data"}'],
  );
});

test('digestAuth: the query belongs to what is signed', async () => {
  await using at = await pair({ use: [digestAuth(account)] });
  const response = await at.session.get('/fault/digest-auth?user=user', { query: { realm: 'a b&c' } });
  assert.equal(response.status, 200);
});

test('digestAuth: does not answer another origin, be it after a redirect or not', async () => {
  await using other = await startFaultServer();
  await using at = await pair({ use: [digestAuth(account)] });
  await at.session.get('/fault/digest-auth').text();
  const to = encodeURIComponent(other.url('digest-auth'));
  assert.equal((await at.session.get(`/fault/redirect?to=${to}`)).status, 401);
  assert.equal((await at.session.get(other.url('digest-auth'))).status, 401);
  for (const { headers } of other.requests) assert.equal(headers['authorization'], undefined);
});

test('digestAuth: answers a challenge after a redirect within its origin', async () => {
  await using at = await pair({ use: [digestAuth(account)] });
  assert.equal((await at.session.get('/fault/redirect?to=/fault/digest-auth')).status, 200);
});

test('digestAuth: many requests at once all get through', async () => {
  await using at = await pair({ use: [digestAuth(account)] });
  const all = await Promise.all(Array.from({ length: 10 }, () => at.session.get('/fault/digest-auth').text()));
  assert.equal(all.filter((text) => text.includes('user')).length, 10);
});
