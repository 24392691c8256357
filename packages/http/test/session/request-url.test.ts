import assert from 'node:assert/strict';
import { test } from 'node:test';

import { basic, requestUrl, takeCredentials } from '../../src/session/request-url.ts';

const base = new URL('https://example.org/v1/');
const urlOf = (input: string | URL, query?: Parameters<typeof requestUrl>[2]): string =>
  requestUrl(input, base, query, 'get()').href;

for (const [input, href] of [
  ['users', 'https://example.org/v1/users'],
  ['/users', 'https://example.org/users'],
  ['../users', 'https://example.org/users'],
  ['?a=1', 'https://example.org/v1/?a=1'],
  ['', 'https://example.org/v1/'],
  ['http://other.example', 'http://other.example/'],
  ['HTTP://OTHER.example:80/', 'http://other.example/'],
  ['//other.example/x', 'https://other.example/x'],
  ['/a%20b', 'https://example.org/a%20b'],
  ['/a b', 'https://example.org/a%20b'],
  ['/ü', 'https://example.org/%C3%BC'],
  ['http://xn--fiqs8s.xn--55qw42g/', 'http://xn--fiqs8s.xn--55qw42g/'],
  ['http://中国.公益/', 'http://xn--fiqs8s.xn--55qw42g/'],
  ['http://[::1]:8080/', 'http://[::1]:8080/'],
] as const) {
  test(`requestUrl: ${JSON.stringify(input)} is ${href}`, () => assert.equal(urlOf(input), href));
}

test('requestUrl: the URL that is given is not changed', () => {
  const url = new URL('https://example.org/?a=1');
  assert.equal(urlOf(url, { b: 2 }), 'https://example.org/?a=1&b=2');
  assert.equal(url.href, 'https://example.org/?a=1');
  assert.equal(base.href, 'https://example.org/v1/');
});

test('requestUrl: an empty query leaves the URL as it is', () => {
  assert.equal(urlOf('/x?q=a%20b', {}), 'https://example.org/x?q=a%20b');
  assert.equal(urlOf('/x?q=a%20b', new URLSearchParams()), 'https://example.org/x?q=a%20b');
  assert.equal(urlOf('/x?q=a%20b', { none: undefined, empty: [] }), 'https://example.org/x?q=a%20b');
});

test('requestUrl: what is in the URL stays as it was written when a query is added', () => {
  assert.equal(urlOf('/x?q=a%20b&r=~', { s: 1 }), 'https://example.org/x?q=a%20b&r=~&s=1');
});

for (const [query, added] of [
  [{ a: 'b c' }, 'a=b+c'],
  [{ a: 'ü&=' }, 'a=%C3%BC%26%3D'],
  [{ a: '' }, 'a='],
  [{ a: 0, b: false, c: 1n }, 'a=0&b=false&c=1'],
  [{ a: [1, 'x', true] }, 'a=1&a=x&a=true'],
] as const) {
  test(`requestUrl: the query ${added}`, () => assert.equal(urlOf('/', query), `https://example.org/?${added}`));
}

for (const query of [{ a: null }, { a: {} }, { a: [[]] }, { a: new Date() }, { a: Symbol('s') }, { a: () => 1 }]) {
  test(`requestUrl: refuses a query of ${typeof query.a}: ${Object.prototype.toString.call(query.a)}`, () => {
    assert.throws(() => urlOf('/', query as never), /^TypeError: Cannot get\(\) as \{ query \} takes/);
  });
}

for (const input of ['ftp://x/', 'data:,', 'blob:x', 'file:///x', 'about:blank', 'mailto:x@y']) {
  test(`requestUrl: refuses ${input}`, () => {
    assert.throws(() => urlOf(input), /^TypeError: Cannot get\(\) as a URL begins with http: or https:/);
  });
}

for (const input of [
  'http://',
  'http://a b/',
  'http://[',
  'http://x:99999/',
  'http://%00/',
  'http://\u0080owhefopw.com',
]) {
  test(`requestUrl: refuses ${JSON.stringify(input)}, which is no URL`, () => {
    assert.throws(() => urlOf(input), /^TypeError: Cannot get\(\) as it takes a URL/);
  });
}

test('requestUrl: what is refused is told without its password', () => {
  assert.throws(
    () => urlOf('http://user:hunter2@a b/'),
    (error: unknown) => !String(error).includes('hunter2'),
  );
});

test('takeCredentials: takes them out of the URL', () => {
  const url = new URL('https://us%40er:p%3Ass@example.org/');
  assert.deepEqual(takeCredentials(url), { username: 'us@er', password: 'p:ss' });
  assert.equal(url.href, 'https://example.org/');
  assert.equal(takeCredentials(url), undefined);
});

test('takeCredentials: a name or a password alone', () => {
  assert.deepEqual(takeCredentials(new URL('http://user@x/')), { username: 'user', password: '' });
  assert.deepEqual(takeCredentials(new URL('http://:pass@x/')), { username: '', password: 'pass' });
});

test('takeCredentials: bytes that are no UTF-8 stay encoded', () => {
  assert.deepEqual(takeCredentials(new URL('http://%ff:%zz@x/')), { username: '%ff', password: '%zz' });
});

test('basic: is UTF-8 in base64', () => {
  assert.equal(basic({ username: 'Aladdin', password: 'open sesame' }), 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
  assert.equal(basic({ username: 'ü€🎉', password: '' }), `Basic ${Buffer.from('ü€🎉:').toString('base64')}`);
});

test('basic: takes a long password', () => {
  const password = 'x'.repeat(500_000);
  assert.equal(basic({ username: 'u', password }), `Basic ${Buffer.from(`u:${password}`).toString('base64')}`);
});

test('basic: refuses what is no text, without showing it', () => {
  for (const auth of [{ username: 'u' }, { password: 'p' }, { username: 1, password: 'hunter2' }]) {
    assert.throws(
      () => basic(auth as never),
      (error: unknown) => error instanceof TypeError && !error.message.includes('hunter2'),
    );
  }
});
