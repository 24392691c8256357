import { from } from '../lib/contender.mjs';

export const awaiting = {
  name: 'await',
  title: 'One `await`, inside a task and outside',
  unit: 'ns/await',
  variants: [
    { label: '`await` of a resolved promise', target: 'promise' },
    { label: '`await` of a call of an async function', target: 'call' },
  ],
  baseline: 'without corral',
  contenders: [
    from('raw', 'without corral', (raw) => raw.awaits),
    from('raw', 'without corral, in AsyncLocalStorage.run', (raw) => raw.awaitsInStorage()),
    from('corral', 'corral loaded, not used', (corral) => corral.awaitsOutside),
    from('corral', 'corral used, outside of it', (corral) => corral.awaitsAfterUse),
    from('corral', 'corral, in a task', (corral) => corral.awaitsInTask()),
    from('corral', 'corral, in an explicit task', (corral) => corral.awaitsInTask({ ambient: false })),
  ],
  units: (count) => count,
  expect: (count) => count,
};
