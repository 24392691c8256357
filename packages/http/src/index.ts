/** The entry of Node: undici carries the exchanges. */

import { nodePlatform } from './platform/node.ts';
import { installPlatform } from './platform/platform.ts';

installPlatform(nodePlatform);

export * from './exports.ts';
