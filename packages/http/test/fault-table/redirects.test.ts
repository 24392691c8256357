import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CookieJar } from '../../src/cookies/cookie-jar.ts';
import { HttpTimeoutError, RedirectError } from '../../src/errors.ts';
import type { RedirectOptions } from '../../src/request/redirect.ts';
import type { SessionOptions } from '../../src/session/options.ts';
import { makeCertificates, missingOpenssl } from '../faults/certificates.ts';
import { elsewhere } from '../faults/elsewhere.ts';
import { startFaultServer, type FaultServer } from '../faults/server.ts';
import { pair, type Pair } from '../session/fixture.ts';
import { assertSound, failsWith, timed } from './fixture.ts';

const skip = elsewhere;

test('redirect loop: ends after 10', { skip }, async () => {
  await using at = await pair();
  const error = await failsWith(at.session.get('/fault/redirect-loop'), RedirectError);
  assert.equal(error.reason, 'too-many');
  assert.equal(error.attempts.at(-1)?.status, 302);
  assert.equal(at.server.requests.length, 11);
  await assertSound(at);
});

test('endless redirects: end after 10, or what max says', { skip }, async () => {
  await using at = await pair();
  assert.equal((await failsWith(at.session.get('/fault/redirect-endless'), RedirectError)).reason, 'too-many');
  assert.equal(at.server.requests.length, 11);
  await failsWith(at.session.get('/fault/redirect-endless', { redirect: { max: 0 } }), RedirectError);
  assert.equal(at.server.requests.length, 12);
  assert.equal(await at.session.get('/fault/redirect-chain?n=10&to=/fault/text').text(), 'ok');
  await assertSound(at);
});

test('slow redirect chain: the total limit spans it', { skip }, async () => {
  await using at = await pair();
  const { value: error, ms } = await timed(() =>
    failsWith(at.session.get('/fault/redirect-endless?ms=60', { timeout: { totalMs: 200 } }), HttpTimeoutError),
  );
  assert.deepEqual([error.kind, error.phase, error.requestSent], ['total', 'headers', true]);
  assert.ok(ms < 1_500, `took ${ms} ms`);
  await assertSound(at);
});

test('redirect to itself with Set-Cookie: is followed, and the cookie is sent', { skip }, async () => {
  await using at = await pair({ cookies: new CookieJar({ allowIpHosts: true }) });
  assert.equal(await at.session.get('/fault/redirect-cookie').text(), 'welcome');
  assert.equal(at.server.requests.length, 2);
  await assertSound(at);
});

for (const [to, reason] of [
  ['file:///etc/passwd', 'scheme'],
  ['ftp://127.0.0.1/', 'scheme'],
  ['data:,x', 'scheme'],
  ['javascript:alert(1)', 'scheme'],
  ['unix:/var/run/docker.sock', 'scheme'],
  ['blob:http://127.0.0.1/x', 'scheme'],
  ['ws://127.0.0.1/', 'scheme'],
  ['http://[', 'invalid'],
  ['http://a b/', 'invalid'],
  ['http://127.0.0.1:99999/', 'invalid'],
] as const) {
  test(`redirect to ${to}: throws RedirectError`, { skip }, async () => {
    await using at = await pair();
    const error = await failsWith(at.session.get('/fault/redirect', { query: { to } }), RedirectError);
    assert.equal(error.reason, reason);
    await assertSound(at);
  });
}

test('redirect to http://unix:/…: is a host named unix, and no socket', { skip }, async () => {
  const names: string[] = [];
  const lookup = async (hostname: string): Promise<never> => {
    names.push(hostname);
    throw Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
  };
  await using at = await pair({ lookup });
  const to = 'http://unix:/var/run/docker.sock:/info';
  await assert.rejects(async () => await at.session.get('/fault/redirect', { query: { to } }));
  assert.deepEqual(names, ['unix']);
});

test('redirect whose own body never ends: is followed', { skip }, async () => {
  await using at = await pair({ timeout: 10_000 });
  assert.equal(await at.session.get('/fault/redirect-endless-body?to=/fault/text').text(), 'ok');
  await assertSound(at);
});

test('redirect with two Locations: goes to one of them', { skip }, async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/redirect-twice?a=/fault/text');
  assert.deepEqual([response.status, response.history.length], [200, 1]);
});

// Credentials ----------------------------------------------------------------------------------------------------------

const SECRETS = {
  authorization: 'Bearer s3cret',
  'proxy-authorization': 'Basic s3cret',
  cookie: 'sid=s3cret',
  'x-api-key': 's3cret',
  'x-own-key': 's3cret',
};

const options: SessionOptions = { secretHeaders: ['X-Own-Key'], retry: false };

function leaks(server: FaultServer): string[] {
  const last = server.requests.at(-1);
  return (last?.rawHeaders ?? []).filter(([, value]) => value.includes('s3cret')).map(([name]) => name.toLowerCase());
}

async function follow(at: Pair, to: string, status = 302, redirect?: RedirectOptions): Promise<void> {
  const headers = Object.entries({ ...SECRETS, 'x-open': 'open' });
  // All copies, however they are spelt.
  const doubled = [...headers, ...headers.map(([name, value]) => [name.toUpperCase(), value] as const)];
  await at.session
    .get('/fault/redirect', { query: { to, status }, headers: doubled, ...(redirect && { redirect }) })
    .text();
}

for (const status of [301, 302, 303, 307, 308]) {
  test(`${status} to another port: no secret goes along, all else does`, { skip }, async () => {
    await using at = await pair(options);
    await using other = await startFaultServer();
    await follow(at, other.url('text'), status);
    assert.deepEqual(leaks(other), []);
    assert.match(String(other.requests[0]?.headers['x-open']), /open/);
  });
}

test('redirect to another host: no secret goes along', { skip }, async () => {
  await using at = await pair(options);
  await follow(at, at.server.url('text').replace('127.0.0.1', 'localhost'));
  assert.equal(at.server.requests.length, 2);
  assert.deepEqual(leaks(at.server), []);
});

test('redirect to another scheme: no secret goes along', { skip: skip || missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using other = await startFaultServer({ tls: certificates.good });
  await using at = await pair({ ...options, tls: { ca: certificates.ca } });
  await follow(at, other.url('text'));
  assert.deepEqual(leaks(other), []);
});

test('redirect from https to http: is an error, and nothing is sent', { skip: skip || missingOpenssl() }, async () => {
  await using certificates = await makeCertificates();
  await using plain = await startFaultServer();
  await using server = await startFaultServer({ tls: certificates.good });
  await using at = await pair({ ...options, tls: { ca: certificates.ca } });
  const from = server.url('redirect', { to: plain.url('text') });
  assert.equal((await failsWith(at.session.get(from), RedirectError)).reason, 'downgrade');
  assert.equal(plain.connections.total, 0);
  const redirect = { downgrade: 'follow' } as const;
  await at.session.get(from, { redirect, headers: SECRETS }).text();
  assert.deepEqual(leaks(plain), []);
});

test('redirect to the same origin: secrets go along', { skip }, async () => {
  await using at = await pair(options);
  await follow(at, '/fault/text');
  assert.deepEqual(new Set(leaks(at.server)), new Set(Object.keys(SECRETS)));
});

test('redirect away and back again: what was dropped does not come back', { skip }, async () => {
  await using at = await pair(options);
  await using other = await startFaultServer();
  await follow(at, other.url('redirect', { to: at.server.url('text') }));
  assert.equal(at.server.requests.length, 2);
  assert.deepEqual(leaks(at.server), []);
});

test('redirect elsewhere: the secrets of the session, of `auth` and of the URL stay behind', { skip }, async () => {
  await using other = await startFaultServer();
  await using at = await pair({ ...options, headers: SECRETS });
  const to = other.url('text');
  await at.session.get('/fault/redirect', { query: { to }, auth: { username: 'u', password: 's3cret' } }).text();
  assert.deepEqual([leaks(other), other.requests[0]?.headers['authorization']], [[], undefined]);
  const url = new URL(at.server.url('redirect', { to }));
  url.username = 'u';
  url.password = 'p';
  await at.session.get(url).text();
  assert.ok(at.server.requests.at(-1)?.headers['authorization'] !== undefined);
  assert.equal(other.requests.at(-1)?.headers['authorization'], undefined);
});

test('redirect with credentials in its URL: they are not taken', { skip }, async () => {
  await using at = await pair(options, {
    '/': (exchange) =>
      exchange.respond(302, '', { Location: `http://user:s3cret@127.0.0.1:${exchange.server.port}/fault/text` }),
  });
  await using response = await at.session.get('/');
  assert.equal(at.server.requests.at(-1)?.headers['authorization'], undefined);
  assert.doesNotMatch(JSON.stringify([response.url, response.history]), /s3cret/);
});

test('redirect elsewhere: a Host that was set by hand stays behind', { skip }, async () => {
  await using at = await pair(options);
  await using other = await startFaultServer();
  await at.session
    .get('/fault/redirect', { query: { to: other.url('text') }, headers: { host: 'internal.test' } })
    .text();
  assert.equal(at.server.requests[0]?.headers['host'], 'internal.test');
  assert.equal(other.requests[0]?.headers['host'], `127.0.0.1:${other.port}`);
});

test('redirect elsewhere: what middleware added is asked for anew', { skip }, async () => {
  const urls: string[] = [];
  await using at = await pair({
    ...options,
    use: [
      (request, next) => {
        urls.push(request.url.host);
        if (urls.length === 1) request.headers.set('authorization', 'Bearer s3cret');
        return next(request);
      },
    ],
  });
  await using other = await startFaultServer();
  await at.session.get('/fault/redirect', { query: { to: other.url('text') } }).text();
  assert.equal(urls.length, 2);
  assert.deepEqual([leaks(at.server), leaks(other)], [['authorization'], []]);
});

test('redirect elsewhere: cookies of the jar stay with their host', { skip }, async () => {
  await using at = await pair({ ...options, cookies: new CookieJar({ allowIpHosts: true }) });
  await at.session.get('/fault/set-cookie?cookie=sid%3Ds3cret%3B%20Path%3D/').text();
  await at.session
    .get('/fault/redirect', { query: { to: at.server.url('text').replace('127.0.0.1', 'localhost') } })
    .text();
  assert.deepEqual(leaks(at.server), []);
  await at.session.get('/fault/text').text();
  assert.deepEqual(leaks(at.server), ['cookie']);
});

// Bodies ---------------------------------------------------------------------------------------------------------------

for (const status of [307, 308]) {
  test(`${status} and a stream that is gone: throws RedirectError`, { skip }, async () => {
    await using at = await pair();
    const body = (async function* () {
      yield new TextEncoder().encode('once');
    })();
    const handle = at.session.post('/fault/redirect', { query: { status, to: '/fault/upload' }, body });
    assert.equal((await failsWith(handle, RedirectError)).reason, 'body');
    assert.equal(at.server.requests.length, 1);
    await assertSound(at);
  });

  test(`${status} and a stream that can be opened again: the body is sent again`, { skip }, async () => {
    await using at = await pair();
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode('again');
    };
    const answer = await at.session
      .post('/fault/redirect', { query: { status, to: '/fault/upload' }, body })
      .json<{ bytes: number }>();
    assert.equal(answer.bytes, 5);
    await assertSound(at);
  });
}

test('303, and 302 of POST: become GET without the body and what describes it', { skip }, async () => {
  await using at = await pair();
  for (const status of [301, 302, 303]) {
    await at.session.post('/fault/redirect', { query: { status }, json: { a: 1 } }).text();
    const last = at.server.requests.at(-1);
    assert.deepEqual(
      [last?.method, last?.bodyBytes, last?.headers['content-type'], last?.headers['content-length']],
      ['GET', 0, undefined, undefined],
    );
  }
});
