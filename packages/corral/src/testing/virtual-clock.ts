import { RunScope } from '../core/run-scope.ts';
import type { Scope } from '../core/scope.ts';
import { awaitsForeign, formatTree } from '../core/tree.ts';
import { walk } from '../core/walk.ts';
import type { TaskFunction } from '../core/with-scope.ts';
import { DeadlockError } from '../errors.ts';
import { checkFunction, checkOptions, shown } from '../internal/checks.ts';
import { clock, countedTurn, installClock, nextTurn, type Clock } from '../internal/clock.ts';
import { activity } from '../internal/activity.ts';
import { installRandom } from '../internal/random.ts';
import { shuffleReady } from '../internal/ready.ts';
import { TimerHeap, type Timer } from '../internal/timer-heap.ts';
import { checkNoLeaks } from './assert-no-leaks.ts';
import { seededRandom } from './seeded-random.ts';
import { releaseBlocked } from './wait-all-tasks-blocked.ts';

/** Options of {@link VirtualClock}. */
export interface VirtualClockOptions {
  /** The time at the beginning, in milliseconds since the epoch. Default: 0. */
  readonly start?: number | Date | undefined;
  /** Whether time jumps to the next deadline when everything is blocked. Default: true. */
  readonly autojump?: boolean | undefined;
  /**
   * Shuffles the order in which what is ready goes on, the same way for the same seed. Default: none, first come first.
   * Random choices, as `select` and `retry` make them, repeat themselves with and without a seed.
   */
  readonly seed?: number | undefined;
  /** Real milliseconds to wait for foreign promises before giving up, and a tenth of it for clean-up. Default: 10,000. */
  readonly stallMs?: number | undefined;
}

/** Steps in one turn of the event loop after which it gets the next; counted, so that a seed gives the same trace. */
const STEPS = 10_000;

/**
 * Time for tests: it stands still while something runs, and jumps when everything is blocked.
 *
 * Guarantees: hours of sleeping take no time and timers fire at their exact times, in order; the same seed gives the
 * same trace; tasks that wait for foreign promises (I/O) hold the clock (one that waits for an operation as well does not); a program in which nothing can go on fails with
 * a DeadlockError that shows the task tree; what main started and did not await fails the test. Semantics: trio's
 * MockClock.
 *
 * @example An hour in no time
 * ```ts run
 * import { sleep } from 'corral';
 * import { VirtualClock } from 'corral/testing';
 *
 * const clock = new VirtualClock();
 * await clock.run(() => sleep(3_600_000));
 * console.log(clock.now()); // 3600000
 * ```
 */
export class VirtualClock {
  readonly autojump: boolean;
  readonly #timers = new TimerHeap();
  readonly #seed: number | undefined;
  readonly #stallMs: number;
  #now: number;
  /** The clock that was in force before this one. */
  #real: Clock = clock;
  #steps = 0;
  #driving = false;

  constructor(options?: VirtualClockOptions) {
    const { start = 0, autojump, seed, stallMs = 10_000 } = checkOptions(options, 'new VirtualClock') ?? {};
    if (!Number.isFinite(Number(start))) {
      throw new RangeError(`Cannot make a clock as it starts at a time: current value is ${shown(start)}`);
    }
    this.autojump = autojump !== false;
    this.#now = Number(start);
    this.#seed = seed;
    this.#stallMs = stallMs;
  }

  /**
   * Runs `main` as a root under this clock.
   *
   * @throws what main throws; {@link DeadlockError} when nothing can go on; a TypeError when another VirtualClock runs.
   */
  async run<T>(main: TaskFunction<T>): Promise<T> {
    checkFunction(main, 'run under a virtual clock');
    if (running) throw new TypeError('Cannot run a virtual clock as only one runs at a time: another has not ended');
    running = true;
    this.#real = clock;
    const before = installClock(this);
    const randomBefore = installRandom(seededRandom((this.#seed ?? 0) + 1));
    if (this.#seed !== undefined) shuffleReady(pickBy(seededRandom(this.#seed)));
    const root = new RunScope(main.name || 'test');
    try {
      return await this.#drive(
        root,
        root.live((scope) => mainWithoutLeaks(main, scope)),
      );
    } finally {
      shuffleReady(undefined);
      installRandom(randomBefore);
      installClock(before);
      this.#handOver(before);
      running = false;
    }
  }

  /** Moves time on by `ms`, firing what is due on the way, and lets everything come to rest after each step. */
  async advance(ms: number): Promise<void> {
    if (typeof ms !== 'number' || !(ms >= 0))
      throw new RangeError(`Cannot advance as time only moves forward: current value is ${shown(ms)}`);
    const until = this.#now + ms;
    await this.#rest();
    for (let next = this.#timers.first; next && next.at <= until; next = this.#timers.first) {
      this.#jump(next.at);
      await this.#rest();
    }
    this.#now = Math.max(this.#now, until);
  }

  now(): number {
    return this.#now;
  }

  /** @internal */
  set(timer: Timer): void {
    timer.clock = this;
    this.#timers.add(timer);
  }

  /** @internal */
  clear(timer: Timer): void {
    this.#timers.remove(timer);
  }

  /** @internal */
  turn(callback: () => void): void {
    countedTurn(() => {
      this.#steps = 0;
      callback();
    });
  }

  /** @internal */
  starving(): boolean {
    return ++this.#steps >= STEPS;
  }

  /** What is still set belongs to somebody else in the process: it goes on in real time. */
  #handOver(clock: Clock): void {
    for (let timer = this.#timers.first; timer; timer = this.#timers.first) {
      this.#timers.remove(timer);
      timer.at = clock.now() + (timer.at - this.#now);
      clock.set(timer);
    }
  }

  /** Moves time on whenever all is at rest, until the program has ended or cannot go on. */
  #drive<T>(root: Scope, program: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#driving = true;
      const end = (how: () => void): void => {
        if (!this.#driving) return;
        this.#driving = false;
        how();
      };
      let stuck: Error | undefined;
      const abandon = (error: Error): void => {
        // Its timers too: they would keep the process, and speak up in the middle of another test.
        walk(root, (scope) => scope.cutOff());
        end(() => reject(error));
      };
      program.then(
        (value) => end(() => (stuck ? reject(stuck) : resolve(value))),
        (error: unknown) => end(() => reject(stuck ?? error)),
      );
      void this.#keepGoing(root, (error) => {
        if (stuck) return abandon(stuck);
        stuck = error;
        root.cancelFor({ kind: 'explicit', by: root.name, error });
      });
    });
  }

  async #keepGoing(root: Scope, giveUp: (error: Error) => void): Promise<void> {
    const real = this.#real;
    let patienceMs = this.#stallMs;
    let heldSince: number | undefined;
    while (this.#driving) {
      await this.#rest(() => this.#driving);
      if (!this.#driving) return;
      if (releaseBlocked()) continue;
      const next = this.#timers.first;
      if (holds(root)) {
        heldSince ??= real.now();
        if (real.now() - heldSince > patienceMs) {
          giveUp(new DeadlockError(`(held for ${this.#stallMs} ms by foreign promises)\n${formatTree(root)}`));
          heldSince = undefined;
          // Once cancelled it gets some time to clean up. What it waited for before will hardly come now.
          patienceMs = this.#stallMs / 10;
        } else await realMs(real, 1);
        continue;
      }
      heldSince = undefined;
      if (!this.autojump) await realMs(real, 1);
      else if (next) this.#jump(next.at);
      else giveUp(new DeadlockError(formatTree(root)));
    }
  }

  /**
   * Waits until a whole turn of the event loop went by in which nothing of corral's happened; or until nobody cares any
   * more: while one test comes after the other there may be no such turn.
   */
  async #rest(cares: () => boolean = () => true): Promise<void> {
    for (let before = -1; cares() && (before !== activity.count || activity.turns > 0);) {
      before = activity.count;
      await new Promise<void>(nextTurn);
      this.#steps = 0;
    }
  }

  #jump(to: number): void {
    this.#now = Math.max(this.#now, to);
    for (let timer = this.#timers.first; timer && timer.at <= this.#now; timer = this.#timers.first) {
      this.#timers.remove(timer);
      activity.count++;
      timer.expire();
    }
  }
}

let running = false;

async function mainWithoutLeaks<T>(main: TaskFunction<T>, scope: Scope): Promise<T> {
  const value = await main(scope);
  checkNoLeaks(scope);
  return value;
}

/** Whether something waits for what is not corral's: then time must not move. */
function holds(root: Scope): boolean {
  let found = false;
  walk(root, (scope) => {
    found ||= awaitsForeign(scope);
    return !found;
  });
  return found;
}

function realMs(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.set({ at: clock.now() + ms, slot: -1, order: 0, expire: resolve }));
}

function pickBy(random: () => number): (count: number) => number {
  return (count) => Math.floor(random() * count);
}
