import { resultOfCancelled } from '../core/exit.ts';
import { rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { openAndRun, type TaskFunction, type WithScopeOptions } from '../core/with-scope.ts';
import { checkFunction, checkOptions } from '../internal/checks.ts';

/** What {@link moveOnAfter} returns. */
export type MoveOnResult<T> = { readonly timedOut: false; readonly value: T } | { readonly timedOut: true };

/** Options of {@link moveOnAfter}. */
export type MoveOnOptions = Omit<WithScopeOptions, 'deadlineMs'>;

/**
 * Runs `body`, cancels it after `ms` milliseconds, and says whether there was time enough instead of throwing.
 *
 * Guarantees: those of `timeout`. Semantics: trio's move_on_after.
 *
 * Cancellable: what the body waits for throws; it settles when all has ended.
 *
 * @example A default when it takes too long
 * ```ts run
 * import { moveOnAfter, sleep } from 'corral';
 *
 * const result = await moveOnAfter(5, () => sleep(60_000).then(() => 'fresh'));
 * console.log(result.timedOut ? 'stale' : result.value); // stale
 * ```
 */
export function moveOnAfter<T>(
  ms: number | null | undefined,
  body: TaskFunction<T>,
  options?: MoveOnOptions,
): Promise<MoveOnResult<T>> {
  return rejecting(() => {
    checkFunction(body, 'run the body of moveOnAfter', ms);
    checkOptions(options, 'moveOnAfter');
    const inTime = async (scope: Scope): Promise<MoveOnResult<T>> => ({ timedOut: false, value: await body(scope) });
    const cutOff = (scope: Scope): MoveOnResult<T> => {
      if (scope.cause?.kind === 'deadline') return { timedOut: true };
      return { timedOut: false, value: resultOfCancelled(scope, undefined) as T };
    };
    const name = options?.name ?? (body.name || 'moveOnAfter');
    return openAndRun('moveOnAfter', inTime, { ...options, name, deadlineMs: ms ?? undefined }, Infinity, cutOff);
  });
}
