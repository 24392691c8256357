import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejecting } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { checkOptions } from '../internal/checks.ts';
import { holding, type HoldBody } from './hold.ts';
import { Permit, type Lender } from './permit.ts';

/** A frozen picture of a readers-writer lock. */
export interface RwLockSnapshot {
  readonly name: string;
  /** How many hold it for reading. */
  readonly readers: number;
  /** Whether somebody holds it for writing. */
  readonly writing: boolean;
  /** How many wait in line, readers and writers. */
  readonly waiting: number;
}

/** What `acquireWrite` gives: a {@link Permit} that can go on as one for reading. */
export class WritePermit extends Permit {
  readonly #beginReading: () => Lender;
  #reading = false;

  /** @internal */
  constructor(lender: Lender, beginReading: () => Lender) {
    super(lender);
    this.#beginReading = beginReading;
  }

  /**
   * Goes on as a permit for reading, with nobody writing in between: giving it back gives that back. Readers that are
   * first in line go on as well. Not a cancellation point.
   *
   * There is no way up: two readers that both want to write would wait for each other.
   *
   * @throws {TypeError} when it is not held, or holds for reading already.
   */
  downgrade(): void {
    if (!this.held) throw new TypeError('Cannot downgrade as the permit must be held: it was given back');
    if (this.#reading) throw new TypeError('Cannot downgrade as the permit must be for writing: it is for reading');
    this.#reading = true;
    this.exchange(this.#beginReading());
  }
}

/**
 * Many readers, or one writer.
 *
 * Guarantees: one line for all, first come first served, no barging. So a waiting writer stops the readers that come
 * after it, and neither side starves: everybody waits for those who came before, and for nobody else; a read that is
 * asked for after a write sees it. Readers that stand together go on together. A writer that is cancelled while it is
 * first lets the readers behind it go. Not reentrant: a reader that acquires again while a writer waits, waits for
 * itself. Semantics: tokio's RwLock.
 *
 * @example Readers side by side
 * ```ts run
 * import { RwLock, sleep, taskGroup } from 'corral';
 *
 * const lock = new RwLock();
 * const prices = new Map<string, number>();
 * await taskGroup((group) => {
 *   group.spawn(async () => {
 *     using _writing = await lock.acquireWrite();
 *     prices.set('tea', 3);
 *   });
 *   for (let n = 0; n < 3; n++) {
 *     group.spawn(async () => {
 *       using _reading = await lock.acquireRead();
 *       await sleep(1);
 *       console.log(prices.get('tea'));
 *     });
 *   }
 * });
 * ```
 */
export class RwLock {
  readonly name: string;
  #readers = 0;
  #writing = false;
  readonly #line = new WaitLine<Permit, Access>(() => this.#serve());
  readonly #readLender: Lender = {
    takeBack: () => {
      this.#readers--;
      this.#serve();
    },
  };
  readonly #writeLender: Lender = {
    takeBack: () => {
      this.#writing = false;
      this.#serve();
    },
  };

  constructor(options?: NameOption) {
    this.name = checkOptions(options, 'new RwLock')?.name ?? 'rw-lock';
  }

  /** How many hold it for reading. */
  get readers(): number {
    return this.#readers;
  }

  /** Whether somebody holds it for writing. */
  get writing(): boolean {
    return this.#writing;
  }

  /**
   * Waits until nobody writes, and nobody who came before waits to.
   *
   * Cancellable: it is not held then.
   */
  acquireRead(options?: ScopeOption): Promise<Permit> {
    return rejecting(() => entering(scopeFor('RwLock.acquireRead', options), this.#beginRead));
  }

  /**
   * Waits until nobody reads or writes.
   *
   * Cancellable: it is not held then.
   */
  acquireWrite(options?: ScopeOption): Promise<WritePermit> {
    return rejecting(() => entering(scopeFor('RwLock.acquireWrite', options), this.#beginWrite));
  }

  /** Takes it for reading if that needs no waiting; else, also when somebody waits to write, undefined. */
  tryAcquireRead(): Permit | undefined {
    return this.#line.empty && this.#admits(false) ? this.#read() : undefined;
  }

  /** Takes it for writing if that needs no waiting; else undefined. */
  tryAcquireWrite(): WritePermit | undefined {
    return this.#line.empty && this.#admits(true) ? this.#write() : undefined;
  }

  /**
   * Runs `body` while holding it for reading, and returns what it returns: for where there is no `using`.
   *
   * Guarantees: it is given back when the body has ended, also when it throws; that is before its group
   * hears of the failure, so the next in line may get its turn before it is cancelled.
   *
   * Cancellable: while it waits for the lock; the body then never runs.
   */
  holdRead<T>(body: HoldBody<T>, options?: ScopeOption): Promise<T> {
    return holding('RwLock.holdRead', body, () => this.acquireRead(options), options);
  }

  /**
   * Runs `body` while holding it for writing, and returns what it returns: for where there is no `using`.
   *
   * Guarantees: it is given back when the body has ended, also when it throws; that is before its group
   * hears of the failure, so the next in line may get its turn before it is cancelled.
   *
   * Cancellable: while it waits for the lock; the body then never runs.
   */
  holdWrite<T>(body: HoldBody<T, WritePermit>, options?: ScopeOption): Promise<T> {
    return holding('RwLock.holdWrite', body, () => this.acquireWrite(options), options);
  }

  snapshot(): RwLockSnapshot {
    const { name, readers, writing } = this;
    return Object.freeze({ name, readers, writing, waiting: this.#line.length });
  }

  readonly #beginRead = (scope: Scope | undefined): Promise<Permit> => {
    const permit = this.tryAcquireRead();
    return permit ? passThrough(permit) : new Access(scope, this.name, this.#line, false).promise;
  };

  readonly #beginWrite = (scope: Scope | undefined): Promise<WritePermit> => {
    const permit = this.tryAcquireWrite();
    if (permit) return passThrough(permit);
    return new Access(scope, `${this.name} (to write)`, this.#line, true).promise as Promise<WritePermit>;
  };

  #admits(toWrite: boolean): boolean {
    return !this.#writing && (!toWrite || this.#readers === 0);
  }

  #read(): Permit {
    this.#readers++;
    return new Permit(this.#readLender);
  }

  #write(): WritePermit {
    this.#writing = true;
    return new WritePermit(this.#writeLender, () => {
      this.#readers++;
      return this.#readLender;
    });
  }

  /** Lets in order go on whoever may: all readers up to the first writer, or that writer. */
  #serve(): void {
    // One that is just being cancelled leaves, and has the next one served.
    for (let next = this.#line.first; next?.pending && this.#admits(next.toWrite); next = this.#line.first) {
      next.commit(next.toWrite ? this.#write() : this.#read());
    }
  }
}

class Access extends LineOperation<Permit> {
  readonly toWrite: boolean;
  constructor(scope: Scope | undefined, kind: string, line: WaitLine<Permit, Access>, toWrite: boolean) {
    super(scope, kind, line);
    this.toWrite = toWrite;
  }
}
