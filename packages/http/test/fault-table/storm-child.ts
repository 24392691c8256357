/** A storm in a process of its own, which ends when it is over: `node storm-child.js SEED REQUESTS`. */

import { storm } from './storm.ts';

const [seed = '1', requests = '100'] = process.argv.slice(2);
const faults = await storm({ seed: Number(seed), requests: Number(requests), withinMs: 300 });
console.log(JSON.stringify(faults));
