import { isAbortError, isCancellation } from '../errors.ts';
import { currentFrame } from '../internal/ambient.ts';
import type { ScopeOption } from './current.ts';
import type { Frame } from './frame.ts';

/**
 * Whether `error` is a cancellation, to be let through: corral's own, an AbortError that was caused by one (what Node's
 * functions throw), and, while the current scope is cancelled, any AbortError.
 *
 * @example Handle what is a failure only
 * ```ts run
 * import { isCancelled, moveOnAfter, sleep } from 'corral';
 *
 * await moveOnAfter(1, async () => {
 *   try {
 *     await sleep(60_000);
 *   } catch (error) {
 *     if (isCancelled(error)) throw error;
 *     console.log('failed', error);
 *   }
 * });
 * ```
 */
export function isCancelled(error: unknown, options?: ScopeOption): boolean {
  if (isCancellation(error)) return true;
  const scope = options?.scope ?? (currentFrame() as Frame | undefined)?.scope;
  return scope?.cancelled === true && isAbortError(error);
}
