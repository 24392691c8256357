import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { corral, Folder, Running } from './command.ts';
import { contentOf, TestServer } from './server.ts';

const skip = process.platform === 'win32';

/** A server that answers half of each body and keeps the rest until it is told. */
async function halfway(): Promise<{
  server: TestServer;
  finish: () => void;
  started: (count: number) => Promise<void>;
}> {
  const held: ServerResponse[] = [];
  let wake: () => void = () => undefined;
  const server = await TestServer.start({
    handle(request, response) {
      if (request.headers.range !== undefined) return false;
      const content = contentOf(request.url ?? '');
      response.writeHead(200, { etag: '"held"', 'content-length': content.length });
      response.write(content.subarray(0, content.length / 2), () => {
        held.push(response);
        wake();
      });
      return true;
    },
  });
  const started = async (count: number): Promise<void> => {
    while (held.length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  const finish = (): void => {
    for (const response of held.splice(0)) {
      const content = contentOf(response.req.url ?? '');
      response.end(content.subarray(content.length / 2));
    }
  };
  return { server, finish, started };
}

async function untilSaid(running: Running, text: string): Promise<void> {
  while (!running.stderr.includes(text)) await once(running.child.stderr as NodeJS.ReadableStream, 'data');
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(
    `corral fetch: the first ${signal} lets what is under way end and begins nothing new; exit code ${code}`,
    { skip },
    async () => {
      const { server, finish, started } = await halfway();
      await using _server = server;
      using folder = new Folder();
      const urls = Array.from({ length: 10 }, (_, n) => `${server.origin}/600000/${n}`);
      const running = new Running([
        'fetch',
        ...urls,
        '-d',
        folder.at('out'),
        '-c',
        '2',
        '--report',
        folder.at('r'),
        '-v',
      ]);
      await started(2);
      running.child.kill(signal);
      await untilSaid(running, 'stopping');
      finish();
      const ended = await running.ended;
      assert.equal(ended.code, code, ended.stderr);
      assert.equal(folder.tree('out').size, 2);
      assert.equal(server.requests.length, 2);
      const { lines, summaries } = folder.report('r');
      assert.deepEqual(
        lines.map(({ outcome }) => outcome),
        ['ok', 'ok'],
      );
      assert.deepEqual([summaries[0]?.exitCode, summaries[0]?.stoppedBy], [code, signal]);
    },
  );
}

test(
  'corral fetch: the second signal cancels at once; unfinished files stay, and a further run goes on with them',
  { skip },
  async () => {
    const { server, started } = await halfway();
    await using _server = server;
    using folder = new Folder();
    const args = [
      'fetch',
      `${server.origin}/2000000/a`,
      '-d',
      folder.at('out'),
      '--name',
      'a',
      '--report',
      folder.at('r'),
    ];
    const running = new Running(args);
    await started(1);
    while (!folder.tree('out').has('a.part')) await new Promise((resolve) => setTimeout(resolve, 10));
    running.child.kill('SIGINT');
    await untilSaid(running, 'stopping');
    running.child.kill('SIGINT');
    const ended = await running.ended;
    assert.equal(ended.code, 130);
    assert.deepEqual([...folder.tree('out').keys()].sort(), ['a.part', 'a.part.json']);
    assert.deepEqual(
      folder.report('r').lines.map(({ outcome }) => outcome),
      ['cancelled'],
    );
  },
);

test('corral fetch: after --grace what is under way is cancelled', { skip }, async () => {
  const { server, started } = await halfway();
  await using _server = server;
  using folder = new Folder();
  const running = new Running(['fetch', `${server.origin}/2000000/a`, '-d', folder.at('out'), '--grace', '100ms']);
  await started(1);
  running.child.kill('SIGINT');
  assert.equal((await running.ended).code, 130);
});

test('corral fetch: a signal while stdin is silent ends the run', { skip }, async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const running = new Running(['fetch', '-i', '-', '-d', folder.at('out'), '-v']);
  running.child.stdin?.write(`${server.origin}/10/a\n`);
  await untilSaid(running, 'ok ');
  running.child.kill('SIGINT');
  assert.equal((await running.ended).code, 130);
});

test('corral fetch: when the reader of stdout leaves, the run ends', async () => {
  await using server = await TestServer.start({ fault: () => 'slow' });
  using folder = new Folder();
  const urls = Array.from({ length: 500 }, (_, n) => `${server.origin}/10/${n}`);
  const running = new Running(['fetch', ...urls, '-d', folder.at('out'), '--json', '-c', '2']);
  await once(running.child.stdout as NodeJS.ReadableStream, 'data');
  running.child.stdout?.destroy();
  const [code] = (await once(running.child, 'exit')) as [number];
  assert.equal(code, 1);
  assert.ok(server.requests.length < 400, `${server.requests.length}`);
});

test(
  'corral fetch: that nobody reads stderr or stdout is no crash, at whatever moment they leave',
  { skip },
  async () => {
    await using server = await TestServer.start();
    using folder = new Folder();
    const url = `${server.origin}/10/a`;
    const args = ['fetch', url, '-d', folder.at('out'), '-v', '--json'];
    assert.equal((await corral(args)).code, 0);
    const ends: number[] = [];
    for (const [at, how] of [
      ['stdout', args],
      ['stdout', ['fetch', '--help']],
      ['stderr', args],
    ] as const) {
      const running = new Running(how);
      running.child[at]?.destroy(); // the process is not yet that far
      running.child.stdin?.end();
      const [code] = (await once(running.child, 'exit')) as [number];
      assert.ok(!running.stderr.includes('Unhandled'), running.stderr);
      ends.push(code);
    }
    assert.deepEqual(ends, [1, 1, 0]);
  },
);
