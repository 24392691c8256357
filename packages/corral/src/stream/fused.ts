/** Stages without concurrency, one after the other: one loop for all of them, and no promise where none is needed. */

import { checkpointIn } from '../core/checkpoint.ts';
import type { Scope } from '../core/scope.ts';
import { isThenable } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { END, SKIP, type End, type Pull, type Step } from './pull.ts';

/** What the stages of one chain say to it. */
export interface Flow {
  /** The item under way is the last one that is wanted. */
  last: boolean;
}

/** Makes of an item another one, or SKIP; at once or later. Setting `flow.last` ends the stream after this item. */
export type Stage = (item: never, flow: Flow, scope: Scope) => unknown;

/** Makes a stage, with a state of its own, for an iteration. */
export type StageMaker = (flow: Flow) => Stage;

type AnyStage = (item: unknown, flow: Flow, scope: Scope) => unknown;

export class FusedPull<T> implements Pull<T> {
  readonly #upstream: Pull<unknown>;
  readonly #stages: readonly AnyStage[];
  readonly #flow: Flow = { last: false };

  constructor(upstream: Pull<unknown>, makers: readonly StageMaker[]) {
    this.#upstream = upstream;
    this.#stages = makers.map((make) => make(this.#flow) as AnyStage);
  }

  next(scope: Scope): Step<T> {
    const flow = this.#flow;
    const stages = this.#stages;
    while (!flow.last) {
      let value: unknown = this.#upstream.next(scope);
      if (value instanceof Promise) return this.#later(value, -1, scope);
      if (value === END) return END;
      for (let at = 0; at < stages.length && value !== SKIP; at++) {
        value = (stages[at] as AnyStage)(value, flow, scope);
        if (isThenable(value)) return this.#later(value, at, scope);
      }
      if (value !== SKIP) return value as T;
      if (flow.last) return END;
      // Where everything is dropped nobody else gives the event loop its turn.
      if (scope.visible || clock.starving()) return this.#later(checkpointIn(scope), stages.length, scope);
    }
    return END;
  }

  /** Goes on with what `promise` gives: an item of upstream (-1), what came of a stage, or nothing (beyond the last). */
  async #later(promise: PromiseLike<unknown>, stage: number, scope: Scope): Promise<T | End> {
    const flow = this.#flow;
    const stages = this.#stages;
    let value: unknown = await promise;
    let at = stage;
    if (at === stages.length) value = SKIP;
    for (;;) {
      if (at < 0 && value === END) return END;
      for (at++; at < stages.length && value !== SKIP; at++) {
        value = (stages[at] as AnyStage)(value, flow, scope);
        if (isThenable(value)) value = await value;
      }
      if (value !== SKIP) return value as T;
      if (flow.last) return END;
      if (scope.visible || clock.starving()) await checkpointIn(scope);
      at = -1;
      value = this.#upstream.next(scope);
      if (value instanceof Promise) value = await value;
    }
  }

  close(scope: Scope): Promise<void> {
    return this.#upstream.close(scope);
  }
}
