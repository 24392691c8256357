import { rejecting } from '../core/operation.ts';
import { quietly } from '../core/quietly.ts';
import { checkFunction } from '../internal/checks.ts';
import type { Permit } from './permit.ts';

/**
 * The body of `lock.hold(body)` and its like: runs with what was acquired, which is given back when it has ended.
 *
 * It runs where it was written, in the scope and with the context variables of whoever called. A body that fails gives
 * back before its group hears of the failure: the next in line may get its turn, and run up to its first wait, before it is
 * cancelled. Where that matters look at what is guarded first.
 */
export type HoldBody<T, P extends Permit = Permit> = (held: P) => T | PromiseLike<T>;

/** Runs `body` with what `acquire` gives, and gives it back, whichever way it ends; misuse acquires nothing. */
export function holding<T, P extends Permit>(
  call: string,
  body: HoldBody<T, P>,
  acquire: () => Promise<P>,
  options: unknown,
): Promise<T> {
  return rejecting(() => {
    checkFunction(body, `run the body of ${call}`, options);
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
