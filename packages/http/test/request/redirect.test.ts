import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  droppedHeaders,
  isRedirect,
  methodAfter,
  Refused,
  SECRET_HEADERS,
  targetOf,
} from '../../src/request/redirect.ts';

const from = new URL('https://example.org/a/b?c#d');
const secret = new Set(SECRET_HEADERS);

test('isRedirect: is 301, 302, 303, 307 and 308', () => {
  const all = Array.from({ length: 100 }, (_, i) => 300 + i).filter((status) => isRedirect(status));
  assert.deepEqual(all, [301, 302, 303, 307, 308]);
});

for (const [location, to] of [
  ['/x', 'https://example.org/x'],
  ['x', 'https://example.org/a/x'],
  ['?y', 'https://example.org/a/b?y'],
  ['', 'https://example.org/a/b?c'],
  ['//other.example/x', 'https://other.example/x'],
  ['https://other.example:8443', 'https://other.example:8443/'],
  ['HTTPS://OTHER.example', 'https://other.example/'],
  ['https:/x', 'https://example.org/x'],
  ['/\\evil.example', 'https://evil.example/'],
  [' /x ', 'https://example.org/x'],
  ['/a\r\nb', 'https://example.org/ab'],
] as const) {
  test(`targetOf: ${JSON.stringify(location)} leads to ${to}`, () => {
    const target = targetOf(from, location, {});
    assert.ok(target instanceof URL);
    assert.equal(target.href, to);
  });
}

for (const [location, reason] of [
  ['http://other.example/', 'downgrade'],
  ['ftp://x/', 'scheme'],
  ['data:,x', 'scheme'],
  ['javascript:alert(1)', 'scheme'],
  ['blob:https://example.org/1', 'scheme'],
  ['ws://x/', 'scheme'],
  ['https://', 'invalid'],
  ['https://[::1', 'invalid'],
  ['https://a b/', 'invalid'],
  ['https://x:99999/', 'invalid'],
] as const) {
  test(`targetOf: ${location} is refused: ${reason}`, () => {
    const target = targetOf(from, location, {});
    assert.ok(target instanceof Refused);
    assert.equal(target.reason, reason);
  });
}

test('targetOf: allow gets URLs of its own, and cannot change where it leads', () => {
  const allow = (first: URL, second: URL): boolean => {
    first.hostname = second.hostname = 'evil.example';
    return true;
  };
  assert.equal((targetOf(from, '/x', { allow }) as URL).href, 'https://example.org/x');
  assert.equal(from.hostname, 'example.org');
});

test('methodAfter: a body is kept with the method, and dropped with it', () => {
  for (const status of [307, 308])
    for (const method of ['GET', 'POST', 'PUT', 'HEAD']) {
      assert.deepEqual(methodAfter(status, method), { method, keepsBody: true });
    }
  for (const status of [301, 302]) assert.deepEqual(methodAfter(status, 'POST'), { method: 'GET', keepsBody: false });
  assert.deepEqual(methodAfter(303, 'DELETE'), { method: 'GET', keepsBody: false });
  assert.deepEqual(methodAfter(303, 'GET').method, 'GET');
  assert.deepEqual(methodAfter(303, 'HEAD').method, 'HEAD');
});

for (const [to, dropped] of [
  ['https://example.org/other', false],
  ['https://example.org:443/', false],
  ['https://example.org:8443/', true],
  ['http://example.org/', true],
  ['https://www.example.org/', true],
] as const) {
  test(`droppedHeaders: to ${to} secrets ${dropped ? 'are dropped' : 'go along'}`, () => {
    const names = droppedHeaders(from, new URL(to), true, secret);
    for (const name of SECRET_HEADERS) assert.equal(names.has(name), dropped, name);
    assert.equal(names.has('host'), true);
    assert.equal(names.has('content-type'), false);
  });
}

test('droppedHeaders: without the body what describes it is dropped', () => {
  const names = droppedHeaders(from, from, false, secret);
  for (const name of ['content-type', 'content-length', 'content-encoding']) assert.equal(names.has(name), true);
});
