import type { Scope } from './scope.ts';

/**
 * Visits a scope and all below it, parents first; a visit that returns false does not go further down. There is no
 * recursion: trees may be thousands deep.
 */
export function walk(root: Scope, visit: (scope: Scope) => boolean | void): void {
  let scope: Scope = root;
  for (;;) {
    if (visit(scope) !== false && scope.firstChild) {
      scope = scope.firstChild;
      continue;
    }
    while (scope !== root && !scope.nextSibling) scope = scope.parent as Scope;
    if (scope === root) return;
    scope = scope.nextSibling as Scope;
  }
}
