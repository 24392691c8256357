import { scopeFor } from './current.ts';
import type { Scope } from './scope.ts';
import { TaskScope, type Task } from './task.ts';

/**
 * The task that the running code belongs to; undefined outside all tasks.
 *
 * @throws {TypeError} where the platform has no AsyncLocalStorage.
 */
export function currentTask(): Task<unknown> | undefined {
  let scope: Scope | undefined = scopeFor('currentTask', undefined, 'keep the task that spawn returns');
  while (scope && !(scope instanceof TaskScope)) scope = scope.parent;
  return scope;
}

/** Who does what is done in `scope`: the task, or the outermost scope where there is none; undefined without a scope. */
export function ownerIn(scope: Scope | undefined): Scope | undefined {
  let owner = scope;
  while (owner?.parent && !(owner instanceof TaskScope)) owner = owner.parent;
  return owner;
}
