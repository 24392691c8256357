import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CookieJar } from '../../src/cookies/cookie-jar.ts';
import { ClientSession } from '../../src/session/client-session.ts';
import { startFaultServer } from '../faults/server.ts';
import { errorOf, pair } from './fixture.ts';

/** Cookies of a host that is an address, as the server of the tests is. */
const jar = (): CookieJar => new CookieJar({ allowIpHosts: true });
const set = (...cookies: string[]): string => `/fault/set-cookie?cookie=${encodeURIComponent(cookies.join('\n'))}`;

test('cookies: what a server sets is sent back', async () => {
  await using at = await pair({ cookies: jar() });
  await at.session.get(set('a=1; Path=/', 'b=2; Path=/')).text();
  await at.session.get('/fault/cookies').text();
  assert.equal(at.last.headers['cookie'], 'a=1; b=2');
});

test('cookies: without a jar none is kept', async () => {
  await using at = await pair();
  await at.session.get(set('a=1; Path=/')).text();
  await at.session.get('/fault/cookies').text();
  assert.equal(at.last.headers['cookie'], undefined);
});

test('cookies: those that a redirect sets are sent to where it leads, the last value of each', async () => {
  await using at = await pair(
    { cookies: jar() },
    {
      '/1': (exchange) => exchange.respond(301, '', { Location: '/2', 'Set-Cookie': 'c=1' }),
      '/2': (exchange) => exchange.respond(301, '', { Location: '/3', 'Set-Cookie': 'c=2' }),
    },
  );
  await at.session.get('/1').text();
  assert.deepEqual(
    at.server.requests.map(({ headers }) => headers['cookie']),
    [undefined, 'c=1', 'c=2'],
  );
});

test('cookies: the bounce to itself that sets one ends', async () => {
  await using at = await pair({ cookies: jar() });
  assert.equal(await at.session.get('/fault/redirect-cookie').text(), 'welcome');
  assert.equal(at.server.requests.length, 2);
});

test('cookies: those that come with an error are kept', async () => {
  await using at = await pair(
    { cookies: jar(), raiseForStatus: true },
    {
      '/': (exchange) => exchange.respond(403, '', { 'Set-Cookie': 'a=1' }),
    },
  );
  await errorOf(at.session.get('/'));
  await at.session.get('/fault/cookies').text();
  assert.equal(at.last.headers['cookie'], 'a=1');
});

test('cookies: a Cookie of the request is sent beside those of the jar, and is not kept', async () => {
  await using at = await pair({ cookies: jar() });
  await at.session.get(set('a=1; Path=/')).text();
  await at.session.get('/fault/cookies', { headers: { cookie: 'own=2' } }).text();
  assert.deepEqual(at.last.headers['cookie']?.split('; ').sort(), ['a=1', 'own=2']);
  await at.session.get('/fault/cookies').text();
  assert.equal(at.last.headers['cookie'], 'a=1');
});

test('cookies: a Cookie of the request is sent with an empty jar, as it is', async () => {
  await using at = await pair({ cookies: jar() });
  await at.session.get('/fault/cookies', { headers: { cookie: 'own="a/b"' } }).text();
  assert.equal(at.last.headers['cookie'], 'own="a/b"');
});

test('cookies: a Cookie of the request does not go to another origin, those of the jar go where they belong', async () => {
  await using other = await startFaultServer();
  await using at = await pair({ cookies: jar() });
  // Ports share cookies, hosts do not.
  const to = `http://localhost:${other.port}/fault/cookies`;
  await at.session.get(set('a=1; Path=/')).text();
  await at.session.get(`/fault/redirect?to=${encodeURIComponent(to)}`, { headers: { cookie: 'own=2' } }).text();
  assert.equal(other.requests[0]?.headers['cookie'], undefined);
});

test('cookies: to a name of the same server go those of that name', async () => {
  const lookup = () => Promise.resolve([{ address: '127.0.0.1', family: 4 as const }]);
  await using at = await pair({ cookies: new CookieJar(), lookup });
  const on = (host: string, path: string): string => `http://${host}:${at.server.port}${path}`;
  await at.session.get(on('a.example.org', set('host=1', 'domain=2; Domain=example.org'))).text();
  for (const [host, cookie] of [
    ['a.example.org', 'host=1; domain=2'],
    ['b.example.org', 'domain=2'],
    ['example.org', 'domain=2'],
    ['example.com', undefined],
    ['127.0.0.1', undefined],
  ] as const) {
    await at.session.get(on(host, '/fault/cookies')).text();
    assert.equal(at.last.headers['cookie'], cookie, host);
  }
});

test('cookies: a login, a bounce and a logout work as they do in a browser', async () => {
  const lookup = () => Promise.resolve([{ address: '127.0.0.1', family: 4 as const }]);
  await using at = await pair(
    { cookies: new CookieJar(), lookup },
    {
      '/login': (exchange) =>
        exchange.respond(302, '', {
          Location: '/home',
          'Set-Cookie': ['session=abc; Path=/; HttpOnly', 'csrf=x; Path=/login'],
        }),
      '/logout': (exchange) =>
        exchange.respond(302, '', { Location: '/home', 'Set-Cookie': 'session=; Path=/; Max-Age=0' }),
    },
  );
  const root = `http://www.example.org:${at.server.port}`;
  await at.session.post(`${root}/login`, { form: { user: 'u' } }).text();
  assert.deepEqual([at.last.method, at.last.target, at.last.headers['cookie']], ['GET', '/home', 'session=abc']);
  await at.session.get(`${root}/logout`).text();
  assert.equal(at.last.headers['cookie'], undefined);
});

test('cookies: a jar is shared by sessions that have it', async () => {
  await using at = await pair();
  const shared = jar();
  await using first = new ClientSession({ baseUrl: at.server.origin, cookies: shared });
  await using second = new ClientSession({ baseUrl: at.server.origin, cookies: shared });
  await first.get(set('a=1; Path=/')).text();
  await second.get('/fault/cookies').text();
  assert.equal(at.last.headers['cookie'], 'a=1');
});

test('cookies: broken ones do not spoil the others, nor the response', async () => {
  await using at = await pair({ cookies: jar() });
  const curly = 'ISAWPLB{A7F52349}={925EC0B8}; HttpOnly; Path=/';
  assert.equal(
    await at.session.get(set('=', ';;;', 'a=1; Path=/', 'b', curly, 'c=3; Path=/; Expires=nonsense')).text(),
    'ok',
  );
  await at.session.get('/fault/cookies').text();
  const sent = at.last.headers['cookie']?.split('; ') ?? [];
  for (const cookie of ['a=1', 'c=3', 'ISAWPLB{A7F52349}={925EC0B8}']) assert.ok(sent.includes(cookie), cookie);
});

test('cookies: one that has expired is not sent, one that expires far away is', async () => {
  await using at = await pair({ cookies: jar() });
  const far = 'far=1; Path=/; Max-Age=99999999999999999999';
  await at.session
    .get(set('old=1; Path=/; Expires=Tue, 1 Jan 1980 12:00:00 GMT', far, 'new=2; Path=/; Max-Age=60'))
    .text();
  await at.session.get('/fault/cookies').text();
  assert.deepEqual(at.last.headers['cookie']?.split('; ').sort(), ['far=1', 'new=2']);
});

test('cookies: a flood of them is bounded, and requests still go out', async () => {
  await using at = await pair({ cookies: jar() });
  await at.session.get('/fault/cookie-flood?n=90&bytes=100').text();
  assert.equal((await at.session.get('/fault/cookies')).status, 200);
  assert.ok((at.last.headers['cookie']?.split('; ').length ?? 0) <= 50);
});

test('cookies: a store of one’s own is asked with URLs, and may take its time', async () => {
  const seen: string[] = [];
  const store = {
    getCookieHeader: (url: URL | string) => {
      seen.push(`get ${new URL(url).pathname}`);
      return Promise.resolve('own=1');
    },
    setFromResponse: (url: URL | string, headers: readonly string[]) => {
      seen.push(`set ${new URL(url).pathname} ${headers.join()}`);
      return Promise.resolve();
    },
  };
  await using at = await pair({ cookies: store });
  await at.session.get('/fault/set-cookie').text();
  assert.equal(at.last.headers['cookie'], 'own=1');
  assert.deepEqual(seen, ['get /fault/set-cookie', 'set /fault/set-cookie a=1; Path=/']);
});

test('cookies: what a store of one’s own throws comes out, and nothing is left', async () => {
  const mine = new Error('mine');
  const getCookieHeader = (): never => {
    throw mine;
  };
  await using at = await pair({ cookies: { getCookieHeader, setFromResponse: () => {} } });
  assert.equal(await errorOf(at.session.get('/fault/text')), mine);
  const setFromResponse = getCookieHeader;
  await using other = await pair({ cookies: { getCookieHeader: () => undefined, setFromResponse } });
  assert.equal(await errorOf(other.session.get(set('a=1'))), mine);
  assert.equal(at.session.snapshot().inFlight, 0);
  await other.server.waitFor(({ inFlight }) => inFlight.now === 0);
  assert.equal(other.session.snapshot().inFlight, 0);
});
