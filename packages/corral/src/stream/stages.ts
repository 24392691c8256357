/** The stages that need no task of their own: what each makes of an item. */

import type { Scope } from '../core/scope.ts';
import { isThenable } from '../internal/checks.ts';
import type { Flow, StageMaker } from './fused.ts';
import { SKIP } from './pull.ts';

/** What is called for each item; the scope is the one in which the item is asked for. */
export type StageFunction<T, R> = (item: T, index: number, scope: Scope) => R | PromiseLike<R>;

type AnyFunction = (item: never, index: number, scope: Scope) => unknown;

/** Calls `fn` with the item and its number. */
function counted(fn: AnyFunction): (item: unknown, scope: Scope) => unknown {
  let index = 0;
  return (item, scope) => fn(item as never, index++, scope);
}

/** Goes on at once, or when the promise has settled. */
function whenever<R>(value: unknown, go: (value: unknown) => R): R | Promise<R> {
  return isThenable(value) ? Promise.resolve(value).then(go) : go(value);
}

export function mapping(fn: AnyFunction): StageMaker {
  return () => {
    const call = counted(fn);
    return (item, _flow, scope) => call(item, scope);
  };
}

export function filtering(fn: AnyFunction): StageMaker {
  return () => {
    const call = counted(fn);
    return (item, _flow, scope) => whenever(call(item, scope), (keep) => (keep ? item : SKIP));
  };
}

export function tapping(fn: AnyFunction): StageMaker {
  return () => {
    const call = counted(fn);
    return (item, _flow, scope) => whenever(call(item, scope), () => item);
  };
}

export function taking(count: number): StageMaker {
  return (flow) => {
    let left = count;
    if (left === 0) flow.last = true;
    return (item) => {
      if (--left <= 0) flow.last = true;
      return item;
    };
  };
}

export function takingWhile(fn: AnyFunction): StageMaker {
  return () => {
    const call = counted(fn);
    return (item, flow, scope) => whenever(call(item, scope), (keep) => (keep ? item : enough(flow)));
  };
}

function enough(flow: Flow): typeof SKIP {
  flow.last = true;
  return SKIP;
}

export function skipping(count: number): StageMaker {
  return () => {
    let left = count;
    return (item) => (left > 0 && left-- > 0 ? SKIP : item);
  };
}

export function skippingWhile(fn: AnyFunction): StageMaker {
  return () => {
    const call = counted(fn);
    let skips = true;
    return (item, _flow, scope) => {
      if (!skips) return item;
      return whenever(call(item, scope), (skip) => {
        skips = Boolean(skip);
        return skips ? SKIP : item;
      });
    };
  };
}

export function scanning(
  fn: (state: never, item: never, index: number, scope: Scope) => unknown,
  initial: unknown,
): StageMaker {
  return () => {
    let state = initial;
    let index = 0;
    return (item, _flow, scope) => whenever(fn(state as never, item, index++, scope), (next) => (state = next));
  };
}

/** Drops what has come before, by its key. */
export function unique(key: AnyFunction | undefined): StageMaker {
  return () => {
    const seen = new Set<unknown>();
    const call = key && counted(key);
    const first = (by: unknown, item: unknown): unknown => {
      if (seen.has(by)) return SKIP;
      seen.add(by);
      return item;
    };
    return (item, _flow, scope) => (call ? whenever(call(item, scope), (by) => first(by, item)) : first(item, item));
  };
}

/** Each value with the one before it. */
export function pairing(): StageMaker {
  return () => {
    let before: { readonly item: unknown } | undefined;
    return (item) => {
      const pair = before ? [before.item, item] : SKIP;
      before = { item };
      return pair;
    };
  };
}
