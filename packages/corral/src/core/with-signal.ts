import { checkFunction } from '../internal/checks.ts';
import { currentVariables, scopeFor, type ScopeOption } from './current.ts';
import { entering, rejecting } from './operation.ts';
import { Scope } from './scope.ts';
import { within } from './within.ts';

/**
 * Calls foreign code with a signal of its own and waits for what it returns: `withSignal((signal) => fetch(url, { signal }))`.
 *
 * Guarantees: the signal is short-lived, so nothing piles up on a long-lived one; when cancelled it is aborted and the
 * call is waited for; the AbortError it throws becomes the cancellation, and a value that came in spite of it is
 * returned.
 *
 * Cancellable: as promptly as the foreign call is.
 *
 * @example A foreign call that takes a signal
 * ```ts run
 * import { moveOnAfter, withSignal } from 'corral';
 * import { setTimeout as delay } from 'node:timers/promises';
 *
 * const result = await moveOnAfter(5, () => withSignal((signal) => delay(60_000, undefined, { signal })));
 * console.log(result.timedOut); // true
 * ```
 */
export function withSignal<T>(fn: (signal: AbortSignal) => T | PromiseLike<T>, options?: ScopeOption): Promise<T> {
  return rejecting(() => {
    checkFunction(fn, 'call with a signal');
    const parent = scopeFor('withSignal', options);
    return entering(parent, () => {
      const scope = new Scope(parent, fn.name || 'withSignal', currentVariables());
      return within(scope, () => fn(scope.signal));
    });
  });
}
