import { LONGEST_TIMER_MS, realTime, throwLater, type NativeTimer, type TimeSource } from './internal/time-source.ts';

const TICK_MS = 50;
const SLOTS = 2048;

/**
 * A time limit that can be set in a {@link DeadlineWheel}, over and over: it is its own place in the list of its slot, so
 * that setting, moving and clearing it allocate nothing.
 */
export abstract class DeadlineEntry {
  /** @internal In the ring of its slot; undefined while it is not set. */
  before: DeadlineEntry | undefined = undefined;
  /** @internal */
  behind: DeadlineEntry | undefined = undefined;
  /** @internal The tick at which it is due. */
  tick = 0;

  /** Whether it is set and has not expired. */
  get pending(): boolean {
    return this.before !== undefined;
  }

  /** Its time is up; it is not set any more. */
  abstract expired(): void;
}

/**
 * Time limits of many requests with one timer: coarse, as a request has up to four and nearly none is ever reached.
 *
 *     slots ──┬────┬────┬────┬──►   one for each tick of 50 ms; those beyond the last slot go round
 *             ○    ○    ○    ○
 *             └►○►○┘    └►○►┘       a ring of entries, the slot being one of it
 *
 * Guarantees: no entry expires early, and none later than a tick after its time, apart from what the event loop is late. When
 * the loop was blocked, what has arrived meanwhile is read first: a request is not failed for an answer that is there.
 * The process is kept alive while something is set, and not longer. `expired()` runs outside of every async context; one
 * that throws harms no other.
 *
 * Real time, whatever clock of corral's is in force: servers know nothing of a virtual one.
 *
 * Each session has one of its own: there are platforms where a timer belongs to the request that armed it.
 *
 * A limit on silence is not moved with every chunk that arrives. It is left as it is, and looks when it expires:
 *
 *     onData(chunk)  { this.heardAt = wheel.now() }
 *     expired()      { const quietMs = wheel.now() - this.heardAt
 *                      if (quietMs < readMs) wheel.set(this, readMs - quietMs)
 *                      else this.fail() }
 */
export class DeadlineWheel {
  readonly #time: TimeSource;
  readonly #slots: (DeadlineEntry | undefined)[] = [];
  readonly #due: DeadlineEntry = new Anchor();
  /** All ticks up to this one are over. */
  #done: number;
  #size = 0;
  #timer: NativeTimer | undefined;
  /** The tick for which the timer is armed: never later than that of any entry. */
  #armedFor = Infinity;
  #waited = false;

  constructor(time: TimeSource = realTime) {
    this.#time = time;
    this.#done = Math.floor(time.now() / TICK_MS);
  }

  /** How many entries are set. */
  get size(): number {
    return this.#size;
  }

  /** Milliseconds on the clock of the wheel: only differences mean anything. */
  now(): number {
    return this.#time.now();
  }

  /** Sets the entry to expire in `ms` milliseconds, wherever it was set before; Infinity clears it. */
  set(entry: DeadlineEntry, ms: number): void {
    if (entry.before) this.#unlink(entry);
    if (ms === Infinity) {
      this.#rest();
      return;
    }
    const now = this.#time.now();
    // With nothing set nobody has looked at the ticks that have passed.
    if (this.#size === 0) this.#done = Math.max(this.#done, Math.floor(now / TICK_MS) - 1);
    const tick = Math.max(Math.ceil((now + Math.max(ms, 0)) / TICK_MS), this.#done + 1);
    entry.tick = tick;
    this.#link(entry);
    if (tick < this.#armedFor) this.#arm(tick, now);
    else if (this.#size === 1) this.#timer?.ref?.();
  }

  /** Forgets the entry; false when it was not set. */
  clear(entry: DeadlineEntry): boolean {
    if (!entry.before) return false;
    this.#unlink(entry);
    this.#rest();
    return true;
  }

  #link(entry: DeadlineEntry): void {
    const index = entry.tick % SLOTS;
    enring((this.#slots[index] ??= new Anchor()), entry);
    this.#size++;
  }

  #unlink(entry: DeadlineEntry): void {
    dering(entry);
    this.#size--;
  }

  /** With nothing set the timer may run out, as most often something is set again before: but it keeps nothing alive. */
  #rest(): void {
    if (this.#size > 0 || this.#timer === undefined) return;
    if (this.#timer.unref) this.#timer.unref();
    else this.#disarm();
  }

  #arm(tick: number, now: number): void {
    this.#disarm();
    this.#armedFor = tick;
    this.#timer = this.#time.arm(this.#wake, Math.min(Math.ceil(tick * TICK_MS - now), LONGEST_TIMER_MS));
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#time.disarm(this.#timer);
    this.#timer = undefined;
    this.#armedFor = Infinity;
  }

  readonly #wake = (): void => {
    const late = this.#time.now() - this.#armedFor * TICK_MS;
    this.#timer = undefined;
    this.#armedFor = Infinity;
    if (this.#size === 0) {
      this.#waited = false;
      return;
    }
    // The loop was blocked, and timers come before what was received: that has its turn first, once.
    this.#waited = late > TICK_MS && !this.#waited;
    if (this.#waited) {
      this.#armedFor = this.#done + 1;
      this.#timer = this.#time.arm(this.#wake, 1);
      return;
    }
    this.#collect(Math.floor(this.#time.now() / TICK_MS));
    this.#expire();
    this.#armForNext();
  };

  /** Moves what is due out of its slots first: `expired()` may set and clear what it likes. */
  #collect(until: number): void {
    const from = Math.max(this.#done + 1, until - SLOTS + 1);
    this.#done = Math.max(this.#done, until);
    for (let tick = from; tick <= until; tick++) {
      const anchor = this.#slots[tick % SLOTS];
      for (let entry = anchor?.behind; entry && entry !== anchor;) {
        const { behind }: DeadlineEntry = entry;
        if (entry.tick <= until) {
          dering(entry);
          enring(this.#due, entry);
        }
        entry = behind;
      }
    }
  }

  #expire(): void {
    const due = this.#due;
    for (let entry = due.behind; entry && entry !== due; entry = due.behind) {
      this.#unlink(entry);
      try {
        entry.expired();
      } catch (error) {
        throwLater(error);
      }
    }
  }

  #armForNext(): void {
    if (this.#size === 0) {
      this.#rest();
      return;
    }
    let tick = this.#done + 1;
    // A slot may hold but such as go round: it is looked at too early then, and again.
    while (tick < this.#armedFor && tick < this.#done + SLOTS && empty(this.#slots[tick % SLOTS])) tick++;
    if (tick < this.#armedFor) this.#arm(tick, this.#time.now());
  }
}

/** Begins and ends a ring. */
class Anchor extends DeadlineEntry {
  override before: DeadlineEntry = this;
  override behind: DeadlineEntry = this;

  expired(): void {
    // It is never set.
  }
}

function empty(anchor: DeadlineEntry | undefined): boolean {
  return !anchor || anchor.behind === anchor;
}

function enring(anchor: DeadlineEntry, entry: DeadlineEntry): void {
  const last = anchor.before as DeadlineEntry;
  entry.before = last;
  entry.behind = anchor;
  last.behind = entry;
  anchor.before = entry;
}

function dering(entry: DeadlineEntry): void {
  (entry.before as DeadlineEntry).behind = entry.behind;
  (entry.behind as DeadlineEntry).before = entry.before;
  entry.before = undefined;
  entry.behind = undefined;
}
