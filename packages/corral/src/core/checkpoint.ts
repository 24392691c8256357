import { clock } from '../internal/clock.ts';
import { Operation, entering } from './operation.ts';
import type { Scope } from './scope.ts';

/** Gives the event loop a turn in `scope`. */
export function checkpointIn(scope: Scope | undefined): Promise<void> {
  return entering(scope, () => new Turn<void>(scope, undefined).promise);
}

/**
 * The end of an operation that need not wait: in a microtask, or after a turn of the event loop when others have waited
 * for one too long.
 */
export function passThrough<T>(scope: Scope | undefined, value: T): Promise<T> {
  return clock.starving() ? new Turn(scope, value).promise : Promise.resolve(value);
}

class Turn<T> extends Operation<T> {
  constructor(scope: Scope | undefined, value: T) {
    super(scope);
    clock.turn(() => this.commit(value));
  }
  get kind(): string {
    return 'checkpoint';
  }
  leave(): void {}
}
