/** The ways out of a stream: the loop of its user, and the loops inside `toArray` and its like. */

import { checkpointIn } from '../core/checkpoint.ts';
import { currentScope, currentVariables, scopeFor, withFrame } from '../core/current.ts';
import { Operation, entering } from '../core/operation.ts';
import { quietly } from '../core/quietly.ts';
import { Scope } from '../core/scope.ts';
import { ScopeClosedError, isCancellation } from '../errors.ts';
import { ambientAvailable } from '../internal/ambient.ts';
import { clock } from '../internal/clock.ts';
import { closeAfter, type Failure } from './failures.ts';
import { END, type Opener, type Pull, type Step } from './pull.ts';

/** Finds the scope of whoever asks; outside all, a scope for the iteration alone. */
class Place {
  readonly #given: Scope | undefined;
  #own: Scope | undefined = undefined;
  /** Where the iteration was begun. */
  readonly home: Scope;

  constructor(given: Scope | undefined) {
    this.#given = given;
    this.home = this.here;
  }

  get here(): Scope {
    return (
      scopeFor('stream', this.#given && { scope: this.#given }) ??
      (this.#own ??= new Scope(undefined, 'stream', currentVariables()))
    );
  }

  /** Asks for a value. What the source waits for itself belongs to the scope that was given, too. */
  ask<T>(pull: Pull<T>, scope: Scope): Step<T> {
    if (!this.#given || !ambientAvailable || currentScope() === scope) return pull.next(scope);
    return withFrame({ scope, variables: currentVariables() }, () => pull.next(scope), undefined);
  }

  leave(): void {
    this.#own?.close();
  }
}

/** An iteration: the tasks behind it belong to the scope of this call, each wait for a value to whoever asks for it. */
export function iterate<T>(open: Opener<T>, given: Scope | undefined): StreamIterator<T> {
  try {
    return new Iteration(open, new Place(given));
  } catch (error) {
    // What cannot be iterated says so when it is.
    return new Iteration<T>(() => {
      throw error;
    }, undefined);
  }
}

/** What a loop over a stream holds. Calls are served one after the other, as by an async generator. */
export interface StreamIterator<T> extends AsyncIterableIterator<T, void, undefined>, AsyncDisposable {
  next(): Promise<IteratorResult<T, void>>;
  /** Leaves early: all that runs for it is cancelled and awaited. */
  return(): Promise<IteratorResult<T, void>>;
  /** Leaves early, and rejects with `error`. */
  throw(error?: unknown): Promise<IteratorResult<T, void>>;
  [Symbol.asyncIterator](): StreamIterator<T>;
  [Symbol.asyncDispose](): Promise<void>;
}

type Result<T> = IteratorResult<T, void>;

/** By hand and not as a generator: that would cost three promises more for each value. */
class Iteration<T> implements StreamIterator<T> {
  readonly #open: Opener<T>;
  readonly #place: Place | undefined;
  #pull: Pull<T> | undefined = undefined;
  #over = false;
  /** The call that is under way. */
  #busy: Promise<unknown> | undefined = undefined;
  /** The end of those that wait for their turn behind it. */
  #queued: Promise<unknown> | undefined = undefined;

  constructor(open: Opener<T>, place: Place | undefined) {
    this.#open = open;
    this.#place = place;
  }

  next(): Promise<Result<T>> {
    return this.#busy || this.#queued ? this.#inTurn(() => this.#step(), this.#place?.here) : this.#step();
  }

  async return(): Promise<Result<T>> {
    await this.#inTurn(() => this.#end(undefined));
    return { done: true, value: undefined };
  }

  throw(error?: unknown): Promise<Result<T>> {
    return this.#inTurn(() => this.#end({ error }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #step(): Promise<Result<T>> {
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    let step: Step<T>;
    try {
      const scope = this.#place?.here;
      if (scope && (scope.visible || scope.phase !== 'open' || clock.starving())) {
        return this.#keep(checkpointIn(scope).then(this.#again, this.#failed));
      }
      const pull = (this.#pull ??= this.#open(this.#place?.home as Scope));
      step = (this.#place as Place).ask(pull, scope as Scope);
    } catch (error) {
      return this.#end({ error });
    }
    if (step instanceof Promise) return this.#keep(step.then(this.#took, this.#failed));
    return step === END ? this.#end(undefined) : Promise.resolve({ done: false, value: step });
  }

  readonly #again = (): Promise<Result<T>> => {
    this.#busy = undefined;
    return this.#step();
  };

  readonly #took = (value: T | typeof END): Result<T> | Promise<Result<T>> => {
    this.#busy = undefined;
    return value === END ? this.#end(undefined) : { done: false, value };
  };

  readonly #failed = (error: unknown): Promise<Result<T>> => {
    // A cancellation is no failure of which somebody has to be told who does not wait.
    if (isCancellation(error) || error instanceof ScopeClosedError) this.#busy?.catch(() => {});
    return this.#end({ error });
  };

  /** However it ends, also when it is left early: nothing that runs for it may outlive it. */
  #end(failure: Failure | undefined): Promise<Result<T>> {
    return this.#keep(this.#close(failure));
  }

  async #close(failure: Failure | undefined): Promise<Result<T>> {
    this.#over = true;
    const pull = this.#pull;
    this.#pull = undefined;
    try {
      if (pull) await closeAfter(pull, failure, (this.#place as Place).here);
      else if (failure) throw failure.error;
    } finally {
      this.#place?.leave();
    }
    return { done: true, value: undefined };
  }

  #keep(call: Promise<Result<T>>): Promise<Result<T>> {
    this.#busy = call;
    return call;
  }

  #inTurn(call: () => Promise<Result<T>>, scope?: Scope): Promise<Result<T>> {
    const before = this.#queued ?? this.#busy;
    const turn = (async () => {
      if (before) await entering(scope, () => new Turn(scope, before).promise);
      return call();
    })();
    // Whoever leaves the line does not end what goes on before it.
    const over = Promise.allSettled([before, turn]);
    this.#queued = over;
    void over.then(() => (this.#queued = this.#queued === over ? undefined : this.#queued));
    return quietly(() => turn);
  }
}

/** Waiting until a call that came before has come to its end. */
class Turn extends Operation<void> {
  constructor(scope: Scope | undefined, before: Promise<unknown>) {
    super(scope);
    const come = (): void => void this.commit(undefined);
    before.then(come, come);
  }

  get kind(): string {
    return 'its turn';
  }

  leave(): void {}
}

/** Calls `each` for every value, until it says that it has had enough. */
export async function drain<T>(
  open: Opener<T>,
  given: Scope | undefined,
  each: (value: T, scope: Scope) => unknown,
): Promise<void> {
  const place = new Place(given);
  const scope = place.home;
  let pull: Pull<T> | undefined;
  let failure: Failure | undefined;
  try {
    for (;;) {
      if (scope.visible || scope.phase !== 'open' || clock.starving()) await checkpointIn(scope);
      pull ??= open(scope);
      const step = place.ask(pull, scope);
      const value = step instanceof Promise ? await step : step;
      if (value === END) break;
      const said = each(value, scope);
      if ((said instanceof Promise ? await said : said) === ENOUGH) break;
    }
  } catch (error) {
    failure = { error };
  }
  try {
    await closeAfter(pull, failure, scope);
  } finally {
    place.leave();
  }
}

/** What the callback of {@link drain} returns to end it. */
export const ENOUGH: unique symbol = Symbol('enough');
