import { currentScope, type Scope } from 'corral';

/** The current scope, where there is one and the platform knows it. */
export function ambientScope(): Scope | undefined {
  try {
    return currentScope();
  } catch {
    return undefined;
  }
}
