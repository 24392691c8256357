import type { NameOption } from '../core/name-option.ts';
import type { TaskGroup } from '../core/task-group.ts';
import { checkNumber, shown } from '../internal/checks.ts';

/** What throttle and debounce have in common. */
export interface MergeOptions extends NameOption {
  /** A group that owns the runs, and waits for those that have not begun: callers may leave. Default: callers own them. */
  readonly group?: TaskGroup | undefined;
}

/** Whether runs begin at the first call and after the last; at least one of them. */
export function checkEdges(leading: unknown, trailing: unknown, name: string): void {
  for (const [edge, value] of [
    ['leading', leading],
    ['trailing', trailing],
  ] as const) {
    if (typeof value !== 'boolean') {
      throw new TypeError(`Cannot set ${edge} of ${name} as it takes a boolean: current value is ${shown(value)}`);
    }
  }
  if (!leading && !trailing) {
    throw new TypeError(`Cannot make ${name} as it needs a leading or a trailing run: current value is neither`);
  }
}

/** Throws a RangeError unless `ms` is a positive, finite time. */
export function checkSpan(ms: unknown, action: string): number {
  const checked = checkNumber(ms, action);
  if (checked > 0 && checked !== Infinity) return checked;
  throw new RangeError(`Cannot ${action} as it takes a positive, finite time: current value is ${checked}`);
}
