/** Which error is thrown when there is more than one: while closing, something else may fail. */

import { combine } from '../core/exit.ts';
import type { Scope } from '../core/scope.ts';
import { isCancellation } from '../errors.ts';
import type { Pull } from './pull.ts';

/** Something that was thrown: a record, as `undefined` may be. */
export interface Failure {
  readonly error: unknown;
}

/** The first error, with the later one attached to it; a real error never loses to a cancellation. */
export function joined(first: Failure | undefined, later: Failure | undefined, scope: Scope): Failure | undefined {
  if (!first || !later || first.error === later.error) return first ?? later;
  if (isCancellation(later.error)) return first;
  if (isCancellation(first.error)) return later;
  return { error: combine([first.error, later.error], scope) };
}

/** What `fn` failed with. */
export async function failureOf(fn: () => Promise<unknown>): Promise<Failure | undefined> {
  try {
    await fn();
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** Closes what was read, after `failure` if there was one, and throws what there is to throw. */
export async function closeAfter(
  pull: Pull<unknown> | undefined,
  failure: Failure | undefined,
  scope: Scope,
): Promise<void> {
  const later = pull && (await failureOf(() => pull.close(scope)));
  const all = joined(failure, later, scope);
  if (all) throw all.error;
}

/** Closes all of them, one after the other, and throws what failed. */
export async function closeAll(pulls: Iterable<Pull<unknown>>, scope: Scope): Promise<void> {
  let failure: Failure | undefined;
  for (const pull of pulls) failure = joined(failure, await failureOf(() => pull.close(scope)), scope);
  if (failure) throw failure.error;
}
