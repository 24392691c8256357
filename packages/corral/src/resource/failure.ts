/** What a body or an exit ended with, and what becomes of several. */

import { suppressedErrors } from '../errors.ts';
import { combine, realErrorIn } from '../core/exit.ts';
import type { Scope } from '../core/scope.ts';

/** That something failed, and with what: any value may be thrown, undefined too. */
export interface Failure {
  readonly error: unknown;
}

/** The failure of something that was not told of the one before: it is attached to it. */
export function added(first: Failure | undefined, later: Failure, scope: Scope): Failure {
  if (!first) return later;
  const real = realErrorIn(scope, later.error);
  if (!real) return first;
  const realFirst = realErrorIn(scope, first.error);
  return realFirst ? { error: combine([realFirst.error, real.error], scope) } : real;
}

/**
 * The failure of something that was told of the one before: it takes its place. What it was told of is not lost: it
 * travels with it, unless it does already.
 */
export function replaced(told: Failure | undefined, error: unknown, scope: Scope): Failure {
  if (!told) return { error };
  if (error === told.error || !realErrorIn(scope, error)) return told;
  const realTold = realErrorIn(scope, told.error);
  if (!realTold || mentions(error, realTold.error)) return { error };
  return { error: combine([error, realTold.error], scope) };
}

/** Whether an error names another one as what it came from. */
function mentions(error: unknown, other: unknown): boolean {
  const seen = new Set<unknown>();
  const open: unknown[] = [error];
  while (open.length > 0) {
    const next = open.pop();
    if (next === other) return true;
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    const { cause, suppressed } = next as { cause?: unknown; suppressed?: unknown };
    open.push(cause, suppressed, ...suppressedErrors(next));
  }
  return false;
}
