/**
 * The one door to the platform's async context: a single AsyncLocalStorage that holds the current frame.
 *
 * It is found through `process.getBuiltinModule`, so that no bundle for a browser ever sees a `node:` import. Where
 * there is none (browsers), `available` is false and nothing is ever current.
 */

import { perRequest } from './host.ts';

/** What is ambient: one object per task or scope body; `core/` knows its type. */
export type AmbientFrame = object;

interface Storage {
  run<A, R>(store: AmbientFrame | undefined, fn: (argument: A) => R, argument: A): R;
  getStore(): AmbientFrame | undefined;
  enterWith(store: AmbientFrame): void;
}

interface Resource {
  runInAsyncScope<R>(fn: () => R): R;
}

interface StorageClass {
  new (): Storage;
  snapshot?(): <R>(fn: () => R) => R;
}

interface AsyncHooks {
  AsyncLocalStorage: StorageClass;
  AsyncResource: new (type: string) => Resource;
}

interface Host {
  process?: {
    getBuiltinModule?: (name: string) => unknown;
    versions?: { node?: string; bun?: string; deno?: string };
  };
  AsyncLocalStorage?: StorageClass;
}

const host = globalThis as Host;
const hooks = host.process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined;
const AsyncLocalStorage = hooks?.AsyncLocalStorage ?? host.AsyncLocalStorage;
const storage = AsyncLocalStorage && new AsyncLocalStorage();

/** A place outside every frame, to arm timers from: what they capture lives as long as they do. */
const outside = hooks?.AsyncResource && new hooks.AsyncResource('corral');

/**
 * Since Node 24 a context is a copied map: `run` copies it twice, entering and leaving. A microtask gets its context from
 * the engine and takes it along when it ends, so there `enterWith` does with one. Elsewhere `run` is as cheap or cheaper.
 */
const versions = host.process?.versions;
const enters = !perRequest && !versions?.bun && !versions?.deno && Number.parseInt(versions?.node ?? '0', 10) >= 24;

/** Whether this platform carries a frame through `await`. */
export const ambientAvailable = storage !== undefined;

/** The frame of the code that runs now. */
export function currentFrame(): AmbientFrame | undefined {
  return storage?.getStore();
}

/** Calls `fn(argument)` inside `frame`. */
export function runInFrame<A, R>(frame: AmbientFrame, fn: (argument: A) => R, argument: A): R {
  return storage ? storage.run(frame, fn, argument) : fn(argument);
}

/** Calls `fn` outside every frame. */
export function runOutside<R>(fn: () => R): R {
  return outside ? outside.runInAsyncScope(fn) : storage ? storage.run(undefined, fn, undefined) : fn();
}

/** Calls a function in the async context in which {@link captureContext} was called. */
export type InContext = <R>(fn: () => R) => R;

/** For what is to be called later as if from here: the frame, and what others keep in the platform's async context. */
export function captureContext(): InContext | undefined {
  return AsyncLocalStorage?.snapshot?.();
}

/** Like {@link runInFrame}, as the last thing that a microtask does: the frame may stay in force until it ends. */
export const endInFrame: typeof runInFrame =
  enters && storage
    ? (frame, fn, argument) => {
        if (storage.getStore() !== frame) storage.enterWith(frame);
        return fn(argument);
      }
    : runInFrame;
