import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HttpTimeoutError } from '../../src/errors.ts';
import { errorOf, gate, pair, type Pair, type Routes } from './fixture.ts';

async function timedOut(promise: PromiseLike<unknown>): Promise<HttpTimeoutError> {
  const error = await errorOf(promise);
  assert.ok(error instanceof HttpTimeoutError, String(error));
  assert.equal(error.code, 'CORRAL_HTTP_TIMEOUT');
  return error;
}

/** Nothing is left of what timed out. */
async function gone(at: Pair): Promise<void> {
  await at.server.idle();
  assert.equal(at.session.snapshot().inFlight, 0);
  assert.equal(at.session.snapshot().waiting, 0);
}

for (const path of ['no-answer', 'stall-head', 'drip-head?gap=10', 'endless-1xx?gap=5'] as const) {
  test(`headersMs: ends ${path}`, async () => {
    await using at = await pair();
    const error = await timedOut(at.session.get(`/fault/${path}`, { timeout: { headersMs: 100 } }));
    assert.deepEqual([error.kind, error.ms, error.requestSent], ['headers', 100, true]);
    await gone(at);
  });
}

test('headersMs: of the session holds for its requests', async () => {
  await using at = await pair({ timeout: { headersMs: 50 } });
  assert.equal((await timedOut(at.session.get('/fault/no-answer'))).kind, 'headers');
});

test('headersMs: of a request goes first', async () => {
  await using at = await pair({ timeout: { headersMs: 50 } });
  assert.equal(await at.session.get('/fault/slow-start?ms=150', { timeout: { headersMs: 5_000 } }).text(), 'ok');
});

test('readMs: ends a body that stalls', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/stall-body', { timeout: { readMs: 50 } });
  const error = await timedOut(response.text());
  assert.deepEqual([error.kind, error.phase], ['read', 'body']);
  await gone(at);
});

test('readMs: ends a body of which not a byte comes', async () => {
  await using at = await pair();
  const read = at.session.get('/fault/stall-body?bytes=0', { timeout: { readMs: 50 } }).bytes();
  assert.equal((await timedOut(read)).kind, 'read');
});

test('readMs: what came before is read, then it throws', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/stall-body?bytes=5', { timeout: { readMs: 50 } });
  assert.equal((await response.body.readExactly(5)).byteLength, 5);
  assert.equal((await timedOut(response.body.read())).kind, 'read');
});

test('readMs: is about silence, not about the whole', async () => {
  await using at = await pair();
  const body = await at.session.get('/fault/drip-body?gap=40&bytes=20', { timeout: { readMs: 500 } }).bytes();
  assert.equal(body.byteLength, 20);
});

test('readMs: does not count while nobody reads', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/bytes?bytes=2000000', { timeout: { readMs: 60 } });
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal((await response.bytes()).byteLength, 2_000_000);
});

test('readMs: does not count between two reads, however little has come', async () => {
  const came = gate();
  const routes: Routes = {
    '/': async (exchange) => {
      await exchange.head(200, { 'Content-Length': '2' });
      await exchange.write('a');
      await came.promise;
      await exchange.write('b');
    },
  };
  await using at = await pair({ timeout: { readMs: 50 } }, routes);
  await using response = await at.session.get('/');
  assert.equal((await response.body.readExactly(1)).byteLength, 1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  setTimeout(came.open, 20);
  assert.equal((await response.body.readExactly(1)).byteLength, 1);
});

test('readMs: counts from when somebody reads', async () => {
  await using at = await pair({ timeout: { readMs: 50 } });
  await using response = await at.session.get('/fault/stall-body?bytes=1');
  await response.body.readExactly(1);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const error = await errorOf(response.body.readExactly(1));
  assert.ok(error instanceof HttpTimeoutError);
  assert.equal(error.kind, 'read');
});

test('readMs: is of no matter to the next request on the connection', async () => {
  await using at = await pair({ timeout: { readMs: 50 } });
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  assert.equal(at.server.connections.total, 1);
});

test('readMs: is of no matter while a slow body is sent', async () => {
  await using at = await pair({ timeout: { readMs: 50 } });
  const body = async function* () {
    await new Promise((resolve) => setTimeout(resolve, 150));
    yield 'foo';
  };
  assert.equal((await at.session.put('/fault/echo', { body }).json<{ body: string }>()).body, 'foo');
});

test('headersMs: counts from the last byte that was sent', async () => {
  await using at = await pair({ timeout: { headersMs: 400 } });
  const body = async function* () {
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      yield 'foo';
    }
  };
  assert.equal((await at.session.put('/fault/echo', { body }).json<{ body: string }>()).body, 'foofoofoofoo');
});

test('totalMs: a number is the total', async () => {
  await using at = await pair();
  const error = await timedOut(at.session.get('/fault/no-answer', { timeout: 50 }));
  assert.deepEqual([error.kind, error.ms], ['total', 50]);
  await gone(at);
});

test('totalMs: ends a body that drips', async () => {
  await using at = await pair();
  const body = at.session.get('/fault/drip-body?gap=10&bytes=100', { timeout: 150 }).bytes();
  assert.equal((await timedOut(body)).kind, 'total');
  await gone(at);
});

test('totalMs: is over all redirects', async () => {
  await using at = await pair();
  const chain = at.session.get('/fault/redirect-endless?ms=40', { timeout: 150, redirect: { max: 100 } });
  assert.equal((await timedOut(chain)).kind, 'total');
  assert.ok(at.server.requests.length < 6);
});

test('totalMs: ends a response that nobody reads', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/bytes?bytes=10000000', { timeout: 100 });
  await gone(at);
  assert.equal((await timedOut(response.bytes())).kind, 'total');
});

test('totalMs: does not count while the request waits for its turn', async () => {
  await using at = await pair({ limits: { total: 1 } });
  const first = at.session.get('/fault/slow-start?ms=500').text();
  const second = at.session.get('/fault/text', { timeout: 400 }).text();
  assert.deepEqual(await Promise.all([first, second]), ['ok', 'ok']);
});

test('acquireMs: ends the wait for its turn, and nothing is sent', async () => {
  await using at = await pair({ limits: { total: 1 } });
  await using first = await at.session.get('/fault/stall-body');
  const error = await timedOut(at.session.get('/fault/text', { timeout: { acquireMs: 50 } }));
  assert.deepEqual([error.kind, error.phase, error.requestSent, error.retryable], ['acquire', 'acquire', false, true]);
  assert.equal(first.status, 200);
  assert.equal(at.session.snapshot().waiting, 0);
  assert.equal(at.server.requests.length, 1);
});

test('connectMs: ends the search for an address', async () => {
  await using at = await pair({ lookup: () => new Promise<never>(() => {}), baseUrl: undefined });
  const error = await timedOut(at.session.get('http://nowhere.example/', { timeout: { connectMs: 50 } }));
  assert.deepEqual([error.kind, error.requestSent, error.retryable], ['connect', false, true]);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('minSpeed: ends a body that is too slow', async () => {
  await using at = await pair();
  const timeout = { minSpeed: { bytes: 1_000, overMs: 200 } };
  const error = await timedOut(at.session.get('/fault/drip-body?gap=20&bytes=10000', { timeout }).bytes());
  assert.equal(error.kind, 'minSpeed');
  await gone(at);
});

test('timeout: Infinity is no limit', async () => {
  await using at = await pair();
  const timeout = {
    totalMs: Infinity,
    headersMs: Infinity,
    readMs: Infinity,
    acquireMs: Infinity,
    connectMs: Infinity,
  };
  assert.equal(await at.session.get('/fault/slow-start?ms=50', { timeout }).text(), 'ok');
});

for (const timeout of [0, -1, Number.NaN, '5', { totalMs: 0 }, { readMs: '1' }, { nope: 1 }, true] as const) {
  test(`timeout: ${JSON.stringify(timeout)} is refused, by the session and by requests`, async () => {
    await using at = await pair();
    const error = await errorOf(at.session.get('/fault/text', { timeout: timeout as never }));
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
    assert.equal(at.server.connections.total, 0);
    const { ClientSession } = await import('../../src/session/client-session.ts');
    assert.throws(() => new ClientSession({ timeout: timeout as never }), /^(Type|Range)Error: Cannot /);
  });
}

test('timeout: what timed out tells the request, and how often it was tried', async () => {
  await using at = await pair();
  const error = await timedOut(at.session.get('/fault/no-answer', { timeout: 50 }));
  assert.equal(error.method, 'GET');
  assert.equal(error.url, at.server.url('/fault/no-answer'));
  assert.equal(error.attempts.length, 1);
  assert.match(error.message, /50 ms/);
});

test('timeout: a limit that passes after the body has come is of no matter', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/text', { timeout: 60 });
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert.equal(await response.text(), 'ok');
});
