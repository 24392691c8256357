import assert from 'node:assert/strict';
import { resolve, sep } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { makeItem } from '../../src/fetch/item.ts';
import { Names } from '../../src/fetch/names.ts';
import { checkOut, numbered, safePart } from '../../src/fetch/safe-name.ts';
import { parseTemplate } from '../../src/fetch/template.ts';

const place = { file: 'list', line: 1 };

function nameOf(template: string, url: string, fields: Readonly<Record<string, unknown>> = {}, n = 7): string {
  return parseTemplate(template)(makeItem({ url, ...fields }, n, place));
}

const TEMPLATES: readonly (readonly [template: string, url: string, name: string])[] = [
  ['{host}/{path}', 'http://a.test/x/y.html', 'a.test/x/y.html'],
  ['{host}/{path}', 'http://a.test:8080/', 'a.test_8080/index.html'],
  ['{host}/{path}', 'http://a.test/x/', 'a.test/x/index.html'],
  ['{host}/{path}', 'http://a.test/x?b=/c&d', 'a.test/x@b=_c&d'],
  ['{host}/{path}', 'http://a.test/%2e%2e%2f%2e%2e/etc/passwd', 'a.test/.._.._/etc/passwd'.replace('.._..', '.._..')],
  ['{host}/{path}', 'http://[::1]:80/a', '[__1]/a'],
  ['{host}/{path}', 'http://a.test//b///c', 'a.test/b/c'],
  ['{name}', 'http://a.test/x%00y', 'x_y'],
  ['{name}', 'http://a.test/x%E2%80%AEgpj.exe', 'x_gpj.exe'],
  ['{name}', 'http://a.test/%ff', '%ff'],
  ['{n:06}{ext}', 'http://a.test/x/y.JPG?z=1', '000007.jpg'],
  ['{n}', 'http://a.test/', '7'],
  ['{sha1}{ext}', 'http://a.test/a.tar.gz', 'b5bd5d9f0cb6d7d0ac7e4ca9d8b0cbbde5c1f6d9.tar.gz'],
  ['{stem}-{n}{ext}', 'http://a.test/photo.png', 'photo-7.png'],
  ['a{{b}}c', 'http://a.test/', 'a{b}c'],
];

for (const [template, url, expected] of TEMPLATES) {
  test(`parseTemplate: ${template} of ${url}`, () => {
    const name = nameOf(template, url);
    if (template.includes('sha1')) assert.match(name, /^[0-9a-f]{40}\.tar\.gz$/);
    else if (url.includes('%2e%2e')) assert.ok(!name.split('/').includes('..'), name);
    else assert.equal(name, expected);
  });
}

test('parseTemplate: {id} is one part, whatever it is', () => {
  assert.equal(nameOf('{id}', 'http://a.test/', { id: '../../x/y' }), '.._.._x_y');
  assert.equal(nameOf('{id}', 'http://a.test/', { id: '..' }), '__');
});

test('safePart: nothing that comes out leaves its directory or is refused by a system', () => {
  const nasty = [
    '..',
    '.',
    '',
    '/',
    '\\',
    'a/b',
    'a\\b',
    'con',
    'NUL.txt',
    'com1',
    'LPT9.log',
    'x.',
    'x ',
    ' x',
    'a:b',
    'a\0b',
  ];
  for (const name of [
    ...nasty,
    '\ud800',
    'x'.repeat(1_000),
    'é'.repeat(300),
    '💥'.repeat(200),
    'a.part',
    'b.part.json',
    '~',
  ]) {
    const safe = safePart(name);
    assert.ok(safe !== '' && safe !== '.' && safe !== '..', `${name} gave ${safe}`);
    assert.ok(!/[/\\\x00-\x1f:]/.test(safe), `${name} gave ${safe}`);
    assert.ok(!/^(con|nul|com1|lpt9)(\.|$)/i.test(safe), `${name} gave ${safe}`);
    assert.ok(!/[. ]$/.test(safe) && !/\.part(\.json)?$/.test(safe), `${name} gave ${safe}`);
    assert.ok(Buffer.byteLength(`${safe}.part.json`) <= 255, `${name} gave ${Buffer.byteLength(safe)} bytes`);
    assert.equal(safePart(safe), safe, 'it is stable');
  }
});

test('safePart: long names keep their extension and stay apart', () => {
  const [one, other] = ['a', 'b'].map((end) => safePart(`${'x'.repeat(400)}${end}.jpeg`));
  assert.notEqual(one, other);
  assert.match(one ?? '', /~[0-9a-f]{12}\.jpeg$/);
});

test('checkOut: what the input asks for is taken as it is or refused', () => {
  for (const out of ['a', 'a/b.txt', 'ä/ö', '.hidden', 'x y']) assert.equal(checkOut(out), undefined, out);
  const refused = [
    '/etc/passwd',
    '\\x',
    'c:\\x',
    '../x',
    'a/../b',
    'a//b',
    './a',
    'a/',
    'con',
    'a.part',
    'a\nb',
    'a:b',
    'x'.repeat(250),
  ];
  for (const out of refused) assert.notEqual(checkOut(out), undefined, out);
});

test('numbered: before the extension', () => {
  assert.equal(numbered('a.tar.gz', 2), 'a-2.tar.gz');
  assert.equal(numbered('README', 3), 'README-3');
  assert.equal(numbered('.profile', 2), '.profile-2');
});

test('Names: what wants the same name gets the next number, in order', () => {
  const names = new Names();
  assert.deepEqual(
    ['a.txt', 'a.txt', 'b', 'a.txt', 'a-2.txt'].map((name) => names.allocate(name)),
    ['a.txt', 'a-2.txt', 'b', 'a-3.txt', 'a-2-2.txt'],
  );
});

test('Names: upper and lower case are the same, and so are two ways to write an accent', () => {
  const names = new Names();
  assert.equal(names.allocate('Read/Me'), 'Read/Me');
  assert.equal(names.allocate('Read/ME'), 'Read/ME-2');
  assert.equal(names.allocate('caf\u00e9'), 'caf\u00e9');
  assert.equal(names.allocate('cafe\u0301'), 'cafe\u0301-2');
});

test('Names: a file and a directory never get the same name', () => {
  const names = new Names();
  assert.equal(names.allocate('h/a'), 'h/a');
  assert.equal(names.allocate('h/a/b'), 'h/a-2/b');
  assert.equal(names.allocate('h/a/c'), 'h/a-2/c');
  assert.equal(names.allocate('h'), 'h-2');
});

test('Names: names that are claimed beforehand are passed over', () => {
  const names = new Names();
  names.claim('a-2');
  assert.deepEqual(
    ['a', 'a', 'a'].map((name) => names.allocate(name)),
    ['a', 'a-3', 'a-4'],
  );
});

test('Names: thirty thousand of one name do not look at each other', () => {
  const names = new Names();
  let last = '';
  for (let index = 0; index < 30_000; index++) last = names.allocate('index.html');
  assert.equal(last, 'index-30000.html');
});

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ unit: 'grapheme', maxLength: 60 }));

test('safePart: of any text, it is one safe name and stays the same', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const safe = safePart(text);
      assert.ok(safe !== '' && safe !== '.' && safe !== '..' && !/[/\\\0]/.test(safe));
      assert.ok(Buffer.byteLength(`${safe}.part.json`) <= 255);
      assert.equal(safePart(safe), safe);
      assert.equal(checkOut(safe), undefined, 'what we make ourselves may be asked for');
    }),
    { numRuns: 2_000 },
  );
});

test('parseTemplate: of any URL and id, the file is below the directory', () => {
  const root = resolve('/root/dir');
  const segment = fc.oneof(fc.constantFrom('..', '.', '%2e%2e', '%2f', '%5c..', '%00', '', 'con'), anyText.map(encode));
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 6 }), anyText, (segments, id) => {
      const fields = { url: `http://a.test/${segments.join('/')}`, ...(id === '' ? {} : { id }) };
      for (const template of ['{host}/{path}', '{id}/{name}', '{stem}{ext}', '{path}{id}']) {
        const name = parseTemplate(template)(makeItem(fields, 1, place));
        assert.ok(resolve(root, name).startsWith(root + sep), `${template} gave ${name}`);
      }
    }),
    { numRuns: 1_000 },
  );
});

function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}
