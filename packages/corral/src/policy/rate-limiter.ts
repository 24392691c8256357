import { passThrough } from '../core/checkpoint.ts';
import { scopeFor, type ScopeOption } from '../core/current.ts';
import type { NameOption } from '../core/name-option.ts';
import { entering, rejected } from '../core/operation.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { Alarm } from '../internal/alarm.ts';
import { checkInteger, checkOneOf, checkOptions, shown } from '../internal/checks.ts';
import { clock } from '../internal/clock.ts';
import { Gcra } from './gcra.ts';
import type { Meter, Rate } from './meter.ts';
import { SlidingWindow } from './sliding-window.ts';

/** What a rate limiter holds to, and what `update` may change. */
export interface RateLimiterUpdate {
  /** How many permits in `perMs`. */
  readonly limit?: number | undefined;
  /** The length of the window in whole milliseconds. */
  readonly perMs?: number | undefined;
  /** With `gcra`: how many permits may be taken at once after a pause. Default: 1, all are evenly spaced. */
  readonly burst?: number | undefined;
}

/** Options of {@link RateLimiter}. */
export interface RateLimiterOptions extends RateLimiterUpdate, NameOption {
  readonly limit: number;
  readonly perMs: number;
  /**
   * `sliding-window`: all at once if need be, then as they leave the window. `gcra`: evenly spaced, `burst` apart from
   * that. Default: sliding-window; gcra when a `burst` is given.
   */
  readonly algorithm?: 'gcra' | 'sliding-window' | undefined;
}

/** A frozen picture of a rate limiter. */
export interface RateLimiterSnapshot {
  readonly name: string;
  readonly algorithm: 'gcra' | 'sliding-window';
  readonly limit: number;
  readonly perMs: number;
  /** The most that can be taken at once. */
  readonly burst: number;
  /** How much could be taken now. */
  readonly available: number;
  /** How many wait in line. */
  readonly waiting: number;
  /** How many reservations have not come to their time. */
  readonly reserved: number;
}

/** A place in time that {@link RateLimiter.reserve} has taken. */
export interface Reservation {
  /** Milliseconds from the call of `reserve` until it may be used. */
  readonly delayMs: number;
  /** Gives it back; false when its time has come, or when that was done before. */
  cancel(): boolean;
}

/**
 * At most so many in a time.
 *
 * Guarantees: no window of `perMs`, wherever it begins, has more than `limit` permits in it; with `gcra` and a burst, not
 * more than `limit + burst - 1`. First come first served, whatever the weights, and no barging. Whoever is cancelled while
 * waiting has taken nothing, and those behind move up. Nothing drifts: what is asked for all the time is handed out
 * at the full rate. With `gcra` each wait ends later by what timers are late, a millisecond or so: above some hundred
 * per second use a burst of a few, or the sliding window.
 *
 * @example At most 100 in any second
 * ```ts run
 * import { RateLimiter, forEach } from 'corral';
 *
 * const limiter = new RateLimiter({ limit: 100, perMs: 1_000 });
 * await forEach(['a', 'b', 'c'], async (page) => {
 *   await limiter.acquire();
 *   console.log(page);
 * });
 * ```
 */
export class RateLimiter {
  readonly name: string;
  readonly #algorithm: 'gcra' | 'sliding-window';
  readonly #meter: Meter;
  #rate: Rate;
  readonly #line = new WaitLine<void, Turn>(() => this.#serve());
  /** One for all: it rings for the first in line. */
  readonly #alarm = new Alarm(() => this.#serve());
  /** How many in the line are reservations, for which nobody waits. */
  #reserved = 0;
  /** What will have been taken when all that stand in line have had their turn; made when it is asked for. */
  #plan: { readonly meter: Meter; until: number } | undefined;
  #seen = -Infinity;

  /** @throws {RangeError} when `limit`, `perMs` or `burst` is not a positive integer. */
  constructor(options: RateLimiterOptions) {
    checkOptions(options, 'new RateLimiter', true);
    const { burst, algorithm = burst === undefined ? 'sliding-window' : 'gcra', name = 'rate limiter' } = options;
    checkOneOf(algorithm, ['gcra', 'sliding-window'], 'set algorithm');
    this.#algorithm = algorithm;
    this.#rate = this.#checkRate({ limit: options.limit, perMs: options.perMs, burst: burst ?? 1 }, burst);
    this.#meter = algorithm === 'gcra' ? new Gcra(this.#rate) : new SlidingWindow(this.#rate);
    this.name = name;
  }

  /**
   * Waits for `weight` permits.
   *
   * Cancellable: nothing is taken then.
   *
   * @throws {RangeError} when `weight` is not a positive integer, or more than can ever be taken at once: `limit`, or
   * `burst` with `gcra`.
   */
  acquire(weight = 1, options?: ScopeOption): Promise<void> {
    try {
      this.#check(weight);
      return entering(scopeFor('RateLimiter.acquire', options), this.#begin, weight);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Takes `weight` permits if that needs no waiting.
   *
   * @throws {RangeError} when `weight` is not a positive integer, or more than can ever be taken at once.
   */
  tryAcquire(weight = 1): boolean {
    this.#check(weight);
    if (this.#line.first && !this.#reservationsAreDue()) return false;
    const now = this.#now();
    if (this.#meter.earliest(weight, now) > now) return false;
    this.#meter.take(weight, now);
    return true;
  }

  /**
   * Takes the next place in line without waiting for it: use it after `delayMs`, or cancel it.
   *
   * Guarantees: whoever comes later is served later; a change of the rate does not move it, nor does anybody who leaves
   * the line before it; those who wait behind one that is cancelled move up. Semantics: Go's `x/time/rate`.
   *
   * @throws {RangeError} when `weight` is not a positive integer, or more than can ever be taken at once.
   */
  reserve(weight = 1): Reservation {
    if (this.tryAcquire(weight)) return new Booking(undefined, 0, 0);
    if (this.#line.first) this.#serve();
    const now = this.#now();
    const plan = (this.#plan ??= this.#planned(now));
    const at = plan.meter.earliest(weight, Math.max(now, plan.until));
    plan.meter.take(weight, at);
    plan.until = at;
    this.#reserved++;
    return new Booking(new Turn(this, undefined, this.name, this.#line, weight, at), at, at - now);
  }

  /**
   * Changes the rate; what was taken still counts. Who waits for more than can be taken at once now fails with RangeError.
   *
   * @throws {RangeError} when a number is not a positive integer.
   */
  update(rate: RateLimiterUpdate): void {
    const {
      limit = this.#rate.limit,
      perMs = this.#rate.perMs,
      burst = this.#rate.burst,
    } = checkOptions(rate, 'RateLimiter.update', true);
    const next = this.#checkRate({ limit, perMs, burst }, rate.burst);
    this.#serve();
    this.#rate = next;
    this.#meter.adapt(next, this.#now());
    this.#plan = undefined;
    for (let turn = this.#line.first, behind: Turn | undefined; turn; turn = behind) {
      behind = turn.behind;
      if (turn.at === undefined && turn.weight > this.#meter.most) turn.fail(this.#tooMuch(turn.weight));
    }
    this.#serve();
  }

  snapshot(): RateLimiterSnapshot {
    if (this.#line.first) this.#serve();
    const { limit, perMs } = this.#rate;
    return Object.freeze({
      name: this.name,
      algorithm: this.#algorithm,
      limit,
      perMs,
      burst: this.#meter.most,
      available: this.#line.first ? 0 : this.#meter.available(this.#now()),
      waiting: this.#line.length - this.#reserved,
      reserved: this.#reserved,
    });
  }

  /** @internal Somebody has left the line, served or not. */
  left(turn: Turn): void {
    if (turn.at !== undefined) this.#reserved--;
    this.#plan = undefined;
    if (this.#line.length === this.#reserved) this.#alarm.clear();
  }

  readonly #begin = (scope: Scope | undefined, weight: number): Promise<void> => {
    if (this.tryAcquire(weight)) return passThrough(undefined);
    const turn = new Turn(this, scope, this.name, this.#line, weight, undefined);
    this.#plan = undefined;
    if (this.#line.length - this.#reserved === 1) this.#arm(this.#now());
    return turn.promise;
  };

  /** Hands out what is due, in order, and sets the alarm for the next. */
  #serve(): void {
    const now = this.#now();
    for (let next = this.#line.first; next; next = this.#line.first) {
      const at = next.at ?? this.#meter.earliest(next.weight, now);
      if (at > now || !next.commit(undefined)) break;
      this.#meter.take(next.weight, at);
    }
    this.#arm(now);
  }

  /** Nobody waits for reservations: they need no alarm, and keep no process from ending. */
  #arm(now: number): void {
    const { first } = this.#line;
    if (!first || this.#line.length === this.#reserved) this.#alarm.clear();
    else this.#alarm.set((first.at ?? this.#meter.earliest(first.weight, now)) - now);
  }

  /** Whether only reservations stand in line, and the time of all has come. */
  #reservationsAreDue(): boolean {
    if (this.#line.length > this.#reserved) return false;
    this.#serve();
    return this.#line.empty;
  }

  #planned(now: number): { readonly meter: Meter; until: number } {
    const meter = this.#meter.copy();
    let until = now;
    for (let turn = this.#line.first; turn; turn = turn.behind) {
      until = turn.at ?? meter.earliest(turn.weight, until);
      meter.take(turn.weight, until);
    }
    return { meter, until };
  }

  /** Time that runs backwards is another clock: a test has begun or ended, and what was counted is no more. */
  #now(): number {
    const now = clock.now();
    if (now < this.#seen) this.#meter.clear();
    return (this.#seen = now);
  }

  #check(weight: number): void {
    if (!(Number.isInteger(weight) && weight > 0 && weight <= this.#meter.most)) throw this.#tooMuch(weight);
  }

  #tooMuch(weight: unknown): RangeError {
    return new RangeError(
      `Cannot acquire ${this.name} as it takes an integer from 1 to ${this.#meter.most}: current value is ${shown(weight)}`,
    );
  }

  #checkRate(rate: Rate, burst: number | undefined): Rate {
    for (const key of ['limit', 'perMs', 'burst'] as const) {
      checkInteger(rate[key], `set ${key} of a rate limiter`);
    }
    if (burst === undefined || this.#algorithm === 'gcra') return rate;
    throw new TypeError(`Cannot set burst of a rate limiter as only gcra has one: current value is ${shown(burst)}`);
  }
}

/** A place in the line: of somebody who waits or, with a time, of a reservation. */
class Turn extends LineOperation<void> {
  readonly weight: number;
  readonly at: number | undefined;
  readonly #limiter: RateLimiter;

  constructor(
    limiter: RateLimiter,
    scope: Scope | undefined,
    kind: string,
    line: WaitLine<void, Turn>,
    weight: number,
    at: number | undefined,
  ) {
    super(scope, kind, line);
    this.#limiter = limiter;
    this.weight = weight;
    this.at = at;
  }

  override leave(happened: boolean): void {
    super.leave(happened);
    this.#limiter.left(this);
  }
}

class Booking implements Reservation {
  readonly delayMs: number;
  readonly #turn: Turn | undefined;
  readonly #at: number;

  constructor(turn: Turn | undefined, at: number, delayMs: number) {
    this.#turn = turn;
    this.#at = at;
    this.delayMs = delayMs;
  }

  cancel(): boolean {
    if (!this.#turn?.pending || clock.now() >= this.#at) return false;
    this.#turn.abort(undefined);
    return true;
  }
}
