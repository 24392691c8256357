import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import { entering, rejected } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { attempt, enlist, type Selectable } from '../core/selectable.ts';
import { ClosedResourceError, type CorralError } from '../errors.ts';
import type { ChannelSnapshot } from './channel.ts';
import { Sending, type Conduit } from './conduit.ts';
import { Handle } from './handle.ts';

/** The end of a channel that values go in at. */
export class Sender<T> implements Disposable {
  readonly #conduit: Conduit<T>;
  readonly #handle = new Handle();

  /** @internal */
  constructor(conduit: Conduit<T>) {
    this.#conduit = conduit;
    conduit.openSenders++;
  }

  /** Whether this handle was closed. */
  get closed(): boolean {
    return this.#handle.closed;
  }

  /**
   * Sends a value, when there is a place for it or somebody to receive it.
   *
   * Cancellable: it was not sent then.
   *
   * @throws {ClosedResourceError} when this sender was closed; {@link BrokenResourceError} when all receivers were:
   *   before or while it waited.
   */
  send(value: T, options?: ScopeOption): Promise<void> {
    try {
      return entering(scopeFor('Sender.send', options), this.#begin, value);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Sends a value if that needs no waiting; else false, and nothing has happened.
   *
   * @throws like {@link send}.
   */
  trySend(value: T): boolean {
    const error = this.#refusal();
    if (error) throw error;
    const conduit = this.#conduit;
    return conduit.overflow === 'drop-newest' ? conduit.accept(value) : conduit.deliver(value);
  }

  /** For `select`: the branch that sends a value. */
  sending(value: T): Selectable<void> {
    return {
      [attempt]: () => {
        const error = this.#refusal();
        if (error) throw error;
        return this.#conduit.deliver(value) ? [undefined] : undefined;
      },
      [enlist]: () => new Sending(undefined, this.#conduit, this.#handle, value),
    };
  }

  /**
   * Another sender of the same channel, to be closed by itself.
   *
   * @throws {ClosedResourceError} when this one was closed.
   */
  clone(): Sender<T> {
    if (this.closed) throw this.#closedError('clone a sender of');
    return new Sender(this.#conduit);
  }

  /**
   * Closes this sender: who waits through it fails. When it was the last, receivers get what is left, then the end.
   * Nothing happens when it was closed before. Not a cancellation point.
   */
  close(): void {
    if (this.closed) return;
    this.#handle.closed = true;
    this.#handle.failEach(() => this.#closedError('send to'));
    this.#conduit.senderClosed();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  snapshot(): ChannelSnapshot {
    return this.#conduit.snapshot();
  }

  readonly #begin = (scope: Scope | undefined, value: T): Promise<void> => {
    const error = this.#refusal();
    if (error) return rejected(error);
    if (this.#conduit.deliver(value)) return passThrough(undefined);
    return new Sending(scope, this.#conduit, this.#handle, value).promise;
  };

  #refusal(): CorralError | undefined {
    if (this.closed) return this.#closedError('send to');
    return this.#conduit.openReceivers === 0 ? this.#conduit.broken() : undefined;
  }

  #closedError(action: string): ClosedResourceError {
    return new ClosedResourceError(this.#conduit.name, action);
  }
}
