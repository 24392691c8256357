import { from, ofStd } from '../lib/contender.mjs';
import { produced } from '../lib/work.mjs';

export const queue = {
  name: 'queue',
  title: 'A bounded queue between one that puts and one that takes',
  unit: 'ns/item',
  variants: [1, 64, 1024].map((capacity) => ({ label: `capacity ${capacity}`, capacity, items: 10_000 })),
  baseline: 'effect Queue',
  contenders: [
    from('effect-queue', 'effect Queue', (effect) => effect.queue),
    ...ofStd('@std/async Channel', (peer) => peer.queue),
    from('primitives', 'corral Queue', (corral) => corral.queue),
    from('primitives', 'corral channel', (corral) => corral.channels),
  ],
  units: (runs, { items }) => runs * items,
  expect: produced,
};
