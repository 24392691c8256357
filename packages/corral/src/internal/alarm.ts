import { clearTimer, clock } from './clock.ts';
import type { Timer } from './timer-heap.ts';

/** Calls back once, some milliseconds after it was set; Infinity is never. */
export class Alarm implements Timer {
  at = Infinity;
  slot = -1;
  order = 0;
  clock?: Timer['clock'];
  readonly expire: () => void;
  readonly background: boolean;

  /** In the background it does not keep the process alive. */
  constructor(expire: () => void, background = false) {
    this.expire = expire;
    this.background = background;
  }

  set(ms: number): void {
    this.clear();
    this.at = clock.now() + ms;
    if (this.at !== Infinity) clock.set(this);
  }

  clear(): void {
    clearTimer(this);
  }
}
