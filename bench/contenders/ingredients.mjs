/** One operation after the other, `calls` times; each counts what it has done. */
import { AsyncLocalStorage } from 'node:async_hooks';

import { importCorral } from '../lib/corral.mjs';
import { sum } from '../lib/work.mjs';

const corral = await importCorral();
const { taskGroup, withScope } = corral;

const GROUP = 100;

async function call() {
  return 1;
}

function syncCall() {
  return 1;
}

function times(operation) {
  return async (calls) => {
    let total = 0;
    for (let i = 0; i < calls; i += 1) total += await operation();
    return total;
  };
}

/** Inside a scope, as in a program. */
function inside(prepare) {
  return (calls) => withScope(async (scope) => times(prepare(scope))(calls));
}

/** A call that does not wait and returns an object: no await, which would cost more than it. */
function insideSync(prepare) {
  return (calls) =>
    withScope((scope) => {
      const operation = prepare(scope);
      let total = 0;
      for (let i = 0; i < calls; i += 1) total += operation();
      return total;
    });
}

/** Groups of 100, whose end waits; the cost of the groups is in the numbers. */
function spawn(kind, spawnOptions, groupOptions) {
  return (calls) =>
    withScope(async () => {
      let done = 0;
      const work = {
        sync: () => {
          done += 1;
        },
        short: async () => {
          done += 1;
        },
        waiting: async () => {
          await null;
          done += 1;
        },
      }[kind];
      for (let left = calls; left > 0; left -= GROUP) {
        await taskGroup((group) => {
          for (let i = Math.min(left, GROUP); i > 0; i -= 1) group.spawn(work, spawnOptions);
        }, groupOptions);
      }
      return done;
    });
}

function need(name) {
  if (corral[name] === undefined) throw new Error(`corral has no ${name} yet`);
  return corral[name];
}

const storage = new AsyncLocalStorage();
const eager = { eager: true };
const explicit = { ambient: false };

export const bodies = {
  'raw: await als.run(store, call)': times(() => storage.run({}, call)),
  'raw: await of 3 calls by Promise.all': times(async () => sum(await Promise.all([call(), call(), call()])) / 3),
  'corral, outside of it: await call()': async (calls) => {
    await taskGroup((group) => {
      group.spawn(call);
    });
    return times(call)(calls);
  },
  'spawn, sync function': spawn('sync'),
  'spawn, async function that does not wait': spawn('short'),
  'spawn, async function that waits once': spawn('waiting'),
  'spawn eager, sync function': spawn('sync', eager),
  'spawn eager, async function that does not wait': spawn('short', eager),
  'spawn eager, async function that waits once': spawn('waiting', eager),
  'spawn explicit, sync function': spawn('sync', undefined, explicit),
  'spawn explicit, async function that waits once': spawn('waiting', undefined, explicit),
  'spawn and join, one after the other': (calls) => taskGroup((group) => times(() => group.spawn(call).join())(calls)),
  'taskGroup, empty': inside(() => () => taskGroup(syncCall)),
  'taskGroup, empty, as a root': times(() => taskGroup(syncCall)),
  'taskGroup, one task': inside(() => () => taskGroup((group) => group.spawn(call).join())),
  'gather of 3': inside(() => async () => sum(await need('gather')([call, call, call])) / 3),
  withScope: inside(() => () => withScope(call)),
  'withScope, deadline': inside(() => () => withScope(call, { deadlineMs: 60_000 })),
  shield: inside(() => () => need('shield')(call)),
  cleanup: inside(() => () => need('cleanup')(call)),
  timeout: inside(() => () => need('timeout')(1000, call)),
  'checkpoint()': inside(() => async () => {
    await need('checkpoint')();
    return 1;
  }),
  'scope.checkpoint()': inside((scope) => async () => {
    await scope.checkpoint();
    return 1;
  }),
  'sleep(0)': inside(() => async () => {
    await need('sleep')(0);
    return 1;
  }),
  'abortable(promise)': inside(() => {
    const promise = Promise.resolve(1);
    return () => need('abortable')(promise);
  }),
  'withSignal(call)': inside(() => () => need('withSignal')(call)),
  'currentScope()': insideSync(() => () => (corral.currentScope() === undefined ? 0 : 1)),
  'currentTask()': (calls) =>
    taskGroup((group) =>
      group
        .spawn(() => {
          let total = 0;
          for (let i = 0; i < calls; i += 1) total += corral.currentTask() === undefined ? 0 : 1;
          return total;
        })
        .join(),
    ),
  'ContextVariable.get()': (calls) => {
    const variable = new (need('ContextVariable'))({ defaultValue: 0 });
    return withScope(() =>
      variable.run(1, () => {
        let total = 0;
        for (let i = 0; i < calls; i += 1) total += variable.get();
        return total;
      }),
    );
  },
  'ContextVariable.run(value, call)': insideSync(() => {
    const variable = new (need('ContextVariable'))({ defaultValue: 0 });
    return () => variable.run(1, syncCall);
  }),
};
