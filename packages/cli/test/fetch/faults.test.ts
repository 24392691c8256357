import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corral, Folder, Running } from './command.ts';
import { TestServer } from './server.ts';

test('corral fetch: --fail-fast and --max-error-rate give up with 3', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const missing = Array.from({ length: 200 }, (_, n) => `${server.origin}/missing/${n}`);
  const first = await corral(['fetch', ...missing, '-d', folder.at('out'), '--fail-fast', '-c', '4']);
  assert.equal(first.code, 3);
  assert.match(first.stderr, /stopped: --fail-fast: HTTP 404/);
  assert.ok(server.requests.length <= 8, `${server.requests.length} requests`);
  const mixed = missing.flatMap((url, n) => (n % 2 === 0 ? [url] : [`${server.origin}/10/${n}`]));
  const second = await corral(['fetch', ...mixed, '-d', folder.at('out'), '--max-error-rate', '20%', '-c', '4']);
  assert.equal(second.code, 3, second.stderr);
  assert.match(second.stderr, /stopped: --max-error-rate: \d+ of 2\d failed/);
  const third = await corral(['fetch', ...mixed.slice(0, 60), '-d', folder.at('out'), '--max-error-rate', '95%']);
  assert.equal(third.code, 1);
});

test('corral fetch: --max-size, told or not, is a failure that leaves nothing', async () => {
  await using server = await TestServer.start({
    handle(request, response) {
      if (request.url !== '/chunked') return false;
      response.write('x'.repeat(5_000));
      response.end('x'.repeat(5_000));
      return true;
    },
  });
  using folder = new Folder();
  const { code, stderr } = await corral([
    'fetch',
    `${server.origin}/20000/a`,
    `${server.origin}/chunked`,
    '-d',
    folder.at('out'),
    '--max-size',
    '8K',
  ]);
  assert.equal(code, 1);
  assert.equal(folder.tree('out').size, 0);
  assert.equal(stderr.match(/--max-size/g)?.length, 2);
  assert.equal(server.requests.length, 2, 'nothing is tried again');
});

test('corral fetch: --read-timeout and --timeout end what stalls', async () => {
  await using server = await TestServer.start({
    handle(request, response) {
      if (request.url === '/silent') return true;
      response.writeHead(200, { 'content-length': 100 }).write('x');
      return true;
    },
  });
  using folder = new Folder();
  const args = ['-d', folder.at('out'), '--retries', '1', '--read-timeout', '200ms'];
  const { code, stderr } = await corral(['fetch', `${server.origin}/silent`, `${server.origin}/stalls`, ...args]);
  assert.equal(code, 1);
  assert.equal(server.requests.length, 4);
  assert.equal(stderr.match(/corral: failed/g)?.length, 2, stderr);
});

test('corral fetch: refused connections, names that do not exist and --public-only fail in words', async () => {
  using folder = new Folder();
  const args = ['-d', folder.at('out'), '--retries', '0', '--json'];
  const { code, stdout } = await corral(['fetch', 'http://127.0.0.1:1/a', 'http://nowhere.invalid/', ...args]);
  assert.equal(code, 1);
  assert.match(stdout, /"code":"CONNECT","phase":"tcp"/);
  assert.match(stdout, /"code":"CONNECT","phase":"dns"/);
  const guarded = await corral(['fetch', 'http://127.0.0.1:1/a', '--public-only', ...args]);
  assert.match(guarded.stdout, /"code":"POLICY"/);
});

test('corral fetch: two runs with one report at once are refused, with the number of the process', async () => {
  await using server = await TestServer.start({ handle: () => true });
  using folder = new Folder();
  const args = ['fetch', `${server.origin}/x`, '-d', folder.at('out'), '--report', folder.at('r.jsonl')];
  const first = new Running(args, { stdin: '' });
  while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const second = await corral(args);
  assert.equal(second.code, 2);
  assert.match(second.stderr, new RegExp(`process ${first.child.pid} `));
  first.child.kill('SIGKILL');
  await first.ended;
});
