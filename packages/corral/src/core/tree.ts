/** The task tree as text: what lives, and what it waits for; and a line of it each, for the console. */

import { Group } from './group.ts';
import { Scope } from './scope.ts';
import { TaskScope } from './task.ts';

/**
 * Draws a scope and all that lives in it, a line each:
 *
 *     main
 *     ├─ fetch #3 running: waits for sleep
 *     └─ parse #4 running: waits for a foreign promise
 */
export function formatTree(root: Scope): string {
  const lines: string[] = [describe(root)];
  // A stack of its own instead of recursion: trees may be thousands deep.
  const stack = [...childrenOf(root)].reverse().map((scope, index) => ({ scope, indent: '', last: index === 0 }));
  for (let entry = stack.pop(); entry; entry = stack.pop()) {
    const { scope, indent, last } = entry;
    lines.push(`${indent}${last ? '└─ ' : '├─ '}${describe(scope)}`);
    const below = [...childrenOf(scope)].reverse();
    below.forEach((child, index) =>
      stack.push({ scope: child, indent: indent + (last ? '   ' : '│  '), last: index === 0 }),
    );
  }
  return lines.join('\n');
}

/** What lives directly in a scope. */
export function* childrenOf(scope: Scope): Generator<Scope> {
  for (let child = scope.firstChild; child; child = child.nextSibling) yield child;
}

/** What a scope waits for, in words; empty when others live in it that will say it themselves. */
export function waitsFor(scope: Scope): string[] {
  const kinds: string[] = [];
  for (let op = scope.operations; op; op = op.nextInScope) kinds.push(op.kind);
  if (kinds.length === 0 && awaitsForeign(scope)) kinds.push('a foreign promise');
  return kinds;
}

/** Whether code that runs in the scope awaits something that is not corral's. */
export function awaitsForeign(scope: Scope): boolean {
  if (scope.extras?.foreignHolds) return true;
  if (!scope.bodyRuns || scope.extras?.observed) return false;
  for (let op = scope.operations; op; op = op.nextInScope) if (op.foreign) return true;
  if (scope.operations) return false;
  // A child whose result somebody awaits explains what the body is doing; a task does not.
  for (const child of childrenOf(scope)) if (child.extras?.result) return false;
  // What was begun further out may be what is awaited here: `const p = sleep(1); await timeout(2, () => p)`.
  for (let outer = scope.parent; outer; outer = outer.parent) if (outer.operations) return false;
  return true;
}

/**
 * What `console.log` shows of an object on Node, Bun and Deno: a line, instead of all that can be reached from it. Not a
 * method of the classes, so that what never looks at a tree need not carry it.
 */
function showAs<T extends object>(type: abstract new (...args: never[]) => T, line: (value: T) => string): void {
  function show(this: T): T | string {
    return this instanceof type ? line(this) : this; // the prototype itself has nothing to show
  }
  Object.defineProperty(type.prototype, Symbol.for('nodejs.util.inspect.custom'), { value: show, configurable: true });
}

showAs(Scope, (scope) => `Scope "${scope.name}" (${conditionOf(scope)})`);
showAs(TaskScope, (task) => `Task "${task.name}" #${task.id} (${task.state}${waitsOf(task)})`);
showAs(Group, ({ scope, tasks }) => `TaskGroup "${scope.name}" (${conditionOf(scope)}, tasks: ${tasks.size})`);

function conditionOf(scope: Scope): string {
  const cause = scope.visible?.cause;
  return (cause ? `cancelled: ${cause.kind}` : scope.phase) + waitsOf(scope);
}

/** Only what is certain: code that awaits nothing of corral's may just as well be running. */
function waitsOf(scope: Scope): string {
  return scope.operations ? `, waits for ${[...new Set(waitsFor(scope))].join(', ')}` : '';
}

function describe(scope: Scope): string {
  const waits = waitsFor(scope);
  const what = scope instanceof TaskScope ? `${scope.name} #${scope.id} ${scope.state}` : scope.name;
  const cancelled = scope.cause ? ` (cancelled: ${scope.cause.kind})` : '';
  return what + cancelled + (waits.length > 0 ? `: waits for ${waits.join(', ')}` : '');
}
