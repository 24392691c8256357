import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Folder, Running } from '../fetch/command.ts';
import { seeded } from '../fetch/kill-rounds.ts';
import { contentOf, type Fault, TestServer } from '../fetch/server.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
const FAULTS: readonly Fault[] = ['status-503', 'status-429', 'reset', 'truncate', 'slow'];

test(`corral fetch: 10,000 URLs with 5% faults, in bounded memory (SEED=${seed})`, async () => {
  const random = seeded(seed);
  const fault = (_path: string, count: number): Fault => {
    if (count > 2 || random() > 0.05) return 'none';
    return FAULTS[Math.floor(random() * FAULTS.length)] ?? 'none';
  };
  await using server = await TestServer.start({ fault });
  using folder = new Folder();
  const paths = Array.from({ length: 10_000 }, (_, index) => `/${1_000 + Math.floor(random() * 6_000)}/${index}`);
  const list = folder.write('urls.txt', paths.map((path) => `${server.origin}${path}\n`).join(''));
  const args = [
    'fetch',
    '-i',
    list,
    '-d',
    folder.at('out'),
    '--name',
    '{n:05}',
    '--report',
    folder.at('r.jsonl'),
    '-q',
  ];
  const memory = { nodeOptions: ['--max-old-space-size=96'] };
  const { code, stderr } = await new Running([...args, '--per-host', '64'], { stdin: '', ...memory }).ended;
  assert.equal(code, 0, stderr);
  const tree = folder.tree('out');
  assert.equal(tree.size, paths.length);
  for (const [index, path] of paths.entries()) {
    assert.ok(tree.get(String(index + 1).padStart(5, '0'))?.equals(contentOf(path)), path);
  }
  const { lines, summaries } = folder.report('r.jsonl');
  assert.equal(lines.length, paths.length);
  assert.equal(new Set(lines.map(({ id }) => id)).size, paths.length);
  assert.ok((summaries[0]?.retries ?? 0) > 0);
});

test('corral fetch: a list of a million lines is planned in 64 MiB', async () => {
  using folder = new Folder();
  const line = (index: number): string => `http://127.0.0.1:1/${index}\tsame/${index % 10}/${index}\n`;
  const list = folder.write('urls.txt', Array.from({ length: 1_000_000 }, (_, index) => line(index)).join(''));
  const memory = { nodeOptions: ['--max-old-space-size=64'] };
  const args = ['fetch', '-i', list, '-d', folder.at('out'), '--dry-run'];
  const running = new Running(args, { stdin: '', ...memory });
  let newlines = 0;
  running.child.stdout?.on('data', (text: string) => {
    newlines += text.split('\n').length - 1;
    running.stdout = '';
  });
  const { code, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
  assert.equal(newlines, 1_000_000);
});
