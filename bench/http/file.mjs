import { join } from 'node:path';

import { from } from '../lib/contender.mjs';
import { expectSameFile, writeBlocks } from './files.mjs';
import { program, profiled } from './programs.mjs';
import { served } from './served.mjs';

const GIB = 2 ** 30;

export const file = served({
  name: 'file',
  title: 'A large file to disk: the whole process, figures for 1 GiB',
  variants: [{ bytes: GIB }],
  rounds: { full: 5, quick: 2 },
  wholeProcess: true,
  baseline: 'undici.stream',
  contenders: [
    from('undici', 'undici.stream', (undici) => undici.streamToFile),
    from('undici', 'undici.request + pipeline', (undici) => undici.requestToFile),
    from('fetch', 'fetch + pipeTo', (platform) => platform.fetchToFile),
    program('curl', ({ params }) => ['-sS', '-o', params.target, params.url]),
    from('http', 'corral saveTo', (corral) => corral.saveToFile),
  ],
  metrics: [
    { name: 'cpu', title: 'CPU s/GiB' },
    { name: 'rate', title: 'MB/s' },
    { name: 'rss', title: 'peak RSS MB' },
  ],
  aims: [
    { of: 'corral saveTo', metric: 'cpu', than: 'undici.stream', most: 1 },
    { of: 'corral saveTo', metric: 'rss', most: 120 },
  ],
  prepare({ origin, folder, bytes }) {
    const source = join(folder, 'large.bin');
    writeBlocks(source, bytes);
    return {
      params: { url: `${origin}/large.bin` },
      paramsOf: ({ target }) => ({ target: join(target, 'large.bin') }),
      check: ({ target }) => expectSameFile(join(target, 'large.bin'), source),
    };
  },
  run: profiled,
  measured: ({ cpu, wall, rss }, { bytes }) => ({
    cpu: (cpu * GIB) / bytes,
    rate: bytes / 1e6 / wall,
    rss: rss / 2 ** 20,
  }),
});
