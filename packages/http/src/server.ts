/** The entry of Bun and Deno: fetch carries the exchanges. */

import { installPlatform } from './platform/platform.ts';
import { serverPlatform } from './platform/server.ts';

installPlatform(serverPlatform);

export * from './exports.ts';
