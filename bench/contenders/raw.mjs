/** The same work with nothing but the platform: what any library has to be compared with. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setMaxListeners } from 'node:events';
import { setTimeout as sleepWithSignal } from 'node:timers/promises';

import { LONG_MS, range, sum, task, turnUntil } from '../lib/work.mjs';

export async function promiseAll(groups, { size }) {
  let total = 0;
  for (let i = 0; i < groups; i += 1) {
    const promises = [];
    for (let j = 0; j < size; j += 1) promises.push(task());
    total += sum(await Promise.all(promises));
  }
  return total;
}

/** The same inside `AsyncLocalStorage.run`: what being ambient costs at the least. */
export function promiseAllInStorage() {
  const storage = new AsyncLocalStorage();
  return (groups, params) => storage.run({}, () => promiseAll(groups, params));
}

/** The loop that people write: so many workers take from one iterator. */
export async function workers(runs, { items, concurrency }) {
  let total = 0;
  for (let i = 0; i < runs; i += 1) {
    const results = Array.from({ length: items });
    const entries = range(items).entries();
    async function work() {
      for (const [index] of entries) results[index] = await task();
    }
    await Promise.all(range(concurrency).map(work));
    total += sum(results);
  }
  return total;
}

/** Lower bound: a list of timers and an end to each sleeper's promise, all by hand. */
export function listOfTimers() {
  return cancelSleepers(
    (sleepers, cancelled) =>
      new Promise((_, reject) => {
        const timer = setTimeout(reject, LONG_MS);
        sleepers.push(() => {
          clearTimeout(timer);
          reject(cancelled);
        });
      }),
    (sleepers) => {
      for (const cancel of sleepers) cancel();
    },
  );
}

/** One signal for all, and timers/promises to listen to it. */
export function sharedSignalTimersPromises() {
  return cancelBySignal((signal) => sleepWithSignal(LONG_MS, undefined, { signal }));
}

/** One signal for all, and a listener written as the documentation of AbortSignal shows it. */
export function sharedSignalListener() {
  return cancelBySignal(
    (signal) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(wake, LONG_MS);
        function wake() {
          signal.removeEventListener('abort', abort);
          resolve();
        }
        function abort() {
          clearTimeout(timer);
          reject(signal.reason);
        }
        signal.addEventListener('abort', abort, { once: true });
      }),
  );
}

function cancelBySignal(sleep) {
  return async (runs, params, part) => {
    const run = cancelSleepers(
      (_, __, { signal }) => sleep(signal),
      (_, controller) => controller.abort(),
    );
    return run(runs, params, part);
  };
}

function cancelSleepers(sleep, cancelAll) {
  return async (runs, { count }, part) => {
    let ended = 0;
    for (let i = 0; i < runs; i += 1) {
      let started = 0;
      const sleepers = [];
      const controller = new AbortController();
      setMaxListeners(0, controller.signal);
      const cancelled = new Error('cancelled');
      const all = range(count).map(async () => {
        started += 1;
        try {
          await sleep(sleepers, cancelled, controller);
        } finally {
          ended += 1;
        }
      });
      const settled = Promise.allSettled(all);
      await turnUntil(() => started === count);
      part.begin();
      cancelAll(sleepers, controller);
      await settled;
      part.end();
    }
    return ended;
  };
}

export async function raceWithTimer(calls) {
  let total = 0;
  for (let i = 0; i < calls; i += 1) total += await withTimeout(1000, async () => 1);
  return total;
}

async function withTimeout(ms, fn) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), ms);
  });
  try {
    return await Promise.race([fn(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What has to be paid for a timer, whoever sets it. */
export async function timerAlone(calls) {
  let total = 0;
  for (let i = 0; i < calls; i += 1) {
    const timer = setTimeout(() => {}, 1000);
    total += await one();
    clearTimeout(timer);
  }
  return total;
}

export async function awaits(count, { target }) {
  return target === 'promise' ? awaitPromise(count) : awaitCall(count);
}

export async function awaitPromise(count) {
  const promise = Promise.resolve(1);
  let total = 0;
  for (let i = 0; i < count; i += 1) total += await promise;
  return total;
}

export async function awaitCall(count) {
  let total = 0;
  for (let i = 0; i < count; i += 1) total += await one();
  return total;
}

async function one() {
  return 1;
}

export function awaitsInStorage() {
  const storage = new AsyncLocalStorage(); // one: on Node 20 each more makes every promise dearer
  return (count, params) => storage.run({}, () => awaits(count, params));
}

export async function holdOnSharedPromise(count) {
  const never = new Promise(() => {});
  return holdRaw(count, () => never);
}

export async function holdOnOwnPromise(count) {
  const resolvers = []; // whoever may still settle it, or nothing would hold the promise and its function
  const held = await holdRaw(
    count,
    () =>
      new Promise((resolve) => {
        resolvers.push(resolve);
      }),
  );
  return { ...held, resolvers };
}

export async function holdSleeping(count) {
  return holdRaw(
    count,
    () =>
      new Promise((resolve) => {
        setTimeout(resolve, LONG_MS);
      }),
  );
}

export async function holdSleepingOnSignals(count) {
  return holdRaw(count, () => sleepWithSignal(LONG_MS, undefined, { signal: new AbortController().signal }));
}

async function holdRaw(count, wait) {
  let pending = 0;
  const promises = [];
  for (let i = 0; i < count; i += 1) {
    promises.push(
      (async () => {
        pending += 1;
        await wait();
        pending -= 1;
      })(),
    );
  }
  await turnUntil(() => pending === count);
  return { pending: () => pending, promises };
}

export function readClock(calls) {
  let total = 0;
  for (let i = 0; i < calls; i += 1) if (performance.now() > 0) total += 1;
  return total;
}
