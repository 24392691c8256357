/** Listening to whatever has events: Node's emitters and the web's targets. */

import { shown } from '../internal/checks.ts';

/** What Node's EventEmitter and its like can do. */
export interface EventEmitterLike {
  on(name: string | symbol, listener: (...values: unknown[]) => void): unknown;
  off(name: string | symbol, listener: (...values: unknown[]) => void): unknown;
}

/** What a DOM EventTarget can do. */
export interface EventTargetLike<E> {
  addEventListener(name: string, listener: (event: E) => void): void;
  removeEventListener(name: string, listener: (event: E) => void): void;
}

/** Begins to listen; returns what takes the listener away. */
export type Listen = (name: string | symbol, listener: (value: unknown) => void) => () => void;

/**
 * How to listen to either kind. Of an emitter the value is the array of arguments, of a target it is the event. What is
 * both, as Node's MessagePort is, counts as an emitter.
 *
 * @throws {TypeError} when it is neither.
 */
export function listenTo(source: EventEmitterLike | EventTargetLike<unknown>, call: string): Listen {
  const emitter = source as Partial<EventEmitterLike & EventTargetLike<unknown>> | null | undefined;
  if (typeof emitter?.on === 'function' && typeof emitter.off === 'function') {
    return (name, listener) => {
      const spread = (...values: unknown[]): void => listener(values);
      emitter.on?.(name, spread);
      return () => emitter.off?.(name, spread);
    };
  }
  if (typeof emitter?.addEventListener === 'function' && typeof emitter.removeEventListener === 'function') {
    return (name, listener) => {
      emitter.addEventListener?.(name as string, listener);
      return () => emitter.removeEventListener?.(name as string, listener);
    };
  }
  throw new TypeError(
    `Cannot listen as ${call} takes an EventEmitter or an EventTarget: current value is ${shown(source)}`,
  );
}

/** What an error event carries: the first argument, or the `error` of a DOM event. */
export function errorOf(value: unknown): unknown {
  if (Array.isArray(value)) return value[0];
  return (value as { error?: unknown } | undefined)?.error ?? value;
}

/** Whether it has events named `error` that are failures: an emitter does. */
export function failsByEvents(source: object): boolean {
  return typeof (source as Partial<EventEmitterLike>).on === 'function';
}
