/** What is current: the scope that the running code belongs to, as far as the platform can tell. */

import { ambientAvailable, currentFrame, runInFrame } from '../internal/ambient.ts';
import type { Frame, Variables } from './frame.ts';
import { checkOptions, shown } from '../internal/checks.ts';
import { Scope } from './scope.ts';

/** What every function that finds its scope ambiently can be given instead. */
export interface ScopeOption {
  /** The scope to belong to. Default: the current one. Needed where nothing is ambient, as in browsers. */
  readonly scope?: Scope | undefined;
}

/**
 * The scope of the code that runs now; undefined outside all.
 *
 * @throws {TypeError} where the platform has no AsyncLocalStorage: use the scope that your function was given.
 */
export function currentScope(): Scope | undefined {
  return scopeFor('currentScope', undefined, 'use the scope that the task function gets as its argument');
}

/** The signal of the current scope, for foreign calls; undefined outside all. */
export function currentSignal(): AbortSignal | undefined {
  return scopeFor('currentSignal', undefined, 'use scope.signal of the scope that the task function gets')?.signal;
}

/** The scope that was given, or the current one. */
export function scopeFor(call: string, options: ScopeOption | undefined, instead?: string): Scope | undefined {
  const given = checkOptions(options, call)?.scope;
  if (given !== undefined) return checkScope(given);
  if (ambientAvailable) return (currentFrame() as Frame | undefined)?.scope;
  const advice = instead ?? `pass the scope that your function was given: ${call}(…, { scope })`;
  throw new TypeError(
    `Cannot call ${call}() without a scope as this platform has no AsyncLocalStorage to find it with: ${advice}`,
  );
}

/** The values of the context variables of the code that runs now. */
export function currentVariables(): Variables | undefined {
  return (currentFrame() as Frame | undefined)?.variables;
}

/** Calls `fn(argument)` with `frame` as what is current. */
export function withFrame<A, R>(frame: Frame, fn: (argument: A) => R, argument: A): R {
  return runInFrame(frame, fn, argument);
}

function checkScope(scope: unknown): Scope {
  if (scope instanceof Scope) return scope;
  throw new TypeError(`Cannot use { scope } as it takes a Scope: current value is ${shown(scope)}`);
}
