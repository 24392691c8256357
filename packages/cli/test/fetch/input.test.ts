import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { run } from 'corral';
import { readRows, type Row } from '../../src/fetch/input/csv.ts';
import { LineSplitter, MOST_BYTES } from '../../src/fetch/input/lines.ts';
import { InputReader } from '../../src/fetch/input/read-input.ts';
import { readTextLine } from '../../src/fetch/input/text.ts';
import type { Entry } from '../../src/fetch/item.ts';
import type { InputFormat } from '../../src/fetch/options.ts';
import { Folder } from './command.ts';

/** All entries of one file. */
async function entriesOf(content: string | Buffer, name = 'list.txt', format?: InputFormat): Promise<Entry[]> {
  using folder = new Folder();
  const file = folder.write(name, content);
  return await run(async () => {
    const entries: Entry[] = [];
    for await (const entry of new InputReader({ urls: [], files: [file], format }).entries()) entries.push(entry);
    return entries;
  });
}

function faults(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ bad }) => (bad === undefined ? [] : [bad.message]));
}

function urls(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ item }) => (item === undefined ? [] : [item.url]));
}

function split(chunks: readonly string[]): string[] {
  const splitter = new LineSplitter();
  const lines = chunks.flatMap((chunk) => [...splitter.push(Buffer.from(chunk))]);
  return [...lines, ...splitter.end()].map(({ number, text, fault }) => `${number}:${fault ?? text}`);
}

test('LineSplitter: cuts at LF and CRLF wherever the chunks end, and passes a byte order mark over', () => {
  assert.deepEqual(split(['\ufeffa\r', '\nb\n', '', 'c', 'd\n\ne']), ['1:a', '2:b', '3:cd', '4:', '5:e']);
});

test('LineSplitter: a line that is too long is a fault, and the next one is whole', () => {
  const long = 'x'.repeat(MOST_BYTES / 2 + 1);
  const lines = split([long, long, `${long}\nnext\n`]);
  assert.match(lines[0] ?? '', /at most 1048576 bytes/);
  assert.equal(lines[1], '2:next');
});

test('LineSplitter: what is not UTF-8 is a fault', () => {
  const splitter = new LineSplitter();
  const [first, second] = [...splitter.push(Buffer.from([0x61, 0xff, 10, 0x62, 10]))];
  assert.match(first?.fault ?? '', /UTF-8/);
  assert.equal(second?.text, 'b');
});

test('readTextLine: a URL, a name behind a tab, comments and blank lines', () => {
  assert.deepEqual(readTextLine('http://a.test/#top'), { url: 'http://a.test/#top', out: '' });
  assert.deepEqual(readTextLine(' http://a.test/x \t b c.txt  # why'), { url: 'http://a.test/x', out: 'b c.txt' });
  for (const blank of ['', '  ', '# http://a.test/', '\t']) assert.equal(readTextLine(blank), undefined, blank);
});

test('InputReader: text; places are right in spite of blank lines and comments', async () => {
  const entries = await entriesOf('# list\r\n\r\nhttp://a.test/1\r\nhttp://a.test/2\tb/two\r\n');
  assert.deepEqual(
    entries.map(({ item }) => [item?.n, item?.place.line, item?.url, item?.out]),
    [
      [1, 3, 'http://a.test/1', undefined],
      [2, 4, 'http://a.test/2', 'b/two'],
    ],
  );
});

test('InputReader: JSON lines with all fields', async () => {
  const sha256 = 'A'.repeat(64);
  const line = { url: 'http://me:p%40w@a.test/x#y', out: 'x', id: 'one', headers: { 'X-A': '1' }, sha256, other: [1] };
  const [{ item } = {}] = await entriesOf(`${JSON.stringify(line)}\n`, 'list.jsonl');
  assert.equal(item?.url, 'http://a.test/x', 'no password, no fragment');
  assert.deepEqual(
    { ...item?.headers },
    { 'x-a': '1', authorization: `Basic ${Buffer.from('me:p@w').toString('base64')}` },
  );
  assert.deepEqual([item?.id, item?.out, item?.sha256, item?.method], ['one', 'x', sha256.toLowerCase(), 'GET']);
});

test('InputReader: what is malformed names its file, its line and what is wrong; the others are read', async () => {
  const lines = [
    '{"url": "http://a.test/1"',
    '[]',
    '{}',
    '{"url": 1}',
    '{"url": "ftp://a.test/"}',
    '{"url": "nonsense"}',
    '{"url": "http://a.test/", "out": "../x"}',
    '{"url": "http://a.test/", "sha256": "12"}',
    '{"url": "http://a.test/", "headers": {"a": 1}}',
    '{"url": "http://a.test/", "headers": {"a": "x\\r\\ny"}}',
    '{"url": "http://a.test/", "method": "DELETE"}',
    '{"Url": "http://a.test/"}',
    '{"url": "http://a.test/last"}',
  ];
  const entries = await entriesOf(lines.join('\n'), 'list.jsonl');
  assert.deepEqual(urls(entries), ['http://a.test/last']);
  const wanted = [
    /JSON/,
    /object/,
    /url/,
    /url must be a text/,
    /http or https/,
    /absolute/,
    /out must not go up/,
    /64 hex/,
  ];
  wanted.push(/headers\.a must be a text/, /no line break/, /GET or POST/, /"Url" must be written "url"/);
  for (const [index, pattern] of wanted.entries()) {
    assert.match(faults(entries)[index] ?? '', pattern);
    assert.match(faults(entries)[index] ?? '', new RegExp(`list\\.jsonl:${index + 1}: `));
  }
});

test('InputReader: passwords do not appear in what it says of malformed lines', async () => {
  const lines = ['ftp://me:secret@h/x', 'http://me:secret@h:99999/', 'http://me:sec/secret@h/', 'http://me:secret@ h/'];
  const bad = (await entriesOf(lines.join('\n'))).map((entry) => entry.bad);
  assert.deepEqual(
    bad.map((line) => line?.url),
    ['ftp://***@h/x', 'http://***@h:99999/', 'http://***@h/', 'http://***@ h/'],
  );
  const json = '"http://me:secret@h/"\n{"url":"http://me:secret@h/","out":"../x"}';
  bad.push(...(await entriesOf(json, 'list.jsonl')).map((entry) => entry.bad));
  assert.equal(bad.length, 6);
  for (const line of bad) assert.ok(line !== undefined && !JSON.stringify(line).includes('secret'), line?.message);
});

test('InputReader: a password that is no valid encoding is sent as it is', async () => {
  const [entry] = await entriesOf('http://me:50%zz@h/');
  assert.equal(entry?.item?.headers?.['authorization'], `Basic ${Buffer.from('me:50%zz').toString('base64')}`);
});

test('InputReader: a URL that comes again has an id of its own, in the order of the input', async () => {
  const entries = await entriesOf('http://a.test/\nhttp://b.test/\nhttp://a.test/\nhttp://a.test/#x\n');
  assert.deepEqual(
    entries.map(({ item }) => item?.id),
    ['http://a.test/', 'http://b.test/', 'http://a.test/#2', 'http://a.test/#3'],
  );
});

test('InputReader: a name or an id that is asked for twice names both lines', async () => {
  const lines = [
    '{"url":"http://a.test/1","out":"A","id":"i"}',
    '',
    '{"url":"http://a.test/2","out":"a"}',
    '{"url":"http://a.test/3","id":"i"}',
  ];
  const [one, other] = (await entriesOf(lines.join('\n'), 'list.jsonl')).flatMap(({ bad }) => (bad ? [bad] : []));
  assert.match(one?.message ?? '', /list\.jsonl:3: .*list\.jsonl:1 has "a" too/);
  assert.match(other?.message ?? '', /list\.jsonl:4: .*list\.jsonl:1 has "i" too/);
  assert.ok(one?.isFatal && other?.isFatal);
});

async function rowsOf(text: string): Promise<Row[]> {
  return run(async () => {
    const rows: Row[] = [];
    for await (const row of readRows(Readable.from([Buffer.from(text)]))) rows.push(row);
    return rows;
  });
}

test('readRows: columns by name, quotes, a byte order mark; other columns are left alone', async () => {
  const entries = await entriesOf(
    '\ufeffname, url ,out\r\n"a, b",http://a.test/1,"x ""y"".txt"\r\n\r\nc,http://a.test/2,\r\n',
    'l.csv',
  );
  assert.deepEqual(urls(entries), ['http://a.test/2'], 'x "y".txt is no name for a file');
  assert.match(faults(entries)[0] ?? '', /l\.csv:2: .*out must/);
});

test('readRows: a row with too many fields is a fault, and the rows behind it are read', async () => {
  const rows = await rowsOf('url,out\nhttp://a.test/1,a\nhttp://a.test/2,b,c\nhttp://a.test/3,d\n');
  assert.equal(rows.filter(({ fault }) => fault !== undefined).length, 1);
  assert.deepEqual(
    rows.map(({ line }) => line),
    [2, 3, 4],
  );
});

test('readRows: without a column url there is one fault', async () => {
  for (const text of ['link\nhttp://a.test/\nhttp://b.test/\n', 'link\n', '']) {
    const rows = await rowsOf(text);
    assert.equal(rows.length, 1, text);
    assert.match(rows[0]?.fault ?? '', /a column url/);
  }
});

test('InputReader: --format goes before the extension', async () => {
  assert.deepEqual(urls(await entriesOf('{"url":"http://a.test/"}', 'list.txt', 'jsonl')), ['http://a.test/']);
});
