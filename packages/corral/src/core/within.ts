/** Running a body in a scope of its own: the way in and the way out that timeout, shield and all other scopes share. */

import { clock } from '../internal/clock.ts';
import { combine, exitOf, resultOfCancelled } from './exit.ts';
import { withFrame } from './current.ts';
import type { Scope } from './scope.ts';

/** How a body is run. */
export interface WithinOptions<R> {
  /** The time that was given, for the error message. */
  readonly ms?: number | undefined;
  /** What to return when the scope's own cancellation cut the body off; throws what the caller is to get. */
  readonly whenCancelled?: ((scope: Scope) => R) | undefined;
  /** Called when the scope has ended. */
  readonly atEnd?: (() => void) | undefined;
}

/** Runs `body` in `scope`, waits for all that lives there, ends the scope, and returns or throws what came of it. */
export function within<T, R = never>(
  scope: Scope,
  body: (scope: Scope) => T | PromiseLike<T>,
  options?: WithinOptions<R>,
): Promise<T | R> {
  const result = live(scope, body, options);
  scope.extra.result = result;
  return result;
}

async function live<T, R>(
  scope: Scope,
  body: (scope: Scope) => T | PromiseLike<T>,
  options: WithinOptions<R> | undefined,
): Promise<T | R> {
  let value: T | undefined;
  let failure: { readonly error: unknown } | undefined;
  try {
    value = await withFrame(scope, body, scope);
  } catch (error) {
    failure = { error };
  }
  scope.beginClosing();
  while (scope.occupied) await emptied(scope);
  // The verdict is read off the tree while the scope still is in it.
  const exit = failure && exitOf(scope, failure.error);
  scope.close();
  scope.parent?.checkEmptied();
  options?.atEnd?.();
  // A loop over bodies that never wait would starve timers and I/O.
  if (clock.starving()) await new Promise<void>((resolve) => clock.turn(resolve));
  const late = scope.extras?.late;
  if (!exit && !late) return value as T;
  const errors = exit?.how === 'failed' ? [exit.error, ...(late ?? [])] : late;
  if (errors) throw combine(errors, scope);
  if (exit?.how === 'cancelled') scope.passOn(exit.error);
  return options?.whenCancelled ? options.whenCancelled(scope) : (resultOfCancelled(scope, options?.ms) as R);
}

/**
 * Settles when nothing lives in the scope any more; or before, when all of `traced` have: these are awaited for the sake
 * of the stack traces alone, as the engine walks from a failing task up to who awaits it. Look again afterwards.
 */
export function emptied(scope: Scope, traced: readonly Promise<void>[] = []): Promise<unknown> {
  return new Promise<unknown>((resolve) => {
    scope.extra.emptied = resolve as () => void;
    // The engine follows a promise's own resolve function, and no closure around it.
    if (traced.length > 0) void Promise.all(traced).then(resolve);
  });
}
