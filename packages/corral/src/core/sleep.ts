import { clearTimer, clock } from '../internal/clock.ts';
import { checkNumber } from '../internal/checks.ts';
import type { Timer } from '../internal/timer-heap.ts';
import { checkpointIn } from './checkpoint.ts';
import { Operation, entering, rejected } from './operation.ts';
import type { Scope } from './scope.ts';

/** Waits in `scope`; zero and less is a checkpoint. */
export function sleepIn(scope: Scope | undefined, ms: number): Promise<void> {
  try {
    const checked = checkNumber(ms, 'sleep');
    return checked > 0 ? sleepUntilIn(scope, clock.now() + checked) : checkpointIn(scope);
  } catch (error) {
    return rejected(error);
  }
}

/** Waits in `scope` until a time. */
export function sleepUntilIn(scope: Scope | undefined, at: number): Promise<void> {
  return entering(scope, () => new Sleep(scope, at).promise, undefined, 'sleep');
}

/** Waits until a time; Infinity is never. */
export class Sleep extends Operation<void> implements Timer {
  at: number;
  slot = -1;
  order = 0;
  clock?: Timer['clock'];
  constructor(scope: Scope | undefined, at: number) {
    super(scope);
    this.at = at;
    if (at !== Infinity) clock.set(this);
  }
  get kind(): string {
    return this.at === Infinity ? 'sleep forever' : 'sleep';
  }
  expire(): void {
    this.commit();
  }
  override commit(): boolean {
    return super.commit(undefined);
  }
  leave(): void {
    clearTimer(this);
  }
}
