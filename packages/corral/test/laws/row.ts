/** What the laws need to know of a primitive that can be waited for: a row of the table. */

import type { ScopeOption } from '../../src/index.ts';

/** A primitive that is occupied: whoever waits now has to wait. */
export interface Occupied {
  /** Waits; gives what was got. */
  wait(options?: ScopeOption): Promise<unknown>;
  /**
   * Lets the first that waits go on, or all of them (see `wakes`), by giving back `got`, what the one before got, or at
   * first what occupies it. It need not have happened before the microtasks have run. Where time serves, and nobody else
   * can, it gives a promise that lasts until then.
   */
  serve(got?: unknown): void | Promise<void>;
  /** How many stand in line. */
  waiting(): number;
  /** What it says of itself. */
  snapshot(): object;
  /** Takes it if that needs no waiting; undefined when it does. */
  tryTake?(): unknown;
  /** Closes, aborts, shuts it down: nobody can wait any more. */
  close?(): void;
}

export interface Row {
  readonly name: string;
  /** Whom `serve` lets go on. */
  readonly wakes: 'one' | 'all';
  /** Whether what was got is a guard, to be disposed. While one is out nothing can be taken. */
  readonly guards?: boolean;
  /** Whether there is `tryTake`. Default: where there are guards. */
  readonly tries?: boolean;
  /** The name of the error that who waits gets when it is closed. */
  readonly closedError?: string;
  /** Makes it, occupied, with room in line for `waiters`. */
  make(waiters: number): Occupied | Promise<Occupied>;
}
