import type { Scope } from '../core/scope.ts';
import { LineOperation, type WaitLine } from '../core/wait-line.ts';

/** One of the ends of a channel: it knows who waits through it, and these alone fail when it is closed. */
export class Handle {
  closed = false;
  first: ThroughHandle<unknown> | undefined = undefined;
  last: ThroughHandle<unknown> | undefined = undefined;

  /** Fails all that wait through it, in order, each with an error of its own. */
  failEach(makeError: () => Error): void {
    while (this.first?.fail(makeError()));
  }
}

/** An operation that stands in two lists: in the line of all, and among those that wait through the same handle. */
export class ThroughHandle<T> extends LineOperation<T> {
  readonly #handle: Handle;
  #before: ThroughHandle<unknown> | undefined;
  #after: ThroughHandle<unknown> | undefined = undefined;

  constructor(scope: Scope | undefined, kind: string, line: WaitLine<T>, handle: Handle) {
    super(scope, kind, line);
    this.#handle = handle;
    this.#before = handle.last;
    if (handle.last) handle.last.#after = this;
    else handle.first = this;
    handle.last = this;
  }

  override leave(happened: boolean): void {
    super.leave(happened);
    const before = this.#before;
    const after = this.#after;
    if (before) before.#after = after;
    else this.#handle.first = after;
    if (after) after.#before = before;
    else this.#handle.last = before;
  }
}
