import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import { resultOfCancelled } from '../core/exit.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, refusal, rejecting } from '../core/operation.ts';
import { quietly } from '../core/quietly.ts';
import type { Scope } from '../core/scope.ts';
import { WaitLine, waitInLine } from '../core/wait-line.ts';
import { openAndRun, type TaskFunction } from '../core/with-scope.ts';
import { TaskCancelledError } from '../errors.ts';
import { checkFunction, checkOptions } from '../internal/checks.ts';

/** How far a {@link Once} has come. `idle`: nobody has asked, or whoever ran the function failed. */
export type OnceState = 'idle' | 'running' | 'done';

/** A frozen picture of a {@link Once}. */
export interface OnceSnapshot {
  readonly name: string;
  readonly state: OnceState;
  /** How many wait for whoever runs the function. */
  readonly waiting: number;
}

/**
 * A value that is made when it is first asked for, however many ask.
 *
 * Guarantees: the function runs in the scope, and with the context variables, of the first who asks; the others wait.
 * When it has succeeded all get that value, now and later, and it never runs again. When it fails, or whoever runs it is
 * cancelled, this is thrown there alone, and the next in line runs it anew, in its own scope: one caller's cancellation
 * or bad luck is nobody else's. Semantics: tokio's OnceCell.
 *
 * @example A connection that is opened when it is needed
 * ```ts run
 * import { Once, gather, sleep } from 'corral';
 *
 * const connection = new Once(async () => {
 *   await sleep(1);
 *   return { query: (text: string) => `result of ${text}` };
 * });
 * const [one, two] = await gather([() => connection.run(), () => connection.run()]);
 * console.log(one === two, one.query('select 1'));
 * ```
 */
export class Once<T> {
  readonly name: string;
  #fn: TaskFunction<T> | undefined;
  #state: OnceState = 'idle';
  #value: T | undefined = undefined;
  /** The scope in which it runs. */
  #running: Scope | undefined = undefined;
  /** What they wait for: true when there is a value, false when it is their turn to make it. */
  readonly #line = new WaitLine<boolean>();

  /** @throws {TypeError} when `fn` is not a function. */
  constructor(fn: TaskFunction<T>, options?: NameOption) {
    checkFunction(fn, 'make a Once');
    this.#fn = fn;
    this.name = checkOptions(options, 'new Once')?.name ?? (fn.name || 'once');
  }

  get state(): OnceState {
    return this.#state;
  }

  /** The value; undefined until there is one. */
  get value(): T | undefined {
    return this.#value;
  }

  /**
   * Returns the value; makes it, or waits for whoever does.
   *
   * Cancellable: whoever waits leaves; the function of whoever runs it is cancelled, and the next one runs it anew.
   *
   * @throws what the function throws, when it was run for this caller.
   * @throws {TypeError} when the function asks for its own value.
   */
  run(options?: ScopeOption): Promise<T> {
    return rejecting(() => entering(scopeFor('Once.run', options), this.#begin));
  }

  snapshot(): OnceSnapshot {
    const { name, state } = this;
    return Object.freeze({ name, state, waiting: this.#line.length });
  }

  readonly #begin = (scope: Scope | undefined): Promise<T> => {
    if (this.#state === 'done') return passThrough(this.#value as T);
    if (this.#state === 'idle') {
      this.#state = 'running';
      return quietly(() => this.#make(scope));
    }
    this.#checkOutside(scope);
    const turn = waitInLine(scope, this.name, this.#line);
    return quietly(async () => ((await turn) ? (this.#value as T) : this.#make(scope)));
  };

  /** Makes the value for whoever asked in `scope`; it is the only one who does. */
  async #make(scope: Scope | undefined): Promise<T> {
    try {
      // The turn may have come in the instant in which its owner was cancelled.
      const refused = refusal(scope);
      if (refused) throw refused;
      const value = await openAndRun('Once.run', this.#call, { scope, name: this.name }, Infinity, cancelledItself);
      this.#state = 'done';
      this.#value = value;
      this.#fn = undefined;
      this.#line.commitAll(true);
      return value;
    } catch (error) {
      if (!this.#line.first?.commit(false)) this.#state = 'idle';
      throw error;
    } finally {
      if (this.#state !== 'running') this.#running = undefined;
    }
  }

  readonly #call = (scope: Scope): T | PromiseLike<T> => {
    this.#running = scope;
    return (this.#fn as TaskFunction<T>)(scope);
  };

  #checkOutside(scope: Scope | undefined): void {
    for (let around = scope; around; around = around.parent) {
      if (around === this.#running) {
        throw new TypeError(`Cannot wait for ${this.name} as its function must not ask for its own value`);
      }
    }
  }
}

/** The function let its own scope be cancelled, or was left alone: there is no value. */
function cancelledItself(scope: Scope): never {
  resultOfCancelled(scope, undefined);
  throw new TaskCancelledError(scope.name, scope.cancellation);
}
