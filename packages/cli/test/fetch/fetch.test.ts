import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
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

test('corral fetch: a further run asks for nothing that is there or that failed for good', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const list = folder.write('urls.txt', `${server.origin}/10/a\n${server.origin}/missing\n${server.origin}/20/b\n`);
  const args = ['fetch', '-i', list, '-d', folder.at('out'), '--report', folder.at('r.jsonl')];
  assert.equal((await corral(args)).code, 1);
  const before = folder.read('r.jsonl').split('\n').length;
  assert.equal(server.requests.length, 3);
  const again = await corral(args);
  assert.equal(again.code, 1, 'it is not all there');
  assert.equal(server.requests.length, 3);
  assert.equal(folder.read('r.jsonl').split('\n').length, before + 1, 'a summary is all that is new');
  await corral([...args, '--retry-failed']);
  assert.equal(server.count('/missing'), 2);
});

test('corral fetch: a file that was changed or removed since is fetched again; --verify finds what has the same size', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const urls = ['a', 'b', 'c'].map((name) => `${server.origin}/50/${name}`);
  const args = ['fetch', ...urls, '-d', folder.at('out'), '--name', '{name}', '--report', folder.at('r.jsonl')];
  await corral(args);
  writeFileSync(folder.at('out', 'a'), 'short');
  writeFileSync(folder.at('out', 'b'), 'x'.repeat(50));
  await corral(args);
  assert.deepEqual([server.count('/50/a'), server.count('/50/b'), server.count('/50/c')], [2, 1, 1]);
  assert.equal((await corral([...args, '--verify'])).code, 0);
  assert.deepEqual([server.count('/50/a'), server.count('/50/b'), server.count('/50/c')], [2, 2, 1]);
  assert.ok(folder.tree('out').get('b')?.equals(contentOf('/50/b')));
});

test('corral fetch: --fresh begins again', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const args = ['fetch', `${server.origin}/10/a`, '-d', folder.at('out'), '--report', folder.at('r.jsonl')];
  await corral([...args, '--on-exist', 'overwrite']);
  await corral([...args, '--on-exist', 'overwrite']);
  assert.equal(server.requests.length, 1);
  await corral([...args, '--on-exist', 'overwrite', '--fresh']);
  assert.equal(server.requests.length, 2);
  assert.equal(folder.report('r.jsonl').lines.length, 1);
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

test('corral fetch: what is wrong with the input is told before anything is sent', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const url = `${server.origin}/10/a`;
  const twice = folder.write(
    'twice.jsonl',
    [1, 2].map((n) => JSON.stringify({ url: `${url}${n}`, out: 'same' })).join('\n'),
  );
  const broken = folder.write('broken.txt', `${url}\nftp://x/\n`);
  folder.write('file', '');
  const cases: readonly (readonly [args: string[], message: RegExp])[] = [
    [['-i', twice], /twice\.jsonl:2: .*twice\.jsonl:1 has "same" too/],
    [['-i', broken, '--fail-fast'], /broken\.txt:2: .*http or https/],
    [['nonsense', url], /argument:1: /],
    [['-i', folder.at('none.txt'), url], /Cannot read .*none\.txt/],
    [['-d', folder.at('file', 'below'), url], /--dir/],
    [['--report', folder.at('broken.txt'), url], /must be one of corral fetch/],
    [['--cookie-jar', folder.at('broken.txt'), url], /--cookie-jar/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await corral(['fetch', '-d', folder.at('out'), ...args]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
  assert.equal(server.requests.length, 0);
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

test('corral fetch: --on-exist skip, overwrite and rename', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  mkdirSync(folder.at('out'));
  const put = (): void => writeFileSync(folder.at('out', 'a.txt'), 'mine');
  const fetch = (how: string) =>
    corral(['fetch', `${server.origin}/40/a.txt`, '-d', folder.at('out'), '--name', '{name}', '--on-exist', how]);
  put();
  assert.equal((await fetch('skip')).code, 0);
  assert.equal(folder.read('out/a.txt'), 'mine');
  assert.equal(server.requests.length, 0);
  assert.equal((await fetch('rename')).code, 0);
  assert.equal(folder.read('out/a.txt'), 'mine');
  assert.ok(folder.tree('out').get('a-2.txt')?.equals(contentOf('/40/a.txt')));
  assert.equal((await fetch('overwrite')).code, 0);
  assert.ok(folder.tree('out').get('a.txt')?.equals(contentOf('/40/a.txt')));
});

test('corral fetch: --on-exist newer, and --if-modified by ETag', async () => {
  const modified = new Date('2026-01-02T03:04:05Z');
  await using server = await TestServer.start({
    handle(request, response) {
      response.setHeader('last-modified', modified.toUTCString());
      response.setHeader('etag', '"one"');
      const known =
        request.headers['if-none-match'] === '"one"' || request.headers['if-modified-since'] === modified.toUTCString();
      response.statusCode = known ? 304 : 200;
      response.end(known ? undefined : 'new');
      return true;
    },
  });
  using folder = new Folder();
  const args = ['fetch', `${server.origin}/a`, '-d', folder.at('out'), '--name', 'a', '--report', folder.at('r.jsonl')];
  await corral(args);
  assert.equal(statSync(folder.at('out', 'a')).mtimeMs, modified.getTime(), 'the file has the time of the server');
  const unchanged = await corral([...args, '--if-modified', '--json']);
  assert.equal(server.requests.at(-1)?.headers['if-none-match'], '"one"');
  assert.match(unchanged.stdout, /"outcome":"skipped","status":304/);
  assert.equal((await corral(args)).code, 0);
  assert.equal(server.requests.length, 2, 'the report still knows the file');
  utimesSync(folder.at('out', 'a'), modified, new Date(modified.getTime() + 60_000));
  writeFileSync(folder.at('out', 'a'), 'old');
  utimesSync(folder.at('out', 'a'), modified, new Date(modified.getTime() + 60_000));
  await corral(['fetch', `${server.origin}/a`, '-d', folder.at('out'), '--name', 'a', '--on-exist', 'newer']);
  assert.equal(folder.read('out/a'), 'old');
  utimesSync(folder.at('out', 'a'), modified, new Date(modified.getTime() - 60_000));
  await corral(['fetch', `${server.origin}/a`, '-d', folder.at('out'), '--name', 'a', '--on-exist', 'newer']);
  assert.equal(folder.read('out/a'), 'new');
});

test('corral fetch: --content-disposition takes the name that the server proposes, and stays in the directory', async () => {
  await using server = await TestServer.start({
    handle(request, response) {
      const names: Record<string, string> = {
        '/1': '../../evil.sh',
        '/2': 'report.pdf',
        '/3': 'report.pdf',
        '/4': '.bashrc',
      };
      response.setHeader('content-disposition', `attachment; filename="${names[request.url ?? '']}"`);
      response.end('x');
      return true;
    },
  });
  using folder = new Folder();
  const urls = [1, 2, 3, 4].map((n) => `${server.origin}/${n}`);
  const args = ['fetch', ...urls, '-d', folder.at('out'), '--content-disposition', '--name', 'd/{name}', '-c', '1'];
  assert.equal((await corral([...args, '--report', folder.at('r.jsonl')])).code, 0);
  assert.deepEqual([...folder.tree('out').keys()].sort(), ['d/bashrc', 'd/evil.sh', 'd/report-2.pdf', 'd/report.pdf']);
  await corral([...args, '--report', folder.at('r.jsonl')]);
  assert.equal(server.requests.length, 4);
});

test(
  'corral fetch: a link in the place of a directory or of an unfinished file is not followed',
  { skip: process.platform === 'win32' },
  async () => {
    await using server = await TestServer.start();
    using folder = new Folder();
    mkdirSync(folder.at('out'));
    mkdirSync(folder.at('elsewhere'));
    symlinkSync(folder.at('elsewhere'), folder.at('out', 'dir'));
    writeFileSync(folder.at('victim'), 'precious');
    symlinkSync(folder.at('victim'), folder.at('out', 'b.part'));
    const list = folder.write('l.txt', `${server.origin}/10/a\tdir/a\n${server.origin}/10/b\tb\n`);
    const { code, stderr } = await corral(['fetch', '-i', list, '-d', folder.at('out'), '--retries', '0']);
    assert.equal(code, 1);
    assert.match(stderr, /must be a directory: it is a symbolic link/);
    assert.equal(folder.tree('elsewhere').size, 0);
    assert.equal(folder.read('victim'), 'precious');
    assert.ok(folder.tree('out').get('b')?.equals(contentOf('/10/b')));
  },
);

test('corral fetch: --robots asks once for each origin, and obeys', async () => {
  await using server = await TestServer.start({
    handle(request, response) {
      if (request.url !== '/robots.txt') return false;
      response.end('User-agent: corral-fetch\nDisallow: /10/\n\nUser-agent: *\nDisallow: /\n');
      return true;
    },
  });
  using folder = new Folder();
  const urls = ['/10/a', '/20/b', '/10/c', '/20/d'].map((path) => `${server.origin}${path}`);
  const { code, stderr } = await corral(['fetch', ...urls, '-d', folder.at('out'), '--robots']);
  assert.equal(code, 1);
  assert.match(stderr, /robots\.txt forbids it to corral-fetch/);
  assert.equal(server.count('/robots.txt'), 1);
  assert.deepEqual([server.count('/10/a'), server.count('/20/b'), server.count('/20/d')], [0, 1, 1]);
});

test('corral fetch: --cookie-jar keeps cookies from one run to the next; --netrc says who we are', async () => {
  await using server = await TestServer.start({
    handle(_request, response) {
      response.setHeader('set-cookie', 'id=7; Path=/; Max-Age=1000');
      response.end('x');
      return true;
    },
  });
  using folder = new Folder();
  folder.write('netrc', 'machine 127.0.0.1 login me password secret\n');
  const args = ['--cookie-jar', folder.at('cookies.txt'), '--netrc', '-d', folder.at('out')];
  const env = { NETRC: folder.at('netrc') };
  assert.equal((await corral(['fetch', `${server.origin}/1`, ...args], { env })).code, 0);
  assert.match(folder.read('cookies.txt'), /id\s+7/);
  await corral(['fetch', `${server.origin}/2`, ...args], { env });
  const [first, second] = server.requests;
  assert.deepEqual([first?.headers.cookie, second?.headers.cookie], [undefined, 'id=7']);
  assert.equal(first?.headers.authorization, `Basic ${Buffer.from('me:secret').toString('base64')}`);
});

test('corral fetch: passwords in URLs are used and appear nowhere', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const url = `${server.origin.replace('//', '//me:secret@')}/missing`;
  const { stdout, stderr } = await corral([
    'fetch',
    url,
    '-d',
    folder.at('out'),
    '--report',
    folder.at('r.jsonl'),
    '--json',
    '-v',
  ]);
  assert.equal(server.requests[0]?.headers.authorization, `Basic ${Buffer.from('me:secret').toString('base64')}`);
  for (const text of [stdout, stderr, folder.read('r.jsonl')]) assert.ok(!text.includes('secret'), text);
});

test('corral fetch: --quiet says nothing, also when something fails', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const ended = await corral(['fetch', `${server.origin}/missing`, '-d', folder.at('out'), '-q']);
  assert.deepEqual([ended.code, ended.stdout, ended.stderr], [1, '', '']);
});
