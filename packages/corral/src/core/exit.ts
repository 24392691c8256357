/** What a scope makes of the error with which its body ended. Nothing is counted: it is read off the tree as it is now. */

import {
  StrayCancellationError,
  TaskGroupError,
  TimeoutError,
  attachSuppressed,
  isAbortError,
  isCancellation,
  suppressedErrors,
  type CancelCause,
} from '../errors.ts';
import type { Scope } from './scope.ts';

/** How a body's error counts: as a failure, as somebody else's cancellation passing through, or as our own. */
export type Exit =
  | { readonly how: 'failed'; readonly error: unknown }
  | { readonly how: 'cancelled'; readonly error: unknown }
  | { readonly how: 'absorbed' };

/**
 * Resolves an error at the exit of `scope`.
 *
 * A real error never loses to a cancellation. Of several cancelled scopes the outermost that can be seen from here wins,
 * even if it was cancelled while the error of an inner one was in flight. A scope absorbs only a cancellation of its own.
 */
export function exitOf(scope: Scope, error: unknown): Exit {
  const real = realPart(error, scope);
  if (real !== nothing) return { how: 'failed', error: real };
  const outer = outerCancellation(scope);
  if (outer) return { how: 'cancelled', error: outer.cancellation };
  if (scope.cause) return { how: 'absorbed' };
  // Shielded while the cancellation from outside was passing: it still belongs to whoever was cancelled out there.
  for (let ancestor = scope.parent; ancestor; ancestor = ancestor.parent) {
    if (ancestor.cause) return { how: 'cancelled', error };
  }
  return { how: 'failed', error: new StrayCancellationError(error, scope.name) };
}

/** The cancelled scope around `scope` that wins over its own cancellation. */
export function outerCancellation(scope: Scope): Scope | undefined {
  return scope.shield ? undefined : scope.parent?.visible;
}

/**
 * What the caller of a scope gets when its own cancellation cut the body off: TimeoutError after a deadline, the reason
 * of a foreign signal that was given, the cancellation where the scope was orphaned; undefined after `cancel()`.
 */
export function resultOfCancelled(scope: Scope, ms: number | undefined): undefined {
  const { kind } = scope.cause as CancelCause;
  if (kind === 'deadline') throw new TimeoutError(ms, scope.name);
  if (kind === 'closed') scope.passOn(scope.cancellation);
  const foreign = scope.extras?.foreign;
  if (foreign) throw foreign.reason;
  return undefined;
}

/** Which scope attached what an error carries: it is kept on the way up, and replaced when the object is thrown anew. */
const attachedIn = new WeakMap<object, WeakRef<Scope>>();

/** One error out of several: the first, with the later ones attached to it. The same object counts once. */
export function combine(errors: readonly unknown[], scope: Scope, policy?: 'first' | 'aggregate'): unknown {
  const distinct = [...new Set(errors)];
  const [first, ...later] = distinct;
  if (policy === 'aggregate') return new TaskGroupError(distinct, scope.name);
  if (later.length === 0) return first;
  const known = cameFromBelow(first, scope) ? suppressedErrors(first) : [];
  if (!attachSuppressed(first, [...known, ...later])) return new TaskGroupError(distinct, scope.name);
  attachedIn.set(first, new WeakRef(scope));
  return first;
}

function cameFromBelow(error: unknown, scope: Scope): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const attached = attachedIn.get(error);
  if (!attached) return true; // by another copy of the library, or by nobody
  let inner = attached.deref();
  while (inner && inner !== scope) inner = inner.parent;
  return inner === scope;
}

const nothing = Symbol('nothing but cancellations');

/** What is real of an error that arrived in `scope` when nobody waited for it any more; undefined when nothing is. */
export function realErrorIn(scope: Scope, error: unknown): { readonly error: unknown } | undefined {
  const real = realPart(error, scope);
  return real === nothing ? undefined : { error: real };
}

/** An error that throws when it is looked at is a real one, whatever it is. */
function realPart(error: unknown, scope: Scope): unknown {
  try {
    return withoutCancellations(error, scope, new Map());
  } catch {
    return error;
  }
}

/** The error without the cancellations in it, leaf by leaf; `nothing` when there was nothing else. */
function withoutCancellations(error: unknown, scope: Scope, known: Map<unknown, unknown>): unknown {
  if (isCancellationIn(scope, error)) return nothing;
  if (!(error instanceof Error)) return error;
  if (error.name === 'SuppressedError') return withoutSuppressed(error as Suppressed, scope, known);
  if (!(error instanceof AggregateError) || !Array.isArray(error.errors)) return error;
  if (known.has(error)) return known.get(error);
  // Aggregates may share leaves and may contain themselves: each is looked at once.
  known.set(error, error);
  const result = withoutLeaves(error, scope, known);
  known.set(error, result);
  return result;
}

function withoutLeaves(error: AggregateError, scope: Scope, known: Map<unknown, unknown>): unknown {
  const leaves = error.errors.map((leaf) => withoutCancellations(leaf, scope, known));
  const kept = leaves.filter((leaf) => leaf !== nothing);
  if (leaves.every((leaf, index) => leaf === error.errors[index])) return error;
  if (kept.length === 0) return nothing;
  if (error instanceof TaskGroupError) return new TaskGroupError(kept, scope.name);
  return new AggregateError(kept, error.message, { cause: error.cause });
}

interface Suppressed extends Error {
  readonly error: unknown;
  readonly suppressed: unknown;
}

/** What several disposers threw is a chain along `suppressed`, one link for each: real errors are what is kept of it. */
function withoutSuppressed(chain: Suppressed, scope: Scope, known: Map<unknown, unknown>): unknown {
  const real: unknown[] = [];
  let cut = false;
  let link: unknown = chain;
  for (; link instanceof Error && link.name === 'SuppressedError'; link = (link as Suppressed).suppressed) {
    const thrown = withoutCancellations((link as Suppressed).error, scope, known);
    if (thrown === nothing) cut = true;
    else real.push(thrown);
  }
  const first = withoutCancellations(link, scope, known);
  if (first === nothing) cut = true;
  else real.push(first);
  if (!cut) return chain;
  if (real.length === 0) return nothing;
  return real.reduceRight((suppressed, thrown) => suppressedError(thrown, suppressed, chain.message));
}

/** What the engine, or the compiler for an older one, throws when a disposer fails while an error is passing. */
function suppressedError(error: unknown, suppressed: unknown, message: string): Error {
  const Native = (globalThis as { SuppressedError?: new (e: unknown, s: unknown, m: string) => Error }).SuppressedError;
  if (Native) return new Native(error, suppressed, message);
  return Object.assign(new Error(message), { name: 'SuppressedError', error, suppressed });
}

/** Whether an error is a cancellation, to `scope`: branded, or, while it is cancelled, any AbortError. */
function isCancellationIn(scope: Scope, error: unknown): boolean {
  if (isCancellation(error)) return true;
  const { visible } = scope;
  if (!visible) return false;
  const foreign = visible.extras?.foreign;
  return isAbortError(error) || (foreign !== undefined && foreign.reason === error && error !== undefined);
}
