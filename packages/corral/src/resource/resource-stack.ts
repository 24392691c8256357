import { ClosedResourceError } from '../errors.ts';
import { checkFunction, checkOptions } from '../internal/checks.ts';
import { currentVariables, scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { rejecting } from '../core/operation.ts';
import { quietly } from '../core/quietly.ts';
import type { Scope } from '../core/scope.ts';
import { within } from '../core/within.ts';
import { replaced, type Failure } from './failure.ts';
import { ExitScope, alive, elsewhere, leaving } from './leaving.ts';
import type { Resource } from './resource.ts';
import { asSource, plainExit, sourceOf, type Closeable, type Disposing, type Exit, type Source } from './source.ts';
import { enteringSource, exitMs, use, type UseOptions } from './use.ts';

/** Options of {@link ResourceStack}. */
export interface ResourceStackOptions extends UseOptions, NameOption {}

/** What `push` takes: told what failed; suppresses it by returning true, and only true, or replaces it by throwing. */
export type ExitCallback = (failure: Failure | undefined) => unknown;

/**
 * Resources and callbacks that are left together, the last first.
 *
 * Guarantees: all exits run even if several fail, each shielded and for `exitTimeoutMs` at most. Resources made by
 * `resource`, and what was pushed, are told the failure as it stands when it is their turn, may suppress it for those
 * below, and what they throw takes its place; callbacks and disposables are not told, and what they throw is attached
 * (`suppressedErrors`). A stack is left once; disposing is idempotent. Semantics: Python's AsyncExitStack.
 *
 * `await using stack = new ResourceStack()` cannot know whether the block has thrown; {@link resourceStack} does.
 *
 * @example As many as the list is long
 * ```ts run
 * import { ResourceStack } from 'corral';
 *
 * await using stack = new ResourceStack();
 * for (const name of ['a', 'b']) stack.callback(() => console.log('left', name)); // left b, left a
 * ```
 */
export class ResourceStack implements AsyncDisposable {
  readonly name: string;
  readonly #exitMs: number;
  readonly #scope: Scope | undefined;
  #exits: Exit[] = [];
  #left = false;
  /** What stands when all has been left. */
  #unwound: Promise<Failure | undefined> | undefined;

  constructor(options?: ResourceStackOptions) {
    this.name = checkOptions(options, 'new ResourceStack')?.name ?? 'resource stack';
    this.#exitMs = exitMs(options);
    this.#scope = options?.scope && scopeFor('ResourceStack', options);
  }

  /** How many exits there are to run. */
  get size(): number {
    return this.#exits.length;
  }

  /** Whether it has been left. */
  get closed(): boolean {
    return this.#left;
  }

  /**
   * Enters a resource, which the stack will leave, and returns its value. The set-up runs in the scope of the caller: a
   * group that it opens ends with that scope, be it before the stack is left.
   *
   * Cancellable: then nothing was entered; what was open already is closed.
   *
   * @throws {ClosedResourceError} when the stack has been left, also meanwhile: then the resource has been, too.
   */
  enter<T, S extends undefined>(resource: Resource<T, S>, options?: ScopeOption): Promise<T>;
  enter<T extends Disposing>(resource: T, options?: ScopeOption): Promise<T>;
  enter<T>(resource: Closeable<T>, options?: ScopeOption): Promise<T>;
  enter<T>(resource: unknown, options?: ScopeOption): Promise<T> {
    return rejecting(() => {
      const source = sourceOf(resource, 'enter a resource') as Source<T>;
      if (!source.opened) this.#checkOpen();
      const given = options?.scope ?? this.#scope;
      const scope = scopeFor('ResourceStack.enter', given && { scope: given });
      return enteringSource(source, scope, this.#exitMs, (parent) => quietly(() => this.#enter(source, parent)));
    });
  }

  /** Will call `fn`, which is not told what failed; returns it. */
  callback<F extends () => unknown>(fn: F): F {
    checkFunction(fn, 'add a callback');
    this.#checkOpen();
    this.#exits.push(plainExit(fn.name || 'callback', fn));
    return fn;
  }

  /** Will call `exit` with what failed, or undefined; returns it. */
  push<F extends ExitCallback>(exit: F): F {
    checkFunction(exit, 'push an exit');
    this.#checkOpen();
    this.#exits.push(toldExit(exit));
    return exit;
  }

  /** Hands all that is in it to a new stack: then this one has nothing to leave. */
  popAll(): ResourceStack {
    this.#checkOpen();
    const stack = new ResourceStack({ name: this.name, exitTimeoutMs: this.#exitMs, scope: this.#scope });
    stack.#exits = this.#exits;
    this.#exits = [];
    return stack;
  }

  /**
   * Leaves all that is in it, as if nothing had failed. Not a cancellation point.
   *
   * @throws what an exit throws, with the others attached.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const first = !this.#left;
    const failure = await elsewhere(this.#leave(undefined, this.#scope));
    if (first && failure) throw failure.error;
  }

  /** @internal */
  [asSource](): Source<ResourceStack> {
    const exit: Exit = async (failure, scope) => {
      const first = !this.#left;
      const standing = await this.#leave(failure, scope);
      return first ? standing : failure;
    };
    return { name: this.name, opened: true, enter: () => Promise.resolve({ value: this, exit }) };
  }

  async #enter<T>(source: Source<T>, scope: Scope | undefined): Promise<T> {
    const entered = this.closed ? undefined : await source.enter();
    if (!this.closed && entered) {
      this.#exits.push(entered.exit);
      return entered.value;
    }
    const { exit } = entered ?? (await source.enter());
    const error = this.#closedError();
    const left = await inExitScope(scope, this.name, (own) => exit({ error }, own, this.#exitMs));
    throw left?.error ?? error;
  }

  async #leave(failure: Failure | undefined, scope: Scope | undefined): Promise<Failure | undefined> {
    if (this.#left) return this.#unwound;
    this.#left = true; // before the first exit runs: it may look
    return (this.#unwound = this.#unwind(failure, scope));
  }

  #unwind(failure: Failure | undefined, scope: Scope | undefined): Promise<Failure | undefined> {
    const exits = this.#exits;
    this.#exits = [];
    return inExitScope(scope, `leave ${this.name}`, async (own) => {
      let standing = failure;
      for (let exit = exits.pop(); exit; exit = exits.pop()) standing = await exit(standing, own, this.#exitMs);
      return standing;
    });
  }

  #checkOpen(): void {
    if (this.closed) throw this.#closedError();
  }

  #closedError(): ClosedResourceError {
    return new ClosedResourceError(this.name);
  }
}

/**
 * Runs `body` with a stack and leaves the stack afterwards, told how the body has ended: `use(new ResourceStack(), body)`.
 *
 * Guarantees: those of {@link ResourceStack}; undefined when an exit has suppressed the body's error.
 *
 * Cancellable: the body is; all that it has entered has been left then.
 *
 * @example Roll back unless all went well
 * ```ts run
 * import { resourceStack } from 'corral';
 *
 * const result = await resourceStack(async (stack) => {
 *   stack.push((failure) => console.log(failure ? 'roll back' : 'commit')); // commit
 *   return 42;
 * });
 * console.log(result); // 42
 * ```
 */
export function resourceStack<V>(
  body: (stack: ResourceStack, scope: Scope) => V | PromiseLike<V>,
  options?: ResourceStackOptions,
): Promise<V | undefined> {
  return rejecting(() => {
    checkFunction(body, 'run the body of resourceStack');
    const stack = new ResourceStack({ name: options?.name, exitTimeoutMs: options?.exitTimeoutMs });
    return use(stack, body, options);
  });
}

/** An exit that is told of the failure: what it throws takes the place of that. */
function toldExit(callback: ExitCallback): Exit {
  return async (failure, scope, ms) => {
    try {
      const name = `leave ${callback.name || 'exit'}`;
      const suppressed = await leaving(scope, name, ms, async () => (await callback(failure)) === true);
      return suppressed ? undefined : failure;
    } catch (error) {
      return replaced(failure, error, scope);
    }
  };
}

/** What is left together has a scope together, wherever that can be. */
function inExitScope<T>(scope: Scope | undefined, name: string, fn: (own: Scope) => Promise<T>): Promise<T> {
  const own = new ExitScope(alive(scope), name, currentVariables(), true);
  return within(own, () => fn(own));
}
