import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import { Operation, entering, rejected, type Chooser } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { attempt, enlist, type Selectable } from '../core/selectable.ts';
import { shown } from '../internal/checks.ts';
import { random } from '../internal/random.ts';

/** What {@link select} takes: branches by name. One that is undefined, null or false never happens; not all may be. */
export type Branches = Readonly<Record<string, Selectable<unknown> | null | undefined | false>>;

/** What {@link select} gives: which branch it was, and what came of it. */
export type Selected<B extends Branches> = {
  [K in keyof B & string]: { readonly key: K; readonly value: BranchValue<B[K]> };
}[keyof B & string];

/** What {@link select} gives with `settled: true`: a branch that failed is told like one that did not. */
export type SelectedOutcome<B extends Branches> = {
  [K in keyof B & string]:
    | { readonly key: K; readonly status: 'fulfilled'; readonly value: BranchValue<B[K]> }
    | { readonly key: K; readonly status: 'rejected'; readonly reason: unknown };
}[keyof B & string];

/** What comes of a branch. */
export type BranchValue<S> = S extends Selectable<infer T> ? T : never;

/** Options of {@link select}. */
export interface SelectOptions extends ScopeOption {
  /**
   * Whether of several that are ready the first is taken, in the order of the keys: as written, but those that are whole
   * numbers before all others. Default: false, any of them.
   */
  readonly biased?: boolean | undefined;
  /** Whether a branch that fails is told as a result instead of being thrown. Default: false. */
  readonly settled?: boolean | undefined;
}

/**
 * Waits for the first of several: receiving, sending, a task, an event, a time.
 *
 * Guarantees: exactly one happens, and the others did not: nothing was taken or sent for them, and no place in a line is
 * kept. Of several that are ready one is picked at random, so that none is starved. A branch that fails, as a channel
 * that has ended does, makes it throw, or with `settled: true` is told by name. Semantics: Go's select.
 *
 * Cancellable: none happened then.
 *
 * @throws what the branch throws that was the first; a TypeError when there is no branch or all are off (undefined, null
 *   or false), as it would wait for ever, and when one is no branch.
 *
 * @example A job, or the order to stop, or some time without either
 * ```ts run
 * import { Event, Queue, after, select } from 'corral';
 *
 * const jobs = new Queue<string>();
 * const stop = new Event();
 * await jobs.put('first');
 *
 * const result = await select({ job: jobs, stop, idle: after(1_000) });
 * if (result.key === 'job') console.log(result.value.toUpperCase());
 * ```
 *
 * @example Two channels until both have ended
 * ```ts run
 * import { channel, select } from 'corral';
 *
 * const [orders, newOrders] = channel<number>(8);
 * const [returns, newReturns] = channel<string>(8);
 * await orders.send(1);
 * await returns.send('a');
 * orders.close();
 * returns.close();
 *
 * const open: { order?: typeof newOrders; back?: typeof newReturns } = { order: newOrders, back: newReturns };
 * while (open.order || open.back) {
 *   const next = await select({ order: open.order, back: open.back }, { settled: true });
 *   if (next.status === 'rejected') delete open[next.key];
 *   else console.log(next.key, next.value);
 * }
 * ```
 */
export function select<const B extends Branches>(
  branches: B,
  options: SelectOptions & { readonly settled: true },
): Promise<SelectedOutcome<B>>;
export function select<const B extends Branches>(branches: B, options?: SelectOptions): Promise<Selected<B>>;
export function select(branches: Branches, options?: SelectOptions): Promise<unknown> {
  try {
    const settled = options?.settled === true;
    const order = entriesOf(branches);
    if (!options?.biased) shuffle(order);
    return entering(scopeFor('select', options), begin, { order, settled });
  } catch (error) {
    return rejected(error);
  }
}

interface Entry {
  readonly key: string;
  readonly source: Selectable<unknown>;
}

function begin(scope: Scope | undefined, choices: { order: Entry[]; settled: boolean }): Promise<unknown> {
  const { order, settled } = choices;
  for (const { key, source } of order) {
    try {
      const taken = source[attempt](scope);
      if (taken) return passThrough(happened(key, taken[0], settled));
    } catch (error) {
      return settled ? passThrough(failed(key, error)) : rejected(error);
    }
  }
  return new Choice(scope, order, settled).promise;
}

/** Stands in all lines at once. When one branch happens, or the choice is cancelled, all have left their lines. */
class Choice extends Operation<unknown> implements Chooser {
  readonly #entries: readonly Entry[];
  readonly #branches: Operation<unknown>[] = [];
  readonly #settled: boolean;
  #decided: Operation<unknown> | undefined;

  constructor(scope: Scope | undefined, entries: readonly Entry[], settled: boolean) {
    super(scope);
    this.#entries = entries;
    this.#settled = settled;
    for (const { source } of entries) {
      const branch = source[enlist]();
      branch.chooser = this;
      this.#branches.push(branch);
    }
  }

  get kind(): string {
    return `select ${this.#entries.map(({ key }) => key).join(', ')}`;
  }

  took(branch: Operation<unknown>, value: unknown): void {
    this.#decided = branch;
    this.commit(happened(this.#keyOf(branch), value, this.#settled));
  }

  failed(branch: Operation<unknown>, error: unknown, quietly: boolean): void {
    this.#decided = branch;
    if (this.#settled) this.commit(failed(this.#keyOf(branch), error));
    else if (quietly) this.abort(error);
    else this.fail(error);
  }

  /** Together, so that nothing is handed to a branch of one that is cancelled. */
  override withdraw(): void {
    super.withdraw();
    for (const branch of this.#branches) if (branch.pending) branch.withdraw();
  }

  /** The branch that was decided for has left before. */
  leave(): void {
    for (const branch of this.#branches) if (branch !== this.#decided) branch.leave(false);
  }

  #keyOf(branch: Operation<unknown>): string {
    return (this.#entries[this.#branches.indexOf(branch)] as Entry).key;
  }
}

function happened(key: string, value: unknown, settled: boolean): unknown {
  return settled ? { key, status: 'fulfilled', value } : { key, value };
}

function failed(key: string, reason: unknown): unknown {
  return { key, status: 'rejected', reason };
}

function entriesOf(branches: Branches): Entry[] {
  const entries: Entry[] = [];
  if (typeof branches === 'object' && branches !== null) {
    for (const [key, source] of Object.entries(branches)) {
      if (source === undefined || source === null || source === false) continue;
      if (typeof source !== 'object' || typeof source[attempt] !== 'function') {
        const takes = 'it takes a receiver, a queue, a task, an event, sending(value), putting(item) or after(ms)';
        throw new TypeError(`Cannot select ${key} as ${takes}: current value is ${shown(source)}`);
      }
      entries.push({ key, source });
    }
    if (entries.length > 0) return entries;
  }
  throw new TypeError(`Cannot select as it takes at least one branch, by name: current value is ${shown(branches)}`);
}

function shuffle(entries: Entry[]): void {
  for (let last = entries.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const entry = entries[last] as Entry;
    entries[last] = entries[other] as Entry;
    entries[other] = entry;
  }
}
