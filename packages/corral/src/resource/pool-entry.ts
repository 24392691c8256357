/** What a pool keeps for each resource, and the list of those that nobody uses. */

/** A resource in a pool, from its making to its end. */
export interface PoolEntry<R> {
  readonly resource: R;
  /** On the clock's scale. */
  readonly madeAt: number;
  idleSince: number;
  /** Whether it is being destroyed, or has been. */
  ended: boolean;
  before: PoolEntry<R> | undefined;
  after: PoolEntry<R> | undefined;
}

/** The idle ones in the order in which they became it: each knows its neighbours, so any can be taken. */
export class IdleList<R> {
  /** The one that has been idle the longest. */
  first: PoolEntry<R> | undefined = undefined;
  last: PoolEntry<R> | undefined = undefined;
  length = 0;

  has(entry: PoolEntry<R>): boolean {
    return this.first === entry || entry.before !== undefined;
  }

  *[Symbol.iterator](): Generator<PoolEntry<R>> {
    for (let entry = this.first; entry; entry = entry.after) yield entry;
  }

  push(entry: PoolEntry<R>): void {
    entry.before = this.last;
    if (this.last) this.last.after = entry;
    else this.first = entry;
    this.last = entry;
    this.length++;
  }

  remove(entry: PoolEntry<R>): void {
    const { before, after } = entry;
    if (before) before.after = after;
    else this.first = after;
    if (after) after.before = before;
    else this.last = before;
    entry.before = undefined;
    entry.after = undefined;
    this.length--;
  }
}
