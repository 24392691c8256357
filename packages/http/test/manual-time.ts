import type { NativeTimer, TimeSource } from '../src/internal/time-source.ts';

interface Armed extends NativeTimer {
  at: number;
  callback: () => void;
  kept: boolean;
}

/** Time that goes on when it is told to. */
export class ManualTime implements TimeSource {
  #now: number;
  readonly #armed = new Set<Armed>();
  /** How many timers have been armed. */
  arms = 0;
  /** How much later than asked for timers ring. */
  lateMs = 0;

  constructor(now = 1000) {
    this.#now = now;
  }

  /** How many timers keep the process alive. */
  get keeping(): number {
    return [...this.#armed].filter((timer) => timer.kept).length;
  }

  get armed(): number {
    return this.#armed.size;
  }

  readonly now = (): number => this.#now;

  arm(callback: () => void, ms: number): NativeTimer {
    this.arms++;
    const timer: Armed = {
      at: this.#now + Math.max(ms, 0) + this.lateMs,
      callback,
      kept: true,
      ref: () => (timer.kept = true),
      unref: () => (timer.kept = false),
    };
    this.#armed.add(timer);
    return timer;
  }

  disarm(timer: NativeTimer): void {
    this.#armed.delete(timer as Armed);
  }

  /** Time passes, and timers ring as they come due. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = [...this.#armed].sort((a, b) => a.at - b.at)[0];
      if (!next || next.at > until) break;
      this.#now = Math.max(this.#now, next.at);
      this.#armed.delete(next);
      next.callback();
    }
    this.#now = until;
  }

  /** The event loop is blocked: time passes, and nothing rings before it is over. */
  block(ms: number): void {
    this.#now += ms;
  }
}
