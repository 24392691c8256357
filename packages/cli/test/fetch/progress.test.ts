import assert from 'node:assert/strict';
import { test } from 'node:test';
import { corral, Folder } from './command.ts';
import { TestServer } from './server.ts';

async function slowly(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  await using server = await TestServer.start({
    handle(_request, response) {
      setTimeout(() => response.end('x'), 300);
      return true;
    },
  });
  using folder = new Folder();
  const urls = [1, 2, 3, 4].map((n) => `${server.origin}/${n}`);
  return await corral(['fetch', ...urls, '-d', folder.at('out'), '-c', '1', '--json', ...args], { env });
}

test('corral fetch: progress goes to stderr, lines to stdout; both are whole', async () => {
  const { stdout, stderr } = await slowly(['--progress', 'plain']);
  for (const line of stdout.trim().split('\n')) JSON.parse(line);
  assert.match(stderr, /^corral: [1-3]\/4 \d+%, \dB, \dB\/s, ETA \d\.\ds, 127\.0\.0\.1:\d+$/m);
});

test('corral fetch: the bar is one line that is redrawn, and the terminal is left as it was', async () => {
  const { stderr } = await slowly(['--progress', 'bar']);
  assert.match(stderr, /^\x1b\[\?25l/, 'the cursor is hidden');
  assert.ok(stderr.includes('\r\x1b[2K█'), stderr);
  assert.ok(stderr.includes('\r\x1b[2K\x1b[?25hcorral: 4 ok'), 'cleared and shown again before the summary');
  assert.ok(!/\x1b\[3\dm/.test(stderr), 'no colours where there is no terminal');
});

test('corral fetch: --progress none and --quiet draw nothing', async () => {
  const none = await slowly(['--progress', 'none']);
  assert.match(none.stderr, /^corral: 4 ok, 0 failed; 4B in .*\n$/);
  assert.equal((await slowly(['--quiet', '--progress', 'bar'])).stderr, '');
});
