/** What is made of a function that finds the scope of its caller: the same calls, and what else can be done with it. */

import { scopeFor } from './current.ts';
import { rejecting } from './operation.ts';
import type { Scope } from './scope.ts';

/** A function that was wrapped: called as before, in the current scope; it always returns a promise. */
export interface ScopedFunction<A extends readonly unknown[], R> {
  (...args: A): Promise<R>;
  /**
   * The same call in a scope that is given by hand, for where nothing is ambient. Wherever it is called from, the function
   * itself gets the scope in which it runs as its `this`.
   */
  callIn(scope: Scope, ...args: A): Promise<R>;
}

/** Makes the function that callers see of what is called with the scope of the caller. */
export function scopedFunction<A extends readonly unknown[], R, P extends object>(
  name: string,
  call: (scope: Scope | undefined, args: A) => Promise<R>,
  properties: P,
): ScopedFunction<A, R> & P {
  const advice = `use ${name}.callIn(scope, …)`;
  const shown = (...args: A): Promise<R> => rejecting(() => call(scopeFor(name, undefined, advice), args));
  const callIn = (scope: Scope, ...args: A): Promise<R> => rejecting(() => call(scopeFor(name, { scope }), args));
  Object.defineProperties(shown, {
    ...Object.getOwnPropertyDescriptors(properties),
    name: { value: name, configurable: true },
    callIn: { value: callIn },
  });
  return shown as ScopedFunction<A, R> & P;
}
