import { isCancellation } from '../errors.ts';
import { isThenable, shown } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { realErrorIn } from './exit.ts';
import { scopeFor, type ScopeOption } from './current.ts';
import { Operation, refusal, rejecting } from './operation.ts';
import { reportIn } from './report-in.ts';
import type { Scope } from './scope.ts';

/** Options of {@link abortable}. */
export interface AbortableOptions<T> extends ScopeOption {
  /** Whether the scope may end while the promise is still pending. Default: false, it waits for it. */
  readonly abandon?: boolean | undefined;
  /** Called with a value that arrives after the waiting has ended, to release it. */
  readonly onAbandoned?: ((value: T) => void) | undefined;
}

/**
 * Waits for a foreign promise, and stops waiting when cancelled.
 *
 * Guarantees: a promise cannot be cancelled, so the scope still waits for it to settle before it ends, unless
 * `abandon`; an error that arrives late is thrown by the scope (with `abandon`: reported). Prefer {@link withSignal}
 * where the foreign call takes a signal.
 *
 * Cancellable: the promise goes on; what it gives is handed to `onAbandoned`.
 *
 * @example Releasing what arrives late
 * ```ts run
 * import { abortable, moveOnAfter } from 'corral';
 *
 * const connecting = new Promise<{ close(): void }>((resolve) => {
 *   setTimeout(() => resolve({ close: () => console.log('closed') }), 20);
 * });
 * await moveOnAfter(5, () => abortable(connecting, { onAbandoned: (connection) => connection.close() }));
 * ```
 */
export function abortable<T>(promise: PromiseLike<T>, options?: AbortableOptions<T>): Promise<T> {
  return rejecting(() => {
    if (!isThenable(promise)) {
      throw new TypeError(`Cannot wait as abortable takes a promise: current value is ${shown(promise)}`);
    }
    const scope = scopeFor('abortable', options);
    const error = refusal(scope, 'a foreign promise');
    const waiting = new Foreign(error ? undefined : scope, promise, options ?? {}, scope);
    if (error) waiting.abort(error);
    return waiting.promise;
  });
}

class Foreign<T> extends Operation<T> {
  readonly #options: AbortableOptions<T>;
  readonly #holder: Scope | undefined;
  #settled = false;

  constructor(
    scope: Scope | undefined,
    promise: PromiseLike<T>,
    options: AbortableOptions<T>,
    holder: Scope | undefined,
  ) {
    super(scope);
    this.#options = options;
    this.#holder = options.abandon ? undefined : holder;
    // Adopted by the platform: a thenable that throws or calls back twice does no harm.
    Promise.resolve(promise).then(
      (value) => this.#arrived(value),
      (error: unknown) => this.#failed(error),
    );
  }

  get kind(): string {
    return 'foreign promise';
  }

  override get foreign(): boolean {
    return true;
  }

  /** Left before the promise has settled: somebody has to wait for it. */
  leave(): void {
    if (!this.#settled) this.#holder?.holdForeign();
  }

  #arrived(value: T): void {
    if (clock.starving()) clock.turn(() => this.#take(value));
    else this.#take(value);
  }

  #take(value: T): void {
    this.#settled = true;
    if (this.commit(value)) return;
    const { onAbandoned } = this.#options;
    let lateError: { error: unknown } | undefined;
    try {
      onAbandoned?.(value);
    } catch (error) {
      lateError = { error };
    }
    this.#late(lateError);
  }

  #failed(error: unknown): void {
    this.#settled = true;
    if (this.fail(error)) return;
    const holder = this.#holder;
    this.#late(holder ? realErrorIn(holder, error) : isCancellation(error) ? undefined : { error });
  }

  #late(lateError: { readonly error: unknown } | undefined): void {
    if (this.#holder) this.#holder.releaseForeign(lateError);
    else if (lateError) reportIn(this.scope, lateError.error, 'an abandoned promise failed');
  }
}
