import type { TaskGroup } from '../core/task-group.ts';
import { shown } from '../internal/checks.ts';

/** Throws a TypeError unless `group` is a TaskGroup, or undefined. */
export function checkGroup(group: TaskGroup | undefined): TaskGroup | undefined {
  if (group === undefined || typeof (group as Partial<TaskGroup> | null)?.spawn === 'function') return group;
  throw new TypeError(`Cannot use { group } as it takes a TaskGroup: current value is ${shown(group)}`);
}
