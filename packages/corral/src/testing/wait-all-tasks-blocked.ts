import { scopeFor, type ScopeOption } from '../core/current.ts';
import { rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { WaitLine, waitInLine } from '../core/wait-line.ts';
import { nextTurn } from '../internal/clock.ts';
import { activity } from '../internal/activity.ts';

const blocked = new WaitLine<void>();
let watching = false;

/**
 * Waits until no other task can go on without time passing or something from outside: for tests that have to let others
 * get where they wait. Sleeping counts as blocked.
 *
 * Under a VirtualClock it returns before time jumps. Semantics: trio's wait_all_tasks_blocked.
 *
 * Cancellable: nothing is left behind.
 *
 * @example Cancel a task where it waits
 * ```ts run
 * import { sleepForever, taskGroup } from 'corral';
 * import { waitAllTasksBlocked } from 'corral/testing';
 *
 * await taskGroup(async (group) => {
 *   const task = group.spawn(() => sleepForever());
 *   await waitAllTasksBlocked();
 *   task.cancel();
 * });
 * ```
 */
export function waitAllTasksBlocked(options?: ScopeOption): Promise<void> {
  return rejecting(() => waitIn(scopeFor('waitAllTasksBlocked', options)));
}

function waitIn(scope: Scope | undefined): Promise<void> {
  const waiting = waitInLine(scope, 'all others to be blocked', blocked);
  if (!watching) watch();
  return waiting;
}

/** Lets all go on that wait for the others to be blocked, because they are; false when nobody does. */
export function releaseBlocked(): boolean {
  if (blocked.empty) return false;
  blocked.commitAll(undefined);
  return true;
}

/** Two turns of the event loop without anything happening mean that nothing can. */
function watch(): void {
  watching = true;
  let before = -1;
  const look = (): void => {
    if (blocked.empty) {
      watching = false;
    } else if (before === activity.count && activity.turns === 0) {
      watching = false;
      releaseBlocked();
    } else {
      before = activity.count;
      nextTurn(look);
    }
  };
  look();
}
