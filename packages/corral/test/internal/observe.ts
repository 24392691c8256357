/** Watching what the library does besides returning and throwing: reports, unhandled rejections, listeners. */

import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { installReporter } from '../../src/internal/report.ts';
import type { VirtualClock } from '../../src/testing/index.ts';

/** The errors that were handed to the error reporter while `body` ran. */
export async function reportsOf(body: () => unknown): Promise<readonly unknown[]> {
  const reports: unknown[] = [];
  const before = installReporter((error) => void reports.push(error));
  try {
    await body();
  } finally {
    installReporter(before);
  }
  return reports;
}

/** The rejections that nobody handled while `body` ran and in the turns after it. */
export async function unhandledOf(body: () => unknown): Promise<readonly unknown[]> {
  const errors: unknown[] = [];
  const listener = (error: unknown): void => void errors.push(error);
  process.on('unhandledRejection', listener);
  try {
    await body();
    for (let turns = 0; turns < 3; turns++) await turn();
  } finally {
    process.off('unhandledRejection', listener);
  }
  return errors;
}

/** A foreign controller whose listeners can be counted. */
export class CountedController extends AbortController {
  readonly #live = new Set<unknown>();

  constructor() {
    super();
    const { signal } = this;
    const { addEventListener, removeEventListener } = signal;
    Object.defineProperties(signal, {
      addEventListener: {
        value: (type: 'abort', listener: EventListener, options?: AddEventListenerOptions): void => {
          this.#live.add(listener);
          addEventListener.call(signal, type, listener, options);
        },
      },
      removeEventListener: {
        value: (type: 'abort', listener: EventListener): void => {
          this.#live.delete(listener);
          removeEventListener.call(signal, type, listener);
        },
      },
    });
  }

  get listeners(): number {
    return this.#live.size;
  }
}

/** The timers that are set on `clock` from now on; one whose `slot` is -1 is not set any more. */
export function timersSetOn(clock: VirtualClock): readonly { readonly slot: number }[] {
  const timers: { readonly slot: number }[] = [];
  const set = clock.set.bind(clock);
  clock.set = (timer) => {
    timers.push(timer);
    set(timer);
  };
  return timers;
}

/** One step of the microtask queue. */
export function tick(): Promise<void> {
  return Promise.resolve();
}
