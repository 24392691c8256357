/** Stages that know the time. */

import { sleepUntilIn } from '../core/sleep.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { openAndRun } from '../core/with-scope.ts';
import { entering } from '../core/operation.ts';
import { Alarm } from '../internal/alarm.ts';
import { clock } from '../internal/clock.ts';
import { Fifo } from '../internal/fifo.ts';
import { closeAfter, failureOf } from './failures.ts';
import { Crew } from './crew.ts';
import { END, type End, type Pull, type Step } from './pull.ts';

/** Each value has to come in time. */
export class TimeoutPull<T> implements Pull<T> {
  readonly #upstream: Pull<T>;
  readonly #ms: number;

  constructor(upstream: Pull<T>, ms: number) {
    this.#upstream = upstream;
    this.#ms = ms;
  }

  next(scope: Scope): Step<T> {
    if (this.#ms === Infinity) return this.#upstream.next(scope);
    const ask = (limited: Scope): Step<T> => this.#upstream.next(limited);
    return openAndRun('timeout', ask, { name: 'a stream', scope, deadlineMs: this.#ms });
  }

  close(scope: Scope): Promise<void> {
    return this.#upstream.close(scope);
  }
}

/** At most `limit` values in any `perMs` milliseconds: it waits before it asks, so it holds nothing back. */
export class ThrottlePull<T> implements Pull<T> {
  readonly #upstream: Pull<T>;
  readonly #limit: number;
  readonly #perMs: number;
  /** When the last ones came, at most `limit`. */
  readonly #times = new Fifo<number>();
  #count = 0;

  constructor(upstream: Pull<T>, limit: number, perMs: number) {
    this.#upstream = upstream;
    this.#limit = limit;
    this.#perMs = perMs;
  }

  async next(scope: Scope): Promise<T | End> {
    if (this.#count === this.#limit) {
      await sleepUntilIn(scope, (this.#times.shift() as number) + this.#perMs);
      this.#count--;
    }
    const value = await this.#upstream.next(scope);
    this.#times.push(clock.now());
    this.#count++;
    return value;
  }

  close(scope: Scope): Promise<void> {
    return this.#upstream.close(scope);
  }
}

/** A value is given when nothing has followed it for `ms` milliseconds, or when the stream has ended. */
export class DebouncePull<T> implements Pull<T> {
  readonly #upstream: Pull<T>;
  readonly #ms: number;
  readonly #crew: Crew;
  readonly #takers = new WaitLine<T | End>();
  readonly #quiet = new Alarm(() => this.#settle());
  #latest: { readonly value: T } | undefined = undefined;
  #settled: { readonly value: T } | undefined = undefined;
  #begun = false;
  #ended = false;

  constructor(home: Scope, upstream: Pull<T>, ms: number) {
    this.#upstream = upstream;
    this.#ms = ms;
    this.#crew = new Crew('debounce', home, () => {
      this.#quiet.clear();
      this.#crew.failAll(this.#takers);
    });
  }

  next(scope: Scope): Step<T> {
    if (!this.#begun) {
      this.#begun = true;
      this.#crew.spawn('debounce reader', (own) => this.#read(own));
    }
    const settled = this.#settled;
    this.#settled = undefined;
    if (settled) return settled.value;
    if (this.#crew.stopped) return this.#crew.failure(scope);
    if (this.#ended) return END;
    return entering(scope, () => new LineOperation(scope, 'the next of debounce', this.#takers).promise);
  }

  async #read(scope: Scope): Promise<void> {
    for (;;) {
      const value = await this.#upstream.next(scope);
      if (value === END) break;
      this.#latest = { value };
      this.#quiet.set(this.#ms);
      if (scope.visible || clock.starving()) await scope.checkpoint();
    }
    this.#ended = true;
    this.#quiet.clear();
    this.#settle();
    this.#takers.commitAll(END);
  }

  /** One that nobody has taken is replaced by what came after it. */
  #settle(): void {
    const latest = this.#latest;
    this.#latest = undefined;
    if (latest && !this.#takers.first?.commit(latest.value)) this.#settled = latest;
  }

  async close(scope: Scope): Promise<void> {
    this.#quiet.clear();
    const failure = await failureOf(() => this.#crew.dismiss(scope));
    await closeAfter(this.#upstream, failure, scope);
  }
}
