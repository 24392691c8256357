/**
 * A line of waiting operations, first come first served.
 *
 *     first ⇄ … ⇄ last      each operation knows its neighbours: joining, leaving and serving are constant
 *
 * Whoever is cancelled leaves from where it stands (`leave` does it), so nobody is served who has gone.
 */

import { Operation, entering } from './operation.ts';
import type { Scope } from './scope.ts';

export class WaitLine<T, Op extends LineOperation<T> = LineOperation<T>> {
  first: Op | undefined = undefined;
  last: Op | undefined = undefined;
  length = 0;
  readonly #serve: (() => void) | undefined;
  #serving = false;

  /**
   * `serve` is called, in a microtask, after somebody who was not served has left others behind: where the first may
   * hold up those behind it. Not at once: those may be about to leave by the same cancellation.
   */
  constructor(serve?: () => void) {
    this.#serve = serve;
  }

  get empty(): boolean {
    return this.first === undefined;
  }

  /** Commits all that wait, in order. */
  commitAll(value: T): void {
    while (this.first) this.first.commit(value);
  }

  /** Fails all that wait, in order, with an error that is theirs together. */
  failAll(error: unknown): void {
    while (this.first) this.first.fail(error);
  }

  /** Fails all that wait, in order, each with an error of its own: what one group attaches to it is no other's affair. */
  failEach(makeError: () => Error): void {
    while (this.first) this.first.fail(makeError());
  }

  /** Somebody has gone unserved. */
  left(): void {
    if (!this.#serve || this.#serving || !this.first) return;
    this.#serving = true;
    void Promise.resolve().then(this.#serveOthers);
  }

  readonly #serveOthers = (): void => {
    this.#serving = false;
    this.#serve?.();
  };
}

/** Waits in `scope` until it is served by `line`. */
export function waitInLine<T>(scope: Scope | undefined, kind: string, line: WaitLine<T>): Promise<T> {
  return entering(scope, () => new LineOperation(scope, kind, line).promise, undefined, kind);
}

/** An operation that stands in a line from its making to its end. */
export class LineOperation<T> extends Operation<T> {
  readonly kind: string;
  readonly #line: WaitLine<T>;
  #ahead: LineOperation<T> | undefined;
  #behind: LineOperation<T> | undefined = undefined;

  constructor(scope: Scope | undefined, kind: string, line: WaitLine<T>) {
    super(scope);
    this.kind = kind;
    this.#line = line;
    this.#ahead = line.last;
    if (line.last) line.last.#behind = this;
    else line.first = this;
    line.last = this;
    line.length++;
  }

  /** Who stands behind it. */
  get behind(): this | undefined {
    return this.#behind as this | undefined;
  }

  leave(happened: boolean): void {
    const ahead = this.#ahead;
    const behind = this.#behind;
    if (ahead) ahead.#behind = behind;
    else this.#line.first = behind;
    if (behind) behind.#ahead = ahead;
    else this.#line.last = ahead;
    this.#line.length--;
    if (!happened) this.#line.left();
  }
}
