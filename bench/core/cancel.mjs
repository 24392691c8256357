import { from } from '../lib/contender.mjs';

const common = {
  unit: 'ns/sleeper',
  part: 'from cancel() until the last has ended',
  units: (runs, { count }) => runs * count,
  expect: (runs, { count }) => runs * count,
};

export const cancel = {
  ...common,
  name: 'cancel',
  title: 'Spawn sleepers, let them all sleep, cancel them, wait until all have ended',
  variants: [{ label: '10 000', count: 10_000 }],
  baseline: 'raw, list of timers',
  contenders: [
    from('raw', 'raw, list of timers', (raw) => raw.listOfTimers()),
    from('corral', 'corral', (corral) => corral.cancelSleepers()),
    from('corral', 'corral, explicit', (corral) => corral.cancelSleepers({ ambient: false })),
    from('effect', 'effect forkChild + interruptAll', (effect) => effect.forkAndInterrupt),
    from('raw', 'one AbortSignal, listeners by hand', (raw) => raw.sharedSignalListener()),
    from('raw', 'one AbortSignal, timers/promises', (raw) => raw.sharedSignalTimersPromises()),
    from(
      'effection',
      'effection spawn + halt',
      (effection) => effection.haltSleepers,
      () => ({ count: 1000 }),
    ),
  ],
};

/** The same for more and more sleepers: the cost of each should not grow. */
export const cancelLinear = {
  ...common,
  name: 'cancel-linear',
  title: 'corral: the same for more and more sleepers',
  variants: [{}],
  execArgv: ['--max-old-space-size=8192'],
  baseline: 'corral 1k',
  contenders: Object.entries({ '1k': 1_000, '10k': 10_000, '100k': 100_000, '1M': 1_000_000 }).map(([label, count]) =>
    from(
      'corral',
      `corral ${label}`,
      (corral) => corral.cancelSleepers(),
      () => ({ count }),
    ),
  ),
};
