import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findNetrc, parseNetrc } from '../../src/auth/netrc.ts';

function first(text: string): (string | undefined)[] {
  const [entry] = parseNetrc(text);
  return [entry?.machine, entry?.login, entry?.password];
}

test('parseNetrc: takes any layout', () => {
  const expected = ['example.com', 'me', 'pw'];
  for (const text of [
    'machine example.com login me password pw',
    'machine example.com\n\tlogin me\n\tpassword pw\n',
    'machine\r\nExample.COM\r\npassword pw\r\nlogin me',
    '\uFEFFmachine example.com user me account x password pw',
  ]) {
    assert.deepEqual(first(text), expected);
  }
});

test('parseNetrc: reads several machines and the default', () => {
  const entries = parseNetrc('machine a login 1 password p1\nmachine b login 2\ndefault login anonymous password x@y');
  assert.deepEqual(
    entries.map(({ machine, login, password }) => [machine, login, password]),
    [
      ['a', '1', 'p1'],
      ['b', '2', undefined],
      [undefined, 'anonymous', 'x@y'],
    ],
  );
});

test('parseNetrc: reads quoted values', () => {
  assert.deepEqual(first(String.raw`machine a login "my name" password "q\"u\\o\tt\e #"`), [
    'a',
    'my name',
    'q"u\\o\tte #',
  ]);
  assert.deepEqual(first('machine a login "" password "'), ['a', '', '']);
});

test('parseNetrc: skips comments and macros, but # is part of a value', () => {
  const text = [
    '# machine no login no',
    'machine a # trailing words login no',
    '  login me',
    '  password #pw#',
    'macdef init',
    'machine in-macro login no',
    '',
    'machine b login you',
  ].join('\n');
  assert.deepEqual(
    parseNetrc(text).map(({ machine, login, password }) => [machine, login, password]),
    [
      ['a', 'me', '#pw#'],
      ['b', 'you', undefined],
    ],
  );
});

test('parseNetrc: never throws', () => {
  for (const text of [
    '',
    ' ',
    'machine',
    'login me',
    'machine a login',
    'default',
    'macdef',
    '"',
    '"\\',
    '#',
    'nonsense here',
  ]) {
    assert.doesNotThrow(() => parseNetrc(text));
  }
});

test('findNetrc: takes the machine, else the default', () => {
  const entries = parseNetrc('default login d machine a.example login 1 machine a.example login 2');
  assert.equal(findNetrc(entries, 'A.example')?.login, '1');
  assert.equal(findNetrc(entries, 'b.a.example')?.login, 'd');
  assert.equal(findNetrc([], 'a'), undefined);
});
