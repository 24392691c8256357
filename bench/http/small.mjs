import { from } from '../lib/contender.mjs';
import { findPython } from '../lib/programs.mjs';
import { load } from './load.mjs';
import { SMALL } from './nginx.mjs';
import { script } from './programs.mjs';
import { served } from './served.mjs';

/** Asked by the coordinator only: it takes a while. */
let aiohttp;

export const small = served({
  name: 'small',
  title: 'Small GETs, 128 bytes, 100 at a time: as many cold as warm, in a fresh process',
  variants: [{ requests: 10_000, concurrency: 100, quick: { requests: 4000 } }],
  rounds: { full: 9, quick: 3 },
  pinned: true,
  baseline: 'undici.request',
  contenders: [
    from('undici', 'undici.request', (undici) => undici.requests),
    from('undici', 'undici dispatch', (undici) => undici.dispatches),
    from('fetch', 'fetch', (platform) => platform.fetches),
    from('ky', 'ky', (ky) => ky.gets),
    from('axios', 'axios', (axios) => axios.gets),
    from('got', 'got', (got) => got.gets),
    {
      name: 'aiohttp',
      missing() {
        aiohttp ??= findPython('aiohttp');
        return aiohttp === undefined && 'there is no Python with aiohttp (python3-aiohttp in Debian)';
      },
      command: ({ params }) => [aiohttp, script('../compare/aiohttp_load.py'), JSON.stringify(params)],
    },
    from('http', 'corral', (corral) => corral.gets),
    from('http', 'corral, 8 per host', (corral) => corral.getsWithDefaults),
  ],
  metrics: [
    { name: 'warm', title: 'warm µs' },
    { name: 'cold', title: 'cold µs' },
    { name: 'rate', title: 'warm req/s' },
    { name: 'rss', title: 'RSS MB' },
  ],
  aims: [
    { of: 'corral', metric: 'warm', than: 'undici.request', most: 1.1 },
    { of: 'corral', metric: 'warm', than: 'fetch', most: 0.35 },
    ...['got', 'ky', 'axios', 'aiohttp'].map((than) => ({ of: 'corral', metric: 'warm', than, most: 0.25 })),
  ],
  prepare: ({ origin }) => ({ params: { url: `${origin}/small`, text: SMALL } }),
  run: load,
});
