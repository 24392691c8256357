import { currentVariables, scopeFor } from '../core/current.ts';
import { rejecting } from '../core/operation.ts';
import { quietly } from '../core/quietly.ts';
import { Scope } from '../core/scope.ts';
import { within } from '../core/within.ts';
import type { Failure } from './failure.ts';
import { elsewhere, waitsElsewhere } from './leaving.ts';
import type { Resource } from './resource.ts';
import { sourceOf, type Closeable, type Disposing, type Source } from './source.ts';
import { enteringSource, exitMs, type UseOptions } from './use.ts';

/** A resource that is open until it is disposed. */
export interface OpenResource<T> extends AsyncDisposable {
  readonly value: T;
}

/**
 * Enters a resource for the rest of a block: `await using session = await open(getSession())`, then `session.value`.
 *
 * Guarantees: it belongs to the current scope, or to the one that is given: what nobody has disposed is left when that
 * scope ends. The exit runs as with {@link use}; disposing is idempotent, and all who dispose wait for the exit.
 *
 * JavaScript does not tell a disposer whether the block has thrown: at the `yield` nothing is thrown in, so a
 * transaction that commits unless there was an error commits. Where the resource has to know, use {@link use}.
 *
 * Cancellable: then the set-up has ended and nothing is open. Disposing is not.
 *
 * @throws what the set-up throws. Disposing throws what the exit throws, and TimeoutError when it takes too long.
 *
 * @example For the rest of a block
 * ```ts run
 * import { open, resource } from 'corral';
 *
 * const getSession = resource(async function* () {
 *   yield { id: 7 };
 *   console.log('closed');
 * });
 * await using session = await open(getSession());
 * console.log(session.value.id); // 7, then closed
 * ```
 */
export function open<T, S extends undefined>(resource: Resource<T, S>, options?: UseOptions): Promise<OpenResource<T>>;
export function open<T extends Disposing>(resource: T, options?: UseOptions): Promise<OpenResource<T>>;
export function open<T>(resource: Closeable<T>, options?: UseOptions): Promise<OpenResource<T>>;
export function open<T>(resource: unknown, options?: UseOptions): Promise<OpenResource<T>> {
  return rejecting(() => {
    const source = sourceOf(resource, 'open a resource') as Source<T>;
    const ms = exitMs(options);
    return enteringSource(source, scopeFor('open', options), ms, (parent) =>
      quietly(() => elsewhere(hold(parent, source, ms))),
    );
  });
}

function hold<T>(parent: Scope | undefined, source: Source<T>, ms: number): Promise<OpenResource<T>> {
  return new Promise<OpenResource<T>>((resolve, reject) => {
    const scope = new HoldingScope(parent, `open ${source.name}`, currentVariables());
    waitsElsewhere(scope);
    within(scope, async () => {
      const { value, exit } = await source.enter();
      await scope.untilReleased(() => resolve(new Held(value, scope)));
      const left: Failure | undefined = await exit(undefined, scope, ms);
      if (left) throw left.error;
    }).catch(reject);
  });
}

class Held<T> implements OpenResource<T> {
  readonly value: T;
  readonly #scope: HoldingScope;

  constructor(value: T, scope: HoldingScope) {
    this.value = value;
    this.#scope = scope;
  }

  /** Whoever comes later waits as well; the failure is thrown once. */
  async [Symbol.asyncDispose](): Promise<void> {
    const first = this.#scope.letGo();
    const { result } = this.#scope.extra;
    if (result) await elsewhere(first ? result : result.catch(() => {}));
  }
}

/** What is open lives here, from its set-up to its exit: also the groups that its set-up has opened. */
class HoldingScope extends Scope {
  #release: (() => void) | undefined;
  #idle = false;
  #orphaned = false;

  /** While it is only held nothing runs in it. */
  override get bodyRuns(): boolean {
    return !this.#idle && super.bodyRuns;
  }

  untilReleased(ready: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = true;
      this.#release = resolve;
      ready();
      if (this.#orphaned) this.letGo();
    });
  }

  /** False when somebody did before. */
  letGo(): boolean {
    const release = this.#release;
    if (!release) return false;
    this.#release = undefined;
    this.#idle = false;
    release();
    return true;
  }

  /** What it belongs to ends, and nobody has disposed it. */
  override orphan(around: Scope): void {
    this.#orphaned = true; // it may still be setting up
    this.letGo();
    super.orphan(around);
  }
}
