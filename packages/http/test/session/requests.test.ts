import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ClientSession } from '../../src/session/client-session.ts';
import { errorOf, pair } from './fixture.ts';

for (const method of ['get', 'head', 'options', 'post', 'put', 'patch', 'delete'] as const) {
  test(`${method}: sends a request of that method, and gives the response`, async () => {
    await using at = await pair();
    await using response = await at.session[method]('/fault/echo');
    assert.equal(response.status, 200);
    assert.equal(at.last.method, method.toUpperCase());
  });
}

test('request: any method that is a token is sent, in upper case', async () => {
  await using at = await pair();
  await at.session.request('propfind', '/fault/echo').text();
  assert.equal(at.last.method, 'PROPFIND');
});

for (const method of ['G ET', 'GET\r\nX: y', '', 'CONNECT']) {
  test(`request: refuses the method ${JSON.stringify(method)}, and sends nothing`, async () => {
    await using at = await pair();
    assert.match((await errorOf(at.session.request(method, '/fault/echo'))).message, /^Cannot request as the method/);
    assert.equal(at.server.requests.length, 0);
  });
}

test('get: gives status, reason, URL and what it came by', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/text?body=hello');
  assert.equal(response.status, 200);
  assert.equal(response.statusText, 'OK');
  assert.equal(response.ok, true);
  assert.equal(response.url, `${at.server.origin}/fault/text?body=hello`);
  assert.equal(response.http, '1.1');
  assert.equal(response.redirected, false);
  assert.equal(await response.text(), 'hello');
});

test('ok: is false from 400 on, which is no error by itself', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/status?status=404&body=gone');
  assert.equal(response.ok, false);
  assert.equal(response.status, 404);
  assert.equal(await response.text(), 'gone');
});

test('baseUrl: URLs are relative to it, as links on a page are', async () => {
  await using at = await pair();
  await using session = new ClientSession({ baseUrl: `${at.server.origin}/v1/` });
  for (const [given, path] of [
    ['users', '/v1/users'],
    ['/users', '/users'],
    ['../x', '/x'],
    ['', '/v1/'],
  ] as const) {
    await session.get(given).text();
    assert.equal(at.last.target, path);
  }
});

test('get: takes a URL as well as a string', async () => {
  await using at = await pair();
  await at.session.get(new URL('/fault/echo', at.server.origin)).text();
  assert.equal(at.last.target, '/fault/echo');
});

test('get: a fragment is not sent', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo?a=1#fragment').text();
  assert.equal(at.last.target, '/fault/echo?a=1');
});

test('get: what is encoded in a path is not encoded again, and what is not is', async () => {
  await using at = await pair();
  await at.session.get('/a%2Fb%20c/ü x').text();
  assert.equal(at.last.target, '/a%2Fb%20c/%C3%BC%20x');
});

test('get: a string with line breaks cannot break out of the request line', async () => {
  await using at = await pair();
  await at.session.get('/a\r\nX-Injected: 1\r\n').text();
  assert.equal(at.last.target, '/aX-Injected:%201');
  assert.equal(at.last.headers['x-injected'], undefined);
});

test('query: is added to the URL', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo', { query: { q: 'a b&c', n: 1, yes: true, big: 10n } }).text();
  assert.deepEqual(
    [...at.last.query],
    [
      ['q', 'a b&c'],
      ['n', '1'],
      ['yes', 'true'],
      ['big', '10'],
    ],
  );
});

test('query: joins the one that is there, and goes before the fragment', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo?a=1#x', { query: { b: 2 } }).text();
  assert.equal(at.last.target, '/fault/echo?a=1&b=2');
});

test('query: an empty one changes nothing', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo?a=1', { query: {} }).text();
  assert.equal(at.last.target, '/fault/echo?a=1');
});

test('query: a list repeats its name, undefined leaves one out', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo', { query: { q: ['a', 'b'], none: undefined } }).text();
  assert.deepEqual(
    [...at.last.query],
    [
      ['q', 'a'],
      ['q', 'b'],
    ],
  );
});

test('query: takes URLSearchParams, names that come twice included', async () => {
  await using at = await pair();
  const query = new URLSearchParams([
    ['a', '1'],
    ['a', '2'],
    ['b', '3'],
  ]);
  await at.session.get('/fault/echo', { query }).text();
  assert.equal(at.last.target, '/fault/echo?a=1&a=2&b=3');
});

test('query: what is no text is refused before anything is sent', async () => {
  await using at = await pair();
  const query = { q: new Uint8Array(1) } as never;
  assert.match((await errorOf(at.session.get('/fault/echo', { query }))).message, /query/);
  assert.equal(at.server.requests.length, 0);
});

for (const url of [
  'ftp://example.org/',
  'file:///etc/passwd',
  'data:,x',
  'http://',
  'http://[::1',
  'http://a b/',
  'javascript:0',
]) {
  test(`get: refuses ${url} before anything is sent`, async () => {
    await using at = await pair();
    const error = await errorOf(at.session.get(url));
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /^Cannot get\(\) as /);
  });
}

for (const url of [undefined, null, 5, {}, ['/']]) {
  test(`get: refuses ${JSON.stringify(url)} for a URL`, async () => {
    await using at = await pair();
    assert.match((await errorOf(at.session.get(url as never))).message, /^Cannot get\(\) as it takes a URL/);
    assert.equal(at.server.requests.length, 0);
  });
}

test('get: queries that would be lost in silence are refused', async () => {
  await using at = await pair();
  for (const options of [{ query: new Map([['a', 'b']]) }, { query: [['a', 'b']] }]) {
    assert.match((await errorOf(at.session.get('/fault/echo', options as never))).message, /^Cannot get\(\) as \{/);
  }
  assert.equal(at.server.requests.length, 0);
});

test('get: without a baseUrl a relative URL is refused', async () => {
  await using at = await pair({ baseUrl: undefined });
  assert.match((await errorOf(at.session.get('/fault/echo'))).message, /absolute URL, as the session has no baseUrl/);
});

test('get: a host name that is no name is refused', async () => {
  await using at = await pair();
  assert.ok((await errorOf(at.session.get('http://not a name/'))) instanceof TypeError);
});

test('auth: is sent as Basic, in UTF-8', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo', { auth: { username: 'üser', password: 'pä:ss' } }).text();
  assert.equal(at.last.headers['authorization'], `Basic ${Buffer.from('üser:pä:ss').toString('base64')}`);
});

test('auth: a username with a colon is refused', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.get('/fault/echo', { auth: { username: 'a:b', password: 'c' } }));
  assert.match(error.message, /username holds no ':'/);
});

test('get: credentials in the URL are sent as Basic, and shown nowhere', async () => {
  await using at = await pair();
  const url = new URL('/fault/echo', at.server.origin);
  url.username = 'user';
  url.password = 'p%40ss';
  await using response = await at.session.get(url);
  assert.equal(at.last.headers['authorization'], `Basic ${btoa('user:p@ss')}`);
  assert.equal(response.url, `${at.server.origin}/fault/echo`);
  assert.equal(url.username, 'user', 'the URL of the caller is not changed');
});

test('get: credentials that are not well encoded are sent as they are', async () => {
  await using at = await pair();
  const url = `http://us%er:p%zz@127.0.0.1:${at.server.port}/fault/echo`;
  await at.session.get(url).text();
  assert.equal(at.last.headers['authorization'], `Basic ${btoa('us%er:p%zz')}`);
});

test('get: options that are not known are refused by name', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.get('/fault/echo', { qeury: {} } as never));
  assert.match(error.message, /^Cannot call get\(\) as its options are .*: current value has qeury$/);
});

test('get: what is wrong rejects, and never throws', async () => {
  await using at = await pair();
  const handle = at.session.get(undefined as never, 5 as never);
  assert.ok((await errorOf(handle)) instanceof TypeError);
});

test('get: requests at the same time do not wait for each other', async () => {
  const routes: Parameters<typeof pair>[1] = {
    '/': async (exchange) => {
      await exchange.until(() => exchange.server.inFlight.max === 8);
      await exchange.respond(200, 'ok');
    },
  };
  await using at = await pair({}, routes);
  const all = Array.from({ length: 8 }, () => at.session.get('/').text());
  assert.deepEqual(
    await Promise.all(all),
    Array.from({ length: 8 }, () => 'ok'),
  );
});
