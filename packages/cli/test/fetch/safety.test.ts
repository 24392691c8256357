import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { corral, Folder } from './command.ts';
import { contentOf, TestServer } from './server.ts';

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
  mkdirSync(folder.at('out', 'd'), { recursive: true });
  writeFileSync(folder.at('out', 'd', 'evil.sh'), 'mine');
  const args = ['fetch', ...urls, '-d', folder.at('out'), '--content-disposition', '--name', 'd/{name}', '-c', '1'];
  assert.equal((await corral([...args, '--report', folder.at('r.jsonl')])).code, 0);
  assert.deepEqual([...folder.tree('out').keys()].sort(), [
    'd/bashrc',
    'd/evil-2.sh',
    'd/evil.sh',
    'd/report-2.pdf',
    'd/report.pdf',
  ]);
  assert.equal(folder.read('out/d/evil.sh'), 'mine', 'nothing that was there is replaced');
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

test('corral fetch: a proxy in the environment that cannot be used ends the run with 2 and a line that names it', async () => {
  using folder = new Folder();
  const urls = Array.from({ length: 20 }, (_, n) => `http://a${n}.test/`);
  const { code, stderr } = await corral(['fetch', ...urls, '-d', folder.at('out')], {
    env: { HTTP_PROXY: 'socks5://me:secret@h:1' },
  });
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^corral: Cannot use the proxy in HTTP_PROXY as it must be an http or https URL/m);
  assert.doesNotMatch(stderr, /secret|\n {4}at /);
});
