/**
 * The tests in this folder are about sessions over fetch, as they are on Bun and Deno; they run there and on Node alike,
 * with the entry of Bun and Deno. What they find is what its users have: nothing here knows what fetch is.
 */

import '../../src/server.ts';
import { isCancelled, withScope } from 'corral';
import type { HttpError } from '../../src/errors.ts';
import { errorOf } from '../session/pair.ts';

export * from '../session/pair.ts';

/** The error of a request, which must be of a class. */
export async function failure<T extends HttpError>(
  promise: PromiseLike<unknown>,
  type: new (...given: never[]) => T,
): Promise<T> {
  const error = await errorOf(promise);
  if (error instanceof type) return error;
  throw new TypeError(`Cannot be anything but ${type.name}`, { cause: error });
}

/** How many milliseconds it takes from the cancellation of a scope to the end of what runs in it. */
export async function cancelling(body: () => PromiseLike<unknown>, when: () => Promise<unknown>): Promise<number> {
  let error: unknown;
  let since = 0;
  await withScope(async (scope) => {
    const work = errorOf(body());
    await when();
    since = performance.now();
    scope.cancel('enough');
    error = await work;
  });
  const ms = performance.now() - since;
  if (!isCancelled(error)) throw new TypeError('Cannot be anything but a cancellation', { cause: error });
  return ms;
}

/** Waits for what no event tells of. */
export async function until(look: () => boolean): Promise<void> {
  for (let turn = 0; !look(); turn++) {
    if (turn === 1_000) throw new Error(`Cannot wait any longer for ${String(look)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
