/** The one door to time: every timer, every macrotask turn and every look at the clock goes through `clock`. */

import { activity } from './activity.ts';
import { runOutside } from './ambient.ts';
import { perRequest } from './host.ts';
import { TimerHeap, type Timer } from './timer-heap.ts';

export interface Clock {
  /** Milliseconds since the epoch, monotonic. */
  now(): number;
  /** Wakes the timer at its time. */
  set(timer: Timer): void;
  /** Forgets a timer of its own. Call {@link clearTimer}, which knows whose it is. */
  clear(timer: Timer): void;
  /** Calls back after I/O and timers had their turn. */
  turn(callback: () => void): void;
  /**
   * Asked by whatever goes on without waiting: true when others have waited for the event loop for 10 ms. The time
   * before, in which the loop was idle or busy with something else, does not count.
   */
  starving(): boolean;
}

/** `setTimeout` takes a signed 32-bit number of milliseconds and fires at once beyond it: longer waits are re-armed. */
const LONGEST = 2 ** 31 - 1;
const FAIR_MS = 10;
const FAIR_STEPS = 8;

const origin = performance.timeOrigin;

interface NativeTimeout {
  ref?(): void;
  unref?(): void;
}

interface Host {
  setTimeout(callback: () => void, ms: number): NativeTimeout;
  clearTimeout(handle: NativeTimeout | undefined): void;
  setImmediate?(callback: () => void): unknown;
}

const host = globalThis as unknown as Host;
// Some platforms load these when they are first looked at, and run microtasks meanwhile: not in the middle of a cancel.
void [host.setTimeout, host.clearTimeout, host.setImmediate];

/**
 * The platform's time. All timers share one native timeout, armed for the earliest: a sleep costs a place in a heap, and
 * a deadline that is not reached costs no native timer at all. With no timer left but those in the background, the timeout
 * stays armed but lets the process end.
 */
class SystemClock implements Clock {
  readonly #timers = new TimerHeap();
  /** How many of them keep the process alive. */
  #keeping = 0;
  #timeout: NativeTimeout | undefined;
  #armedFor = Infinity;
  #steps = 0;
  #looked = 0;
  /** Since when the event loop has had no turn, as far as is known; for certain while a mark waits for the next one. */
  #since = 0;
  #marked = false;

  now(): number {
    return origin + performance.now();
  }

  set(timer: Timer): void {
    timer.clock = this;
    this.#timers.add(timer);
    if (!timer.background) this.#keeping++;
    if (timer.at < this.#armedFor) this.#arm(timer.at);
    else if (this.#keeping === 1 && !timer.background) this.#timeout?.ref?.();
  }

  clear(timer: Timer): void {
    this.#remove(timer);
    if (this.#keeping > 0) return;
    if (this.#timeout?.unref) this.#timeout.unref();
    else if (this.#timers.size === 0) this.#disarm();
  }

  #remove(timer: Timer): void {
    this.#timers.remove(timer);
    if (!timer.background) this.#keeping--;
  }

  turn(callback: () => void): void {
    countedTurn(() => {
      this.#turned();
      callback();
    });
  }

  /**
   * Turns in which nothing of ours happened are not seen, so a long time since the last one that was is no proof: a mark
   * is set then, and what counts is how long the loop does not get to it. At most one in a millisecond.
   */
  starving(): boolean {
    if (++this.#steps < FAIR_STEPS) return false;
    const now = performance.now();
    // Where a step takes long, each is looked at.
    this.#steps = now - this.#looked < 1 ? 0 : FAIR_STEPS;
    this.#looked = now;
    if (this.#marked) return now - this.#since > FAIR_MS;
    if (now - this.#since > 1) {
      nextTurn(this.#turned);
      this.#since = now;
      this.#marked = true;
    }
    return false;
  }

  readonly #turned = (): void => {
    this.#since = performance.now();
    this.#marked = false;
  };

  #arm(at: number): void {
    this.#disarm();
    this.#armedFor = at;
    const ms = Math.min(Math.max(Math.ceil(at - this.now()), 0), LONGEST);
    this.#timeout = runOutside(() => host.setTimeout(this.#wake, ms));
    if (this.#keeping === 0) this.#letEnd();
  }

  /** Lets the process end before the timeout. */
  #letEnd(): void {
    this.#timeout?.unref?.();
  }

  #disarm(): void {
    if (this.#timeout !== undefined) host.clearTimeout(this.#timeout);
    this.#timeout = undefined;
    this.#armedFor = Infinity;
  }

  readonly #wake = (): void => {
    this.#timeout = undefined;
    this.#armedFor = Infinity;
    this.#turned();
    const now = this.now();
    for (let timer = this.#timers.first; timer && timer.at <= now; timer = this.#timers.first) {
      this.#remove(timer);
      timer.expire();
    }
    const next = this.#timers.first;
    if (next && next.at < this.#armedFor) this.#arm(next.at);
    // One that was set meanwhile may have armed it on behalf of others that have expired since.
    else if (this.#keeping === 0) this.#letEnd();
  };
}

/** One native timeout for each timer, set by whoever waits: where a shared one would die with the request that armed it. */
class RequestClock implements Clock {
  now(): number {
    return origin + performance.now();
  }

  set(timer: Timer): void {
    timer.clock = this;
    timer.slot = 0;
    timer.native = host.setTimeout(
      () => {
        timer.slot = -1;
        if (timer.at > this.now()) this.set(timer);
        else timer.expire();
      },
      Math.min(Math.max(Math.ceil(timer.at - this.now()), 0), LONGEST),
    );
  }

  clear(timer: Timer): void {
    timer.slot = -1;
    host.clearTimeout(timer.native as NativeTimeout);
  }

  turn(callback: () => void): void {
    countedTurn(callback);
  }

  /** A request cannot wait for a turn that another one asked for. */
  starving(): boolean {
    return false;
  }
}

let channel: MessageChannel | undefined;
const turns: (() => void)[] = [];

/** A turn that keeps a test from believing that all is quiet. */
export function countedTurn(callback: () => void): void {
  activity.turns++;
  nextTurn(() => {
    activity.turns--;
    activity.count++;
    callback();
  });
}

/** Calls back after a turn of the platform's event loop, whatever clock is in force. */
export function nextTurn(callback: () => void): void {
  if (host.setImmediate) {
    host.setImmediate(callback);
    return;
  }
  if (!channel) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => turns.shift()?.();
  }
  turns.push(callback);
  channel.port2.postMessage(0);
}

/** The clock in force. */
export let clock: Clock = perRequest ? new RequestClock() : new SystemClock();

/** Forgets a timer, whatever clock it was set in; nothing happens when it is not set. */
export function clearTimer(timer: Timer): void {
  if (timer.slot >= 0) timer.clock?.clear(timer);
}

/** Puts another clock in force, for tests; returns the one before. */
export function installClock(next: Clock): Clock {
  const before = clock;
  clock = next;
  return before;
}
