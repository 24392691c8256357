/**
 * The scope tree.
 *
 *     run ──┬── task group ──┬── task ── timeout
 *           │                ├── task                each knows its parent, its first child and its siblings,
 *           └── shield       └── task                and the operations that wait in it
 *
 * A scope ends when nothing lives in it any more. Cancelling one wakes all that waits below it, shields apart.
 */

import { CancelledError, ScopeClosedError, isCancellation, type CancelCause } from '../errors.ts';
import { clearTimer, clock } from '../internal/clock.ts';
import { controllerFor } from './abort-signal.ts';
import { callAll, refresh } from './cancellation.ts';
import { checkpointIn } from './checkpoint.ts';
import { Deadline } from './deadline.ts';
import type { Variables } from './frame.ts';
import type { Operation } from './operation.ts';
import { reportIn } from './report-in.ts';
import { sleepIn } from './sleep.ts';
import { toTime } from './time.ts';
import { walk } from './walk.ts';

/** @internal What few scopes need; made when the first of it is. */
export interface ScopeExtras {
  /** Its own cancellation. */
  cause?: CancelCause;
  /** The error of that. */
  error?: CancelledError;
  /** What the caller of its body awaits. */
  result?: Promise<unknown>;
  deadline?: Deadline;
  controller?: AbortController;
  onCancel?: Set<(reason: CancelledError) => void>;
  onStop?: Set<() => void>;
  stopping?: boolean;
  /** How many promises it waits for although nobody awaits them any more. */
  holds: number;
  /** How many of them are not corral's. */
  foreignHolds?: number;
  /** How many times `task.settled` was asked for in this scope and has not come yet. */
  observed?: number;
  /** Real errors that arrived when nobody waited for them any more. */
  late?: unknown[];
  /** Called when the last child or hold has gone. */
  emptied?: (() => void) | undefined;
  /** The reason of the foreign signal that cancelled this scope. */
  foreign?: { readonly reason: unknown };
}

/** @internal */
export type ScopePhase = 'open' | 'closing' | 'closed';

/**
 * A stretch of work that can be cancelled and has a deadline: what a task function gets as its argument.
 *
 * Guarantees: cancelling is level-triggered (once cancelled, every waiting operation in it throws) and reaches
 * everything below, shields apart; the first cause wins; a scope does not end before all that lives in it has ended.
 */
export class Scope {
  readonly #name: string;
  /** @internal */ parent: Scope | undefined;
  /** @internal */ firstChild: Scope | undefined = undefined;
  /** @internal */ lastChild: Scope | undefined = undefined;
  /** @internal */ nextSibling: Scope | undefined = undefined;
  /** @internal */ previousSibling: Scope | undefined = undefined;
  /** @internal The operations that wait in this scope, as a list. */
  operations: Operation<unknown> | undefined = undefined;
  /** @internal */ phase: ScopePhase = 'open';
  /** @internal The outermost cancelled scope that can be seen from here, itself included. */
  visible: Scope | undefined;
  /** @internal */ readonly variables: Variables | undefined;
  /** @internal */ extras: ScopeExtras | undefined = undefined;
  #shield: boolean;

  /** @internal */
  constructor(parent: Scope | undefined, name: string, variables: Variables | undefined, shield = false) {
    this.#name = name;
    this.variables = variables;
    this.parent = parent;
    this.#shield = shield;
    this.visible = shield ? undefined : parent?.visible;
    if (parent) parent.adopt(this);
  }

  /** What it is called in messages and in the task tree. */
  get name(): string {
    return this.#name || this.anonymous;
  }

  /** @internal What it is called when nobody gave it a name. */
  get anonymous(): string {
    return 'scope';
  }

  /** @internal A scope is the frame of what runs in it. */
  get scope(): Scope {
    return this;
  }

  // Cancelling ---------------------------------------------------------------------------------------------------

  /**
   * Cancels all that waits or will wait in this scope and below it.
   *
   * Guarantees: the waiters leave their lines before it returns, and reject in microtasks; nothing of the caller's code
   * runs in between. Only the first call counts: returns false when the scope was cancelled before, or has ended.
   */
  cancel(reason?: unknown): boolean {
    return this.cancelFor({ kind: 'explicit', reason, by: this.name });
  }

  /** @internal Its own cancellation. */
  get cause(): CancelCause | undefined {
    return this.extras?.cause;
  }

  /** @internal */
  cancelFor(cause: CancelCause): boolean {
    if (this.cause || this.phase === 'closed') return false;
    this.extra.cause = cause;
    // Under an outer cancellation that can be seen from here, all below has been woken already.
    if (!this.visible) refresh(this);
    return true;
  }

  /** Whether this scope, or one around it with no shield between, is cancelled. */
  get cancelled(): boolean {
    return this.visible !== undefined;
  }

  /** Why it is cancelled: the error that operations throw here; undefined while it is not. */
  get reason(): CancelledError | undefined {
    return this.visible?.cancellation;
  }

  /** @internal The one error of this scope's own cancellation, shared by all that it wakes. */
  get cancellation(): CancelledError {
    return (this.extra.error ??= new CancelledError(this.cause as CancelCause));
  }

  /** @internal Told once when it becomes cancelled, itself or from outside. */
  cancelArrived(): void {}

  /**
   * Whether cancellation from outside stops here. Its own cancel and deadline still work. May be set at any time: taking
   * a shield away delivers what waited outside.
   */
  get shield(): boolean {
    return this.#shield;
  }
  set shield(on: boolean) {
    this.#shield = on;
    refresh(this);
  }

  /**
   * Calls back, once and synchronously, when this scope becomes cancelled; at once when it is. Returns a function that
   * takes the callback back. What it throws goes to the error reporter. It is called where `cancel` is: what is current
   * there need not be this scope.
   */
  onCancel(callback: (reason: CancelledError) => void): () => void {
    if (this.visible) {
      callAll(this, [callback], this.visible.cancellation, 'a cancel callback');
      return () => {};
    }
    const callbacks = (this.extra.onCancel ??= new Set());
    const entry = (reason: CancelledError): void => callback(reason); // registered as often as it is asked for
    callbacks.add(entry);
    return () => callbacks.delete(entry);
  }

  /**
   * An AbortSignal that is aborted with {@link reason} when this scope becomes cancelled. It is made when it is first
   * read; the same one every time.
   */
  get signal(): AbortSignal {
    return (this.extra.controller ??= controllerFor(this)).signal;
  }

  // Deadlines ----------------------------------------------------------------------------------------------------

  /** Its own deadline on the scale of `now()`, in milliseconds; Infinity when there is none. */
  get deadline(): number {
    return this.extras?.deadline?.at ?? Infinity;
  }

  /** The earliest deadline in force here: its own or one around it; -Infinity once cancelled. */
  get effectiveDeadline(): number {
    if (this.visible) return -Infinity;
    let earliest = this.deadline;
    let outer = this.#shield ? undefined : this.parent;
    for (; outer; outer = outer.shield ? undefined : outer.parent) earliest = Math.min(earliest, outer.deadline);
    return earliest;
  }

  /**
   * Moves the deadline of this scope; Infinity or undefined takes it away.
   *
   * @throws {ScopeClosedError} when the scope has ended; a TypeError when it is already cancelled.
   */
  reschedule(when: number | Date | undefined): void {
    if (this.phase === 'closed') {
      throw new ScopeClosedError(this.name, 'reschedule');
    }
    if (this.cause) {
      throw new TypeError(`Cannot reschedule ${this.name} as it must not be cancelled: cause is ${this.cause.kind}`);
    }
    this.expireAt(toTime(when, 'reschedule'));
  }

  /** @internal */
  expireAt(at: number): void {
    const deadline = (this.extra.deadline ??= new Deadline(this));
    clearTimer(deadline);
    deadline.at = at;
    if (at <= clock.now()) deadline.expire();
    else if (at !== Infinity) clock.set(deadline);
  }

  // Stopping softly ----------------------------------------------------------------------------------------------

  /** Whether this scope, or one around it, was asked to stop: finish what is under way, begin nothing new. */
  get stopping(): boolean {
    if (this.extras?.stopping) return true;
    for (let outer = this.parent; outer; outer = outer.parent) if (outer.extras?.stopping) return true;
    return false;
  }

  /** Asks all in this scope to finish. Cancels nothing. */
  requestStop(): void {
    if (this.extra.stopping) return;
    this.extra.stopping = true;
    const callbacks: (() => void)[] = [];
    walk(this, (scope) => {
      for (const callback of scope.extras?.onStop ?? []) callbacks.push(callback);
    });
    callAll(this, callbacks, undefined, 'a stop callback');
  }

  /**
   * Calls back, synchronously, when this scope is asked to stop; at once when it was. Returns a function that takes the
   * callback back. What it throws goes to the error reporter. It is called where the stop was asked for: what is current
   * there need not be this scope.
   */
  onStop(callback: () => void): () => void {
    if (this.stopping) {
      callAll(this, [callback], undefined, 'a stop callback');
      return () => {};
    }
    const callbacks = (this.extra.onStop ??= new Set());
    const entry = (): void => callback();
    callbacks.add(entry);
    return () => callbacks.delete(entry);
  }

  // Waiting through the handle -----------------------------------------------------------------------------------

  /**
   * Waits `ms` milliseconds: `sleep(ms)` for where nothing is ambient.
   *
   * Cancellable: nothing is left behind.
   */
  sleep(ms: number): Promise<void> {
    return sleepIn(this, ms);
  }

  /**
   * Gives the event loop a turn and throws when cancelled: `checkpoint()` for where nothing is ambient.
   *
   * Cancellable: nothing is left behind.
   */
  checkpoint(): Promise<void> {
    return checkpointIn(this);
  }

  // The tree -----------------------------------------------------------------------------------------------------

  /** @internal */
  get extra(): ScopeExtras {
    return (this.extras ??= { holds: 0 });
  }

  /** @internal Puts a child at the end of the list. */
  adopt(child: Scope): void {
    if (this.phase !== 'open') throw new ScopeClosedError(this.name, `open ${child.name}`);
    const last = this.lastChild;
    child.parent = this;
    child.previousSibling = last;
    if (last) last.nextSibling = child;
    else this.firstChild = child;
    this.lastChild = child;
  }

  /** @internal Takes this scope out of its parent's list; it still knows its parent, who is to `checkEmptied` then. */
  leave(): void {
    const { parent, previousSibling: previous, nextSibling: next } = this;
    if (!parent) return;
    if (previous) previous.nextSibling = next;
    else parent.firstChild = next;
    if (next) next.previousSibling = previous;
    else parent.lastChild = previous;
    this.previousSibling = undefined;
    this.nextSibling = undefined;
  }

  /** @internal Whether code of its own runs in it, besides what its children run. */
  get bodyRuns(): boolean {
    return this.phase === 'open';
  }

  /** @internal Whether something lives in it. */
  get occupied(): boolean {
    return this.firstChild !== undefined || (this.extras !== undefined && this.extras.holds > 0);
  }

  /** @internal Keeps the scope from ending until `release` was called as often. */
  hold(): void {
    this.extra.holds++;
  }

  /** @internal The same for a promise that is not corral's. */
  holdForeign(): void {
    this.hold();
    this.extra.foreignHolds = (this.extra.foreignHolds ?? 0) + 1;
  }

  /** @internal */
  releaseForeign(lateError?: { readonly error: unknown }): void {
    if (this.extra.foreignHolds) this.extra.foreignHolds--;
    this.release(lateError);
  }

  /** @internal */
  release(lateError?: { readonly error: unknown }): void {
    const extra = this.extra;
    extra.holds--;
    if (lateError && this.phase === 'closed')
      reportIn(this, lateError.error, `something failed after ${this.name} had ended`);
    else if (lateError) (extra.late ??= []).push(lateError.error);
    this.checkEmptied();
  }

  /** @internal */
  checkEmptied(): void {
    const emptied = this.extras?.emptied;
    if (!emptied || this.occupied) return;
    this.extra.emptied = undefined;
    emptied();
  }

  /** @internal The body has ended: what still waits here is aborted, and scopes that nobody awaited are cancelled. */
  beginClosing(): void {
    if (this.phase === 'open') this.phase = 'closing';
    this.abortOperations();
    for (let child = this.firstChild, next: Scope | undefined; child; child = next) {
      next = child.nextSibling;
      child.orphan(this);
    }
  }

  /** @internal What it belongs to has ended, and nobody awaited it: cancels it. A real error becomes that of `around`. */
  orphan(around: Scope): void {
    this.cancelFor({ kind: 'closed', by: around.name });
    const result = this.extras?.result;
    if (!result) return;
    around.hold();
    result.then(
      () => around.release(),
      (error: unknown) =>
        around.release(isCancellation(error) || error instanceof ScopeClosedError ? undefined : { error }),
    );
  }

  /** @internal Throws a cancellation to whoever awaits the result. Nobody need: it is no failure to be told of. */
  passOn(cancellation: unknown): never {
    this.extras?.result?.catch(() => {});
    throw cancellation;
  }

  /** @internal Nothing lives here any more. */
  close(): void {
    this.cutOff();
    this.leave();
  }

  /** @internal Nothing can wait or happen in it any more. */
  cutOff(): void {
    this.phase = 'closed';
    this.abortOperations();
    if (this.extras?.deadline) clearTimer(this.extras.deadline);
  }

  /** @internal Whether it may be opened in a group of which only background tasks are left. */
  get mayMoveInLate(): boolean {
    return false;
  }

  /** @internal */
  abortOperations(): void {
    for (let op = this.operations; op; op = this.operations) {
      op.abort(new ScopeClosedError(this.name, `wait for ${op.kind}`));
    }
  }
}
