import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkHeaderName, checkHeaderValue, isToken } from '../../src/headers/validate.ts';

test('isToken: takes methods, and nothing that could end a request line', () => {
  for (const method of ['GET', 'M-SEARCH', "x!#$%&'*+.^_`|~9"]) assert.equal(isToken(method), true, method);
  for (const method of ['', 'GE T', 'GET\r\n', 'G\u0000', 'GÉT', 'a:b', 'a/b', undefined, 1])
    assert.equal(isToken(method), false);
});

test('checkHeaderName: refuses what is no token and names it', () => {
  checkHeaderName('X-Custom');
  for (const name of ['', 'a b', 'a:', 'a\r\nb', 'ü', Symbol('x'), undefined]) {
    assert.throws(() => checkHeaderName(name), TypeError);
  }
  assert.throws(() => checkHeaderName('a b'), /current value is "a b"$/);
});

test('checkHeaderValue: takes text of bytes, and tabs', () => {
  for (const value of ['', 'plain', 'a\tb', 'caf\u00E9']) checkHeaderValue('x', value);
});

test('checkHeaderValue: refuses line breaks, control characters and what is no byte, and never shows the value', () => {
  for (const value of [
    'se\rcret',
    'se\ncret',
    'se\u0000cret',
    'se\u007Fcret',
    'se\u0001cret',
    'se€cret',
    5,
    undefined,
  ]) {
    assert.throws(
      () => checkHeaderValue('x-key', value),
      (error: Error) =>
        error instanceof TypeError && error.message.includes('x-key') && !/cret|€|5$/.test(error.message),
    );
  }
});
