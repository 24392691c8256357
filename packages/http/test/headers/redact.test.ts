import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactUrl } from '../../src/headers/redact.ts';

test('redactUrl: hides user and password', () => {
  assert.equal(redactUrl('https://me:pw@example.com:8080/a'), 'https://***@example.com:8080/a');
  assert.equal(redactUrl('https://me@example.com'), 'https://***@example.com');
  assert.equal(redactUrl('http://a:b@c@host/'), 'http://***@host/');
  assert.equal(redactUrl(new URL('http://u:p@host/x')), 'http://***@host/x');
});

test('redactUrl: hides the values of secret parameters, in query and fragment', () => {
  const secret = [
    'token',
    'access_token',
    'KEY',
    'api-key',
    'apiKey',
    'Signature',
    'X-Amz-Signature',
    'password',
    'X-Amz-Security-Token',
    'client_secret',
    'sig',
    'to%6ben',
  ];
  for (const name of secret) {
    assert.equal(redactUrl(`http://h/?a=1&${name}=s3cret&b=2`), `http://h/?a=1&${name}=***&b=2`);
    assert.equal(redactUrl(`http://h/#${name}=s3cret`), `http://h/#${name}=***`);
  }
});

test('redactUrl: leaves all else as it was written', () => {
  for (const url of [
    'http://h/a%20b?q=%E2%82%AC&x=a@b',
    'http://h/@me',
    '/relative?page=2',
    'http://h/?keyboard=1&monkey=2',
    '',
    'not a url',
    'http://[::1]:80/?token=',
  ]) {
    assert.equal(redactUrl(url), url);
  }
});

test('redactUrl: never throws', () => {
  for (const url of ['http://', '://@', '?%=1', '?%zz=1&token=x', '@', 'http://u:p@'])
    assert.doesNotThrow(() => redactUrl(url));
});
