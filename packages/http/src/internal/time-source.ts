/**
 * Real time, for what happens on the wire. Timers are armed outside of every async context, as whoever arms one for many
 * must not keep the context of the first of them.
 *
 * Not corral's clock: servers know nothing of a virtual one.
 */

/** What a timer and a look at the clock need; tests bring their own. */
export interface TimeSource {
  /** Milliseconds on a clock that never goes back. */
  now(): number;
  arm(callback: () => void, ms: number): NativeTimer;
  disarm(timer: NativeTimer): void;
}

/** What `setTimeout` gives: an object on Node and Bun, a number elsewhere. */
export interface NativeTimer {
  ref?(): unknown;
  unref?(): unknown;
}

/** `setTimeout` takes a signed 32-bit number of milliseconds and fires at once beyond it. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Calls a function in the async context in which {@link captureContext} was called. */
export type InContext = <R>(fn: () => R) => R;

interface Resource {
  runInAsyncScope<R>(fn: () => R): R;
}

interface AsyncHooks {
  AsyncResource?: new (type: string) => Resource;
  AsyncLocalStorage?: { snapshot?(): InContext };
}

interface Host {
  process?: { getBuiltinModule?: (name: string) => unknown };
  AsyncLocalStorage?: AsyncHooks['AsyncLocalStorage'];
  setTimeout(callback: () => void, ms: number): NativeTimer;
  clearTimeout(timer: NativeTimer): void;
}

const host = globalThis as unknown as Host;
const hooks = host.process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined;
const outside = hooks?.AsyncResource && new hooks.AsyncResource('corral:http');

/** Calls `fn` outside of every async context; where the platform has none, just so. */
export function runOutside<R>(fn: () => R): R {
  return outside ? outside.runInAsyncScope(fn) : fn();
}

/** For callbacks that are called later as if from here; undefined where the platform has no async context. */
export function captureContext(): InContext | undefined {
  return (hooks?.AsyncLocalStorage ?? host.AsyncLocalStorage)?.snapshot?.();
}

export const realTime: TimeSource = {
  now: () => performance.now(),
  arm: (callback, ms) => runOutside(() => host.setTimeout(callback, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS))),
  disarm: (timer) => host.clearTimeout(timer),
};

/**
 * For what is called back on behalf of many: one that throws must not take its turn from the others. Its error is thrown
 * on a turn of its own, as that of any other callback would be.
 */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
