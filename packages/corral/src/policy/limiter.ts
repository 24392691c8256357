/** So many calls at a time, and a line of those that wait: what limit, createLimit and Bulkhead share. */

import { entering, refusal } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { CallDroppedError, LineFullError } from '../errors.ts';
import { checkCount } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';

/** A function with what it is called with. */
type Callee<A extends readonly unknown[], R> = (this: Scope | undefined, ...args: A) => R | PromiseLike<R>;

export class Limiter {
  readonly name: string;
  readonly maxWaiting: number;
  #limit: number;
  #active = 0;
  readonly #line = new WaitLine<Turn, Turn>();

  constructor(name: string, concurrency: number, maxWaiting = Infinity) {
    this.name = name;
    this.#limit = checkCount(concurrency, `set the concurrency of ${name}`);
    this.maxWaiting = checkCount(maxWaiting, `bound the line of ${name}`, 0);
  }

  /** How many calls have begun and not ended. */
  get active(): number {
    return this.#active;
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.#line.length;
  }

  get concurrency(): number {
    return this.#limit;
  }
  set concurrency(concurrency: number) {
    this.#limit = checkCount(concurrency, `set the concurrency of ${this.name}`);
    this.#serve();
  }

  /**
   * Calls `fn` as soon as there is a place free, in the scope and the context of the caller. The place is free again when
   * what `fn` returned has settled, whatever happened to the caller meanwhile.
   */
  call<A extends readonly unknown[], R>(scope: Scope | undefined, fn: Callee<A, R>, args: A): Promise<R> {
    // Misuse apart, this is the hot path: no closure, no operation.
    if (refusal(scope)) return entering<never>(scope, unreachable);
    if (this.#active < this.#limit && !this.#line.first) {
      this.#active++;
      return this.#run(scope, fn, args);
    }
    if (this.#line.length >= this.maxWaiting) return Promise.reject(new LineFullError(this.maxWaiting, this.name));
    const turn = new Turn(scope, this, this.#line, fn, args as never);
    return (turn.result = turn.promise.then(begin)) as Promise<R>;
  }

  /** Drops all that wait. */
  clear(): void {
    while (this.#line.first) this.#line.first.abort(new CallDroppedError(this.name));
  }

  /** Not an async function, and nothing is made anew for each call: that would be half of what a call costs. */
  #run<A extends readonly unknown[], R>(scope: Scope | undefined, fn: Callee<A, R>, args: A): Promise<R> {
    let value: R | PromiseLike<R>;
    try {
      value = fn.apply(scope, args as never);
    } catch (error) {
      return Promise.reject(error).catch(this.#threw);
    }
    return Promise.resolve(value).then(this.#returned as (value: Awaited<R>) => R, this.#threw);
  }

  readonly #returned = (value: unknown): unknown => {
    this.#release();
    // A loop over calls that never wait would starve timers and I/O.
    return clock.starving() ? new Promise((resolve) => clock.turn(() => resolve(value))) : value;
  };

  readonly #threw = (error: unknown): Promise<never> => {
    this.#release();
    if (!clock.starving()) throw error;
    return new Promise<never>((_resolve, reject) => clock.turn(() => reject(error)));
  };

  /** Runs one that has waited: it has its place already. */
  runWaiting(turn: Turn): unknown {
    const cancelled = refusal(turn.scope);
    if (!cancelled) return this.#run(turn.scope, turn.fn, turn.args);
    // Between its turn and now: the function has not begun and never will.
    this.#release();
    turn.hush();
    throw cancelled;
  }

  #release(): void {
    this.#active--;
    if (this.#line.first) this.#serve();
  }

  /** Whoever is served has its place from now on, so nobody can come in between. */
  #serve(): void {
    for (let next = this.#line.first; next && this.#active < this.#limit; next = this.#line.first) {
      if (!next.commit(next)) return;
      this.#active++;
    }
  }
}

function unreachable(): never {
  throw new Error('entered a scope that refuses');
}

/** Called by the engine, not by whoever ends: so the function runs in its caller's context, that of others included. */
function begin(turn: Turn): unknown {
  return turn.limiter.runWaiting(turn);
}

/** Its value is itself, so that one function begins them all. */
class Turn extends LineOperation<Turn> {
  readonly limiter: Limiter;
  readonly fn: Callee<never, unknown>;
  readonly args: never;
  result: Promise<unknown> | undefined = undefined;

  constructor(
    scope: Scope | undefined,
    limiter: Limiter,
    line: WaitLine<Turn, Turn>,
    fn: Callee<never, unknown>,
    args: never,
  ) {
    super(scope, limiter.name, line);
    this.limiter = limiter;
    this.fn = fn;
    this.args = args;
  }

  override leave(happened: boolean): void {
    super.leave(happened);
    if (!happened) this.hush();
  }

  /** A call that nobody awaits must not end the process because it was cancelled. */
  hush(): void {
    this.result?.catch(() => {});
  }
}
