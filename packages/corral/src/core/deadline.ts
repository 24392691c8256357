import type { Timer } from '../internal/timer-heap.ts';
import type { Scope } from './scope.ts';

/** The deadline of a scope: cancels it when its time has come. */
export class Deadline implements Timer {
  at = Infinity;
  slot = -1;
  order = 0;
  clock?: Timer['clock'];
  readonly #scope: Scope;
  constructor(scope: Scope) {
    this.#scope = scope;
  }
  expire(): void {
    this.#scope.cancelFor({ kind: 'deadline', by: this.#scope.name });
  }
}
