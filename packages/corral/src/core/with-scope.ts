import { checkFunction, checkMs } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { adoptSignal, checkSignal } from './abort-signal.ts';
import { currentVariables, scopeFor, type ScopeOption } from './current.ts';
import { rejecting } from './operation.ts';
import { Scope } from './scope.ts';
import { within } from './within.ts';

/** A function that is run as a task or as the body of a scope. Where the scope is ambient it may ignore its argument. */
export type TaskFunction<T> = (scope: Scope) => T | PromiseLike<T>;

/** Options of {@link withScope}. */
export interface WithScopeOptions extends ScopeOption {
  /** What it is called in messages. Default: the name of the body. */
  readonly name?: string | undefined;
  /** Milliseconds until the scope is cancelled and the call throws TimeoutError. Default: none. */
  readonly deadlineMs?: number | undefined;
  /** Keeps cancellation from outside out. Default: false. */
  readonly shield?: boolean | undefined;
  /** A foreign signal that cancels the scope; the call then throws the signal's reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `body` in a scope of its own, which can be cancelled, shielded, given a deadline, and inspected.
 *
 * Guarantees: it settles only when all that was started in the scope has ended; after `scope.cancel()` it returns
 * undefined (or what the body returned in spite of it); real errors are thrown.
 *
 * Cancellable: what the body waits for throws; it settles when all has ended.
 *
 * @throws {TimeoutError} when the scope's deadline cut the body off.
 *
 * @example Cancelling from inside
 * ```ts run
 * import { sleep, withScope } from 'corral';
 *
 * await withScope(async (scope) => {
 *   setTimeout(() => scope.cancel('enough'), 1);
 *   await sleep(60_000);
 * });
 * ```
 */
export function withScope<T>(body: TaskFunction<T>, options?: WithScopeOptions): Promise<T> {
  return openAndRun('withScope', body, options);
}

/** Makes the scope of `call` and runs `body` in it; misuse rejects before anything is started. */
export function openAndRun<T, R = never>(
  call: string,
  body: TaskFunction<T>,
  options: WithScopeOptions | undefined,
  at = Infinity,
  whenCancelled?: (scope: Scope) => R,
): Promise<T | R> {
  return rejecting(() => {
    const ms = options?.deadlineMs;
    checkFunction(body, `run the body of ${call}`, ms ?? options);
    const deadline = Math.min(at, deadlineAfter(ms, call));
    const scope = openScope(call, body, options);
    const atEnd = options?.signal && adoptSignal(scope, options.signal);
    if (deadline !== Infinity) scope.expireAt(deadline);
    return within(scope, body, { ms, whenCancelled, atEnd });
  });
}

function openScope(call: string, body: { name: string }, options: WithScopeOptions | undefined): Scope {
  const name = options?.name ?? (body.name || call);
  if (options?.signal) checkSignal(options.signal);
  return new Scope(scopeFor(call, options), name, currentVariables(), options?.shield);
}

function deadlineAfter(ms: number | undefined, call: string): number {
  const checked = checkMs(ms, `set the deadline of ${call}`);
  return checked === Infinity ? Infinity : clock.now() + checked;
}
