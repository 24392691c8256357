/** The ways out of a stream: the loop of its user, and the loops inside `toArray` and its like. */

import { checkpointIn } from '../core/checkpoint.ts';
import { currentVariables, scopeFor } from '../core/current.ts';
import { rejected } from '../core/operation.ts';
import { Scope } from '../core/scope.ts';
import { clock } from '../internal/clock.ts';
import { closeAfter, type Failure } from './failures.ts';
import { END, type Opener, type Pull } from './pull.ts';

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

  leave(): void {
    this.#own?.close();
  }
}

/** An iteration: the tasks behind it belong to the scope of this call, each wait for a value to whoever asks for it. */
export function iterate<T>(open: Opener<T>, given: Scope | undefined): AsyncGenerator<T, void, undefined> {
  try {
    return loop(open, new Place(given));
  } catch (error) {
    return refuse(error);
  }
}

/** What cannot be iterated says so when it is. */
async function* refuse(error: unknown): AsyncGenerator<never, void, undefined> {
  yield await rejected(error);
}

async function* loop<T>(open: Opener<T>, place: Place): AsyncGenerator<T, void, undefined> {
  let pull: Pull<T> | undefined;
  let failure: Failure | undefined;
  try {
    for (;;) {
      const scope = place.here;
      if (scope.visible || scope.phase !== 'open' || clock.starving()) await checkpointIn(scope);
      pull ??= open(place.home);
      const step = pull.next(scope);
      const value = step instanceof Promise ? await step : step;
      if (value === END) return;
      yield value;
    }
  } catch (error) {
    failure = { error };
  } finally {
    // Also when the loop was left early: nothing that runs for it may outlive it.
    await closeAfter(pull, failure, place.here);
    place.leave();
  }
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
      const step = pull.next(scope);
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
