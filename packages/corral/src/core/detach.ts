import { shown } from '../internal/checks.ts';
import { scopeFor, type ScopeOption } from './current.ts';
import { RunScope } from './run-scope.ts';
import type { Task } from './task.ts';
import type { SpawnOptions, TaskGroup } from './task-group.ts';
import type { TaskFunction } from './with-scope.ts';

/**
 * Starts work that outlives the current scope: it belongs to `group`, or, without one, to the `run()` around it.
 *
 * Guarantees: it has an owner. A group waits for it and gets its error; `run()` cancels it when main has ended, waits
 * for it, and reports its error. Joining it and being cancelled ends only the waiting (what asyncio calls shield).
 *
 * @throws {TypeError} without a group outside `run()`.
 *
 * @example A write-behind that need not be waited for here
 * ```ts run
 * import { detach, run, sleep } from 'corral';
 *
 * await run(async () => {
 *   detach(() => sleep(1)); // belongs to run(), which cancels it at the end and waits for it
 * });
 * ```
 */
export function detach<T>(fn: TaskFunction<T>, group?: TaskGroup, options?: SpawnOptions & ScopeOption): Task<T> {
  if (group !== undefined) {
    if (typeof group?.spawn === 'function') return group.spawn(fn, options);
    const requirement = 'its second argument is a TaskGroup, options come third';
    throw new TypeError(`Cannot detach as ${requirement}: current value is ${shown(group)}`);
  }
  let root = scopeFor('detach', options, 'pass the group to own it: detach(fn, group)');
  while (root?.parent) root = root.parent;
  if (root instanceof RunScope) return root.detached.spawn(fn, options);
  throw new TypeError('Cannot detach without a group as it must be called under run(): pass the group to own it');
}
