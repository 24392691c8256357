import { ClosedResourceError } from '../errors.ts';
import { currentVariables } from '../core/current.ts';
import { refusal } from '../core/operation.ts';
import { Scope } from '../core/scope.ts';
import { within } from '../core/within.ts';
import type { PoolEntry } from './pool-entry.ts';

/** Who gets a resource back. */
interface Lender<R> {
  readonly name: string;
  /** @internal */
  takeBack(entry: PoolEntry<R>, broken: { readonly error: unknown } | undefined): void;
}

/**
 * What `pool.acquire` gives: the use of a resource, and the one way to give it back, by `using` or by `release()`.
 *
 * Guarantees: it is given back once, however often it is released, destroyed or disposed; after that `value` throws.
 */
export class Lease<R> implements Disposable, AsyncDisposable {
  #lender: Lender<R>;
  #entry: PoolEntry<R> | undefined;

  /** @internal */
  constructor(lender: Lender<R>, entry: PoolEntry<R>) {
    this.#lender = lender;
    this.#entry = entry;
  }

  /** Whether it has not been given back yet, nor been taken back: closing the pool does in the end. */
  get held(): boolean {
    return this.#entry !== undefined && !this.#entry.ended;
  }

  /**
   * The resource.
   *
   * @throws {ClosedResourceError} when it is not {@link held} any more: somebody else may be using it, or it was destroyed.
   */
  get value(): R {
    if (this.#entry && !this.#entry.ended) return this.#entry.resource;
    throw new ClosedResourceError(`a lease of ${this.#lender.name}`, 'use', 'it was released or destroyed');
  }

  /** Gives it back; nothing happens when that was done before. Not a cancellation point. */
  release(): void {
    this.#giveBack(undefined);
  }

  /** Gives it back as broken: it is destroyed, nobody else gets it. Nothing happens when it was given back before. */
  destroy(error?: unknown): void {
    this.#giveBack({ error });
  }

  [Symbol.dispose](): void {
    this.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  #giveBack(broken: { readonly error: unknown } | undefined): void {
    const entry = this.#entry;
    this.#entry = undefined;
    if (entry) this.#lender.takeBack(entry, broken);
  }
}

/** Runs `body` with what was lent, and gives it back. */
export async function lendFor<R, V>(
  lease: Lease<R>,
  body: (resource: R, lease: Lease<R>, scope: Scope) => V | PromiseLike<V>,
  around: Scope | undefined,
  name: string,
): Promise<V> {
  try {
    const error = refusal(around); // since the hand-over
    if (error) throw error;
    const scope = new Scope(around, body.name || name, currentVariables());
    return await within(scope, () => body(lease.value, lease, scope));
  } finally {
    lease.release();
  }
}
