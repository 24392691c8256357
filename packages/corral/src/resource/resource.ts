import { checkFunction, checkOptions, shown } from '../internal/checks.ts';
import type { Scope } from '../core/scope.ts';
import { added, replaced, type Failure } from './failure.ts';
import { leaving } from './leaving.ts';
import { asSource, type Entry, type Exit, type Source } from './source.ts';

/** A generator that yields once: what stands before the yield sets up, what stands after it cleans up. */
export type ResourceGenerator<T> = AsyncGenerator<T, unknown, void> | Generator<T, unknown, void>;

/** Options of {@link resource}. */
export interface ResourceOptions {
  /** What it is called in messages and in the task tree. Default: the name of the function. */
  readonly name?: string | undefined;
  /**
   * Whether an error that the generator catches and does not throw again is gone. With false it is thrown all the same,
   * and `use` never returns undefined instead of a value. Default: true.
   */
  readonly suppresses?: boolean | undefined;
}

/**
 * Makes a resource out of a generator function that yields once: calling the result gives something to `use`, `open` or
 * `stack.enter`.
 *
 * Guarantees: an error of the body is thrown in at the `yield`. The generator may let it through, throw another one
 * instead (the first travels with it: `suppressedErrors`), or catch it and end: then it is suppressed. Set-up runs in the
 * scope and context of whoever enters it and can be cancelled; what comes after the `yield` runs to its end although the
 * scope is cancelled, but not longer than `exitTimeoutMs`. What the set-up has opened when it fails or is cancelled, the
 * generator's own `finally` closes; before the `yield` that is not shielded, so what waits there needs `cleanup`. Where nothing is ambient, hand the generator a scope among its arguments. Semantics:
 * Python's asynccontextmanager.
 *
 * @throws {TypeError} when `fn` is not a function; on entering, when the generator ends before it has yielded or the
 *   resource was entered before; on leaving, when it yields again (it is closed then).
 *
 * @example A session that is closed whatever happens
 * ```ts run
 * import { resource, sleep, use } from 'corral';
 *
 * const getSession = resource(async function* (user: string) {
 *   await sleep(1); // log in
 *   try {
 *     yield { user };
 *   } finally {
 *     await sleep(1); // log out
 *   }
 * });
 * const name = await use(getSession('ada'), (session) => session.user);
 * console.log(name); // ada
 * ```
 */
export function resource<A extends unknown[], T>(
  fn: (...args: A) => ResourceGenerator<T>,
  options: ResourceOptions & { readonly suppresses: false },
): (...args: A) => Resource<T, never>;
export function resource<A extends unknown[], T>(
  fn: (...args: A) => ResourceGenerator<T>,
  options?: ResourceOptions,
): (...args: A) => Resource<T>;
export function resource<A extends unknown[], T>(
  fn: (...args: A) => ResourceGenerator<T>,
  options?: ResourceOptions,
): (...args: A) => Resource<T> {
  checkFunction(fn, 'make a resource');
  const name = checkOptions(options, 'resource')?.name ?? (fn.name || 'resource');
  const suppresses = options?.suppresses !== false;
  return (...args) => new Resource<T>(name, suppresses, () => fn(...args));
}

/**
 * Something that can be entered once: what a function made by {@link resource} returns. `S` is what `use` returns when the
 * resource has suppressed the error of the body.
 */
export class Resource<T, S extends undefined = undefined> {
  /** What it is called in messages and in the task tree. */
  readonly name: string;
  /** For the compiler alone: what it gives, and what `use` returns when an error was suppressed. */
  declare readonly types?: { readonly value: T; readonly suppressed: S };
  readonly #suppresses: boolean;
  #make: (() => ResourceGenerator<T>) | undefined;

  /** @internal */
  constructor(name: string, suppresses: boolean, make: () => ResourceGenerator<T>) {
    this.name = name;
    this.#suppresses = suppresses;
    this.#make = make;
  }

  /** @internal */
  [asSource](): Source<T> {
    return { name: this.name, opened: false, enter: () => this.#enter() };
  }

  async #enter(): Promise<Entry<T>> {
    const { name } = this;
    const make = this.#make;
    if (!make) {
      throw new TypeError(
        `Cannot enter ${name} as a resource is entered once: call its function again for another one`,
      );
    }
    this.#make = undefined;
    const generator = make();
    checkGenerator(generator, name);
    const first = await generator.next();
    if (first.done) throw new TypeError(`Cannot enter ${name} as its generator must yield: it ended without`);
    return { value: first.value, exit: exitOf(generator, name, this.#suppresses) };
  }
}

function exitOf(generator: ResourceGenerator<unknown>, name: string, suppresses: boolean): Exit {
  return async (failure, scope, ms) => {
    try {
      const left = await leaving(scope, `leave ${name}`, ms, (own) => leave(generator, name, failure, own));
      return left ?? (suppresses ? undefined : failure);
    } catch (error) {
      // It was cut off: it had no chance to say anything about what it was told.
      return added(failure, { error }, scope);
    }
  };
}

/** Lets the generator end, and tells what fails after it: nothing when it has suppressed what it was told. */
async function leave(
  generator: ResourceGenerator<unknown>,
  name: string,
  failure: Failure | undefined,
  scope: Scope,
): Promise<Failure | undefined> {
  try {
    const end = failure ? await generator.throw(failure.error) : await generator.next();
    if (end.done) return undefined;
  } catch (error) {
    if (scope.cancelled) throw error;
    return replaced(failure, error, scope);
  }
  const twice = new TypeError(`Cannot leave ${name} as its generator must yield once: it yielded again`);
  const both = replaced(failure, twice, scope);
  try {
    await generator.return(undefined);
    return both;
  } catch (error) {
    if (scope.cancelled) throw error;
    return added(both, { error }, scope);
  }
}

function checkGenerator(value: unknown, name: string): void {
  const { next, throw: raise, return: end } = (value ?? {}) as Partial<Generator>;
  if (typeof next === 'function' && typeof raise === 'function' && typeof end === 'function') return;
  throw new TypeError(`Cannot enter ${name} as it takes a generator function: what it returned is ${shown(value)}`);
}
