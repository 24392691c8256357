import { GateHost, GatePlace, HostRing, type GateWaiter } from './gate-host.ts';
import { DueHeap } from './internal/due-heap.ts';
import { RateMeter, type Rate } from './internal/rate-meter.ts';
import { realTime, throwLater, type NativeTimer, type TimeSource } from './internal/time-source.ts';

/** What a {@link Gate} holds to; all of it checked before. */
export interface GateOptions {
  /** How many may be in flight. */
  readonly total: number;
  /** How many of one host may be in flight. */
  readonly perHost: number;
  /** How many may wait. */
  readonly queue: number;
  readonly rate?: GateRates | undefined;
}

/** How many may begin in a time. */
export interface GateRates {
  readonly perHost?: Rate | undefined;
  readonly total?: Rate | undefined;
}

/** A frozen picture of a gate. */
export interface GateSnapshot {
  readonly inFlight: number;
  readonly waiting: number;
  /** Those of which anything is known. */
  readonly hosts: readonly GateHostSnapshot[];
}

/** A frozen picture of what a gate knows of a host. */
export interface GateHostSnapshot {
  readonly host: string;
  readonly inFlight: number;
  readonly waiting: number;
  /** How many of it may be in flight. */
  readonly limit: number;
  /** For how many more milliseconds it is closed; 0 when it is open. */
  readonly closedMs: number;
}

/** As many as may wait were waiting already. */
export class GateFullError extends Error {
  override readonly name = 'GateFullError';
}

/**
 * Lets requests in: so many at a time, of one host and of all, and no faster than the rates allow.
 *
 *     ready ──► host ──► host ──► host ─┐    round robin: those with somebody who could go
 *       ▲         │ first in, first out │
 *       └─────────┴─────────────────────┘
 *     sleeping: a heap of those that are closed or have no token, with an alarm for the earliest
 *     resting:  a heap of those with nobody, remembered until their rate and their closing have no effect
 *     the rest have as many in flight as they may, and wait for one to leave
 *
 * Guarantees: no limit is exceeded, ever. First come first served within a host, and hosts take turns, so that one with many
 * waiters holds up nobody; one that is at its limit, closed or out of tokens is passed over, and nobody overtakes one that
 * could go. Each step costs O(log hosts), whatever the number of waiters. A token is taken by going in, not by waiting.
 * Whoever waits for time alone keeps the process alive; a gate at which nobody waits does not. Nothing of a caller's
 * async context is kept.
 */
export class Gate {
  readonly #total: number;
  readonly #perHost: number;
  readonly #queue: number;
  readonly #hostRate: Rate | undefined;
  readonly #meter: RateMeter | undefined;
  readonly #time: TimeSource;
  readonly #hosts = new Map<string, GateHost>();
  readonly #ready = new HostRing();
  readonly #sleeping = new DueHeap<GateHost>();
  readonly #resting = new DueHeap<GateHost>();
  #inFlight = 0;
  #waiting = 0;
  #serving = false;
  #timer: NativeTimer | undefined;
  /** When the timer rings: never later than the first has to be looked at. */
  #armedFor = Infinity;

  constructor({ total, perHost, queue, rate }: GateOptions, time: TimeSource = realTime) {
    this.#total = total;
    this.#perHost = perHost;
    this.#queue = queue;
    this.#hostRate = rate?.perHost;
    this.#meter = rate?.total && new RateMeter(rate.total);
    this.#time = time;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * True when it is in at once; false when it waits: `admitted()` is called later, by somebody's `leave` or by a timer, and
   * not before this has returned. With `front` it is the first of its host, and is taken even if the queue is full: it has
   * been in before.
   *
   * @throws {GateFullError} when it would have to wait, and as many as may are waiting.
   */
  enter(name: string, waiter: GateWaiter, options?: { readonly front?: boolean }): boolean {
    if (waiter.place) throw new TypeError('Cannot enter the gate as a waiter waits once: current value is waiting');
    let now = this.#time.now();
    if (this.#due(now)) {
      this.#serve();
      now = this.#time.now();
    }
    const host = this.#hosts.get(name) ?? this.#newHost(name, now);
    if (!host.first && this.#mayGo(host, now)) {
      this.#admit(host, now);
      return true;
    }
    const front = options?.front === true;
    if (!front && this.#waiting >= this.#queue) {
      this.#settle(host, now);
      throw new GateFullError(`Cannot enter the gate as ${this.#queue} may wait: current value is ${this.#waiting}`);
    }
    waiter.place = new GatePlace(host, waiter);
    host.add(waiter.place, front);
    this.#waiting++;
    this.#settle(host, now);
    if (!this.#serving) this.#arm(now);
    return false;
  }

  /** Gives a slot back: exactly once for each that was let in. */
  leave(name: string): void {
    const host = this.#hosts.get(name);
    if (!host || host.inFlight === 0) {
      throw new TypeError(`Cannot leave the gate as nobody of ${name} is in: current value is 0 in flight`);
    }
    host.inFlight--;
    this.#inFlight--;
    if (this.#waiting === 0 && !host.meter) {
      // The most frequent case by far, and there is nobody to serve.
      if (host.inFlight === 0 && host.closedUntil === -Infinity && host.limit === undefined) this.#hosts.delete(name);
      else this.#settle(host, this.#time.now());
      return;
    }
    this.#settle(host, this.#time.now());
    this.#serve();
  }

  /** Takes a waiter out of the line; false when it does not wait (any more): one that was let in has to leave. */
  withdraw(waiter: GateWaiter): boolean {
    const { place } = waiter;
    if (!place) return false;
    const { host } = place;
    host.remove(place);
    this.#waiting--;
    if (host.first) return true;
    const now = this.#time.now();
    this.#settle(host, now);
    if (!this.#serving) this.#arm(now);
    return true;
  }

  /** Lets nobody of the host in for `ms` milliseconds. Of several such calls the one that ends last holds. */
  closeHost(name: string, ms: number): void {
    if (!(ms > 0)) return;
    const now = this.#time.now();
    const host = this.#hosts.get(name) ?? this.#newHost(name, now);
    host.closedUntil = Math.max(host.closedUntil, now + ms);
    this.#settle(host, now);
    if (!this.#serving) this.#arm(now);
  }

  /** Ends what {@link closeHost} has begun. */
  openHost(name: string): void {
    const host = this.#hosts.get(name);
    if (!host) return;
    host.closedUntil = -Infinity;
    this.#settle(host, this.#time.now());
    this.#serve();
  }

  /**
   * Gives the host a limit of its own, until it is called with undefined: the host is remembered so long. Those who are in
   * stay in, if there are more of them now.
   */
  setHostLimit(name: string, limit: number | undefined): void {
    if (limit !== undefined && !(limit === Infinity || (Number.isInteger(limit) && limit > 0))) {
      throw new RangeError(
        `Cannot set the limit of a host as it takes a positive integer or Infinity: current value is ${limit}`,
      );
    }
    const now = this.#time.now();
    const host = this.#hosts.get(name) ?? this.#newHost(name, now);
    host.limit = limit;
    this.#settle(host, now);
    this.#serve();
  }

  snapshot(): GateSnapshot {
    const now = this.#time.now();
    this.#forget(now);
    const hosts = [...this.#hosts.values()].map((host) =>
      Object.freeze({
        host: host.name,
        inFlight: host.inFlight,
        waiting: host.waiting,
        limit: host.limit ?? this.#perHost,
        closedMs: Math.max(0, host.closedUntil - now),
      }),
    );
    return Object.freeze({ inFlight: this.#inFlight, waiting: this.#waiting, hosts: Object.freeze(hosts) });
  }

  #newHost(name: string, now: number): GateHost {
    this.#forget(now);
    const host = new GateHost(name, this.#hostRate && new RateMeter(this.#hostRate));
    this.#hosts.set(name, host);
    return host;
  }

  /** Whether somebody of the host may go in before all who wait. */
  #mayGo(host: GateHost, now: number): boolean {
    return (
      !this.#ready.first &&
      !this.#due(now) &&
      this.#inFlight < this.#total &&
      host.inFlight < (host.limit ?? this.#perHost) &&
      host.opensAt <= now &&
      (!this.#meter || this.#meter.nextAt <= now)
    );
  }

  /** Whether the time of somebody has come whom the timer, being late, has not woken. */
  #due(now: number): boolean {
    const { first } = this.#sleeping;
    return first !== undefined && first.dueAt <= now;
  }

  #admit(host: GateHost, now: number): void {
    if (host.slot >= 0) this.#wake(host);
    host.inFlight++;
    this.#inFlight++;
    host.meter?.take(now);
    this.#meter?.take(now);
  }

  /** Puts the host where it belongs after anything about it has changed. */
  #settle(host: GateHost, now: number): void {
    if (host.slot >= 0) this.#wake(host);
    if (!host.first) {
      this.#ready.remove(host);
      if (host.inFlight === 0) this.#rest(host, now);
    } else if (host.inFlight >= (host.limit ?? this.#perHost)) {
      this.#ready.remove(host);
    } else if (host.opensAt > now) {
      this.#ready.remove(host);
      host.resting = false;
      this.#sleeping.add(host, host.opensAt);
    } else {
      this.#ready.add(host);
    }
  }

  #wake(host: GateHost): void {
    (host.resting ? this.#resting : this.#sleeping).remove(host);
  }

  #rest(host: GateHost, now: number): void {
    const until = host.rememberedUntil;
    if (until <= now) {
      this.#hosts.delete(host.name);
    } else if (until < Infinity) {
      host.resting = true;
      this.#resting.add(host, until);
    }
  }

  /** Those whose time is over are forgotten when a new one comes: nobody has to be woken for that. */
  #forget(now: number): void {
    for (let host = this.#resting.first; host && host.dueAt <= now; host = this.#resting.first) this.#settle(host, now);
  }

  /** Lets in whoever can go. What `admitted()` does to the gate is served by the loop that called it. */
  #serve(): void {
    if (this.#serving) return;
    this.#serving = true;
    let now = this.#time.now();
    try {
      for (;;) {
        for (let due = this.#sleeping.first; due && due.dueAt <= now; due = this.#sleeping.first)
          this.#settle(due, now);
        const host = this.#ready.first;
        if (!host?.first || this.#inFlight >= this.#total || (this.#meter && this.#meter.nextAt > now)) break;
        this.#serveFirst(host, host.first, now);
        now = this.#time.now();
      }
    } finally {
      this.#serving = false;
    }
    this.#arm(now);
  }

  #serveFirst(host: GateHost, place: GatePlace, now: number): void {
    const { waiter } = place;
    this.#ready.remove(host);
    host.remove(place);
    this.#waiting--;
    this.#admit(host, now);
    this.#settle(host, now);
    try {
      waiter.admitted();
    } catch (error) {
      throwLater(error);
    }
  }

  /** Rings when the first who waits for time alone may go. */
  #arm(now: number): void {
    const host = this.#sleeping.first?.dueAt ?? Infinity;
    const token = this.#meter && this.#ready.first && this.#inFlight < this.#total ? this.#meter.nextAt : Infinity;
    if (this.#sleeping.size === 0 && token === Infinity) {
      this.#disarm();
      return;
    }
    const at = Math.min(host, token);
    if (this.#timer !== undefined && at >= this.#armedFor) return;
    this.#disarm();
    this.#armedFor = at;
    this.#timer = this.#time.arm(this.#ring, Math.ceil(at - now));
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#time.disarm(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }

  readonly #ring = (): void => {
    this.#timer = undefined;
    this.#armedFor = Infinity;
    this.#serve();
  };
}
