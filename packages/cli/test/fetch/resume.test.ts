import assert from 'node:assert/strict';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { corral, Folder } from './command.ts';
import { contentOf, sha256, TestServer } from './server.ts';

test('corral fetch: what breaks off goes on where it stopped, and the file is the same', async () => {
  await using server = await TestServer.start({
    fault: (_path, count) => (count === 0 ? 'reset' : count === 1 ? 'truncate' : 'none'),
  });
  using folder = new Folder();
  const path = '/3000000/big';
  const { code, stderr } = await corral([
    'fetch',
    `${server.origin}${path}`,
    '-d',
    folder.at('out'),
    '--name',
    'big',
    '--report',
    folder.at('r'),
  ]);
  assert.equal(code, 0, stderr);
  assert.ok(folder.tree('out').get('big')?.equals(contentOf(path)));
  assert.deepEqual([...folder.tree('out').keys()], ['big'], 'nothing unfinished is left');
  const ranges = server.requests.map(({ headers }) => headers.range);
  assert.equal(ranges[0], undefined);
  assert.ok(
    ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? '')),
    ranges.join(),
  );
  const [line] = folder.report('r').lines;
  assert.equal(line?.attempts.length, 3);
  assert.ok((line?.resumedFrom ?? 0) > 0);
  assert.equal(line?.sha256, sha256(contentOf(path)));
});

test('corral fetch: an unfinished file of another version is not gone on with', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  mkdirSync(folder.at('out'));
  const url = `${server.origin}/500000/x`;
  const sidecar = { v: 1, url, finalUrl: url, validator: '"old"', etag: '"old"', lastModified: null, total: 500_000 };
  writeFileSync(folder.at('out', 'x.part'), 'old'.repeat(1_000));
  writeFileSync(folder.at('out', 'x.part.json'), JSON.stringify(sidecar));
  assert.equal((await corral(['fetch', url, '-d', folder.at('out'), '--name', 'x'])).code, 0);
  assert.equal(server.requests[0]?.headers['if-range'], '"old"');
  assert.deepEqual([...folder.tree('out').keys()], ['x']);
  assert.ok(folder.tree('out').get('x')?.equals(contentOf('/500000/x')));
});

test('corral fetch: a 206 that is not what was asked for is refused, and it begins again', async () => {
  await using server = await TestServer.start({
    handle(request, response) {
      if (request.headers.range === undefined) return false;
      response.writeHead(206, { 'content-range': 'bytes 0-9/500000', 'content-length': 10 }).end('0123456789');
      return true;
    },
  });
  using folder = new Folder();
  mkdirSync(folder.at('out'));
  const url = `${server.origin}/500000/x`;
  const sidecar = { v: 1, url, finalUrl: url, validator: '"a"', etag: null, lastModified: null, total: 500_000 };
  writeFileSync(folder.at('out', 'x.part'), contentOf('/500000/x').subarray(0, 1_000));
  writeFileSync(folder.at('out', 'x.part.json'), JSON.stringify(sidecar));
  const { code, stderr } = await corral(['fetch', url, '-d', folder.at('out'), '--name', 'x']);
  assert.equal(code, 0, stderr);
  assert.ok(folder.tree('out').get('x')?.equals(contentOf('/500000/x')));
});

test('corral fetch: an unfinished file that is whole needs only its name (416)', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  mkdirSync(folder.at('out'));
  const content = contentOf('/300000/x');
  const url = `${server.origin}/300000/x`;
  const etag = `"${sha256(content).slice(0, 16)}"`;
  writeFileSync(folder.at('out', 'x.part'), content);
  writeFileSync(
    folder.at('out', 'x.part.json'),
    JSON.stringify({ v: 1, url, finalUrl: url, validator: etag, etag, lastModified: null, total: 300_000 }),
  );
  const { code, stdout } = await corral(['fetch', url, '-d', folder.at('out'), '--name', 'x', '--json']);
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(sha256(content)));
  assert.equal(server.requests.length, 1);
});

test('corral fetch: a file that breaks off always is given up unless it comes further each time', async () => {
  const send = (response: ServerResponse, bytes: number): void => {
    response.writeHead(response.req.headers.range === undefined ? 200 : 206, {
      'content-length': 8_000_000,
      etag: '"x"',
    });
    response.write(Buffer.alloc(bytes), () => response.socket?.destroy());
  };
  await using server = await TestServer.start({
    fault: (path, count) => (path.includes('far') && count < 4 ? 'truncate' : 'none'),
    handle(request, response) {
      if (request.url !== '/never') return false;
      delete request.headers.range; // it knows nothing of ranges
      send(response, 3_000_000);
      return true;
    },
  });
  using folder = new Folder();
  const args = ['-d', folder.at('out'), '--retries', '1', '--json', '--name', '{name}'];
  const never = await corral(['fetch', `${server.origin}/never`, ...args]);
  assert.equal(never.code, 1);
  assert.ok(server.count('/never') <= 3, `${server.count('/never')} attempts`);
  const far = await corral(['fetch', `${server.origin}/16000000/far`, ...args]);
  assert.equal(far.code, 0, far.stderr);
  assert.equal(server.count('/16000000/far'), 5, 'each of the four that broke off brought more than a megabyte');
});

test('corral fetch: what another process puts where the unfinished file was does not get its name', async () => {
  using folder = new Folder();
  const part = folder.at('out', 'big.part');
  await using server = await TestServer.start({
    handle(_request, response) {
      response.writeHead(200, { 'content-length': '600000', etag: '"1"' });
      response.write(Buffer.alloc(400_000), () => {
        const wait = setInterval(() => {
          if (!existsSync(part)) return;
          clearInterval(wait);
          writeFileSync(`${part}-other`, 'the beginning of something else');
          renameSync(`${part}-other`, part);
          response.end(Buffer.alloc(200_000));
        }, 5);
      });
      return true;
    },
  });
  const { code, stderr } = await corral(['fetch', `${server.origin}/x`, '-d', folder.at('out'), '--name', 'big']);
  assert.equal(code, 1);
  assert.match(stderr, /another process has replaced it/);
  assert.ok(!folder.tree('out').has('big'));
});
