/** The platform of Bun and Deno: fetch carries the exchanges, the rest is as in Node. */

import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { env } from 'node:process';

import { FetchTransport } from '../fetch/fetch-transport.ts';
import { loadCookies, saveCookies } from '../node/cookie-file.ts';
import { saveTo } from '../node/save-to.ts';
import type { Platform } from './platform.ts';

export const serverPlatform: Platform = {
  name: 'server',
  createTransport: () => new FetchTransport('server'),
  decoding: undefined,
  hash: (algorithm, data) => Promise.resolve(createHash(algorithm).update(data).digest('hex')),
  channel: (name) => channel(name),
  saveTo,
  cookieFiles: { save: saveCookies, load: loadCookies },
  environment: () => env,
};
