/** The ambient frame: which scope is current, and the values of the context variables. */

import type { Scope } from './scope.ts';

/** Values of context variables. Never changed: `run` copies. */
export type Variables = ReadonlyMap<object, unknown>;

/** What is ambient. A scope is its own frame; a context variable's `run` makes a small one around it. */
export interface Frame {
  readonly scope: Scope | undefined;
  readonly variables: Variables | undefined;
}
