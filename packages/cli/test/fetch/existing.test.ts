import assert from 'node:assert/strict';
import { mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { corral, Folder } from './command.ts';
import { contentOf, TestServer } from './server.ts';

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

test('corral fetch: a directory that has the name of a file is told before anything is sent, with rename it is passed', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  mkdirSync(folder.at('out', 'a.txt'), { recursive: true });
  const fetch = (...args: string[]) =>
    corral(['fetch', `${server.origin}/40/a.txt`, '-d', folder.at('out'), '--name', '{name}', ...args]);
  for (const args of [
    ['--on-exist', 'skip'],
    ['--on-exist', 'overwrite'],
    ['--on-exist', 'newer'],
    ['--if-modified'],
  ]) {
    const { code, stderr } = await fetch(...args);
    assert.equal(code, 1);
    assert.match(stderr, /a\.txt as it must be a file, or not exist: it is a directory/);
  }
  assert.equal(server.requests.length, 0);
  assert.equal((await fetch('--on-exist', 'rename')).code, 0);
  assert.deepEqual([...folder.tree('out').keys()], ['a-2.txt']);
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
