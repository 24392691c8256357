import { rejecting } from '../core/operation.ts';
import { quietly } from '../core/quietly.ts';
import { checkFunction } from '../internal/checks.ts';
import type { Permit } from './permit.ts';

/**
 * The body of `lock.hold(body)` and its like: runs with what was acquired, which is given back when it has ended.
 *
 * It runs where it was written, in the scope and with the context variables of whoever called.
 */
export type HoldBody<T, P extends Permit = Permit> = (held: P) => T | PromiseLike<T>;

/** Runs `body` with what `acquire` gives, and gives it back, whichever way it ends; misuse acquires nothing. */
export function holding<T, P extends Permit>(
  call: string,
  body: HoldBody<T, P>,
  acquire: () => Promise<P>,
): Promise<T> {
  return rejecting(() => {
    checkFunction(body, `run the body of ${call}`);
    return quietly(() => holdFor(acquire(), body));
  });
}

async function holdFor<T, P extends Permit>(acquiring: Promise<P>, body: HoldBody<T, P>): Promise<T> {
  const held = await acquiring;
  try {
    return await body(held);
  } finally {
    held.release();
  }
}
