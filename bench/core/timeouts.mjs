import { from } from '../lib/contender.mjs';

export const timeouts = {
  name: 'timeout',
  title: 'A timeout around an async call that is done at once',
  unit: 'ns/call',
  variants: [{}],
  baseline: 'raw Promise.race, cleared timer',
  contenders: [
    from('raw', 'raw Promise.race, cleared timer', (raw) => raw.raceWithTimer),
    from('raw', 'a timer set and cleared, no race', (raw) => raw.timerAlone),
    from('corral', 'corral timeout', (corral) => corral.timeoutCalls),
    from('corral', 'corral moveOnAfter', (corral) => corral.moveOnAfterCalls),
    from('p-timeout', 'p-timeout', (pTimeout) => pTimeout.timeouts),
    from('effect', 'effect timeout', (effect) => effect.timeouts),
    from('effection', 'effection, a spawned sleep', (effection) => effection.timeouts),
  ],
  units: (calls) => calls,
  expect: (calls) => calls,
};
