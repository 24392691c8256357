import { acquire, handOver } from './acquire.mjs';
import { limited, rate, streamed } from './policies.mjs';
import { queue } from './queue.mjs';

export default [acquire, handOver, queue, limited, streamed, rate];
