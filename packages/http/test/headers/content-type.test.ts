import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeText, parseContentType } from '../../src/headers/content-type.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('parseContentType: reads type and charset without regard to case and quotes', () => {
  for (const header of [
    'text/html;charset=utf-8',
    'Text/HTML; Charset="UTF-8"',
    ' text/html ; a=b; charset=utf-8 ; c',
  ]) {
    const found = parseContentType(header);
    assert.equal(found?.mimeType, 'text/html', header);
    assert.equal(found.charset, 'utf-8', header);
  }
  assert.equal(parseContentType('application/json')?.charset, undefined);
});

test('parseContentType: is undefined for what names no type', () => {
  for (const header of [undefined, null, '', 'text', 'text/', '/x', 'a b/c']) {
    assert.equal(parseContentType(header), undefined, String(header));
  }
});

test('decodeText: is UTF-8 unless something else is said', () => {
  assert.equal(decodeText(Buffer.from('€'), undefined), '€');
  assert.equal(decodeText(bytes(0xe9), 'text/plain; charset=iso-8859-1'), 'é');
  assert.equal(decodeText(bytes(0x93, 0xfa), 'text/plain; charset="Shift_JIS"'), '日');
});

test('decodeText: a byte order mark wins over the header and is no text', () => {
  assert.equal(decodeText(bytes(0xef, 0xbb, 0xbf, 0x61), 'text/plain; charset=utf-16'), 'a');
  assert.equal(decodeText(bytes(0xff, 0xfe, 0x61, 0), 'text/plain; charset=utf-8'), 'a');
  assert.equal(decodeText(bytes(0xfe, 0xff, 0, 0x61), undefined), 'a');
});

test('decodeText: names a charset that it does not know', () => {
  assert.throws(() => decodeText(bytes(0x61), 'text/plain; charset=klingon'), {
    name: 'DecodeError',
    message: 'Cannot decode a body as its charset must be known: current value is "klingon"',
  });
});
