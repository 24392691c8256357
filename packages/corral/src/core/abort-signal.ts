/** AbortSignals, both ways: a scope shown to foreign code as a signal, and a foreign signal that cancels a scope. */

import { shown } from '../internal/checks.ts';
import { reportIn } from './report-in.ts';
import type { Scope } from './scope.ts';

type Listener = EventListenerOrEventListenerObject;
/** The platform takes null for a listener, the types do not. */
type AnyListener = Listener | null;

/** A controller for one scope's signal; `refresh` aborts it when the scope becomes cancelled. */
export function controllerFor(scope: Scope): AbortController {
  const controller = new AbortController();
  guard(controller.signal, scope);
  if (scope.visible) controller.abort(scope.reason);
  return controller;
}

/** Throws a TypeError unless `signal` is an AbortSignal. */
export function checkSignal(signal: AbortSignal): void {
  if (typeof signal?.addEventListener === 'function' && typeof signal.aborted === 'boolean') return;
  throw new TypeError(`Cannot use { signal } as it takes an AbortSignal: current value is ${shown(signal)}`);
}

/**
 * Lets a foreign signal cancel `scope`, with one listener. Returns what takes the listener away.
 *
 * The call that was given the signal rejects with the signal's own reason, as `fetch` does.
 */
export function adoptSignal(scope: Scope, signal: AbortSignal): () => void {
  const onAbort = (): void => {
    const { reason } = signal;
    if (scope.cancelFor({ kind: 'parent', reason, by: scope.name })) scope.extra.foreign = { reason };
  };
  if (signal.aborted) {
    onAbort();
    return () => {};
  }
  signal.addEventListener('abort', onAbort);
  return () => signal.removeEventListener('abort', onAbort);
}

/**
 * Listeners that throw are reported instead of ending the process: cancelling is when clean-up runs, and one faulty
 * listener must not take the rest down.
 */
function guard(signal: AbortSignal, scope: Scope): void {
  const { addEventListener, removeEventListener } = signal;
  const guards = new WeakMap<Listener, Listener>();
  const safe = (listener: Listener): Listener => {
    const call = function (this: AbortSignal, event: Event): void {
      try {
        if (typeof listener === 'function') listener.call(this, event);
        else listener.handleEvent(event);
      } catch (error) {
        reportIn(scope, error, `an abort listener in ${scope.name} threw`);
      }
    };
    guards.set(listener, call);
    return call;
  };
  let onabort: Listener | null = null;
  Object.defineProperties(signal, {
    onabort: {
      get: () => onabort,
      set: (listener: unknown): void => {
        if (onabort) signal.removeEventListener('abort', onabort);
        onabort = typeof listener === 'function' ? (listener as Listener) : null;
        if (onabort) signal.addEventListener('abort', onabort);
      },
    },
    addEventListener: {
      value: (type: string, listener: AnyListener, options?: boolean | AddEventListenerOptions): void =>
        addEventListener.call(
          signal,
          type,
          (listener && (guards.get(listener) ?? safe(listener))) as Listener,
          options,
        ),
    },
    removeEventListener: {
      value: (type: string, listener: AnyListener, options?: boolean | EventListenerOptions): void =>
        removeEventListener.call(signal, type, ((listener && guards.get(listener)) ?? listener) as Listener, options),
    },
  });
}
