import { checkpointIn } from '../core/checkpoint.ts';
import { rejecting } from '../core/operation.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';

/**
 * Gives the event loop a turn, so that timers and I/O are served, and throws when the scope is cancelled: for loops that
 * compute for long.
 *
 * Cancellable: nothing is left behind. Semantics: trio's checkpoint.
 */
export function checkpoint(options?: ScopeOption): Promise<void> {
  return rejecting(() => checkpointIn(scopeFor('checkpoint', options)));
}
