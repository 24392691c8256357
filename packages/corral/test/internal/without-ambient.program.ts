// A program for an engine as browsers are: no AsyncLocalStorage, no setImmediate. It prints what became of each case.
import process from 'node:process';
// Types only: the library itself is imported when the engine has been stripped.
import type { Scope, TaskGroup } from '../../src/index.ts';

Object.defineProperty(process, 'getBuiltinModule', { value: undefined, configurable: true });
Reflect.deleteProperty(globalThis, 'AsyncLocalStorage');
if (process.argv.includes('--browser')) {
  Object.defineProperty(globalThis, 'setImmediate', { value: undefined, configurable: true });
}

const corral = await import('../../src/index.ts');
const testing = await import('../../src/testing/index.ts');
const {
  ContextVariable,
  Pool,
  ResourceStack,
  abortable,
  any,
  asCompleted,
  checkpoint,
  cleanup,
  currentScope,
  currentSignal,
  currentTask,
  detach,
  forEach,
  gather,
  interval,
  map,
  moveOnAfter,
  open,
  openTaskGroup,
  race,
  resource,
  resourceStack,
  run,
  shield,
  sleep,
  sleepForever,
  sleepUntil,
  stream,
  taskGroup,
  timeout,
  timeoutAt,
  use,
  withScope,
  withSignal,
} = corral;
const { Sequencer, VirtualClock, assertNoLeaks, waitAllTasksBlocked } = testing;

/** A generator finds no scope either: it is handed one. */
const counter = resource(async function* (scope: Scope, log: string[]) {
  await scope.sleep(1);
  yield log.push('in');
  log.push('out');
});

const nameOf = (error: unknown): string => (error as Error).name;

/** With the handle everything works. Each gives a value that the test knows. */
const withHandle: Readonly<Record<string, (scope: Scope) => unknown>> = {
  sleep: async (scope) => (await sleep(1, { scope }), 'slept'),
  'scope.sleep': async (scope) => (await scope.sleep(1), 'slept'),
  sleepUntil: async (scope) => (await sleepUntil(corral.now() + 1, { scope }), 'slept'),
  checkpoint: async (scope) => (await checkpoint({ scope }), await scope.checkpoint(), 'turned'),
  interval: async (scope) => {
    for await (const beat of interval(1, { scope })) if (beat >= 2) return 'beats';
    return 'ended';
  },
  withScope: (scope) => withScope((inner) => inner.sleep(1).then(() => inner.parent === scope), { scope }),
  'withScope cancelled': (scope) =>
    withScope(
      async (inner) => {
        inner.cancel();
        await inner.sleep(1);
      },
      { scope },
    ),
  timeout: (scope) => timeout(1, (inner) => inner.sleep(60_000), { scope }).catch(nameOf),
  timeoutAt: (scope) => timeoutAt(0, (inner) => inner.sleep(60_000), { scope }).catch(nameOf),
  moveOnAfter: (scope) => moveOnAfter(1, (inner) => inner.sleep(60_000), { scope }),
  shield: (scope) => shield((inner) => inner.sleep(1).then(() => 'shielded'), { scope }),
  cleanup: (scope) => cleanup((inner) => inner.sleep(1).then(() => 'cleaned'), { scope }),
  use: async (scope) => {
    const log: string[] = [];
    return [await use(counter(scope, log), (value, inner) => inner.sleep(1).then(() => value), { scope }), ...log];
  },
  open: async (scope) => {
    const log: string[] = [];
    {
      await using opened = await open(counter(scope, log), { scope });
      log.push(`value ${opened.value}`);
    }
    return log;
  },
  ResourceStack: async (scope) => {
    const log: string[] = [];
    {
      await using stack = new ResourceStack({ scope });
      await stack.enter(counter(scope, log));
      stack.callback(() => log.push('callback'));
    }
    await resourceStack((stack, inner) => stack.enter(counter(inner, log), { scope: inner }), { scope });
    return log;
  },
  Pool: async (scope) => {
    const pool = new Pool({
      create: (own) => own.sleep(1).then(() => 'made'),
      validate: (_resource, own) => own.sleep(1).then(() => true),
    });
    const value = await pool.use((resource, _lease, inner) => inner.sleep(1).then(() => resource), { scope });
    {
      using lease = await pool.acquire({ scope });
      if (lease.value !== value) return 'another one';
    }
    await pool.close();
    return value;
  },
  taskGroup: (scope) =>
    taskGroup(
      async (group) => {
        const tasks = [1, 2, 3].map((value) => group.spawn((own) => own.sleep(value).then(() => value)));
        return Promise.all(tasks.map((task) => task.join({ scope: group.scope })));
      },
      { scope },
    ),
  'taskGroup failure': (scope) =>
    taskGroup(
      (group) => {
        const log: string[] = [];
        group.spawn((own) =>
          own.sleep(60_000).catch((error: unknown) => Promise.reject(log.push(nameOf(error)) && error)),
        );
        group.spawn((own) => own.sleep(1).then(() => Promise.reject(log)));
      },
      { scope },
    ).catch((log: unknown) => log),
  'taskGroup cancel': (scope) =>
    taskGroup(
      async (group) => {
        group.spawn((own) => own.sleep(60_000));
        await group.scope.sleep(1);
        group.cancel();
      },
      { scope },
    ),
  openTaskGroup: async (scope) => {
    await using group = openTaskGroup({ scope });
    const task = group.spawn((own) => own.sleep(1).then(() => 'opened'));
    await group.join({ scope });
    return (await task.settled).status;
  },
  start: (scope) =>
    taskGroup(
      async (group) => {
        const task = await group.start<void, string>(async (own, started) => {
          await own.sleep(1);
          started('ready');
        });
        return task.value;
      },
      { scope },
    ),
  spawnWhenReady: (scope) =>
    taskGroup(
      async (group) => {
        await group.spawnWhenReady((own) => own.sleep(1));
        const task = await group.spawnWhenReady(() => 'second');
        return task.join({ scope: group.scope });
      },
      { scope, concurrency: 1 },
    ),
  gather: (scope) => gather([() => 1, (own) => own.sleep(1).then(() => 2)], { scope }),
  'gather settled': async (scope) =>
    (await gather([() => 1, () => Promise.reject(new Error('x'))], { scope, settled: true })).map(
      (result) => result.status,
    ),
  map: (scope) =>
    map([1, 2, 3], (item, index, own) => own.sleep(1).then(() => item * index), { scope, concurrency: 2 }),
  forEach: async (scope) => {
    let sum = 0;
    await forEach([1, 2, 3], (item, _index, own) => own.sleep(1).then(() => (sum += item)), { scope });
    return sum;
  },
  race: (scope) =>
    race([(own) => own.sleep(60_000).then(() => 'slow'), (own) => own.sleep(1).then(() => 'fast')], { scope }),
  any: (scope) => any([() => Promise.reject(new Error('x')), (own) => own.sleep(1).then(() => 'success')], { scope }),
  'any staggered': (scope) =>
    any([(own: Scope) => own.sleep(60_000).then(() => 'slow'), () => 'next'], { scope, staggerMs: 1 }),
  asCompleted: async (scope) => {
    const values: string[] = [];
    const fns = [(own: Scope) => own.sleep(5).then(() => 'slow'), () => 'fast'];
    for await (const value of asCompleted(fns, { scope })) values.push(value);
    return values;
  },
  stream: (scope) =>
    stream<number>(async (emit, own) => {
      for (const n of [1, 2]) await own.sleep(1).then(() => emit(n));
    })
      .merge([3])
      .map((n, _index, own) => own.sleep(n).then(() => n), { concurrency: 2 })
      .buffer(1)
      .batch(5, { maxWaitMs: 1_000 })
      .flatMap((batch) => batch.sort((a, b) => a - b), { concurrency: 2 })
      .throttle({ limit: 2, perMs: 1 })
      .timeout(5_000)
      .toArray({ scope }),
  'stream cancelled': (scope) =>
    moveOnAfter(
      1,
      async (inner) => {
        const forever = stream<number>((_emit, own) => own.sleep(60_000)).in(inner);
        for await (const n of forever) return n;
        return undefined;
      },
      { scope },
    ),
  abortable: (scope) => abortable(Promise.resolve('foreign'), { scope }),
  'abortable cancelled': (scope) =>
    moveOnAfter(1, (inner) => abortable(new Promise(() => {}), { scope: inner, abandon: true }), { scope }),
  withSignal: (scope) => withSignal((signal) => signal.aborted, { scope }),
  'withSignal cancelled': (scope) =>
    moveOnAfter(
      1,
      (inner) =>
        withSignal(
          (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
          { scope: inner },
        ),
      { scope },
    ),
  'detach to a group': (scope) =>
    taskGroup((group) => detach((own) => own.sleep(1).then(() => 'detached'), group).join({ scope: group.scope }), {
      scope,
    }),
  'a foreign signal': (scope) =>
    withScope((inner) => inner.sleep(60_000), { scope, signal: AbortSignal.abort('aborted') }).catch(
      (reason: unknown) => reason,
    ),
  Queue: async (scope) => {
    const queue = new corral.Queue<number>({ capacity: 1 });
    const putting = queue.putMany([1, 2, 3], { scope });
    const got = [await queue.get({ scope }), ...(await queue.getMany(1, { scope }))];
    await putting;
    queue.shutdown();
    for await (const item of queue.values({ scope })) got.push(item);
    queue.taskDone(3);
    await queue.join({ scope });
    return got;
  },
  channel: async (scope) => {
    const dropped: number[] = [];
    const onDrop = (value: number): never => {
      dropped.push(value);
      throw new Error('reported');
    };
    const [sender, receiver] = corral.channel<number>(1, { overflow: 'drop-oldest', onDrop });
    const first = receiver.receive({ scope });
    for (const value of [1, 2, 3]) await sender.send(value, { scope });
    sender.close();
    const got = [await first];
    for await (const value of receiver.values({ scope })) got.push(value);
    return [got, dropped];
  },
  Broadcast: async (scope) => {
    const news = new corral.Broadcast<number>();
    const subscription = news.subscribe();
    const first = subscription.receive({ scope });
    for (const value of [1, 2]) await news.send(value, { scope });
    news.close();
    const got = [await first];
    for await (const value of subscription.values({ scope })) got.push(value);
    return got;
  },
  select: async (scope) => {
    const queue = new corral.Queue<number>();
    const late = await corral.select({ queue, late: corral.after(1) }, { scope });
    await queue.put(1, { scope });
    return [late.key, await corral.select({ queue }, { scope })];
  },
  'ContextVariable.get': () => new ContextVariable({ defaultValue: 'default' }).get(),
  Sequencer: async (scope) => {
    const order: number[] = [];
    const sequencer = new Sequencer();
    await gather(
      [1, 0].map((position) => (own: Scope) => sequencer.at(position, () => order.push(position), { scope: own })),
      { scope },
    );
    return order;
  },
  assertNoLeaks: (scope) => assertNoLeaks((inner) => void inner.sleep(60_000), { scope }).catch(nameOf),
  waitAllTasksBlocked: async (scope) => (await waitAllTasksBlocked({ scope }), 'blocked'),
};

/** Without, each fails and says what to write instead. */
const ambient: Readonly<Record<string, (group: TaskGroup) => unknown>> = {
  sleep: () => sleep(1),
  sleepUntil: () => sleepUntil(1),
  sleepForever: () => sleepForever(),
  checkpoint: () => checkpoint(),
  interval: () => interval(1).next(),
  withScope: () => withScope(() => 1),
  timeout: () => timeout(1, () => 1),
  timeoutAt: () => timeoutAt(1, () => 1),
  moveOnAfter: () => moveOnAfter(1, () => 1),
  shield: () => shield(() => 1),
  cleanup: () => cleanup(() => 1),
  use: () => use({ value: 1, close() {} }, () => 1),
  open: () => open({ value: 1, close() {} }),
  'stack.enter': () => new ResourceStack().enter({ value: 1, close() {} }),
  'pool.acquire': () => new Pool({ create: () => 1 }).acquire(),
  'pool.use': () => new Pool({ create: () => 1 }).use(() => 1),
  taskGroup: () => taskGroup(() => 1),
  openTaskGroup: () => openTaskGroup(),
  gather: () => gather([() => 1]),
  map: () => map([1], () => 1),
  forEach: () => forEach([1], () => 1),
  race: () => race([() => 1]),
  any: () => any([() => 1]),
  asCompleted: () => asCompleted([() => 1]).next(),
  stream: () => stream([1]).first(),
  abortable: () => abortable(Promise.resolve()),
  withSignal: () => withSignal(() => 1),
  'Queue.put': () => new corral.Queue().put(1),
  'Queue.putMany': () => new corral.Queue().putMany([1]),
  'Queue.get': () => new corral.Queue().get(),
  'Queue.getMany': () => new corral.Queue().getMany(),
  'Queue.join': () => new corral.Queue().join(),
  'Queue.values': () => new corral.Queue()[Symbol.asyncIterator]().next(),
  'Sender.send': () => corral.channel(1)[0].send(1),
  'Receiver.receive': () => corral.channel(1)[1].receive(),
  'Receiver.values': () => corral.channel(1)[1][Symbol.asyncIterator]().next(),
  'Broadcast.send': () => new corral.Broadcast().send(1),
  'Subscription.receive': () => new corral.Broadcast().subscribe().receive(),
  'Subscription.values': () => new corral.Broadcast().subscribe()[Symbol.asyncIterator]().next(),
  select: () => corral.select({ queue: new corral.Queue() }),
  'task.join': (group) => group.spawn(() => 1).join(),
  currentScope: () => currentScope(),
  currentTask: () => currentTask(),
  currentSignal: () => currentSignal(),
  detach: () => detach(() => 1),
  'ContextVariable.run': () => new ContextVariable({ name: 'user' }).run('value', () => 1),
  'Sequencer.at': () => new Sequencer().at(0, () => 1),
  waitAllTasksBlocked: () => waitAllTasksBlocked(),
  assertNoLeaks: () => assertNoLeaks(() => 1),
};

interface Outcome {
  readonly value?: unknown;
  readonly thrown?: string | undefined;
  readonly how?: 'throws' | 'rejects';
}

async function outcomeOf(call: () => unknown): Promise<Outcome> {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    return { thrown: String(error), how: 'throws' };
  }
  try {
    return { value: (await result) ?? null };
  } catch (error) {
    return { thrown: String(error), how: 'rejects' };
  }
}

const print = (section: string, name: string, outcome: Outcome): void =>
  console.log(JSON.stringify({ section, name, ...outcome }));

const real = { signals: false };
for (const [name, call] of Object.entries(withHandle)) {
  print('handle', name, await outcomeOf(() => run((scope) => call(scope), real)));
}
for (const [name, call] of Object.entries(withHandle)) {
  // These wait for something foreign, which holds a virtual clock.
  if (name === 'abortable cancelled' || name === 'withSignal cancelled') continue;
  print('virtual', name, await outcomeOf(() => new VirtualClock().run((scope) => call(scope))));
}
for (const [name, call] of Object.entries(ambient)) {
  print('ambient', name, await outcomeOf(() => run((scope) => taskGroup((group) => call(group), { scope }), real)));
}
// A MessagePort, where there is no setImmediate, would hold the process.
process.exit(0);
