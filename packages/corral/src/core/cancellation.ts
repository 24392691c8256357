/** How a cancellation spreads: mark the subtree, take everybody out of line, reject, and only then call anybody. */

import type { Operation } from './operation.ts';
import { reportIn } from './report-in.ts';
import type { Scope } from './scope.ts';
import { walk } from './walk.ts';

/**
 * Recomputes what is visible from `root` and below, after its cause or its shield changed.
 *
 * A scope's view depends on its parent's alone, so a branch whose view did not change is not entered. All waiters of the
 * newly cancelled scopes are taken out before the first of them leaves its line: leaving may hand something on, and it
 * must not be handed to one that is about to be cancelled itself.
 */
export function refresh(root: Scope): void {
  const woken: Operation<unknown>[] = [];
  const arrived: Scope[] = [];
  walk(root, (scope) => {
    const outer = scope.shield ? undefined : scope.parent?.visible;
    const visible = outer ?? (scope.cause ? scope : undefined);
    const before = scope.visible;
    if (visible === before) return false;
    scope.visible = visible;
    if (before || !visible) return true;
    for (let op = scope.operations; op; op = scope.operations) {
      op.withdraw();
      woken.push(op);
    }
    arrived.push(scope);
    return true;
  });
  // Backwards: taking the last out of a heap or a line is cheap, taking its root is not.
  for (let last = woken.length; last > 0; last--) woken[last - 1]?.leave(false);
  for (const op of woken) op.rejectQuietly((op.scope as Scope).visible?.cancellation);
  for (const scope of arrived) scope.cancelArrived();
  for (const scope of arrived) {
    const callbacks = scope.extras?.onCancel;
    // A callback may have shielded it meanwhile.
    if (!callbacks || !scope.visible) continue;
    callAll(scope, callbacks, scope.visible.cancellation, 'a cancel callback');
    callbacks.clear();
  }
  for (const scope of arrived) if (scope.visible) scope.extras?.controller?.abort(scope.reason);
}

/** Calls all; what one throws is reported and does not keep the others from being called. */
export function callAll<A>(scope: Scope, callbacks: Iterable<(argument: A) => void>, argument: A, what: string): void {
  for (const callback of callbacks) {
    try {
      callback(argument);
    } catch (error) {
      reportIn(scope, error, `${what} of ${scope.name} threw`);
    }
  }
}
