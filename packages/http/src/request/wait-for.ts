import { abortable, type Scope } from 'corral';

class Failed {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}

const failed = (error: unknown): Failed => new Failed(error);

/**
 * Waits for something of our own that ends, in whichever way, when nobody waits for it any more: what it fails with then is
 * nobody's affair, and not reported.
 *
 * Cancellable: what it gives is handed to `onAbandoned`.
 */
export async function waitFor<T>(promise: Promise<T>, scope: Scope, onAbandoned?: (value: T) => void): Promise<T> {
  const outcome = await abortable<T | Failed>(promise.then(undefined, failed), {
    scope,
    abandon: true,
    onAbandoned: onAbandoned && ((value) => void (value instanceof Failed || onAbandoned(value))),
  });
  if (outcome instanceof Failed) throw outcome.error;
  return outcome;
}
