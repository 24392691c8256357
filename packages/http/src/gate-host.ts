import type { Due } from './internal/due-heap.ts';
import type { RateMeter } from './internal/rate-meter.ts';

/** Who waits at a {@link Gate}: a request. */
export interface GateWaiter {
  /** Set by the gate while it waits; begins as undefined. */
  place: GatePlace | undefined;
  /** Its turn has come: it holds a slot, which it gives back with `leave`, even if this throws. */
  admitted(): void;
}

/** The place of a waiter in the line of its host. */
export class GatePlace {
  readonly host: GateHost;
  readonly waiter: GateWaiter;
  before: GatePlace | undefined = undefined;
  behind: GatePlace | undefined = undefined;

  constructor(host: GateHost, waiter: GateWaiter) {
    this.host = host;
    this.waiter = waiter;
  }
}

/** What a gate knows of a host. */
export class GateHost implements Due {
  readonly name: string;
  readonly meter: RateMeter | undefined;
  inFlight = 0;
  waiting = 0;
  first: GatePlace | undefined = undefined;
  last: GatePlace | undefined = undefined;
  /** A limit of its own. */
  limit: number | undefined = undefined;
  closedUntil = -Infinity;

  /** While it has waiters that only have to wait for their time, or is remembered for a while: in a heap. */
  dueAt = 0;
  slot = -1;
  /** Which of the two heaps. */
  resting = false;

  /** While it has waiters that could go: in the ring of the ready. */
  before: GateHost | undefined = undefined;
  behind: GateHost | undefined = undefined;

  constructor(name: string, meter: RateMeter | undefined) {
    this.name = name;
    this.meter = meter;
  }

  /** From when on the next one may go. */
  get opensAt(): number {
    return this.meter ? Math.max(this.closedUntil, this.meter.nextAt) : this.closedUntil;
  }

  /** Until when it matters what is known of it, with nobody there. */
  get rememberedUntil(): number {
    if (this.limit !== undefined) return Infinity;
    return this.meter ? Math.max(this.closedUntil, this.meter.fullAt) : this.closedUntil;
  }

  add(place: GatePlace, front: boolean): void {
    this.waiting++;
    if (front) {
      place.behind = this.first;
      if (this.first) this.first.before = place;
      else this.last = place;
      this.first = place;
      return;
    }
    place.before = this.last;
    if (this.last) this.last.behind = place;
    else this.first = place;
    this.last = place;
  }

  remove(place: GatePlace): void {
    this.waiting--;
    if (place.before) place.before.behind = place.behind;
    else this.first = place.behind;
    if (place.behind) place.behind.before = place.before;
    else this.last = place.before;
    place.waiter.place = undefined;
  }
}

/** The hosts that have somebody who could go, in the order in which they are served. */
export class HostRing {
  #first: GateHost | undefined;

  get first(): GateHost | undefined {
    return this.#first;
  }

  /** Puts it last, unless it is in the ring. */
  add(host: GateHost): void {
    if (host.behind) return;
    const first = (this.#first ??= host);
    const last = first.before ?? host;
    host.before = last;
    host.behind = first;
    last.behind = host;
    first.before = host;
  }

  remove(host: GateHost): void {
    if (!host.behind || !host.before) return;
    if (this.#first === host) this.#first = host.behind === host ? undefined : host.behind;
    host.before.behind = host.behind;
    host.behind.before = host.before;
    host.before = undefined;
    host.behind = undefined;
  }
}
