import { checkFunction, checkMs } from '../internal/checks.ts';
import { currentVariables, scopeFor, type ScopeOption } from '../core/current.ts';
import { entering, refusal, rejecting } from '../core/operation.ts';
import { Scope } from '../core/scope.ts';
import { within } from '../core/within.ts';
import type { Failure } from './failure.ts';
import { ExitScope, EXIT_MS, alive, waitsElsewhere } from './leaving.ts';
import type { ResourceStack } from './resource-stack.ts';
import type { Resource } from './resource.ts';
import { sourceOf, type Closeable, type Disposing, type Source } from './source.ts';

/** Options of {@link use} and {@link open}. */
export interface UseOptions extends ScopeOption {
  /** Milliseconds after which the exit is cancelled, and given up if it goes on even so. Default: 10,000. */
  readonly exitTimeoutMs?: number | undefined;
}

/**
 * Enters a resource, runs `body` with its value, and leaves the resource, however the body has ended.
 *
 * Guarantees: the exit is reached exactly once if the set-up has ended, also when the scope is cancelled in that very
 * moment; it runs when all that the body has started has ended; it is not cut off by the cancellation of the scope, only
 * by `exitTimeoutMs`. What was made by `resource`, and a ResourceStack, is told the body's error; when it suppresses that,
 * undefined is returned. Besides, anything disposable can be used, which is its own value, and any `{ value, close }`:
 * their errors are attached to that of the body (`suppressedErrors`).
 *
 * Cancellable: set-up and body are; then the resource has been left. What was open already is closed even if the scope
 * was cancelled before the call.
 *
 * @throws {TimeoutError} when the exit takes longer than `exitTimeoutMs`; what the set-up, the body or the exit throws.
 *
 * @example A lock file
 * ```ts run
 * import { resource, use } from 'corral';
 *
 * const lockFile = resource(async function* (path: string) {
 *   const handle = { path, locked: true };
 *   try {
 *     yield handle;
 *   } finally {
 *     handle.locked = false;
 *   }
 * });
 * await use(lockFile('db.lock'), async (file) => console.log(file.locked)); // true
 * ```
 */
export function use<T, S extends undefined, V>(
  resource: Resource<T, S>,
  body: (value: T, scope: Scope) => V | PromiseLike<V>,
  options?: UseOptions,
): Promise<V | S>;
export function use<V>(
  stack: ResourceStack,
  body: (stack: ResourceStack, scope: Scope) => V | PromiseLike<V>,
  options?: UseOptions,
): Promise<V | undefined>;
export function use<T extends Disposing, V>(
  resource: T,
  body: (value: T, scope: Scope) => V | PromiseLike<V>,
  options?: UseOptions,
): Promise<V>;
export function use<T, V>(
  resource: Closeable<T>,
  body: (value: T, scope: Scope) => V | PromiseLike<V>,
  options?: UseOptions,
): Promise<V>;
export function use<T, V>(
  resource: unknown,
  body: (value: T, scope: Scope) => V | PromiseLike<V>,
  options?: UseOptions,
): Promise<V | undefined> {
  return rejecting(() => {
    checkFunction(body, 'use a resource');
    const source = sourceOf(resource, 'use a resource') as Source<T>;
    const ms = exitMs(options);
    return enteringSource(source, scopeFor('use', options), ms, (parent) => {
      const scope = new Scope(parent, `use ${source.name}`, currentVariables());
      waitsElsewhere(scope);
      return within(scope, () => live(source, body, scope, ms));
    });
  });
}

/** The option as a number. */
export function exitMs(options: UseOptions | undefined): number {
  return options?.exitTimeoutMs === undefined ? EXIT_MS : checkMs(options.exitTimeoutMs, 'set exitTimeoutMs');
}

/** Enters unless the scope refuses; what is open already is then closed all the same. */
export function enteringSource<V>(
  source: Source<unknown>,
  parent: Scope | undefined,
  ms: number,
  begin: (scope: Scope | undefined) => Promise<V>,
): Promise<V> {
  const error = refusal(parent);
  if (!error || !source.opened) return entering(parent, begin);
  const scope = new ExitScope(alive(parent), `close ${source.name}`, currentVariables(), true);
  const closing = within(scope, async () => {
    const { exit } = await source.enter();
    const failure = await exit({ error }, scope, ms);
    if (failure && failure.error !== error) throw failure.error;
  });
  const refused = closing.then(() => Promise.reject(error));
  refused.catch(() => {});
  return refused;
}

async function live<T, V>(
  source: Source<T>,
  body: (value: T, scope: Scope) => V | PromiseLike<V>,
  scope: Scope,
  ms: number,
): Promise<V | undefined> {
  const { value, exit } = await source.enter();
  let result: V | undefined;
  let failure: Failure | undefined;
  try {
    // Cancelled during a set-up that went on to its end, it does not begin.
    const refused = refusal(scope);
    if (refused) throw refused;
    const own = new Scope(scope, body.name || `body of ${scope.name}`, currentVariables());
    result = await within(own, () => body(value, own));
  } catch (error) {
    failure = { error };
  }
  const left = await exit(failure, scope, ms);
  if (left) throw left.error;
  return failure ? undefined : result;
}
