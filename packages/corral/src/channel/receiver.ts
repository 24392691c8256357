import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import { entering, rejected, type Operation } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { attempt, enlist, type Selectable } from '../core/selectable.ts';
import { ClosedResourceError, EndOfChannelError } from '../errors.ts';
import type { ChannelSnapshot } from './channel.ts';
import { Receiving, nothing, type Conduit } from './conduit.ts';
import { Handle } from './handle.ts';
import { ItemIterator, ended, type Next } from './item-iterator.ts';

/** The end of a channel that values come out at. */
export class Receiver<T> implements Selectable<T>, AsyncIterable<T, undefined>, Disposable {
  readonly #conduit: Conduit<T>;
  readonly #handle = new Handle();

  /** @internal */
  constructor(conduit: Conduit<T>) {
    this.#conduit = conduit;
    conduit.openReceivers++;
  }

  /** Whether this handle was closed. */
  get closed(): boolean {
    return this.#handle.closed;
  }

  /**
   * Receives the next value, when there is one.
   *
   * Cancellable: nothing is taken then.
   *
   * @throws {EndOfChannelError} when all senders were closed and nothing is left; {@link ClosedResourceError} when this
   *   receiver was closed: before or while it waited.
   */
  receive(options?: ScopeOption): Promise<T> {
    try {
      return entering(scopeFor('Receiver.receive', options), this.#begin);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Receives the next value; undefined when there is none yet.
   *
   * @throws like {@link receive}.
   */
  tryReceive(): T | undefined {
    const value = this.#take();
    return value === nothing ? undefined : value;
  }

  /** The values as they come, until the end: `for await` over it, in a scope given by hand. */
  values(options?: ScopeOption): AsyncIterableIterator<T, undefined> {
    return new ItemIterator('Receiver.values', this.#beginNext, options);
  }

  /**
   * The values as they come, until all senders are closed and nothing is left. Leaving the loop loses none, and does not
   * close the receiver.
   *
   * Cancellable: nothing is taken then.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return this.values();
  }

  [attempt](): readonly [value: T] | undefined {
    const value = this.#take();
    return value === nothing ? undefined : [value];
  }

  /** @internal */
  [enlist](): Operation<T> {
    return new Receiving(undefined, this.#conduit, this.#handle, false) as Operation<unknown> as Operation<T>;
  }

  /**
   * Another receiver of the same channel, to be closed by itself. Each value goes to one of them.
   *
   * @throws {ClosedResourceError} when this one was closed.
   */
  clone(): Receiver<T> {
    if (this.closed) throw this.#closedError('clone a receiver of');
    return new Receiver(this.#conduit);
  }

  /**
   * Closes this receiver: who waits through it fails. When it was the last, sending fails from now on, also for who
   * waits, and what is in the buffer is dropped. Nothing happens when it was closed before. Not a cancellation point.
   */
  close(): void {
    if (this.closed) return;
    this.#handle.closed = true;
    this.#handle.failEach(() => this.#closedError('receive from'));
    this.#conduit.receiverClosed();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  snapshot(): ChannelSnapshot {
    return this.#conduit.snapshot();
  }

  readonly #begin = (scope: Scope | undefined): Promise<T> => {
    const value = this.#take();
    if (value !== nothing) return passThrough(value);
    return new Receiving(scope, this.#conduit, this.#handle, false).promise as Promise<T>;
  };

  readonly #beginNext = (scope: Scope | undefined): Promise<Next<T>> => {
    if (this.#conduit.ended && !this.closed) return passThrough(ended);
    const value = this.#take();
    if (value !== nothing) return passThrough({ done: false, value });
    return new Receiving(scope, this.#conduit, this.#handle, true).promise as Promise<Next<T>>;
  };

  /** Takes the next value if there is one; throws when none can come. */
  #take(): T | typeof nothing {
    if (this.closed) throw this.#closedError('receive from');
    const value = this.#conduit.take();
    if (value === nothing && this.#conduit.openSenders === 0) throw new EndOfChannelError(this.#conduit.name);
    return value;
  }

  #closedError(action: string): ClosedResourceError {
    return new ClosedResourceError(this.#conduit.name, action);
  }
}
