/** What the tests of this folder share: a body in virtual time, and the error that a promise rejects with. */

import { AssertionError } from 'node:assert/strict';
import { sleepForever } from '../../src/index.ts';
import { VirtualClock, type VirtualClockOptions } from '../../src/testing/index.ts';

/** A test function that runs `body` under a virtual clock. Leaks and deadlocks fail it. */
export function virtually(body: (clock: VirtualClock) => unknown, options?: VirtualClockOptions): () => Promise<void> {
  return async () => {
    const clock = new VirtualClock(options);
    await clock.run(async () => void (await body(clock)));
  };
}

/** The very error with which `promise` rejects: for comparing by identity. Fails when it does not reject. */
export async function failureOf(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new AssertionError({ message: 'Expected a rejection', actual: value });
}

/** Waits until it is cancelled, then for `last`, and lets the cancellation through unless that throws. */
export async function untilCut(last: () => unknown): Promise<never> {
  try {
    return await sleepForever();
  } finally {
    await last();
  }
}

/** A promise and what settles it: something foreign to wait for. */
export function pledge<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
