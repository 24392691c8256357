import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { from } from '../lib/contender.mjs';
import { expectSameFiles, numbered, writeBlocks } from './files.mjs';
import { profiled, program, script } from './programs.mjs';
import { served } from './served.mjs';

const cli = script('../../packages/cli/dist/main.js');

export const many = served({
  name: 'many',
  title: 'Files of 4 KiB to disk, 64 at a time: the whole process',
  variants: [{ files: 5000, bytes: 4096, concurrency: 64 }],
  rounds: { full: 7, quick: 3 },
  wholeProcess: true,
  baseline: 'curl',
  contenders: [
    program('curl', ({ params, lists }) => [
      '-sS',
      '--parallel',
      '--parallel-immediate',
      '--parallel-max',
      String(params.concurrency),
      '--output-dir',
      params.folder,
      '-K',
      lists.curl,
    ]),
    program('wget2', ({ params, lists }) => [
      '-q',
      `--max-threads=${params.concurrency}`,
      '-P',
      params.folder,
      '-i',
      lists.urls,
    ]),
    program('aria2c', ({ params, lists }) => [
      '-q',
      '-j',
      String(params.concurrency),
      '-x16',
      '-d',
      params.folder,
      '-i',
      lists.urls,
    ]),
    from('undici', 'undici.request + pipeline', (undici) => undici.requestsToFiles),
    {
      name: 'corral fetch',
      missing: () => !existsSync(cli) && 'packages/cli is not built',
      command: ({ node, params, lists, profile }) => [
        node.path,
        ...profileFlags(profile),
        cli,
        'fetch',
        '--progress=none',
        `--concurrency=${params.concurrency}`,
        `--per-host=${params.concurrency}`,
        `--input=${lists.urls}`,
        `--dir=${params.folder}`,
      ],
    },
  ],
  metrics: [
    { name: 'rate', title: 'files/s' },
    { name: 'cpu', title: 'CPU µs/file' },
    { name: 'rss', title: 'peak RSS MB' },
  ],
  aims: [{ of: 'corral fetch', metric: 'rate', than: 'curl', least: 1 }],
  prepare({ origin, folder, files, bytes }) {
    const source = join(folder, 'many');
    mkdirSync(source);
    const names = Array.from({ length: files }, (_, index) => numbered(index));
    for (const [index, name] of names.entries()) writeBlocks(join(source, name), bytes, index);
    const urls = names.map((name) => `${origin}/many/${name}`);
    const lists = { urls: join(folder, 'urls.txt'), curl: join(folder, 'curl.txt') };
    writeFileSync(lists.urls, `${urls.join('\n')}\n`);
    writeFileSync(lists.curl, urls.map((url, index) => `url = "${url}"\noutput = "${names[index]}"\n`).join(''));
    return {
      lists,
      // A command line has its limits, so the process reads the list.
      params: { list: lists.urls },
      paramsOf: ({ target }) => ({ folder: target }),
      check: ({ target }) => expectSameFiles(target, source, names),
    };
  },
  run: profiled,
  measured: ({ cpu, wall, rss }, { files }) => ({
    rate: files / wall,
    cpu: (cpu * 1e6) / files,
    rss: rss / 2 ** 20,
  }),
});

function profileFlags(file) {
  if (file === undefined) return [];
  return [
    '--cpu-prof',
    '--cpu-prof-interval=200',
    `--cpu-prof-dir=${dirname(file)}`,
    `--cpu-prof-name=${basename(file)}`,
  ];
}
