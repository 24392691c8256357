// An engine without AsyncLocalStorage, as browsers are: the scope handle is passed by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runModule } from './library-copy.ts';

interface Line {
  readonly section: 'handle' | 'virtual' | 'ambient';
  readonly name: string;
  readonly value?: unknown;
  readonly thrown?: string;
  readonly how?: 'throws' | 'rejects';
}

async function linesOf(...args: string[]): Promise<ReadonlyMap<string, Line>> {
  const { code, output, errors } = await runModule(new URL('without-ambient.program.js', import.meta.url), ...args);
  assert.equal(code, 0, `${output}\n${errors}`);
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return new Map(lines.map((line) => [`${line.section} ${line.name}`, line]));
}

/** Each program is run once, when the first test wants it. */
const programs = new Map<string, Promise<ReadonlyMap<string, Line>>>();
async function lineOf(key: string, ...args: string[]): Promise<Line> {
  const program = programs.get(args.join()) ?? linesOf(...args);
  programs.set(args.join(), program);
  const line = (await program).get(key);
  assert.ok(line, `no line for ${key}`);
  return line;
}

const values: Readonly<Record<string, unknown>> = {
  sleep: 'slept',
  'scope.sleep': 'slept',
  sleepUntil: 'slept',
  checkpoint: 'turned',
  interval: 'beats',
  withScope: true,
  'withScope cancelled': null,
  timeout: 'TimeoutError',
  timeoutAt: 'TimeoutError',
  moveOnAfter: { timedOut: true },
  shield: 'shielded',
  cleanup: 'cleaned',
  use: [1, 'in', 'out'],
  open: ['in', 'value 1', 'out'],
  ResourceStack: ['in', 'callback', 'out', 'in', 'out'],
  Pool: 'made',
  taskGroup: [1, 2, 3],
  'taskGroup failure': ['AbortError'],
  'taskGroup cancel': null,
  openTaskGroup: 'succeeded',
  start: 'ready',
  spawnWhenReady: 'second',
  gather: [1, 2],
  'gather settled': ['fulfilled', 'rejected'],
  map: [0, 2, 6],
  forEach: 6,
  race: 'fast',
  any: 'success',
  'any staggered': 'next',
  asCompleted: ['fast', 'slow'],
  stream: [1, 2, 3],
  'stream cancelled': { timedOut: true },
  abortable: 'foreign',
  'abortable cancelled': { timedOut: true },
  withSignal: false,
  'withSignal cancelled': { timedOut: true },
  'detach to a group': 'detached',
  'a foreign signal': 'aborted',
  Queue: [1, 2, 3],
  channel: [[1, 3], [2]],
  Broadcast: [1, 2],
  select: ['late', { key: 'queue', value: 1 }],
  'ContextVariable.get': 'default',
  Sequencer: [0, 1],
  assertNoLeaks: 'LeakError',
  waitAllTasksBlocked: 'blocked',
};

for (const [name, value] of Object.entries(values)) {
  test(`without AsyncLocalStorage: ${name} works with the scope that is passed`, async () => {
    assert.deepEqual((await lineOf(`handle ${name}`)).value, value, (await lineOf(`handle ${name}`)).thrown);
  });

  test(`without AsyncLocalStorage and setImmediate: ${name} works too`, async () => {
    const line = await lineOf(`handle ${name}`, '--browser');
    assert.deepEqual(line.value, value, line.thrown);
  });

  if (name === 'abortable cancelled' || name === 'withSignal cancelled') continue;
  test(`without AsyncLocalStorage: ${name} works under a VirtualClock`, async () => {
    const line = await lineOf(`virtual ${name}`);
    assert.deepEqual(line.value, value, line.thrown);
  });
}

/** What the message must advise. */
const advice: Readonly<Record<string, RegExp>> = {
  sleep: /sleep\(…, \{ scope \}\)/,
  sleepUntil: /sleepUntil\(…, \{ scope \}\)/,
  sleepForever: /\{ scope \}/,
  checkpoint: /checkpoint\(.*\{ scope \}\)/,
  interval: /interval\(…, \{ scope \}\)/,
  withScope: /withScope\(…, \{ scope \}\)/,
  timeout: /timeout\(…, \{ scope \}\)/,
  timeoutAt: /timeoutAt\(…, \{ scope \}\)/,
  moveOnAfter: /moveOnAfter\(…, \{ scope \}\)/,
  shield: /shield\(…, \{ scope \}\)/,
  cleanup: /cleanup\(…, \{ scope \}\)/,
  use: /use\(…, \{ scope \}\)/,
  open: /open\(…, \{ scope \}\)/,
  'stack.enter': /ResourceStack\.enter\(…, \{ scope \}\)/,
  'pool.acquire': /Pool\.acquire\(…, \{ scope \}\)/,
  'pool.use': /Pool\.use\(…, \{ scope \}\)/,
  taskGroup: /taskGroup\(…, \{ scope \}\)/,
  openTaskGroup: /openTaskGroup\(.*\{ scope \}\)/,
  gather: /gather\(…, \{ scope \}\)/,
  map: /map\(…, \{ scope \}\)/,
  forEach: /forEach\(…, \{ scope \}\)/,
  race: /race\(…, \{ scope \}\)/,
  any: /any\(…, \{ scope \}\)/,
  asCompleted: /asCompleted\(…, \{ scope \}\)/,
  stream: /stream\(…, \{ scope \}\)/,
  abortable: /abortable\(…, \{ scope \}\)/,
  withSignal: /withSignal\(…, \{ scope \}\)/,
  'Queue.put': /Queue\.put\(…, \{ scope \}\)/,
  'Queue.putMany': /Queue\.putMany\(…, \{ scope \}\)/,
  'Queue.get': /Queue\.get\(…, \{ scope \}\)/,
  'Queue.getMany': /Queue\.getMany\(…, \{ scope \}\)/,
  'Queue.join': /Queue\.join\(…, \{ scope \}\)/,
  'Queue.values': /Queue\.values\(…, \{ scope \}\)/,
  'Sender.send': /Sender\.send\(…, \{ scope \}\)/,
  'Receiver.receive': /Receiver\.receive\(…, \{ scope \}\)/,
  'Receiver.values': /Receiver\.values\(…, \{ scope \}\)/,
  'Broadcast.send': /Broadcast\.send\(…, \{ scope \}\)/,
  'Subscription.receive': /Subscription\.receive\(…, \{ scope \}\)/,
  'Subscription.values': /Subscription\.values\(…, \{ scope \}\)/,
  select: /select\(…, \{ scope \}\)/,
  'task.join': /join\(.*\{ scope \}\)/,
  currentScope: /use the scope that the task function gets/,
  currentTask: /keep the task that spawn returns/,
  currentSignal: /use scope\.signal/,
  detach: /detach\(fn, group\)/,
  'ContextVariable.run': /variable user .*pass the value as an argument/,
  'Sequencer.at': /Sequencer\.at\(…, \{ scope \}\)/,
  waitAllTasksBlocked: /waitAllTasksBlocked\(.*\{ scope \}\)/,
  assertNoLeaks: /assertNoLeaks\(…, \{ scope \}\)/,
};

for (const [name, message] of Object.entries(advice)) {
  test(`without AsyncLocalStorage: ${name} without a scope fails and says what to write instead`, async () => {
    const { thrown } = await lineOf(`ambient ${name}`);
    assert.match(thrown ?? 'nothing thrown', /^TypeError: Cannot .*AsyncLocalStorage/);
    assert.match(thrown ?? '', message);
  });
}
