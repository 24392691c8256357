/** Running what ends something: to its end although the scope around it is cancelled, and not for ever. */

import { ScopeClosedError, isCancellation } from '../errors.ts';
import { ambientAvailable } from '../internal/ambient.ts';
import { clock } from '../internal/clock.ts';
import { currentScope, currentVariables } from '../core/current.ts';
import { reportIn } from '../core/report-in.ts';
import { Scope } from '../core/scope.ts';
import { within } from '../core/within.ts';

/** Milliseconds that an exit may take. */
export const EXIT_MS = 10_000;

/**
 * Runs `fn`, shielded, in a scope below `around`. After `ms` its waits are cancelled and it throws TimeoutError; a
 * promise that is not corral's and still does not settle is given up: its error is reported when it comes.
 */
export function leaving<T>(
  around: Scope | undefined,
  name: string,
  ms: number,
  fn: (scope: Scope) => T | PromiseLike<T>,
): Promise<T> {
  const scope = new ExitScope(alive(around), name, currentVariables(), true);
  waitsElsewhere(scope);
  if (ms !== Infinity) scope.expireAt(clock.now() + ms);
  return within(scope, () => bounded(scope, fn), { ms });
}

/**
 * What sets up or ends something finds no scope where nothing is ambient: it waits in one that it was handed. To a virtual
 * clock this one then waits for nothing foreign.
 */
export function waitsElsewhere(scope: Scope): void {
  if (!ambientAvailable) scope.extra.observed = 1;
}

/** Where something can end: in `around`, or, when that has ended before, in what is current, or in nothing. */
export function alive(around: Scope | undefined): Scope | undefined {
  if (around?.phase === 'open') return around;
  const current = ambientAvailable ? currentScope() : undefined;
  return current?.phase === 'open' ? current : undefined;
}

/** Waits for what happens in another scope: to a virtual clock, whoever does waits for nothing foreign. */
export async function elsewhere<T>(promise: Promise<T>): Promise<T> {
  const reader = ambientAvailable ? currentScope()?.extra : undefined;
  if (!reader) return promise;
  reader.observed = (reader.observed ?? 0) + 1;
  try {
    return await promise;
  } finally {
    reader.observed--;
  }
}

/** Nobody need await the end of something for it to be reached. */
export class ExitScope extends Scope {
  override orphan(around: Scope): void {
    around.hold();
    this.extra.result?.then(
      () => around.release(),
      (error: unknown) => around.release(isCancellation(error) ? undefined : { error }),
    );
  }
}

function bounded<T>(scope: Scope, fn: (scope: Scope) => T | PromiseLike<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let waiting = true;
    const forget = scope.onCancel((reason) => {
      // What it awaits has been cancelled: it has a turn to say how it ends.
      clock.turn(() => {
        waiting = false;
        reject(reason);
      });
    });
    const settled = (how: () => void): void => {
      forget();
      how();
    };
    new Promise<T>((begun) => begun(fn(scope))).then(
      (value) => settled(() => resolve(value)),
      (error: unknown) => settled(() => (waiting ? reject(error) : late(scope, error))),
    );
  });
}

function late(scope: Scope, error: unknown): void {
  if (isCancellation(error) || error instanceof ScopeClosedError) return;
  reportIn(scope, error, `${scope.name} failed after it was given up`);
}
