import type { ScopeOption } from './current.ts';
import { checkOptions } from '../internal/checks.ts';
import { rejecting } from './operation.ts';
import { openAndRun, type TaskFunction } from './with-scope.ts';

/** Options of {@link shield}. */
export interface ShieldOptions extends ScopeOption {
  /** What it is called in messages. Default: the name of the body. */
  readonly name?: string | undefined;
}

/**
 * Runs `body` to its end although the scope around it may be cancelled meanwhile.
 *
 * Guarantees: cancellation from outside stops here, also for scopes and groups that are opened inside; its own deadline
 * and cancel still work. The cancellation is seen at the next waiting operation after it. Semantics: trio's shield.
 *
 * Cancellable: only by its own scope.
 *
 * @example A commit that is not to be torn apart
 * ```ts run
 * import { shield, sleep } from 'corral';
 *
 * await shield(async () => {
 *   await sleep(1); // write
 *   await sleep(1); // fsync
 * });
 * ```
 */
export function shield<T>(body: TaskFunction<T>, options?: ShieldOptions): Promise<T> {
  return rejecting(() => openAndRun('shield', body, { ...checkOptions(options, 'shield'), shield: true }));
}

/** Options of {@link cleanup}. */
export interface CleanupOptions extends ShieldOptions {
  /** Milliseconds after which the clean-up itself is cancelled. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
}

const CLEANUP_MS = 10_000;

/**
 * Runs clean-up that has to wait, in a `finally`, although the scope may be cancelled: a shield with a bound. The bound
 * reaches corral's operations; a promise that is not corral's needs `withSignal` or `abortable`, as everywhere.
 *
 * Cancellable: only by its own bound.
 *
 * @throws {TimeoutError} when it takes longer than `timeoutMs`.
 *
 * @example Saying goodbye although cancelled
 * ```ts run
 * import { cleanup, moveOnAfter, sleep } from 'corral';
 *
 * await moveOnAfter(5, async () => {
 *   try {
 *     await sleep(60_000);
 *   } finally {
 *     await cleanup(() => sleep(1), { timeoutMs: 1_000 });
 *   }
 * });
 * ```
 */
export function cleanup<T>(body: TaskFunction<T>, options?: CleanupOptions): Promise<T> {
  return rejecting(() => {
    const { timeoutMs = CLEANUP_MS, ...rest } = checkOptions(options, 'cleanup') ?? {};
    return openAndRun('cleanup', body, { ...rest, shield: true, deadlineMs: timeoutMs });
  });
}
