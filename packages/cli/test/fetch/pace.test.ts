import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from 'corral';
import { VirtualClock } from 'corral/testing';
import { Throttle } from '../../src/fetch/throttle.ts';
import { corral, Folder } from './command.ts';
import { TestServer } from './server.ts';

test('corral fetch: Retry-After closes its host for all, and no other', async () => {
  const closedMs = 1_000;
  let closedAt = 0;
  await using closing = await TestServer.start({
    handle(_request, response) {
      if (closedAt !== 0 && Date.now() - closedAt >= closedMs - 50) return false;
      closedAt ||= Date.now();
      response.writeHead(429, { 'retry-after': '1' }).end();
      return true;
    },
  });
  await using other = await TestServer.start();
  using folder = new Folder();
  const urls = Array.from({ length: 8 }, (_, n) => [`${closing.origin}/10/${n}`, `${other.origin}/10/${n}`]).flat();
  const { code } = await corral(['fetch', ...urls, '-d', folder.at('out'), '--per-host', '2']);
  assert.equal(code, 0);
  assert.equal(folder.tree('out').size, 16);
  assert.ok(
    closing.requests.length <= 10,
    `${closing.requests.length} requests: those two at once that learned of it, and one each`,
  );
  const last = (server: TestServer): number => server.requests.at(-1)?.at ?? 0;
  assert.ok(last(other) < last(closing), 'the other host was not held up');
});

test('corral fetch: a Retry-After that is too long fails what is for that host without asking again', async () => {
  await using server = await TestServer.start({
    handle(_request, response) {
      response.writeHead(503, { 'retry-after': '3600' }).end();
      return true;
    },
  });
  using folder = new Folder();
  const urls = Array.from({ length: 20 }, (_, n) => `${server.origin}/10/${n}`);
  const { code, stderr } = await corral([
    'fetch',
    ...urls,
    '-d',
    folder.at('out'),
    '--per-host',
    '2',
    '--retry-max-wait',
    '2s',
  ]);
  assert.equal(code, 1);
  assert.ok(server.requests.length <= 4, `${server.requests.length} requests`);
  assert.match(stderr, /wants no requests for another 3[56]\d\d s/);
});

test('corral fetch: too busy without Retry-After, a host gets fewer requests at once', async () => {
  let refused = 0;
  let active = 0;
  await using server = await TestServer.start({
    handle(_request, response) {
      active++;
      response.on('close', () => active--);
      if (active > 2) {
        refused++;
        response.writeHead(503).end();
      } else setTimeout(() => response.end('x'), 20);
      return true;
    },
  });
  using folder = new Folder();
  const urls = Array.from({ length: 40 }, (_, n) => `${server.origin}/${n}`);
  const { code } = await corral(['fetch', ...urls, '-d', folder.at('out'), '--per-host', '16', '--retries', '8']);
  assert.equal(code, 0);
  assert.ok(refused > 0 && refused <= 60, `${refused} refused`);
});

test('corral fetch: hosts are fetched in turn although the list is sorted by host', async () => {
  await using one = await TestServer.start({ fault: () => 'slow' });
  await using other = await TestServer.start({ fault: () => 'slow' });
  using folder = new Folder();
  const urls = [one, other].flatMap(({ origin }) => Array.from({ length: 30 }, (_, n) => `${origin}/10/${n}`));
  const list = folder.write('urls.txt', urls.join('\n'));
  assert.equal((await corral(['fetch', '-i', list, '-d', folder.at('out'), '-c', '8', '--per-host', '4'])).code, 0);
  const last = (server: TestServer): number => server.requests.at(-1)?.at ?? 0;
  const first = (server: TestServer): number => server.requests[0]?.at ?? 0;
  assert.ok(first(other) < last(one), 'the second host did not wait for the end of the first');
  assert.ok(one.peak <= 4 && other.peak <= 4, `${one.peak}, ${other.peak}`);
});

test('corral fetch: --rate and --host-rate space the requests', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const urls = Array.from({ length: 6 }, (_, n) => `${server.origin}/10/${n}`);
  for (const option of ['--rate', '--host-rate']) {
    const report = folder.at(`${option}.jsonl`);
    const args = ['-d', folder.at(option), '--report', report, option, '10/s'];
    assert.equal((await corral(['fetch', ...urls, ...args])).code, 0);
    const times = folder.report(`${option}.jsonl`).lines.map(({ attempts }) => attempts[0]?.t ?? 0);
    assert.ok(Math.max(...times) - Math.min(...times) >= 400, times.join());
  }
});

test('corral fetch: --limit-rate holds for all together', async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const urls = [1, 2, 3, 4].map((n) => `${server.origin}/50000/${n}`);
  const { code, stdout } = await corral(['fetch', ...urls, '-d', folder.at('out'), '--limit-rate', '200K', '--json']);
  assert.equal(code, 0);
  const { seconds } = (JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { summary: { seconds: number } }).summary;
  assert.ok(seconds >= 0.7, `${seconds} s for 200,000 bytes`);
});

test('corral fetch: a POST is tried again when there was no connection', async () => {
  using folder = new Folder();
  const list = folder.write('list.jsonl', '{"url":"http://127.0.0.1:1/","body":"x"}');
  const { code, stdout } = await corral(['fetch', '-i', list, '-d', folder.at('out'), '--retries', '1', '--json']);
  assert.equal(code, 1);
  assert.equal((JSON.parse(stdout.split('\n')[0] ?? '') as { attempts: unknown[] }).attempts.length, 2);
});

test('Throttle: the time between two chunks counts, and what was not used for long is not made up for', async () => {
  const clock = new VirtualClock();
  await clock.run(async () => {
    const throttle = new Throttle(1_000_000);
    await throttle.passed(200_000); // 200 ms, of which the first 100 are given
    const start = clock.now();
    for (let sent = 0; sent < 20; sent++) {
      await throttle.passed(20_000);
      await sleep(10);
    }
    assert.equal(clock.now() - start, 410);
    await sleep(10_000);
    const idle = clock.now();
    await throttle.passed(1_000_000);
    assert.equal(clock.now() - idle, 900);
  });
});
