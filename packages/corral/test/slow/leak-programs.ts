/**
 * Programs that do the same thing very often and look at what is left. Each runs in a process of its own:
 *
 *     node --expose-gc packages/corral/build/test/slow/leak-programs.js <name>      (bun run …, deno run -A --v8-flags=--expose-gc …)
 *
 * It prints what it measured as JSON.
 */

import { getEventListeners } from 'node:events';
import { pathToFileURL } from 'node:url';
import {
  Event,
  Queue,
  after,
  channel,
  currentScope,
  gather,
  select,
  CircuitBreaker,
  RateLimiter,
  hedge,
  retry,
  sleep,
  taskGroup,
  timeout,
  withScope,
  withSignal,
} from '../../src/index.ts';
import type { Scope, TaskGroup } from '../../src/index.ts';

/** What is left at the end, and how much the heap has grown between two points of the way. */
export interface Measured {
  readonly grownBytes: number;
  readonly left: Readonly<Record<string, number>>;
}

type Program = () => Promise<Measured>;

interface Host {
  readonly gc?: () => void;
  readonly Bun?: { gc(force: boolean): void };
}

async function heapBytes(): Promise<number> {
  const { gc, Bun } = globalThis as Host;
  if (!gc && !Bun)
    throw new TypeError('Cannot measure as the garbage collector must be exposed: run it with --expose-gc');
  for (let round = 0; round < 3; round++) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    if (Bun) Bun.gc(true);
    else gc?.();
  }
  return process.memoryUsage().heapUsed;
}

/** Calls `step` `count` times and measures the heap after a tenth of the way and at the end. */
async function grown(count: number, step: (index: number) => unknown): Promise<number> {
  let before = 0;
  for (let index = 0; index < count; index++) {
    if (index === count / 10) before = await heapBytes();
    const result = step(index);
    if (result) await result;
  }
  return (await heapBytes()) - before;
}

/** What lives in a scope. */
function leftIn(scope: Scope): Record<string, number> {
  let children = 0;
  let operations = 0;
  for (let child = scope.firstChild; child; child = child.nextSibling) children++;
  for (let op = scope.operations; op; op = op.nextInScope) operations++;
  const { extras } = scope;
  return { children, operations, callbacks: extras?.onCancel?.size ?? 0, holds: extras?.holds ?? 0 };
}

/** A promise of nothing, to be settled soon: a function that really waits. */
const soon = async (): Promise<number> => {
  await null;
  return 1;
};

/** A million spawns through one group that lives all the while. */
const spawns: Program = () =>
  taskGroup(async (group) => {
    const grownBytes = await grown(10_000, async () => {
      for (let index = 0; index < 100; index++) group.spawn(soon);
      await group.join();
    });
    const { running, waiting } = group.snapshot();
    return { grownBytes, left: { ...leftIn(group.scope), running, waiting } };
  });

/** A hundred thousand failed and cancelled tasks through one group that ignores them. */
const failures: Program = () =>
  taskGroup(
    async (group) => {
      const fail = async (): Promise<never> => {
        throw new Error('x');
      };
      const grownBytes = await grown(10_000, async () => {
        for (let index = 0; index < 5; index++) {
          group.spawn(fail);
          group.spawn(() => sleep(1e9)).cancel();
        }
        await group.join();
      });
      return { grownBytes, left: leftIn(group.scope) };
    },
    { onTaskError: () => 'ignore' },
  );

/** A hundred thousand scopes and groups under one signal that is not ours. */
const scopesUnderSignal: Program = async () => {
  const { signal } = new AbortController();
  const grownBytes = await grown(100_000, async (index) => {
    if (index % 4 === 0) await gather([soon], { signal });
    else await withScope(soon, { signal });
  });
  return { grownBytes, left: { listeners: getEventListeners(signal, 'abort').length } };
};

/** A million timeouts that are not reached. */
const timeouts: Program = () =>
  withScope(async (scope) => {
    const grownBytes = await grown(1_000_000, () => timeout(60_000, soon));
    const active = (process.getActiveResourcesInfo?.() ?? []).filter((name) => name === 'Timeout');
    return { grownBytes, left: { ...leftIn(scope), timers: active.length } };
  });

/** A hundred thousand sleeps that are cut off. */
const sleeps: Program = () =>
  withScope(async (scope) => {
    const grownBytes = await grown(100_000, () =>
      withScope((inner) => {
        const waiting = sleep(60_000);
        inner.cancel();
        return waiting;
      }),
    );
    const active = (process.getActiveResourcesInfo?.() ?? []).filter((name) => name === 'Timeout');
    return { grownBytes, left: { ...leftIn(scope), timers: active.length } };
  });

/** A hundred thousand foreign calls in one scope, whose own signal has been looked at. */
const signals: Program = () =>
  withScope(async (scope) => {
    const { signal } = scope;
    const grownBytes = await grown(100_000, () => withSignal(soon));
    return { grownBytes, left: { ...leftIn(scope), listeners: getEventListeners(signal, 'abort').length } };
  });

/** A hundred thousand callbacks that are taken back. */
const callbacks: Program = () =>
  withScope(async (scope) => {
    const grownBytes = await grown(100_000, () => scope.onCancel(() => {})());
    return { grownBytes, left: leftIn(scope) };
  });

/** A hundred thousand tasks that another, long-lived task joins while it is cancelled again and again. */
const joins: Program = () =>
  taskGroup(async (group) => {
    const slow = group.spawn(() => sleep(1e9));
    const grownBytes = await grown(100_000, () =>
      withScope((scope) => {
        const waiting = slow.join();
        scope.cancel();
        return waiting;
      }),
    );
    slow.cancel();
    await slow.settled;
    return { grownBytes, left: leftIn(group.scope) };
  });

/** Five thousand groups inside one another, cancelled from the outermost. */
const nested: Program = async () => {
  let deepest = 0;
  const nest = async (depth: number): Promise<void> => {
    // A body begins within the call: without a wait between, five thousand calls would be on the stack.
    await null;
    deepest = Math.max(deepest, depth);
    if (depth === 5_000) return sleep(1e9);
    return taskGroup(async (group) => {
      group.spawn(() => sleep(1e9));
      await nest(depth + 1);
    });
  };
  await taskGroup((group) => {
    group.spawn(() => nest(1));
    setTimeout(() => group.cancel(), 1);
  });
  return { grownBytes: 0, left: { missing: 5_000 - deepest, current: currentScope() ? 1 : 0 } };
};

const MANY = 1_000_000;

/** A group with a million tasks at a time. */
const manyTasks: Program = async () => {
  let ended = 0;
  const seen = await taskGroup((group: TaskGroup) => {
    for (let index = 0; index < MANY; index++) {
      group.spawn(async () => {
        await null;
        ended++;
      });
    }
    return group;
  });
  return { grownBytes: 0, left: { ...leftIn(seen.scope), missing: MANY - ended } };
};

/** A million sleepers, cancelled at once. */
const manySleepers: Program = async () => {
  let cut = 0;
  let scope: Scope | undefined;
  await taskGroup(
    async (group) => {
      scope = group.scope;
      for (let index = 0; index < MANY; index++) {
        group.spawn(
          async (own) => {
            try {
              await own.sleep(1e9);
            } finally {
              cut++;
            }
          },
          { eager: true },
        );
      }
      await sleep(1);
      group.cancel();
    },
    { ambient: false },
  );
  return { grownBytes: 0, left: { ...leftIn(scope as Scope), missing: MANY - cut } };
};

/** Half a million items through a queue and a channel, and as many selects over what is never ready. */
const selects: Program = () =>
  taskGroup(async (group) => {
    const queue = new Queue<{ n: number }>({ capacity: 4 });
    const idle = new Queue<number>();
    const never = new Event();
    const [sender, receiver] = channel<{ n: number }>(0);
    const echo = async (): Promise<void> => {
      for await (const value of queue) await select({ send: sender.sending(value), never });
    };
    group.spawn(echo);
    const grownBytes = await grown(5_000, async () => {
      for (let n = 0; n < 100; n++) {
        await queue.put({ n });
        await select({ receiver, idle, never, late: after(60_000) });
      }
    });
    queue.shutdown();
    const { waitingReceivers, waitingSenders } = receiver.snapshot();
    const { waitingGetters } = idle.snapshot();
    const left = { ...leftIn(group.scope), children: 0, waitingReceivers, waitingSenders, waitingGetters };
    return { grownBytes, left };
  });

/** Policies that live all the while, and calls that fail, wait and are cancelled in them. */
const policies: Program = () =>
  withScope(async (scope) => {
    const breaker = new CircuitBreaker({ failureRate: 0.9, window: { ms: 1_000 } });
    const limiter = new RateLimiter({ limit: 1_000, perMs: 1 });
    const never = new RateLimiter({ limit: 1, perMs: 3_600_000 });
    never.tryAcquire();
    const attempt = async (_own: Scope, nth: number): Promise<number> => {
      await limiter.acquire();
      if (nth === 1) throw new Error('x');
      return breaker.run(soon);
    };
    const grownBytes = await grown(20_000, async (index) => {
      await retry(attempt, { baseMs: 0 });
      if (index % 4 === 0) await hedge(soon, { afterMs: 1e9 });
      never.reserve().cancel();
      await withScope((own) => {
        own.onCancel(() => {});
        never.acquire().catch(() => {});
        own.cancel();
      });
    });
    const { waiting, reserved } = never.snapshot();
    return { grownBytes, left: { ...leftIn(scope), waiting, reserved, trying: breaker.snapshot().trying } };
  });

/** The programs by name. */
export const programs: Readonly<Record<string, Program>> = {
  spawns,
  failures,
  scopesUnderSignal,
  timeouts,
  sleeps,
  signals,
  callbacks,
  joins,
  nested,
  manyTasks,
  manySleepers,
  selects,
  policies,
};

const [, script, name] = process.argv;
if (script && import.meta.url === pathToFileURL(script).href) {
  const program = programs[name ?? ''];
  if (!program) throw new TypeError(`Cannot run ${name} as it is one of ${Object.keys(programs).join(', ')}`);
  console.log(JSON.stringify(await program()));
}
