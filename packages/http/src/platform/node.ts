/** The platform of Node.js: undici carries the exchanges. */

import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';

import { UndiciTransport } from '../node/undici-transport.ts';
import { acceptEncoding, parseCodings } from '../node/codings.ts';
import { loadCookies, saveCookies } from '../node/cookie-file.ts';
import { saveTo } from '../node/save-to.ts';
import { decodeStream, decodeWhole } from '../node/decode.ts';
import type { Platform } from './platform.ts';

export const nodePlatform: Platform = {
  name: 'node',
  createTransport: (options) => new UndiciTransport(options),
  decoding: { accepted: acceptEncoding, parse: parseCodings, decodeWhole, decodeStream },
  saveTo,
  cookieFiles: { save: saveCookies, load: loadCookies },
  hash: (algorithm, data) => Promise.resolve(createHash(algorithm).update(data).digest('hex')),
  channel: (name) => channel(name),
  environment: () => process.env,
};
