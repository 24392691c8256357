/** Values in arrays. */

import { entering } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { isCancellation } from '../errors.ts';
import { Alarm } from '../internal/alarm.ts';
import { clock } from '../internal/clock.ts';
import { checkpointIn } from '../core/checkpoint.ts';
import { Crew } from './crew.ts';
import { closeAfter, failureOf, type Failure } from './failures.ts';
import { END, type End, type Pull, type Step } from './pull.ts';

/** As many as fit; what is left at the end, or before an error, is a batch as well. */
export class BatchPull<T> implements Pull<T[]> {
  readonly #upstream: Pull<T>;
  readonly #size: number;
  #failure: Failure | undefined = undefined;
  #ended = false;

  constructor(upstream: Pull<T>, size: number) {
    this.#upstream = upstream;
    this.#size = size;
  }

  async next(scope: Scope): Promise<T[] | End> {
    if (this.#failure) throw this.#failure.error;
    const batch: T[] = [];
    while (batch.length < this.#size && !this.#ended) {
      try {
        const step = this.#upstream.next(scope);
        const value = step instanceof Promise ? await step : step;
        if (value === END) this.#ended = true;
        else batch.push(value);
        if (scope.visible || clock.starving()) await checkpointIn(scope);
      } catch (error) {
        if (batch.length === 0 || scope.visible || isCancellation(error)) throw error;
        // What came before it is not lost: it comes first.
        this.#failure = { error };
        break;
      }
    }
    return batch.length > 0 ? batch : END;
  }

  close(scope: Scope): Promise<void> {
    return this.#upstream.close(scope);
  }
}

/** A batch is given when it is full, or so long after its first value came. The next one is read meanwhile. */
export class TimedBatchPull<T> implements Pull<T[]> {
  readonly #upstream: Pull<T>;
  readonly #size: number;
  readonly #maxWaitMs: number;
  readonly #crew: Crew;
  readonly #takers = new WaitLine<T[] | End>();
  readonly #room = new WaitLine<void>();
  readonly #due = new Alarm(() => this.#hurry());
  #batch: T[] = [];
  #begun = false;
  #ended = false;
  /** The batch is to be given, full or not. */
  #overdue = false;

  constructor(home: Scope, upstream: Pull<T>, size: number, maxWaitMs: number) {
    this.#upstream = upstream;
    this.#size = size;
    this.#maxWaitMs = maxWaitMs;
    this.#crew = new Crew('batch', home, () => {
      this.#hurry();
      this.#crew.failAll(this.#takers);
    });
  }

  next(scope: Scope): Step<T[]> {
    if (!this.#begun) {
      this.#begun = true;
      this.#crew.spawn('batch reader', (own) => this.#read(own));
    }
    if (this.#ready) return this.#take();
    if (this.#crew.stopped) return this.#crew.failure(scope);
    if (this.#ended) return END;
    return entering(scope, () => new LineOperation(scope, 'the next of batch', this.#takers).promise);
  }

  get #ready(): boolean {
    const { length } = this.#batch;
    return length > 0 && (length >= this.#size || this.#overdue || this.#ended);
  }

  #take(): T[] {
    const batch = this.#batch;
    this.#batch = [];
    this.#overdue = false;
    this.#due.clear();
    this.#room.commitAll(undefined);
    return batch;
  }

  /** Gives the batch to whoever waits for it. */
  #give(): void {
    if (this.#ready && this.#takers.first?.commit(this.#batch)) this.#take();
  }

  #hurry(): void {
    this.#overdue = true;
    this.#give();
  }

  async #read(scope: Scope): Promise<void> {
    for (;;) {
      if (this.#batch.length >= this.#size) {
        await entering(scope, () => new LineOperation(scope, 'room in batch', this.#room).promise);
      }
      const step = this.#upstream.next(scope);
      const value = step instanceof Promise ? await step : step;
      if (value === END) break;
      if (this.#batch.length === 0) this.#due.set(this.#maxWaitMs);
      this.#batch.push(value);
      this.#give();
      if (scope.visible || clock.starving()) await checkpointIn(scope);
    }
    this.#ended = true;
    this.#give();
    this.#takers.commitAll(END);
  }

  async close(scope: Scope): Promise<void> {
    this.#due.clear();
    const failure = await failureOf(() => this.#crew.dismiss(scope));
    await closeAfter(this.#upstream, failure, scope);
  }
}
