import { clock } from '../internal/clock.ts';
import { Operation, entering } from './operation.ts';
import type { Scope } from './scope.ts';

/** Gives the event loop a turn in `scope`. */
export function checkpointIn(scope: Scope | undefined): Promise<void> {
  return entering(scope, () => new Turn(scope).promise, undefined, 'checkpoint');
}

/** One for all who pass with nothing to hand over: a settled promise remembers nobody, and making one is the main cost. */
const passed = Promise.resolve(undefined);

/**
 * The end of an operation that need not wait: in a microtask, or after a turn of the event loop when others have waited
 * for one too long.
 */
export function passThrough<T>(value: T): Promise<T> {
  if (!clock.starving()) return value === undefined ? (passed as Promise<T>) : Promise.resolve(value);
  // It has happened: no cancellation may take it back any more.
  return new Promise((resolve) => {
    clock.turn(() => resolve(value));
  });
}

class Turn extends Operation<void> {
  constructor(scope: Scope | undefined) {
    super(scope);
    clock.turn(() => this.commit(undefined));
  }
  get kind(): string {
    return 'checkpoint';
  }
  leave(): void {}
}
