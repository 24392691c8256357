/** The work that every contender does, so that nobody does less than another. */

/** A task as short as a task can be that has to wait once. */
export async function task() {
  await null;
  return 1;
}

/** One turn of the event loop: whatever could run without waiting has run by then. */
export function turn() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Turns the event loop until `ready()`; throws if that does not happen. */
export async function turnUntil(ready) {
  for (let turns = 0; !ready(); turns += 1) {
    if (turns > 10_000) throw new Error('Cannot go on as the sleepers never all slept');
    await turn();
  }
}

/** Longer than any benchmark runs: nobody wakes by itself. */
export const LONG_MS = 600_000;

export function range(length) {
  return Array.from({ length }, (_, index) => index);
}

export function sum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** One holds, all others wait in line, then each releases as soon as it has it. `acquire()` gives what releases. */
export async function holdAndPass(runs, waiters, acquire) {
  let total = 0;
  for (let i = 0; i < runs; i += 1) {
    const release = await acquire();
    const passed = Array.from({ length: waiters }, async () => {
      const pass = await acquire();
      total += 1;
      pass();
    });
    release();
    await Promise.all(passed);
  }
  return total;
}

/** One puts the numbers below `items`, another takes them and adds them up. */
export async function produceAndConsume(runs, items, make) {
  let total = 0;
  for (let i = 0; i < runs; i += 1) {
    const { put, take } = make();
    const produced = (async () => {
      for (let item = 0; item < items; item += 1) await put(item);
    })();
    for (let item = 0; item < items; item += 1) total += await take();
    await produced;
  }
  return total;
}

/** What {@link produceAndConsume} gives. */
export function produced(runs, { items }) {
  return (runs * items * (items - 1)) / 2;
}

/** Calls `body(item)` for each, so many at a time. */
export async function inParallel(items, concurrency, body) {
  const rest = items.values();
  async function work() {
    for (const item of rest) await body(item);
  }
  await Promise.all(Array.from({ length: concurrency }, work));
}
