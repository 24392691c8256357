import { currentVariables, scopeFor, type ScopeOption } from '../core/current.ts';
import { rejecting } from '../core/operation.ts';
import { RunScope } from '../core/run-scope.ts';
import { Scope } from '../core/scope.ts';
import { formatTree } from '../core/tree.ts';
import { within } from '../core/within.ts';
import type { TaskFunction } from '../core/with-scope.ts';
import { CorralError } from '../errors.ts';
import { checkFunction } from '../internal/checks.ts';

/** Something was started and neither awaited nor cancelled. */
export class LeakError extends CorralError {
  /** What was left, as text. */
  readonly tree: string;
  constructor(tree: string) {
    super(`Started and never awaited:\n${tree}`);
    this.tree = tree;
  }
  override get name(): string {
    return 'LeakError';
  }
  get code(): 'CORRAL_LEAK' {
    return 'CORRAL_LEAK';
  }
}

/**
 * Runs `body` in a scope and asserts that nothing is left in it at its end: no group that was not joined, no operation
 * that nobody awaits. What is left is cancelled and awaited all the same.
 *
 * @throws {LeakError} with the tree of what was left; what `body` throws.
 *
 * @example A forgotten await
 * ```ts run
 * import { sleep } from 'corral';
 * import { assertNoLeaks, LeakError } from 'corral/testing';
 *
 * try {
 *   await assertNoLeaks(async () => void sleep(1));
 * } catch (error) {
 *   console.log(error instanceof LeakError);
 * }
 * ```
 */
export function assertNoLeaks<T>(body: TaskFunction<T>, options?: ScopeOption): Promise<T> {
  return rejecting(() => {
    checkFunction(body, 'look for leaks');
    const scope = new Scope(scopeFor('assertNoLeaks', options), body.name || 'assertNoLeaks', currentVariables());
    return within(scope, async () => {
      const value = await body(scope);
      checkNoLeaks(scope);
      return value;
    });
  });
}

/** Throws a LeakError when something lives in `scope`. Empty groups that were opened and are still open count. */
export function checkNoLeaks(scope: Scope): void {
  if (scope.operations || leftIn(scope)) throw new LeakError(formatTree(scope));
}

/** What is detached is owned by the root, which ends it: it is no leak. */
function leftIn(scope: Scope): boolean {
  for (let child = scope.firstChild; child; child = child.nextSibling) {
    if (!(scope instanceof RunScope && scope.owns(child))) return true;
  }
  return (scope.extras?.holds ?? 0) > 0;
}
