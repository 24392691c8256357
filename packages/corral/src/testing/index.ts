/** corral/testing: time, order and leaks under the control of a test. */

export { formatTree } from '../core/tree.ts';
export { LeakError, assertNoLeaks } from './assert-no-leaks.ts';
export { seededRandom } from './seeded-random.ts';
export { SequenceBrokenError, Sequencer } from './sequencer.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
export { waitAllTasksBlocked } from './wait-all-tasks-blocked.ts';
