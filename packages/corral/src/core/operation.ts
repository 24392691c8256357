/**
 * The one primitive through which all waiting goes: a promise with a place in a scope.
 *
 *     entering(scope, begin) ──► new Operation ──┬─ commit(value) / fail(error) ─┐
 *       refuses before                           │                               ├─► leave(), once, on both ways out
 *       anything is done                         └─ withdrawn or aborted ────────┘
 *
 * It settles exactly once: a commit that comes after the withdrawal returns false, so whoever hands something over goes
 * on to the next in line and nothing is lost.
 */

import { ScopeClosedError, type CorralError } from '../errors.ts';
import { activity } from '../internal/activity.ts';
import { clock } from '../internal/clock.ts';
import { pick, shuffle } from '../internal/ready.ts';
import type { Scope } from './scope.ts';

/** Who decides among several operations of which one is to happen, and is told instead of a promise. */
export interface Chooser {
  /** It was this one, and this came of it. */
  took(branch: Operation<unknown>, value: unknown): void;
  /** It was this one, and it failed; or, quietly, will not happen. */
  failed(branch: Operation<unknown>, error: unknown, quietly: boolean): void;
}

let resolveNext: (value: never) => void;
let rejectNext: (error: unknown) => void;
/** One executor for all: a closure per operation would cost more than the promise. */
function capture(resolve: (value: never) => void, reject: (error: unknown) => void): void {
  resolveNext = resolve;
  rejectNext = reject;
}

export abstract class Operation<T> {
  readonly promise: Promise<T>;
  readonly scope: Scope | undefined;
  /** Whether it can still be committed. */
  pending = true;
  /** Whose branch it is, when it is one of several that are waited for and at most one of which happens. */
  chooser: Chooser | undefined = undefined;
  #next: Operation<unknown> | undefined;
  #previous: Operation<unknown> | undefined;
  /** Takes a T; typed so that operations of any type can stand in one list. */
  readonly #resolve: (value: never) => void;
  readonly #reject: (error: unknown) => void;

  /** What it is waiting for, in the task tree. */
  abstract get kind(): string;

  /** Whether what it waits for may not be corral's doing: to a virtual clock it may take real time. */
  get foreign(): boolean {
    return false;
  }

  /** Undoes what was set up for waiting. Called once, whichever way it ends, with whether it happened; must not throw. */
  abstract leave(happened: boolean): void;

  constructor(scope: Scope | undefined) {
    this.promise = new Promise<T>(capture);
    this.#resolve = resolveNext;
    this.#reject = rejectNext;
    this.scope = scope;
    this.#next = undefined;
    this.#previous = undefined;
    activity.count++;
    if (scope) this.#enter(scope);
  }

  /** It happened. False when it was cancelled before: then nothing was handed over. */
  commit(value: T): boolean {
    if (!this.pending) return false;
    this.withdraw();
    this.leave(true);
    if (this.chooser) this.chooser.took(this, value);
    else if (pick) shuffle(() => this.#resolve(value as never));
    else this.#resolve(value as never);
    return true;
  }

  /** It failed. False when it was cancelled before. */
  fail(error: unknown): boolean {
    if (!this.pending) return false;
    this.withdraw();
    this.leave(true);
    if (this.chooser) this.chooser.failed(this, error, false);
    else if (pick) shuffle(() => this.#reject(error));
    else this.#reject(error);
    return true;
  }

  /** It will not happen. */
  abort(error: unknown): void {
    if (!this.pending) return;
    this.withdraw();
    this.leave(false);
    if (this.chooser) this.chooser.failed(this, error, true);
    else this.rejectQuietly(error);
  }

  /** Takes it out of its scope; from now on it cannot be committed. */
  withdraw(): void {
    this.pending = false;
    activity.count++;
    const { scope } = this;
    if (!scope) return;
    if (this.#previous) this.#previous.#next = this.#next;
    else scope.operations = this.#next;
    if (this.#next) this.#next.#previous = this.#previous;
    this.#next = undefined;
    this.#previous = undefined;
  }

  /** Rejects; an operation that nobody awaits must not end the process because it was cancelled. */
  rejectQuietly(error: unknown): void {
    this.promise.then(undefined, ignore);
    this.#reject(error);
  }

  /** The operation that waits next to it in the same scope. */
  get nextInScope(): Operation<unknown> | undefined {
    return this.#next;
  }

  #enter(scope: Scope): void {
    const first = scope.operations;
    if (first) {
      first.#previous = this;
      this.#next = first;
    }
    scope.operations = this;
  }
}

/** The way into every operation: begins it, unless nothing may wait in this scope now. `kind` is for the message then. */
export function entering<T, A = undefined>(
  scope: Scope | undefined,
  begin: (scope: Scope | undefined, argument: A) => Promise<T>,
  argument?: A,
  kind?: string,
): Promise<T> {
  const error = refusal(scope, kind);
  if (!error) return begin(scope, argument as A);
  if (!clock.starving()) return rejected(error);
  // A loop that swallows its cancellation would keep timers and signals, and so its own end, from ever coming.
  const refused = new Promise<never>((_resolve, reject) => clock.turn(() => reject(error)));
  refused.catch(ignore);
  return refused;
}

/** Why nothing may wait in this scope now: the error with which an operation refuses before it does anything. */
export function refusal(scope: Scope | undefined, kind?: string): CorralError | undefined {
  if (!scope) return undefined;
  if (scope.visible) return scope.visible.cancellation;
  if (scope.phase !== 'open') return new ScopeClosedError(scope.name, kind && `wait for ${kind}`);
  return undefined;
}

/** Calls `fn`; what it throws becomes the rejection: callers of what returns promises need not catch twice. */
export function rejecting<T>(fn: () => Promise<T>): Promise<T> {
  try {
    return fn();
  } catch (error) {
    return rejected(error);
  }
}

/** A rejected promise that never becomes an unhandled rejection. */
export function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}

function ignore(): void {}
