import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { corral, Folder } from './command.ts';
import { contentOf, sha256, TestServer } from './server.ts';

test('corral: lists its commands, says its version, and refuses what it does not know', async () => {
  const [help, version, unknown, none] = await Promise.all([
    corral(['--help']),
    corral(['--version']),
    corral(['fetsh']),
    corral([]),
  ]);
  assert.deepEqual([help.code, version.code, unknown.code, none.code], [0, 0, 2, 2]);
  assert.match(help.stdout, /fetch +download/);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  assert.match(unknown.stderr, /must be one of fetch; did you mean fetch\?/);
});

test('corral fetch: stores what it gets and reports each URL and a summary', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const paths = ['/100/a.txt', '/300000/b/c.bin', '/missing'];
  const list = folder.write('urls.txt', paths.map((path) => `${server.origin}${path}\n`).join(''));
  const args = ['fetch', '-i', list, '-d', folder.at('out'), '--name', '{path}', '--report', folder.at('r.jsonl')];
  const { code, stdout, stderr } = await corral(args);
  assert.equal(code, 1, stderr);
  assert.equal(stdout, '');
  assert.deepEqual([...folder.tree('out').keys()].sort(), ['100/a.txt', '300000/b/c.bin']);
  const { lines, summaries } = folder.report('r.jsonl');
  const big = lines.find(({ url }) => url.endsWith('c.bin'));
  const content = contentOf('/300000/b/c.bin');
  assert.ok(folder.tree('out').get('300000/b/c.bin')?.equals(content));
  assert.deepEqual(
    { ...big, attempts: big?.attempts.length },
    {
      v: 1,
      id: `${server.origin}/300000/b/c.bin`,
      url: `${server.origin}/300000/b/c.bin`,
      finalUrl: `${server.origin}/300000/b/c.bin`,
      outcome: 'ok',
      status: 200,
      file: '300000/b/c.bin',
      bytes: 300_000,
      sha256: sha256(content),
      etag: `"${sha256(content).slice(0, 16)}"`,
      lastModified: null,
      resumedFrom: null,
      attempts: 1,
      error: null,
    },
  );
  const failed = lines.find(({ outcome }) => outcome === 'failed');
  assert.deepEqual([failed?.status, failed?.error?.code, failed?.attempts.length], [404, 'STATUS', 1]);
  const [{ total, ok, failed: failures, exitCode } = {}] = summaries;
  assert.deepEqual([total, ok, failures, exitCode], [3, 2, 1, 1]);
  assert.match(stderr, /HTTP 404 Not Found \(.*urls\.txt:3\)/);
  assert.match(stderr, /2 ok, .*1 failed/);
});

test('corral fetch: JSON lines choose names, ids, headers, checksums and POST', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const good = sha256(contentOf('/30/good'));
  const items = [
    { url: `${server.origin}/30/good`, out: 'x/good.bin', id: 'one', headers: { 'X-Token': 't' }, sha256: good },
    { url: `${server.origin}/30/bad`, out: 'x/bad.bin', sha256: good },
    { url: `${server.origin}/30/form`, out: 'form', body: 'a=1' },
  ];
  const list = folder.write('list.jsonl', items.map((item) => JSON.stringify(item)).join('\n'));
  const { code } = await corral([
    'fetch',
    '-i',
    list,
    '-d',
    folder.at('out'),
    '--retries',
    '1',
    '--json',
    '-H',
    'X-All: yes',
  ]);
  assert.equal(code, 1);
  assert.deepEqual([...folder.tree('out').keys()].sort(), ['form', 'x/good.bin']);
  const seen = server.requests.find(({ path }) => path === '/30/good');
  assert.deepEqual([seen?.headers['x-token'], seen?.headers['x-all']], ['t', 'yes']);
  assert.equal(server.requests.find(({ path }) => path === '/30/form')?.method, 'POST');
  assert.equal(server.count('/30/bad'), 2, 'a checksum that is wrong is worth another attempt');
});

test('corral fetch: stdin; lines that are malformed fail, and the others are fetched', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const stdin = `${server.origin}/10/a\nnonsense\n${server.origin}/10/b\n`;
  const { code, stderr, stdout } = await corral(['fetch', '-i', '-', '-d', folder.at('out'), '--json'], { stdin });
  assert.equal(code, 1);
  assert.match(stderr, /failed stdin:2: Cannot fetch this as url must be/);
  assert.equal(folder.tree('out').size, 2);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(lines.length, 4, 'three URLs and a summary');
  assert.ok('summary' in (lines.at(-1) ?? {}));
});

test('corral fetch: --dry-run says what would be fetched to where, sends nothing and writes nothing', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const args = ['fetch', `${server.origin}/10/a`, `${server.origin}/10/a`, '-d', folder.at('out'), '--dry-run'];
  const { code, stdout } = await corral([...args, '--name', '{name}', '--report', folder.at('r.jsonl')]);
  assert.equal(code, 0);
  assert.match(stdout, /^fetch\t.*\/10\/a\t.*out\/a\nfetch\t.*\/10\/a\t.*out\/a-2\n$/);
  assert.equal(server.requests.length, 0);
  assert.ok(!existsSync(folder.at('out')) && !existsSync(folder.at('r.jsonl')));
});

test('corral fetch: --quiet says nothing, also when something fails', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const ended = await corral(['fetch', `${server.origin}/missing`, '-d', folder.at('out'), '-q']);
  assert.deepEqual([ended.code, ended.stdout, ended.stderr], [1, '', '']);
});
