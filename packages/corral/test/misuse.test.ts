import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import {
  Barrier,
  CapacityLimiter,
  CircuitBreaker,
  Condition,
  ContextVariable,
  Deferred,
  Event,
  Lock,
  Once,
  Pool,
  RateLimiter,
  RwLock,
  Semaphore,
  abortable,
  any,
  asCompleted,
  cache,
  checkpoint,
  cleanup,
  debounce,
  detach,
  forEach,
  gather,
  hedge,
  interval,
  limit,
  map,
  moveOnAfter,
  openTaskGroup,
  race,
  retry,
  run,
  shield,
  sleep,
  sleepUntil,
  stream,
  taskGroup,
  throttle,
  timeout,
  timeoutAt,
  use,
  withScope,
  withSignal,
} from '../src/index.ts';
import type { Scope, TaskGroup } from '../src/index.ts';
import { Sequencer, VirtualClock } from '../src/testing/index.ts';

/** What callers without types can hand over. */
type Anything = never;
const bad = (value: unknown): Anything => value as never;

let started = 0;
/** A task function: whatever is refused must not have called it. */
const work = async (): Promise<void> => {
  started++;
};
const promise = (): Promise<void> => Promise.resolve();

function first(values: AsyncIterable<unknown>): Promise<unknown> {
  return values[Symbol.asyncIterator]().next();
}

/** Calls `use` with a group or a scope that has ended. */
async function afterGroup(use: (group: TaskGroup) => unknown): Promise<void> {
  const ended = await taskGroup((group) => ({ group }), { name: 'crawl' });
  await use(ended.group);
}
async function afterScope(use: (scope: Scope) => unknown): Promise<void> {
  const ended = await withScope((scope) => ({ scope }), { name: 'crawl' });
  await use(ended.scope);
}
const inGroup = (use: (group: TaskGroup) => unknown): Promise<unknown> => taskGroup(use, { name: 'crawl' });

const HINT = ' (it has started already: write () => …)';
const SWAPPED = ' (the arguments are swapped)';
const LIMIT = 'as it takes a positive integer or Infinity: current value is';
const MS = 'as it takes a number of milliseconds: current value is';
const TIME = 'as it takes a time (milliseconds since the epoch or a Date): current value is';

type Case = readonly [title: string, call: () => unknown, name: string, message: string];

const functions: readonly Case[] = [
  [
    'taskGroup(undefined)',
    () => taskGroup(bad(undefined)),
    'TypeError',
    'Cannot run the body of taskGroup as it takes a function: current value is undefined',
  ],
  [
    'taskGroup(promise)',
    () => taskGroup(bad(promise())),
    'TypeError',
    `Cannot run the body of taskGroup as it takes a function: current value is a promise${HINT}`,
  ],
  [
    'withScope with options and body the wrong way round',
    () => withScope(bad({ name: 'x' }), bad(work)),
    'TypeError',
    `Cannot run the body of withScope as it takes a function: current value is an object${SWAPPED}`,
  ],
  [
    'taskGroup with options and body the wrong way round',
    () => taskGroup(bad({ concurrency: 3 }), bad(work)),
    'TypeError',
    `Cannot run the body of taskGroup as it takes a function: current value is an object${SWAPPED}`,
  ],
  [
    'moveOnAfter with the arguments the wrong way round',
    () => moveOnAfter(bad(work), bad(5)),
    'TypeError',
    `Cannot run the body of moveOnAfter as it takes a function: current value is 5${SWAPPED}`,
  ],
  [
    'run with options and main the wrong way round',
    () => run(bad({ name: 'x' }), bad(work)),
    'TypeError',
    `Cannot run as it takes a function: current value is an object${SWAPPED}`,
  ],
  [
    'shield()',
    () => shield(bad(undefined)),
    'TypeError',
    'Cannot run the body of shield as it takes a function: current value is undefined',
  ],
  [
    'timeout(5)',
    () => timeout(5, bad(undefined)),
    'TypeError',
    'Cannot run the body of timeout as it takes a function: current value is undefined',
  ],
  [
    'timeout(5, promise)',
    () => timeout(5, bad(promise())),
    'TypeError',
    `Cannot run the body of timeout as it takes a function: current value is a promise${HINT}`,
  ],
  [
    'timeout with the arguments the wrong way round',
    () => timeout(bad(work), bad(5)),
    'TypeError',
    `Cannot run the body of timeout as it takes a function: current value is 5${SWAPPED}`,
  ],
  [
    'moveOnAfter(5, promise)',
    () => moveOnAfter(5, bad(promise())),
    'TypeError',
    `Cannot run the body of moveOnAfter as it takes a function: current value is a promise${HINT}`,
  ],
  [
    'withSignal(promise)',
    () => withSignal(bad(promise())),
    'TypeError',
    `Cannot call with a signal as it takes a function: current value is a promise${HINT}`,
  ],
  ['run()', () => run(bad(undefined)), 'TypeError', 'Cannot run as it takes a function: current value is undefined'],
  [
    'abortable(function)',
    () => abortable(bad(work)),
    'TypeError',
    'Cannot wait as abortable takes a promise: current value is function work',
  ],
  [
    'abortable(value)',
    () => abortable(bad('text')),
    'TypeError',
    'Cannot wait as abortable takes a promise: current value is "text"',
  ],
];

const spawning: readonly Case[] = [
  [
    'spawn(promise)',
    () => inGroup((group) => group.spawn(bad(promise()))),
    'TypeError',
    `Cannot spawn a task as it takes a function: current value is a promise${HINT}`,
  ],
  [
    'spawn()',
    () => inGroup((group) => group.spawn(bad(undefined))),
    'TypeError',
    'Cannot spawn a task as it takes a function: current value is undefined',
  ],
  [
    'spawnWhenReady(promise)',
    () => inGroup((group) => group.spawnWhenReady(bad(promise()))),
    'TypeError',
    `Cannot spawn a task as it takes a function: current value is a promise${HINT}`,
  ],
  [
    'start(value)',
    () => inGroup((group) => group.start(bad(5))),
    'TypeError',
    'Cannot start a task as it takes a function: current value is 5',
  ],
  [
    'spawn into a group that has ended',
    () => afterGroup((group) => group.spawn(work)),
    'GroupClosedError',
    'Cannot spawn into crawl as it has ended',
  ],
  [
    'spawnWhenReady into a group that has ended',
    () => afterGroup((group) => group.spawnWhenReady(work)),
    'GroupClosedError',
    'Cannot spawn into crawl as it has ended',
  ],
  [
    'start in a group that has ended',
    () => afterGroup((group) => group.start(work)),
    'GroupClosedError',
    'Cannot spawn into crawl as it has ended',
  ],
  [
    'a task that joins itself',
    () => inGroup((group) => void group.spawn(() => [...group.tasks][0]?.join(), { name: 'worker' })),
    'TypeError',
    'Cannot join worker as it would wait for itself: called inside that task',
  ],
  [
    'a task that joins itself from a scope of its own',
    () => inGroup((group) => void group.spawn(() => shield(() => [...group.tasks][0]?.join()), { name: 'worker' })),
    'TypeError',
    'Cannot join worker as it would wait for itself: called inside that task',
  ],
  [
    'a task that joins its group',
    () => inGroup((group) => void group.spawn(() => group.join(), { name: 'worker' })),
    'TypeError',
    'Cannot join crawl as it would wait for itself: called in its worker',
  ],
  [
    'started() twice',
    () =>
      inGroup((group) =>
        group.start(
          async (_scope, ready) => {
            ready();
            ready();
          },
          { name: 'server' },
        ),
      ),
    'TypeError',
    'Cannot start server as started(value) must be called once: it was called before',
  ],
  [
    'started() never',
    () => inGroup((group) => group.start(async () => {}, { name: 'server' })),
    'TypeError',
    'Cannot start server as started(value) must be called before the task ends: it returned without',
  ],
  [
    'detach outside run()',
    () => detach(work),
    'TypeError',
    'Cannot detach without a group as it must be called under run(): pass the group to own it',
  ],
  [
    'detach in a group outside run()',
    () => inGroup(() => detach(work)),
    'TypeError',
    'Cannot detach without a group as it must be called under run(): pass the group to own it',
  ],
];

const limits: readonly Case[] = [
  [
    'concurrency: -1',
    () => taskGroup(work, { concurrency: -1 }),
    'RangeError',
    `Cannot set concurrency of taskGroup ${LIMIT} -1`,
  ],
  [
    'concurrency: NaN',
    () => gather([work], { concurrency: NaN }),
    'RangeError',
    `Cannot set concurrency of gather ${LIMIT} NaN`,
  ],
  [
    'concurrency: 0',
    () => map([1], work, { concurrency: 0 }),
    'RangeError',
    `Cannot set concurrency of map ${LIMIT} 0`,
  ],
  [
    'concurrency: 1.5',
    () => forEach([1], work, { concurrency: 1.5 }),
    'RangeError',
    `Cannot set concurrency of forEach ${LIMIT} 1.5`,
  ],
  [
    'concurrency: -Infinity',
    () => race([work], { concurrency: -Infinity }),
    'RangeError',
    `Cannot set concurrency of race ${LIMIT} -Infinity`,
  ],
  [
    'concurrency: "2"',
    () => any([work], { concurrency: bad('2') }),
    'RangeError',
    `Cannot set concurrency of any ${LIMIT} "2"`,
  ],
  [
    'concurrency: null',
    () => first(asCompleted([work], { concurrency: bad(null) })),
    'RangeError',
    `Cannot set concurrency of asCompleted ${LIMIT} null`,
  ],
  [
    'concurrency: 0 of an open group',
    () => openTaskGroup({ concurrency: 0 }),
    'RangeError',
    `Cannot set concurrency of openTaskGroup ${LIMIT} 0`,
  ],
  [
    'group.concurrency = 0',
    () => inGroup((group) => void (group.concurrency = 0)),
    'RangeError',
    `Cannot set concurrency of a group ${LIMIT} 0`,
  ],
  [
    'graceMs: "5"',
    () => taskGroup(work, { graceMs: bad('5') }),
    'RangeError',
    `Cannot set graceMs of taskGroup ${MS} "5"`,
  ],
  ['staggerMs: NaN', () => race([work], { staggerMs: NaN }), 'RangeError', `Cannot set staggerMs of race ${MS} NaN`],
];

const times: readonly Case[] = [
  ['sleep(NaN)', () => sleep(NaN), 'RangeError', `Cannot sleep ${MS} NaN`],
  ['sleep("5")', () => sleep(bad('5')), 'RangeError', `Cannot sleep ${MS} "5"`],
  ['sleep({})', () => sleep(bad({})), 'RangeError', `Cannot sleep ${MS} an object`],
  ['sleep(Symbol)', () => sleep(bad(Symbol('x'))), 'RangeError', `Cannot sleep ${MS} Symbol(x)`],
  ['scope.sleep(NaN)', () => withScope((scope) => scope.sleep(NaN)), 'RangeError', `Cannot sleep ${MS} NaN`],
  ['sleepUntil(text)', () => sleepUntil(bad('2030')), 'RangeError', `Cannot call sleepUntil ${TIME} "2030"`],
  ['timeout("5")', () => timeout(bad('5'), work), 'RangeError', `Cannot set the deadline of timeout ${MS} "5"`],
  ['timeout(NaN)', () => timeout(NaN, work), 'RangeError', `Cannot set the deadline of timeout ${MS} NaN`],
  ['timeoutAt(text)', () => timeoutAt(bad('2030'), work), 'RangeError', `Cannot set a deadline ${TIME} "2030"`],
  ['moveOnAfter(NaN)', () => moveOnAfter(NaN, work), 'RangeError', `Cannot set the deadline of moveOnAfter ${MS} NaN`],
  [
    'deadlineMs: "5"',
    () => withScope(work, { deadlineMs: bad('5') }),
    'RangeError',
    `Cannot set the deadline of withScope ${MS} "5"`,
  ],
  [
    'cleanup timeoutMs: NaN',
    () => cleanup(work, { timeoutMs: NaN }),
    'RangeError',
    `Cannot set the deadline of cleanup ${MS} NaN`,
  ],
  ['run drainMs: "5"', () => run(work, { drainMs: bad('5') }), 'RangeError', `Cannot set drainMs ${MS} "5"`],
  [
    'interval(0)',
    () => first(interval(0)),
    'RangeError',
    'Cannot make an interval as it takes a positive number of milliseconds: current value is 0',
  ],
  [
    'interval(NaN)',
    () => first(interval(NaN)),
    'RangeError',
    'Cannot make an interval as it takes a positive number of milliseconds: current value is NaN',
  ],
  [
    'reschedule(NaN)',
    () => withScope((scope) => scope.reschedule(NaN), { name: 'crawl' }),
    'RangeError',
    `Cannot reschedule ${TIME} NaN`,
  ],
  [
    'reschedule of a cancelled scope',
    () =>
      withScope(
        (scope) => {
          scope.cancel();
          scope.reschedule(5);
        },
        { name: 'crawl' },
      ),
    'TypeError',
    'Cannot reschedule crawl as it must not be cancelled: cause is explicit',
  ],
];

const combinators: readonly Case[] = [
  [
    'gather([function, promise])',
    () => gather(bad([work, promise()])),
    'TypeError',
    `Cannot call gather() with entry 1 as it takes a function: current value is a promise${HINT}`,
  ],
  [
    'gather({ user: promise })',
    () => gather(bad({ posts: work, user: promise() })),
    'TypeError',
    `Cannot call gather() with entry user as it takes a function: current value is a promise${HINT}`,
  ],
  [
    'gather of an array with a hole',
    // oxlint-disable-next-line no-sparse-arrays
    () => gather(bad([work, , work])),
    'TypeError',
    'Cannot call gather() with entry 1 as it takes a function: current value is undefined',
  ],
  [
    'race([function, promise])',
    () => race(bad([work, promise()])),
    'TypeError',
    `Cannot call race() with entry 1 as it takes a function: current value is a promise${HINT}`,
  ],
  [
    'race([])',
    () => race([]),
    'RangeError',
    'Cannot call race() as it takes at least one function: current value is []',
  ],
  ['map(5)', () => map(bad(5), work), 'TypeError', 'Cannot map as it takes an iterable: current value is 5'],
  [
    'map(promise of items)',
    () => map(bad(Promise.resolve([1])), work),
    'TypeError',
    'Cannot map as it takes an iterable: current value is a promise',
  ],
  [
    'map of an array-like object',
    () => map(bad({ length: 1, 0: 'a' }), work),
    'TypeError',
    'Cannot map as it takes an iterable: current value is an object',
  ],
];

const roots: readonly Case[] = [
  [
    'run inside run',
    () => run(() => run(work), { name: 'program', signals: false }),
    'TypeError',
    'Cannot run a program inside another as run() makes a root: current scope is program; use taskGroup()',
  ],
  [
    'run inside a group',
    () => inGroup(() => run(work)),
    'TypeError',
    'Cannot run a program inside another as run() makes a root: current scope is crawl; use taskGroup()',
  ],
  [
    'a VirtualClock inside another',
    () => new VirtualClock().run(() => new VirtualClock().run(work)),
    'TypeError',
    'Cannot run a virtual clock as only one runs at a time: another has not ended',
  ],
  [
    'VirtualClock start: text',
    () => new VirtualClock({ start: bad('noon') }),
    'RangeError',
    'Cannot make a clock as it starts at a time: current value is "noon"',
  ],
  [
    'VirtualClock advance(-1)',
    () => new VirtualClock().advance(-1),
    'RangeError',
    'Cannot advance as time only moves forward: current value is -1',
  ],
  [
    'a Sequencer at -1',
    () => new Sequencer().at(-1, work),
    'RangeError',
    'Cannot wait in sequence as each position is a whole number that is used once: current value is -1',
  ],
];

const SCOPE = 'Cannot use { scope } as it takes a Scope: current value is';
const SIGNAL = 'Cannot use { signal } as it takes an AbortSignal: current value is';
const CLOSED = 'in scope crawl as it has ended: was an await forgotten? Else use detach(fn, group)';

const options: readonly Case[] = [
  ['sleep scope: 5', () => sleep(1, { scope: bad(5) }), 'TypeError', `${SCOPE} 5`],
  ['withScope scope: null', () => withScope(work, { scope: bad(null) }), 'TypeError', `${SCOPE} null`],
  ['taskGroup scope: {}', () => taskGroup(work, { scope: bad({}) }), 'TypeError', `${SCOPE} an object`],
  ['gather scope: text', () => gather([work], { scope: bad('x') }), 'TypeError', `${SCOPE} "x"`],
  ['map scope: text', () => map([1], work, { scope: bad('x') }), 'TypeError', `${SCOPE} "x"`],
  [
    'timeout scope: a signal',
    () => timeout(5, work, { scope: bad(new AbortController().signal) }),
    'TypeError',
    `${SCOPE} an object of class AbortSignal`,
  ],
  [
    'sleep scope: a group instead of its scope',
    () => inGroup((group) => sleep(1, { scope: bad(group) })),
    'TypeError',
    `${SCOPE} an object of class Group`,
  ],
  [
    'sleep in a scope that has ended',
    () => afterScope((scope) => sleep(1, { scope })),
    'ScopeClosedError',
    `Cannot wait for sleep ${CLOSED}`,
  ],
  [
    'abortable in a scope that has ended',
    () => afterScope((scope) => abortable(promise(), { scope })),
    'ScopeClosedError',
    `Cannot wait for a foreign promise ${CLOSED}`,
  ],
  [
    'withScope in a scope that has ended',
    () => afterScope((scope) => withScope(work, { scope })),
    'ScopeClosedError',
    `Cannot open work ${CLOSED}`,
  ],
  ['taskGroup signal: 5', () => taskGroup(work, { signal: bad(5) }), 'TypeError', `${SIGNAL} 5`],
  ['gather signal: {}', () => gather([work], { signal: bad({}) }), 'TypeError', `${SIGNAL} an object`],
  [
    'withScope signal: a controller',
    () => withScope(work, { signal: bad(new AbortController()) }),
    'TypeError',
    `${SIGNAL} an object of class AbortController`,
  ],
];

/** Whatever takes options says so when it is given something else. */
const notOptions: readonly Case[] = Object.entries({
  'new Barrier': (given) => new Barrier(2, given),
  'new CapacityLimiter': (given) => new CapacityLimiter(5, given),
  'new CircuitBreaker': (given) => new CircuitBreaker(given),
  'new Condition': (given) => new Condition(undefined, given),
  'new Deferred': (given) => new Deferred(given),
  'new Event': (given) => new Event(given),
  'new Lock': (given) => new Lock(given),
  'new Once': (given) => new Once(work, given),
  'new Pool': (given) => new Pool(given),
  'new RateLimiter': (given) => new RateLimiter(given),
  'new RwLock': (given) => new RwLock(given),
  'new Semaphore': (given) => new Semaphore(1, given),
  'RateLimiter.update': (given) => new RateLimiter({ limit: 1, perMs: 1 }).update(given),
  throttle: (given) => stream([1]).throttle(given),
  'new ContextVariable': (given) => new ContextVariable(given),
  'new VirtualClock': (given) => new VirtualClock(given),
  any: (given) => any([work], given),
  asCompleted: (given) => first(asCompleted([work], given)),
  checkpoint: (given) => checkpoint(given),
  cleanup: (given) => cleanup(work, given),
  forEach: (given) => forEach([1], work, given),
  gather: (given) => gather([work], given),
  'group.join': (given) => inGroup((group) => group.join(given)),
  'group.start': (given) => inGroup((group) => group.start(work, given)),
  map: (given) => map([1], work, given),
  moveOnAfter: (given) => moveOnAfter(5, work, given),
  openTaskGroup: (given) => openTaskGroup(given),
  race: (given) => race([work], given),
  run: (given) => run(work, given),
  'Semaphore.acquire': (given) => new Semaphore(1).acquire(1, given),
  shield: (given) => shield(work, given),
  sleep: (given) => sleep(1, given),
  spawn: (given) => inGroup((group) => group.spawn(work, given)),
  spawnWhenReady: (given) => inGroup((group) => group.spawnWhenReady(work, given)),
  'task.join': (given) => inGroup((group) => group.spawn(() => 1).join(given)),
  taskGroup: (given) => taskGroup(work, given),
  timeout: (given) => timeout(5, work, given),
  timeoutAt: (given) => timeoutAt(Infinity, work, given),
  withScope: (given) => withScope(work, given),
  withSignal: (given) => withSignal(work, given),
} satisfies Readonly<Record<string, (given: Anything) => unknown>>).flatMap(([call, use]) =>
  [2, 'text', work].map((given): Case => {
    const value = given === work ? 'function work' : JSON.stringify(given);
    const message = `Cannot call ${call}() as it takes an object of options: current value is ${value}`;
    return [`${call} with ${value} instead of options`, () => use(bad(given)), 'TypeError', message];
  }),
);

const FUNCTIONS = 'Cannot call gather() as it takes an array or a record of functions: current value is';
const ARRAY = 'as it takes an array of functions: current value is';

const slips: readonly Case[] = [
  ['sleep(undefined)', () => sleep(bad(undefined)), 'RangeError', `Cannot sleep ${MS} undefined`],
  ['sleep(null)', () => sleep(bad(null)), 'RangeError', `Cannot sleep ${MS} null`],
  ['sleep(bigint)', () => sleep(bad(5n)), 'RangeError', `Cannot sleep ${MS} 5n`],
  [
    'gather of a Set',
    () => gather(bad(new Set([work]))),
    'TypeError',
    `${FUNCTIONS} an object of class Set (write [...fns])`,
  ],
  [
    'gather of a Map',
    () => gather(bad(new Map([['a', work]]))),
    'TypeError',
    `${FUNCTIONS} an object of class Map (write [...fns])`,
  ],
  [
    'gather(promise)',
    () => gather(bad(promise())),
    'TypeError',
    `${FUNCTIONS} a promise (it has started already: write [() => …])`,
  ],
  ['gather(f, g)', () => gather(bad(work), bad(work)), 'TypeError', `${FUNCTIONS} function work (write [f, g])`],
  ['gather()', () => gather(bad(undefined)), 'TypeError', `${FUNCTIONS} undefined`],
  ['any([])', () => any([]), 'RangeError', 'Cannot call any() as it takes at least one function: current value is []'],
  ['race of a record', () => race(bad({ a: work })), 'TypeError', `Cannot call race() ${ARRAY} an object`],
  ['any of a record', () => any(bad({ a: work })), 'TypeError', `Cannot call any() ${ARRAY} an object`],
  [
    'asCompleted of a record',
    () => first(asCompleted(bad({ a: work }))),
    'TypeError',
    `Cannot call asCompleted() ${ARRAY} an object`,
  ],
  [
    'map([1])',
    () => map([1], bad(undefined)),
    'TypeError',
    'Cannot map as it takes a function: current value is undefined',
  ],
  [
    'detach(fn, options)',
    () => run(() => void detach(work, bad({ name: 'x' })), { signals: false }),
    'TypeError',
    'Cannot detach as its second argument is a TaskGroup, options come third: current value is an object',
  ],
  ['taskGroup signal: ""', () => taskGroup(work, { signal: bad('') }), 'TypeError', `${SIGNAL} ""`],
  [
    'onTaskError: no known word',
    () => taskGroup(work, { onTaskError: bad('bogus') }),
    'TypeError',
    'Cannot set onTaskError of taskGroup as it takes cancel or collect or a function: current value is "bogus"',
  ],
  [
    'onTaskError: 5',
    () => taskGroup(work, { onTaskError: bad(5) }),
    'TypeError',
    'Cannot set onTaskError of taskGroup as it takes cancel or collect or a function: current value is 5',
  ],
  [
    'errors: no known word',
    () => taskGroup(work, { errors: bad('bogus') }),
    'TypeError',
    'Cannot set errors of taskGroup as it takes first or aggregate: current value is "bogus"',
  ],
  [
    'reschedule of a scope that has ended',
    () => afterScope((scope) => scope.reschedule(5)),
    'ScopeClosedError',
    `Cannot reschedule ${CLOSED}`,
  ],
];

const OPTIONS = 'as it takes an object of options: current value is';
const PERMIT = 'as it takes the permit that holds its lock: current value is';

const missing: readonly Case[] = Object.entries({
  'new Pool': (given: Anything) => new Pool(given),
  'new RateLimiter': (given: Anything) => new RateLimiter(given),
  'RateLimiter.update': (given: Anything) => new RateLimiter({ limit: 1, perMs: 1 }).update(given),
  throttle: (given: Anything) => stream([1]).throttle(given),
}).flatMap(([call, use]) =>
  [undefined, null].map(
    (given) =>
      [`${call}(${given})`, () => use(bad(given)), 'TypeError', `Cannot call ${call}() ${OPTIONS} ${given}`] as const,
  ),
);

const hints: readonly Case[] = [
  ...Object.entries({
    map: () => map(bad(work), bad([1])),
    limit: () => limit(bad(5), bad(work)),
    throttle: () => throttle(bad(5), bad(work)),
    debounce: () => debounce(bad(5), bad(work)),
    cache: () => cache(bad(5), bad(work)),
    hedge: () => hedge(bad(5), bad(work)),
    retry: () => retry(bad(5), bad(work)),
    'run the body of Semaphore.hold': () => new Semaphore(3).hold(bad(5), bad(work)),
    'run the body of Lock.hold': () => new Lock().hold(bad(5), bad(work)),
    'run the body of RwLock.holdRead': () => new RwLock().holdRead(bad(5), bad(work)),
    'run the body of CapacityLimiter.hold': () => new CapacityLimiter(1).hold(bad(5), bad(work)),
  }).map(([action, call]): Case => {
    const value = action === 'map' ? 'an array of 1' : '5';
    const message = `Cannot ${action} as it takes a function: current value is ${value}${SWAPPED}`;
    return [`${action} with the arguments swapped`, call, 'TypeError', message];
  }),
  [
    'waitFor without the permit',
    () => new Condition().waitFor(bad(work), bad(undefined)),
    'TypeError',
    `Cannot wait for condition ${PERMIT} function work (the permit from acquire() comes first)`,
  ],
  [
    'use(the function that resource() gave)',
    () => use(bad(work), work),
    'TypeError',
    'Cannot use a resource as it takes a resource, something disposable or a { value, close }: current value is ' +
      'function work (call it: the function that resource() gives makes one)',
  ],
  [
    'limit(fn, 0)',
    () => limit(() => 1, 0),
    'RangeError',
    'Cannot set the concurrency of limit as it takes an integer of at least 1, or Infinity: current value is 0',
  ],
  [
    'cache(fn, { max: 0 })',
    () => cache(() => 1, { max: 0 }),
    'RangeError',
    'Cannot set max of cache as it takes an integer of at least 1, or Infinity: current value is 0',
  ],
];

/** What a call threw or rejected with, and which of the two. */
async function failureOf(call: () => unknown): Promise<{ error: Error; how: 'threw' | 'rejected' }> {
  let how: 'threw' | 'rejected' = 'threw';
  let timer: NodeJS.Timeout | undefined;
  try {
    const result = call();
    how = 'rejected';
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, 200, 'it waits');
    });
    const value = await Promise.race([result, late]);
    assert.fail(`nothing was refused: ${String(value)}`);
  } catch (error) {
    assert.ok(error instanceof Error);
    return { error, how };
  } finally {
    clearTimeout(timer);
  }
}

for (const [title, cases] of Object.entries({
  functions,
  spawning,
  limits,
  times,
  combinators,
  roots,
  options,
  'something else instead of options': notOptions,
  'options that are missing': missing,
  hints,
  slips,
})) {
  describe(`misuse: ${title}`, () => {
    beforeEach(() => {
      started = 0;
    });
    for (const [name, call, kind, message] of cases) {
      test(`${name} is refused before anything is started`, async () => {
        const { error } = await failureOf(call);
        assert.equal(`${error.name}: ${error.message}`, `${kind}: ${message}`);
        assert.equal(started, 0);
      });
    }
  });
}

describe('misuse: how it is told', () => {
  test('spawn, detach and reschedule throw, what returns a promise rejects', async () => {
    const throwing = [
      () => detach(work),
      () => openTaskGroup({ concurrency: 0 }),
      () => openTaskGroup().spawn(bad(promise())),
    ];
    for (const call of throwing) assert.throws(call);
    const rejecting = [...functions, ...limits.slice(0, 6), ...times, ...combinators, ...options];
    for (const [name, call] of rejecting) assert.equal((await failureOf(call)).how, 'rejected', name);
  });

  test('a rejected promise among the functions does not end the process', async () => {
    const failed = Promise.reject(new Error('too early'));
    failed.catch(() => {});
    await assert.rejects(gather(bad([failed])), TypeError);
  });

  test('a policy that decides nothing does not lose the error', async () => {
    const group = taskGroup(
      (inner) => {
        inner.spawn(async () => {
          throw new Error('seen');
        });
      },
      { onTaskError: bad(() => undefined) },
    );
    await assert.rejects(group, /seen/);
  });
});
