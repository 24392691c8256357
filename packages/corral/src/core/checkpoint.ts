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
 *
 * All that come before that turn go on after it, together and in order: one alone would fall behind the others, and one
 * that puts would then always find its queue full, or one that takes find it empty.
 */
export function passThrough<T>(value: T): Promise<T> {
  if (!held.length && !clock.starving()) return value === undefined ? (passed as Promise<T>) : Promise.resolve(value);
  if (!held.length) clock.turn(letGo);
  // It has happened: no cancellation may take it back any more.
  return new Promise((resolve) => held.push(() => resolve(value)));
}

/** Those that wait for the turn. */
const held: (() => void)[] = [];

function letGo(): void {
  for (const go of held.splice(0)) go();
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
