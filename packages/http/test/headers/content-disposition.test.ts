import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileNameFrom } from '../../src/headers/content-disposition.ts';

function table(rows: readonly (readonly [header: string, name: string | undefined])[]): void {
  for (const [header, name] of rows) assert.equal(fileNameFrom(header), name, header);
}

test('fileNameFrom: reads tokens and quoted strings', () => {
  table([
    ['attachment; filename=a.txt', 'a.txt'],
    ['attachment; filename="a b;c.txt"', 'a b;c.txt'],
    ['inline;FILENAME = "a.txt" ; size=3', 'a.txt'],
    [String.raw`attachment; filename="a\"b.txt"`, 'a"b.txt'],
    ['filename="bare.txt"', 'bare.txt'],
    ['attachment; filename="open.txt', 'open.txt'],
    ['attachment; filename=first.txt; filename=second.txt', 'first.txt'],
  ]);
});

test('fileNameFrom: prefers filename* where it can be read', () => {
  table([
    [`attachment; filename="EURO.txt"; filename*=UTF-8''%e2%82%ac.txt`, '€.txt'],
    [`attachment; filename*=iso-8859-1'en'%A3.txt`, '£.txt'],
    [`attachment; filename=plain.txt; filename*=UTF-8''%ff%fe`, 'plain.txt'],
    [`attachment; filename=plain.txt; filename*=UTF-8''%zz`, 'plain.txt'],
    [`attachment; filename=plain.txt; filename*=koi8-r''abc`, 'plain.txt'],
  ]);
});

test('fileNameFrom: understands UTF-8 that was sent as it is', () => {
  const bytes = Buffer.from('naïve €.txt', 'utf8').toString('latin1');
  assert.equal(fileNameFrom(`attachment; filename="${bytes}"`), 'naïve €.txt');
  assert.equal(fileNameFrom('attachment; filename="na\u00EFve.txt"'), 'naïve.txt');
});

test('fileNameFrom: what is not a plain name loses its path, control and direction characters', () => {
  table([
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    [String.raw`attachment; filename="C:\\Windows\\evil.exe"`, 'evil.exe'],
    [`attachment; filename*=UTF-8''..%2F..%2Fetc%2Fshadow`, 'shadow'],
    [`attachment; filename*=UTF-8''a%00%0d%0a%7fb.txt`, 'ab.txt'],
    [`attachment; filename*=UTF-8''cod%E2%80%AEtxt.exe`, 'codtxt.exe'],
    ['attachment; filename="name.txt. . "', 'name.txt'],
  ]);
});

test('fileNameFrom: is undefined without a name', () => {
  for (const header of [undefined, null, '', 'attachment', 'attachment; filename=', 'attachment; filename=".."']) {
    assert.equal(fileNameFrom(header), undefined, String(header));
  }
  table([
    ['attachment; filename="."', undefined],
    ['attachment; filename="a/"', undefined],
    [`attachment; filename*=UTF-8''%2e%2e`, undefined],
  ]);
});

test('fileNameFrom: takes linear time', () => {
  const long = '. '.repeat(500_000);
  assert.equal(fileNameFrom(`attachment; filename="${long}x"`)?.endsWith('x'), true);
  assert.equal(fileNameFrom(`attachment; ${';='.repeat(500_000)}`), undefined);
});
