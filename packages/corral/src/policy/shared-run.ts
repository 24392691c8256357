/**
 * A run of a function that several callers wait for.
 *
 *     caller A ──┐                     The run lives in the scope of one of those who wait for it (its host), shielded from
 *     caller B ──┼──► one run          that one's cancellation. When the host leaves, the run moves to another; when the
 *     caller C ──┘                     last one leaves, it is cancelled where it is, and that one waits until it has ended.
 *
 * So nobody's cancellation is felt by others, and no run outlives those who want it. A group can be among them.
 */

import { resultOfCancelled } from '../core/exit.ts';
import type { Variables } from '../core/frame.ts';
import { entering, rejected } from '../core/operation.ts';
import { Scope } from '../core/scope.ts';
import type { Task } from '../core/task.ts';
import type { TaskGroup } from '../core/task-group.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { within } from '../core/within.ts';
import { CallDroppedError, ScopeClosedError, TaskCancelledError, isCancellation } from '../errors.ts';
import type { InContext } from '../internal/ambient.ts';

/** What is called with the scope of the run as `this`. */
export type SharedFunction<A extends readonly unknown[], R> = (this: Scope, ...args: A) => R | PromiseLike<R>;

/** The arguments of a call, and the context variables of its caller. */
export interface Call<A extends readonly unknown[]> {
  readonly args: A;
  readonly variables: Variables | undefined;
  /** Calls back in the async context of the caller, that of others included; undefined while that is what is current. */
  readonly inContext: InContext | undefined;
}

/** How a run ended. */
export type RunOutcome<R> =
  | { readonly failed: false; readonly value: R }
  | { readonly failed: true; readonly value: unknown };

export class SharedRun<A extends readonly unknown[], R> {
  readonly name: string;
  /** Told when it has ended, before those who wait are. */
  onEnd: ((outcome: RunOutcome<R>) => void) | undefined = undefined;
  /** Told when nobody wants it any more. */
  onUnwanted: (() => void) | undefined = undefined;
  /** Called when it has ended and those who waited have been told. */
  afterwards: (() => void) | undefined = undefined;
  outcome: RunOutcome<R> | undefined = undefined;
  readonly #fn: SharedFunction<A, R>;
  readonly #line = new WaitLine<R, Caller<A, R>>();
  #scope: SharedScope | undefined;
  /** In whose scope it lives. */
  #host: Caller<A, R> | undefined;
  /** The group's part in it: wants it whoever leaves. */
  #keeper: Caller<A, R> | undefined;
  /** The last call that was merged into it before it began. */
  #lastCall: Call<A> | undefined;
  /** The task through which the group wants it. */
  #keeping: Task<void> | undefined;
  /** For whom it is to begin as soon as somebody is there. */
  #due: 'first' | 'last' | undefined;
  /** The host, when it was the last to leave: it waits for the end. */
  #leaver: Caller<A, R> | undefined;
  #begun = false;
  #unwanted = false;
  /** Whether the group is the only one to be told of an error. */
  #keptAlone = false;

  constructor(name: string, fn: SharedFunction<A, R>) {
    this.name = name;
    this.#fn = fn;
  }

  /** Whether another caller may join: it is neither over nor on its way to that. */
  get joinable(): boolean {
    return !this.outcome && !this.#unwanted && this.#scope?.cause === undefined;
  }

  /** Whether it has been called. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Whether it ended because it was cancelled. */
  get cutShort(): boolean {
    return this.outcome?.value instanceof CutShort;
  }

  /** Waits for it in `scope`. Only while it is joinable. */
  join(scope: Scope | undefined, call: Call<A>): Promise<R> {
    for (let around = scope; this.#scope && around; around = around.parent) {
      if (around !== this.#scope) continue;
      const problem = 'it would wait for itself: called with the same key inside that call';
      return rejected(new TypeError(`Cannot wait for ${this.name} as ${problem}`));
    }
    this.note(call);
    return entering(scope, () => this.#add(new Caller(scope, this, this.#line, call)).promise);
  }

  /** There is a call; while it has not begun, the last one counts for what the group wants. */
  note(call: Call<A>): void {
    if (!this.#begun) this.#lastCall = call;
  }

  /** Makes `group` want it, through a task of its own. The group gets an error that nobody else is there to get. */
  keepIn(group: TaskGroup, call: Call<A>): void {
    this.#keeping = group.spawn((scope) => this.#keep(scope, call), { name: this.name, eager: true });
  }

  /** Whether somebody waits for it, or will. */
  get wanted(): boolean {
    return this.#line.first !== undefined || this.#promised;
  }

  /** Whether the group will want it, which has no place free for the task that is to say so. */
  get #promised(): boolean {
    return !this.#begun && this.#keeping?.state === 'pending';
  }

  /** How many wait for it. */
  get waiting(): number {
    return this.#line.length;
  }

  /** Calls the function for the first that waits, or for the last; later, for who comes first. False when nobody will. */
  begin(whose: 'first' | 'last'): boolean {
    if (this.#begun) return false;
    const caller = this.#keeper ?? (whose === 'first' ? this.#line.first : this.#line.last);
    if (!caller) {
      if (this.#promised) this.#due = whose;
      // Decided here, or somebody could still join what is not begun any more.
      else this.#checkWanted();
      return this.#due !== undefined;
    }
    this.#begun = true;
    // What the group wants is what the last caller asked for, who may have left.
    const { args, variables, inContext } = whose === 'last' && this.#keeper ? (this.#lastCall as Call<A>) : caller.call;
    this.#lastCall = undefined;
    this.#due = undefined;
    const scope = new SharedScope(caller.scope, this, variables);
    this.#scope = scope;
    this.#host = caller;
    const run = (): Promise<R> => within(scope, () => this.#fn.apply(scope, args as never), { whenCancelled });
    (inContext ? inContext(run) : run()).then(
      (value) => this.#ended({ failed: false, value }),
      (value: unknown) => this.#ended({ failed: true, value }),
    );
    return true;
  }

  /** All that wait are told that it will not begin. */
  drop(): void {
    this.#unwanted = true;
    while (this.#line.first) this.#line.first.abort(new CallDroppedError(this.name));
  }

  /** A caller has been cancelled. */
  left(caller: Caller<A, R>): void {
    if (caller === this.#keeper) this.#keeper = undefined;
    if (caller === this.#host && !this.outcome) this.#findHost(caller);
    // Not at once: a cancellation is under way, and somebody else may join before it is over.
    if ((this.#leaver || !this.#line.first) && !this.outcome) void Promise.resolve().then(() => this.#checkWanted());
  }

  /** The scope in which it lives ends, and nobody there awaits it: it goes to the others, if there are any. */
  orphaned(around: Scope): void {
    while (this.#host?.pending && this.#host.scope === around) {
      this.#host.abort(new ScopeClosedError(around.name));
    }
  }

  /** Whether a caller that was cancelled has to wait for the end. */
  isLeaver(caller: Caller<A, R>): boolean {
    return caller === this.#leaver;
  }

  #add(caller: Caller<A, R>): Caller<A, R> {
    if (this.#leaver) {
      this.#moveTo(caller);
      this.#letGo();
    }
    if (this.#due) this.begin(this.#due);
    return caller;
  }

  async #keep(scope: Scope, call: Call<A>): Promise<void> {
    if (!this.joinable) return;
    const keeper = new Caller(scope, this, this.#line, call);
    this.#keeper = keeper;
    this.#add(keeper);
    try {
      await keeper.promise;
    } catch (error) {
      // A run that cancelled itself has failed nobody but those who wait for what it gives.
      if (isCancellation(error) || (this.#keptAlone && !this.cutShort)) throw error;
    }
  }

  #findHost(before: Caller<A, R>): void {
    let next = this.#line.first;
    while (next && !this.#canHost(next)) next = next.behind;
    if (next) return this.#moveTo(next);
    this.#leaver = before;
    before.scope?.hold();
  }

  /**
   * Those who leave by the same cancellation, or with the same scope, still stand in the line. And one that waits inside
   * this very run, through another that waits for it, is nobody whom it could live with.
   */
  #canHost(caller: Caller<A, R>): boolean {
    const { scope, pending } = caller;
    if (!pending || (scope && scope.phase !== 'open')) return false;
    for (let around = scope; around; around = around.parent) if (around === this.#scope) return false;
    return true;
  }

  #moveTo(host: Caller<A, R>): void {
    this.#host = host;
    this.#scope?.moveTo(host.scope);
  }

  #checkWanted(): void {
    const wanted = this.wanted && !this.#leaver;
    if (wanted || this.outcome || this.#unwanted) return;
    this.#unwanted = true;
    this.onUnwanted?.();
    this.#scope?.cancelFor({ kind: 'closed', by: this.name });
  }

  #ended(outcome: RunOutcome<R>): void {
    this.outcome = outcome;
    const { first, last } = this.#line;
    this.#keptAlone = first !== undefined && first === last && first === this.#keeper;
    this.onEnd?.(outcome);
    if (outcome.failed) this.#line.failAll(outcome.value);
    else this.#line.commitAll(outcome.value);
    this.#letGo(outcome.failed && !first && !isEcho(outcome.value) ? { error: outcome.value } : undefined);
    // What waits for nothing any more keeps nothing: neither contexts nor scopes.
    this.#scope = undefined;
    this.#host = undefined;
    this.#keeper = undefined;
    this.#keeping = undefined;
    this.onEnd = undefined;
    this.onUnwanted = undefined;
    this.afterwards?.();
    this.afterwards = undefined;
  }

  #letGo(late?: { readonly error: unknown }): void {
    const leaver = this.#leaver;
    this.#leaver = undefined;
    leaver?.letGo(late);
  }
}

/** What is told that its scope has to go elsewhere. */
interface Movable {
  readonly name: string;
  orphaned(around: Scope): void;
}

/** The scope of a run: nobody's cancellation reaches it from outside, and it may change hosts. */
class SharedScope extends Scope {
  readonly #run: Movable;

  constructor(host: Scope | undefined, run: Movable, variables: Variables | undefined) {
    super(host, run.name, variables, true);
    this.#run = run;
  }

  override get mayMoveInLate(): boolean {
    return true;
  }

  /** Its result goes to whoever waits for it, and not to the scope around. */
  override orphan(around: Scope): void {
    this.#run.orphaned(around);
  }

  moveTo(host: Scope | undefined): void {
    if (this.phase === 'closed') return;
    const before = this.parent;
    this.leave();
    this.parent = undefined;
    host?.adopt(this);
    before?.checkEmptied();
  }
}

/** The run was cancelled, by its own function or because nobody wanted it: those who wait, if any, were not. */
class CutShort extends TaskCancelledError {}

/** Whether an error says no more than that the run was cut off. */
function isEcho(error: unknown): boolean {
  return error instanceof CutShort || error instanceof ScopeClosedError || isCancellation(error);
}

function whenCancelled(scope: Scope): never {
  if (scope.cause?.kind === 'deadline') resultOfCancelled(scope, undefined);
  throw new CutShort(scope.name, scope.reason);
}

/** One who waits for a run. */
class Caller<A extends readonly unknown[], R> extends LineOperation<R> {
  readonly call: Call<A>;
  readonly #run: SharedRun<A, R>;
  #reject: (() => void) | undefined = undefined;

  constructor(scope: Scope | undefined, run: SharedRun<A, R>, line: WaitLine<R, Caller<A, R>>, call: Call<A>) {
    super(scope, run.name, line);
    this.#run = run;
    this.call = call;
  }

  override leave(happened: boolean): void {
    super.leave(happened);
    if (!happened) this.#run.left(this);
  }

  /** The last to leave is told when the run has ended: what it cleans up may be in use until then. */
  override rejectQuietly(error: unknown): void {
    if (this.#run.isLeaver(this)) this.#reject = () => super.rejectQuietly(error);
    else super.rejectQuietly(error);
  }

  letGo(late: { readonly error: unknown } | undefined): void {
    this.#reject?.();
    this.scope?.release(late);
  }
}
