import { currentVariables, scopeFor, withFrame, type ScopeOption } from '../core/current.ts';
import { reportIn } from '../core/report-in.ts';
import { Scope } from '../core/scope.ts';
import { within } from '../core/within.ts';
import { shown } from '../internal/checks.ts';
import { Consumable } from './consumable.ts';
import type { StreamIterator } from './iterate.ts';

/**
 * A reading for somebody who is not corral's, in a scope of its own: it can be stopped while a value is awaited, and it
 * ends with the scope in which it was begun.
 */
export class Remote<T> {
  readonly #scope: Scope;
  readonly #iterator: StreamIterator<T>;
  #leave: (() => void) | undefined = undefined;
  #stopped: Promise<void> | undefined = undefined;
  readonly #forget: () => void;

  constructor(stream: Consumable<T>, call: string, options: ScopeOption | undefined) {
    if (!(stream instanceof Consumable)) {
      throw new TypeError(`Cannot call ${call}() as it takes a stream: current value is ${shown(stream)}`);
    }
    const scope = new Scope(scopeFor(call, options), call, currentVariables());
    this.#scope = scope;
    this.#iterator = stream.iterateIn(scope);
    // It waits for whoever reads, which is nothing foreign to a virtual clock.
    scope.extra.observed = 1;
    void within(scope, () => new Promise<void>((resolve) => (this.#leave = resolve))).catch(() => {});
    this.#forget = scope.onCancel(() => {
      this.stop().catch((error: unknown) => reportIn(scope.parent, error, `${call} failed while it was stopped`));
    });
  }

  /**
   * The next value; after the last, or a failure, nothing runs for it any more. What was cut off by its scope has no last
   * one: whoever reads must not take the part for the whole.
   */
  async next(): Promise<IteratorResult<T, void>> {
    try {
      const result = await withFrame(this.#scope, () => this.#iterator.next(), undefined);
      if (result.done && this.#stopped) throw this.#scope.reason;
      if (result.done) this.#leave?.();
      return result;
    } catch (error) {
      this.#leave?.();
      throw error;
    }
  }

  /** Cancels all that runs for it, and waits for that. */
  stop(): Promise<void> {
    this.#forget(); // or what is cancelled here would stop it once more
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    try {
      this.#scope.cancelFor({ kind: 'closed', by: this.#scope.name });
      await withFrame(this.#scope, () => this.#iterator.return(), undefined);
    } finally {
      this.#leave?.();
    }
  }
}
