/** `run`: the root of a program. */

import { DeadlockError } from '../errors.ts';
import { ambientAvailable } from '../internal/ambient.ts';
import { checkFunction, checkMs, checkOptions } from '../internal/checks.ts';
import type { ErrorReporter } from '../internal/report.ts';
import { currentScope } from './current.ts';
import { onDeadlock } from './deadlock.ts';
import { RunScope } from './run-scope.ts';
import { stopOnSignals } from './signals.ts';
import { formatTree } from './tree.ts';
import type { TaskFunction } from './with-scope.ts';

/** Options of {@link run}. */
export interface RunOptions {
  /** What the root is called in messages and in the task tree. Default: the name of main. */
  readonly name?: string | undefined;
  /** Whether SIGINT and SIGTERM stop it; run may then give undefined. Default: true where the platform has them. */
  readonly signals?: boolean | undefined;
  /** Milliseconds after a signal for what is under way to finish, before it is cancelled. Default: 0. */
  readonly drainMs?: number | undefined;
  /** Milliseconds after that for clean-up, before the process exits with a list of what is alive. Default: 10,000. */
  readonly graceMs?: number | undefined;
  /** Gets errors that have nobody to be thrown at, and where they came from. Default: they go to the console. */
  readonly onError?: ErrorReporter | undefined;
}

/**
 * Runs a program: everything that it starts has ended when the promise settles.
 *
 * Guarantees: it returns what main returns and throws what main throws. At the end it cancels what was detached, waits
 * for it, and reports its errors. On SIGINT or SIGTERM it asks to stop (`scope.stopping`, `scope.onStop`), after
 * `drainMs` it cancels main, after `graceMs` more it prints the tasks that are still alive and exits with 1; a second
 * signal exits at once with 130 or 143. If main had to be cancelled for a signal, the exit code is set to 130 or 143; a
 * main that finished by itself leaves it alone.
 *
 * The value: when main was cut off, by a signal or by `scope.cancel()`, run gives undefined although its type is that of
 * main's value, so that `await run(main)` ends a program without a stack trace. Do inside main what is to be done with
 * the value; with `signals: false` and no `cancel()` it always is what main returned.
 *
 * Cancellable: by signals; what main waits for throws.
 *
 * @throws {DeadlockError} when tasks wait and nothing is left that could wake them, a signal aside: a program that waits
 *   for one needs something that keeps it alive, such as a server. (Bun and Deno cannot tell under a top-level await.)
 *   A TypeError inside another `run`.
 *
 * @example A program
 * ```ts run
 * import { run, sleep } from 'corral';
 *
 * await run(async (scope) => {
 *   scope.onStop(() => console.log('asked to stop'));
 *   await sleep(1);
 * });
 * ```
 */
export async function run<T>(main: TaskFunction<T>, options?: RunOptions): Promise<T> {
  checkFunction(main, 'run', options);
  checkOptions(options, 'run');
  const drainMs = options?.drainMs === undefined ? 0 : checkMs(options.drainMs, 'set drainMs');
  const graceMs = options?.graceMs === undefined ? 10_000 : checkMs(options.graceMs, 'set graceMs');
  if (ambientAvailable && currentScope()) {
    throw new TypeError(
      `Cannot run a program inside another as run() makes a root: current scope is ${currentScope()?.name}; use taskGroup()`,
    );
  }
  const root = new RunScope(options?.name ?? (main.name || 'main'), options?.onError);
  const restoreSignals = options?.signals === false ? undefined : stopOnSignals(root, drainMs, graceMs);
  try {
    return await untilDeadlock(root, root.live(main));
  } finally {
    restoreSignals?.();
  }
}

/**
 * Settles with the program, or with a DeadlockError once the event loop has nothing left to do: what waits is cancelled
 * first, so that its clean-up runs; what waits for a foreign promise cannot be woken even so.
 */
function untilDeadlock<T>(root: RunScope, program: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let deadlock: DeadlockError | undefined;
    const forget = onDeadlock(() => {
      if (deadlock) return settle(() => reject(deadlock));
      deadlock = new DeadlockError(formatTree(root));
      root.cancelFor({ kind: 'explicit', by: root.name, error: deadlock });
    });
    const settle = (how: () => void): void => {
      forget();
      how();
    };
    program.then(
      (value) => settle(() => (deadlock ? reject(deadlock) : resolve(value))),
      (error: unknown) => settle(() => reject(deadlock ?? error)),
    );
  });
}
