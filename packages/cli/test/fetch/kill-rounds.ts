/** Kills a run at random moments again and again, then lets it end: the files must be those of one undisturbed run. */
import assert from 'node:assert/strict';
import { Folder, Running } from './command.ts';
import { contentOf, type Fault, TestServer } from './server.ts';

/** A small generator of numbers from 0 to 1 (an LCG), so that a round can be repeated by its seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export interface KillOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly files: number;
  /** Kills come within so long after the start. */
  readonly withinMs: number;
  readonly extra?: readonly string[];
  readonly report?: boolean;
}

const FAULTS: readonly Fault[] = ['status-503', 'status-429', 'reset', 'truncate', 'slow'];

export async function killRounds({
  seed,
  rounds,
  files,
  withinMs,
  extra = [],
  report = true,
}: KillOptions): Promise<void> {
  const random = seeded(seed);
  // The first two requests for a path may fail, later ones do not: the final run always ends.
  const fault = (_path: string, count: number): Fault => {
    if (count > 1 || random() > 0.2) return 'none';
    return FAULTS[Math.floor(random() * FAULTS.length)] ?? 'none';
  };
  await using server = await TestServer.start({ fault });
  using folder = new Folder();
  const paths = Array.from({ length: files }, (_, index) => {
    const bytes = random() < 0.3 ? 300_000 + Math.floor(random() * 2_000_000) : Math.floor(random() * 20_000);
    return `/${bytes}/${index}/same-${index % 7}`; // the last parts collide
  });
  const list = folder.write('urls.txt', paths.map((path) => `${server.origin}${path}\n`).join(''));
  const args = ['fetch', '-i', list, '-d', folder.at('out'), '--name', '{stem}.bin', '-c', '16', '--per-host', '16'];
  const all = [...args, ...(report ? ['--report', folder.at('report.jsonl')] : []), ...extra];
  let killed = 0;
  for (let round = 0; round < rounds; round++) {
    const running = new Running(all, { stdin: '' });
    const timer = setTimeout(() => running.child.kill('SIGKILL'), 60 + random() * withinMs);
    const { signal, code, stderr } = await running.ended;
    clearTimeout(timer);
    if (signal === 'SIGKILL') killed++;
    else assert.equal(code, 0, stderr);
  }
  const { code, stderr } = await new Running(all, { stdin: '' }).ended;
  assert.equal(code, 0, stderr);
  const tree = folder.tree('out');
  const expected = expectedTree(paths);
  assert.deepEqual([...tree.keys()].sort(), [...expected.keys()].sort());
  for (const [name, content] of expected) assert.ok(tree.get(name)?.equals(content), `${name} differs`);
  assert.ok(killed > 0, 'no run was killed: the moments are wrong');
}

/** What one undisturbed run makes: names in the order of the input. */
function expectedTree(paths: readonly string[]): Map<string, Buffer> {
  const tree = new Map<string, Buffer>();
  for (const path of paths) {
    const stem = path.split('/').at(-1);
    let name = `${stem}.bin`;
    for (let number = 2; tree.has(name); number++) name = `${stem}-${number}.bin`;
    tree.set(name, contentOf(path));
  }
  return tree;
}
