import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ClientSession } from '../../src/session/client-session.ts';
import { errorOf, pair } from './fixture.ts';

/** Names and values as they were sent, but for those that differ from run to run. */
function sent(rawHeaders: readonly (readonly [string, string])[]): string[] {
  return rawHeaders.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
}

test('headers: without any, a request says who it is and what it takes', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo').text();
  const { headers } = at.last;
  assert.equal(headers['host'], `127.0.0.1:${at.server.port}`);
  assert.match(headers['user-agent'] ?? '', /^corral-http/);
  assert.equal(headers['accept'], '*/*');
  assert.match(headers['accept-encoding'] ?? '', /\bgzip\b/);
});

test('headers: Host is the first of them', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo').text();
  assert.equal(at.last.rawHeaders[0]?.[0].toLowerCase(), 'host');
});

test('headers: those of the session are sent with each request', async () => {
  await using at = await pair({ headers: { 'X-Real-IP': '192.168.0.1' } });
  for (let i = 0; i < 2; i++) {
    await at.session.get('/fault/echo').text();
    assert.equal(at.last.headers['x-real-ip'], '192.168.0.1');
  }
});

test('headers: those of a request join those of the session, and go first', async () => {
  await using at = await pair({ headers: { 'X-A': 'session', 'X-B': 'session' } });
  await at.session.get('/fault/echo', { headers: { 'x-b': 'request', 'x-c': 'request' } }).text();
  const { headers } = at.last;
  assert.deepEqual([headers['x-a'], headers['x-b'], headers['x-c']], ['session', 'request', 'request']);
});

test('headers: undefined takes one of the session away, for that request', async () => {
  await using at = await pair({ headers: { 'X-A': 'session' } });
  await at.session.get('/fault/echo', { headers: { 'X-A': undefined } }).text();
  assert.equal(at.last.headers['x-a'], undefined);
  await at.session.get('/fault/echo').text();
  assert.equal(at.last.headers['x-a'], 'session');
});

test('headers: undefined takes User-Agent away, on the session or on a request', async () => {
  await using at = await pair({ headers: { 'User-Agent': undefined } });
  await at.session.get('/fault/echo').text();
  assert.equal(at.last.headers['user-agent'], undefined);
  await using other = await pair();
  await other.session.get('/fault/echo', { headers: { 'user-agent': undefined, accept: undefined } }).text();
  assert.equal(other.last.headers['user-agent'], undefined);
  assert.equal(other.last.headers['accept'], undefined);
});

test('headers: undefined takes away the Content-Type that a body brings', async () => {
  await using at = await pair();
  await at.session.post('/fault/echo', { json: {}, headers: { 'content-type': undefined } }).text();
  assert.equal(at.last.headers['content-type'], undefined);
});

test('headers: take an object, a list of pairs and Headers alike', async () => {
  await using at = await pair();
  const forms = [{ 'X-A': '1' }, [['X-A', '1']] as const, new Headers({ 'X-A': '1' })];
  for (const headers of forms) {
    await at.session.get('/fault/echo', { headers }).text();
    assert.equal(at.last.headers['x-a'], '1');
  }
});

test('headers: a name that comes twice is sent twice, in order', async () => {
  await using at = await pair();
  const headers = [
    ['X-A', '1'],
    ['X-B', '2'],
    ['X-A', '3'],
  ] as const;
  await at.session.get('/fault/echo', { headers }).text();
  assert.deepEqual(
    sent(at.last.rawHeaders).filter((line) => line.startsWith('x-')),
    ['x-a: 1', 'x-b: 2', 'x-a: 3'],
  );
  await at.session.get('/fault/echo', { headers: { 'X-A': ['1', '2'] } }).text();
  assert.equal(at.last.headers['x-a'], '1, 2');
});

test('headers: one of a request replaces all of the session of that name', async () => {
  const headers = [
    ['X-A', '1'],
    ['X-A', '2'],
  ] as const;
  await using at = await pair({ headers });
  await at.session.get('/fault/echo').text();
  assert.equal(at.last.headers['x-a'], '1, 2');
  await at.session.get('/fault/echo', { headers: { 'x-a': '3' } }).text();
  assert.equal(at.last.headers['x-a'], '3');
});

test('headers: numbers are sent as text, an empty value is sent empty', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo', { headers: { 'x-number': 5, 'x-empty': '' } }).text();
  assert.equal(at.last.headers['x-number'], '5');
  assert.equal(at.last.headers['x-empty'], '');
});

test('headers: Host can be set', async () => {
  await using at = await pair();
  await at.session.get('/fault/echo', { headers: { Host: 'other.example' } }).text();
  assert.deepEqual(
    at.last.rawHeaders.filter(([name]) => /^host$/i.test(name)).map(([, value]) => value),
    ['other.example'],
  );
});

test('headers: the Authorization of the session is sent, and one of the request goes first', async () => {
  await using at = await pair({ headers: { authorization: 'Bearer session' } });
  await at.session.get('/fault/echo').text();
  assert.equal(at.last.headers['authorization'], 'Bearer session');
  await at.session.get('/fault/echo', { headers: { authorization: 'Bearer request' } }).text();
  assert.equal(at.last.headers['authorization'], 'Bearer request');
});

test('auth: is sent instead of the Authorization of the session', async () => {
  await using at = await pair({ headers: { authorization: 'Bearer session' } });
  await at.session.get('/fault/echo', { auth: { username: 'u', password: 'p' } }).text();
  assert.equal(at.last.headers['authorization'], `Basic ${btoa('u:p')}`);
});

test('auth: beside an Authorization of the same request, that header is sent alone', async () => {
  await using at = await pair();
  const options = { headers: { authorization: 'Bearer own' }, auth: { username: 'u', password: 'p' } };
  await at.session.get('/fault/echo', options).text();
  assert.equal(at.last.headers['authorization'], 'Bearer own');
});

test('auth: is sent though a header has the value authorization', async () => {
  await using at = await pair();
  await at.session
    .get('/fault/echo', { headers: { 'x-kind': 'authorization' }, auth: { username: 'u', password: 'p' } })
    .text();
  assert.equal(at.last.headers['authorization'], `Basic ${btoa('u:p')}`);
});

for (const [what, headers] of [
  ['a line break in a value', { 'x-a': 'b\r\nx-c: d' }],
  ['a NUL in a value', { 'x-a': 'b\0' }],
  ['a blank in a name', { 'x a': 'b' }],
  ['a line break in a name', { 'x\r\na': 'b' }],
  ['an empty name', { '': 'b' }],
  ['a value that is no text', { 'x-a': {} }],
  ['pairs that are none', [['x-a']]],
  ['a text', 'x-a: b'],
] as const) {
  test(`headers: ${what} is refused before anything is sent, without showing a value`, async () => {
    await using at = await pair();
    const error = await errorOf(at.session.get('/fault/echo', { headers: headers as never }));
    assert.ok(error instanceof TypeError, String(error));
    assert.equal(at.server.requests.length, 0);
  });
}

for (const name of ['Connection', 'Keep-Alive', 'Transfer-Encoding', 'Upgrade', 'TE', 'Trailer', 'Proxy-Connection']) {
  test(`headers: ${name} is refused: the connection sets it`, async () => {
    await using at = await pair();
    const error = await errorOf(at.session.get('/fault/echo', { headers: { [name]: 'close' } }));
    assert.match(error.message, /is set by the connection/);
    assert.throws(() => new ClientSession({ headers: { [name]: 'x' } }));
  });
}

test('headers: a Content-Length that is not that of the body is refused', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.post('/fault/echo', { body: 'four', headers: { 'content-length': '400' } }));
  assert.match(error.message, /content-length|Content-Length/);
  assert.equal(at.server.requests.length, 0);
});

test('headers: of a response keep their order and their copies in rawHeaders', async () => {
  const routes = {
    '/': (exchange: { write(text: string): Promise<void> }) =>
      exchange.write(
        'HTTP/1.1 200 OK\r\nX-B: 1\r\nSet-Cookie: a\r\nX-A: 2\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n',
      ),
  };
  await using at = await pair({}, routes);
  await using response = await at.session.get('/');
  assert.deepEqual(response.rawHeaders, [
    'x-b',
    '1',
    'set-cookie',
    'a',
    'x-a',
    '2',
    'set-cookie',
    'b',
    'content-length',
    '0',
  ]);
  assert.deepEqual(response.headers.getSetCookie(), ['a', 'b']);
  assert.equal(response.header('x-a'), '2');
  assert.equal(response.header('none'), undefined);
});

test('headers: of a response may be empty', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/header?line=X-Empty:');
  assert.equal(response.headers.get('x-empty'), '');
});

test('headers: of a response may have names that are properties of every object', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/header-proto');
  assert.equal(response.headers.get('__proto__'), 'a');
  assert.equal(response.header('constructor'), 'b');
  assert.equal(Object.getPrototypeOf({}), Object.prototype);
});

test('links: are read from Link', async () => {
  const link = '</items?page=2>; rel="next", <https://example.org/>; rel=help';
  await using at = await pair({}, { '/': (exchange) => exchange.respond(200, '', { Link: link }) });
  await using response = await at.session.get('/');
  assert.deepEqual(
    response.links.map(({ rel }) => rel),
    ['next', 'help'],
  );
});

test('links: without Link there are none', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/text');
  assert.deepEqual(response.links, []);
});
