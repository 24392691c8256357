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
