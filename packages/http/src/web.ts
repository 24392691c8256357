/** The entry of browsers and of workers: fetch carries the exchanges, and nothing of Node is in it. */

import { installPlatform } from './platform/platform.ts';
import { webPlatform } from './platform/web.ts';

installPlatform(webPlatform);

export * from './exports.ts';
