/** The platform of Node.js: undici carries the exchanges. */

import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';

import { UndiciTransport } from '../node/undici-transport.ts';
import type { Platform } from './platform.ts';

export const nodePlatform: Platform = {
  name: 'node',
  createTransport: (options) => new UndiciTransport(options),
  decoding: undefined,
  hash: (algorithm, data) => Promise.resolve(createHash(algorithm).update(data).digest('hex')),
  channel: (name) => channel(name),
  environment: () => process.env,
};
