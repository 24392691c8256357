/** What the tests of sessions share, on the transport of Node. */

import '../../src/index.ts';

export * from './pair.ts';
