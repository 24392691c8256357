import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConnectError, ProtocolError, StatusError } from '../../src/errors.ts';
import { exponential, type RetryOptions, type RetryPolicy } from '../../src/retry/retry-policy.ts';
import type { RequestOptions } from '../../src/session/options.ts';
import { refusedPort } from '../faults/dead-ends.ts';
import { elsewhere } from '../faults/elsewhere.ts';
import { pair } from '../session/fixture.ts';
import { assertSound, failsWith, timed, until } from './fixture.ts';

const skip = elsewhere;

function quick(options: RetryOptions = {}): RetryPolicy {
  return exponential({ attempts: 3, baseMs: 1, jitter: 'none', ...options });
}

const POST: RequestOptions = { body: 'x' };
const KEYED: RequestOptions = { body: 'x', headers: { 'Idempotency-Key': 'k1' } };

// What is sent again ---------------------------------------------------------------------------------------------------

for (const [method, options, tries] of [
  ['GET', {}, 3],
  ['HEAD', {}, 3],
  ['PUT', POST, 3],
  ['DELETE', {}, 3],
  ['OPTIONS', {}, 3],
  ['POST', POST, 1],
  ['PATCH', POST, 1],
  ['POST', KEYED, 3],
] as const) {
  const keyed = options === KEYED ? ' with an Idempotency-Key' : '';

  test(`retry: ${method}${keyed}, sent and not answered, is sent ${tries} times`, { skip }, async () => {
    await using at = await pair({ retry: quick() });
    const error = await failsWith(at.session.request(method, '/fault/fin-before', options), ProtocolError);
    assert.deepEqual([at.server.requests.length, error.attempts.length, error.requestSent], [tries, tries, true]);
    assert.equal(error.retryable, tries > 1);
    await assertSound(at);
  });

  test(`retry: ${method}${keyed}, answered with 502, is sent ${tries} times`, { skip }, async () => {
    await using at = await pair({ retry: quick() });
    await using response = await at.session.request(method, '/fault/status?status=502', options);
    assert.deepEqual([response.status, at.server.requests.length, response.attempts.length], [502, tries, tries]);
  });

  test(`retry: ${method}${keyed}, that found no connection, is sent again`, { skip }, async () => {
    let lookups = 0;
    const lookup = async (): Promise<{ address: string; family: 4 }[]> => {
      if (++lookups < 3) throw Object.assign(new Error('again'), { code: 'EAI_AGAIN' });
      return [{ address: '127.0.0.1', family: 4 }];
    };
    await using at = await pair({ retry: quick(), lookup });
    await using response = await at.session.request(method, `http://later.test:${at.server.port}/fault/text`, options);
    assert.deepEqual([response.status, response.attempts.length, at.server.requests.length], [200, 3, 1]);
    assert.match(String(response.attempts[0]?.error), /could not be looked up for now/);
  });
}

for (const status of [408, 425, 429, 500, 502, 503, 504]) {
  test(`retry: ${status} is asked for again`, { skip }, async () => {
    await using at = await pair({ retry: quick() });
    assert.equal(await at.session.get(`/fault/flaky?how=${status}`).text(), 'ok');
    assert.equal(at.server.requests.length, 3);
  });
}

for (const status of [400, 401, 403, 404, 410, 501]) {
  test(`retry: ${status} is not asked for again`, { skip }, async () => {
    await using at = await pair({ retry: quick() });
    await using response = await at.session.get(`/fault/status?status=${status}`);
    assert.deepEqual([response.status, at.server.requests.length], [status, 1]);
  });
}

test('retry: POST is sent again where the server says that it did nothing', { skip }, async () => {
  await using at = await pair({ retry: quick() });
  for (const status of [408, 425, 429]) {
    assert.equal(await at.session.post(`/fault/flaky?how=${status}&key=${status}`, POST).text(), 'ok');
  }
  assert.equal(at.server.requests.length, 9);
});

test('retry: a connection that is refused is tried again, a name that does not exist is not', { skip }, async () => {
  await using at = await pair({ retry: quick() });
  const refused = await failsWith(at.session.get(`http://127.0.0.1:${await refusedPort()}/`), ConnectError);
  assert.equal(refused.attempts.length, 3);
  const lookup = (): Promise<never> => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
  await using other = await pair({ retry: quick(), lookup });
  assert.equal((await failsWith(other.session.get('http://no.test/'), ConnectError)).attempts.length, 1);
});

test('retry: a stream that is gone is sent once, one that can be opened again is sent again', { skip }, async () => {
  await using at = await pair({ retry: quick() });
  const once = (async function* () {
    yield new TextEncoder().encode('once');
  })();
  await using response = await at.session.put('/fault/status?status=503', { body: once });
  assert.deepEqual([response.status, at.server.requests.length], [503, 1]);
  const again = async function* (): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode('again');
  };
  assert.equal(await at.session.put('/fault/flaky', { body: again }).text(), 'ok');
  assert.deepEqual(
    at.server.requests.slice(1).map(({ bodyBytes }) => bodyBytes),
    [5, 5, 5],
  );
});

test('retry: what the source of a body throws comes out as it is, and is not tried again', { skip }, async () => {
  await using at = await pair({ retry: quick() });
  const failure = new Error('mine');
  let opened = 0;
  const body = async function* (): AsyncGenerator<Uint8Array> {
    opened++;
    yield new Uint8Array(10);
    throw failure;
  };
  await assert.rejects(at.session.put('/fault/upload', { body }).text(), (error) => error === failure);
  assert.equal(opened, 1);
});

// What is known afterwards ---------------------------------------------------------------------------------------------

test('attempts: tell of each try: status, error, what the server wanted, times', { skip }, async () => {
  await using at = await pair(
    { retry: quick({ attempts: 5 }) },
    {
      '/': async (exchange) => {
        const n = exchange.server.count('tries');
        if (n === 1) return exchange.reset();
        if (n === 2) return await exchange.respond(503, 'busy', { 'Retry-After': '0' });
        if (n === 3) return await exchange.respond(500, 'oh');
        await exchange.respond(200, 'ok');
      },
    },
  );
  await using response = await at.session.get('/');
  const { attempts } = response;
  assert.deepEqual(
    attempts.map(({ status }) => status),
    [undefined, 503, 500, 200],
  );
  assert.match(String(attempts[0]?.error), /reset/);
  for (const { startedAt, queueMs, url } of attempts) {
    assert.ok(startedAt > Date.now() - 60_000 && startedAt <= Date.now() + 5 && queueMs >= 0);
    assert.match(url, /^http:\/\/127/);
  }
  assert.deepEqual(
    attempts.map(({ reused }) => reused),
    [false, false, true, true],
  );
});

test('StatusError: tells of all tries, and when to come back', { skip }, async () => {
  await using at = await pair({ retry: quick({ maxRetryAfterMs: 10_000 }) });
  const before = Date.now();
  const handle = at.session.get('/fault/status?status=503&retryAfter=3600&body=later', { raiseForStatus: true });
  const error = await failsWith(handle, StatusError);
  assert.deepEqual([error.status, error.attempts.length, error.bodySnippet], [503, 1, 'later']);
  assert.ok(Math.abs(Number(error.retryAt) - before - 3_600_000) < 10_000);
});

// Retry-After ----------------------------------------------------------------------------------------------------------

test('Retry-After: closes the host for other requests too', { skip }, async () => {
  await using at = await pair({ retry: quick() });
  const began = performance.now();
  const first = at.session.get('/fault/flaky?fails=1&how=503&retryAfter=1').text();
  await until(() => (at.session.snapshot().hosts[0]?.closedMs ?? 0) > 0);
  const others = [1, 2, 3].map(() => at.session.get('/fault/text').text());
  assert.deepEqual(await Promise.all([first, ...others]), ['ok', 'ok', 'ok', 'ok']);
  const [, ...later] = at.server.requests;
  assert.equal(later.length, 4);
  for (const { at: arrived } of later) assert.ok(arrived - began > 950, `came after ${arrived - began} ms`);
});

test('Retry-After: leaves other hosts open', { skip }, async () => {
  await using at = await pair();
  await at.session.get('/fault/status?status=429&retryAfter=60').text();
  assert.equal(await at.session.get(at.server.url('text').replace('127.0.0.1', 'localhost')).text(), 'ok');
});

test('Retry-After: as a date', { skip }, async () => {
  await using at = await pair({ retry: quick() });
  const { value, ms } = await timed(() => at.session.get('/fault/flaky?fails=1&how=429&retryDateIn=2').text());
  assert.equal(value, 'ok');
  assert.ok(ms > 800 && ms < 4_000, `took ${ms} ms`);
});

for (const value of ['soon', '-1', '', '99999999999', '1e9', '0x10', '1, 2']) {
  test(`Retry-After: '${value}' holds up nothing`, { skip }, async () => {
    await using at = await pair({ retry: quick() });
    const { ms } = await timed(() =>
      at.session.get('/fault/flaky', { query: { fails: 1, how: '503', retryAfter: value } }).text(),
    );
    assert.ok(ms < 2_000, `took ${ms} ms`);
    await until(() => (at.session.snapshot().hosts[0]?.closedMs ?? 0) === 0, 100);
  });
}

// Connections that were closed while idle ------------------------------------------------------------------------------

test('reconnect: an idle connection that was closed costs no try, once', { skip }, async () => {
  await using at = await pair({ retry: exponential({ attempts: 1 }) });
  for (let n = 0; n < 5; n++) {
    await using response = await at.session.get('/fault/close-on-reuse');
    assert.equal(await response.text(), 'ok');
    assert.equal(response.attempts.length, n > 0 ? 2 : 1);
  }
  await assertSound(at);
});

test('reconnect: of a POST there is none, as it may have been done', { skip }, async () => {
  await using at = await pair({ retry: exponential({ attempts: 1 }) });
  assert.equal(await at.session.get('/fault/close-on-reuse').text(), 'ok');
  const error = await failsWith(at.session.post('/fault/close-on-reuse', POST), ProtocolError);
  assert.deepEqual([error.attempts.length, at.server.requests.length], [1, 2]);
});

test('reconnect: false has none', { skip }, async () => {
  await using at = await pair({ retry: exponential({ attempts: 1, reconnect: false }) });
  assert.equal(await at.session.get('/fault/close-on-reuse').text(), 'ok');
  await failsWith(at.session.get('/fault/close-on-reuse'), ProtocolError);
  assert.equal(at.server.requests.length, 2);
});

test('reconnect: a server that closes always is asked twice, and not for ever', { skip }, async () => {
  await using at = await pair({ retry: exponential({ attempts: 1 }) });
  assert.equal(await at.session.get('/fault/text').text(), 'ok');
  await failsWith(at.session.get('/fault/fin-before'), ProtocolError);
  assert.equal(at.server.requests.length, 3);
});

// Storms of retries ----------------------------------------------------------------------------------------------------

test('budget: a server that is down is not buried under retries', { skip }, async () => {
  await using at = await pair({ retry: quick({ attempts: 10, budget: 0.1 }), limits: { total: 50, perHost: 50 } });
  const all = Array.from({ length: 200 }, () => at.session.get('/fault/status?status=503').text());
  await Promise.all(all);
  // 10 in reserve, and one for ten requests.
  assert.ok(at.server.requests.length <= 200 + 10 + 20, `${at.server.requests.length} requests`);
  assert.ok(at.server.requests.length > 200);
  await assertSound(at);
});

test('budget: false retries nothing', { skip }, async () => {
  await using at = await pair({ retry: false });
  await at.session.get('/fault/status?status=503').text();
  assert.equal(at.server.requests.length, 1);
});

test('retry: a response that is put aside gives its slot back, whatever its body does', { skip }, async () => {
  await using at = await pair(
    { retry: quick({ attempts: 4 }), limits: { total: 1 }, timeout: 10_000 },
    {
      '/': async (exchange) => {
        if (exchange.server.count('tries') > 3) return await exchange.respond(200, 'ok');
        await exchange.head(503, { 'Transfer-Encoding': 'chunked' });
        while (exchange.isOpen) {
          await exchange.chunk('.'.repeat(10_000));
          await exchange.sleep(1);
        }
      },
    },
  );
  assert.equal(await at.session.get('/').text(), 'ok');
  await assertSound(at);
});
