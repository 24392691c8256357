/** The ready queue: what was spawned starts here, first come first served, each in a microtask and a context of its own. */

import { activity } from './activity.ts';
import { clock } from './clock.ts';
import { Fifo } from './fifo.ts';

/** Something that is ready to go on. */
export interface Ready {
  /** Goes on, as the last thing that a microtask does; must not throw. */
  proceed(): void;
}

/** Tests replace it to start tasks, and to let waiting operations go on, in another order: it picks one of `count`. */
export let pick: ((count: number) => number) | undefined;

/** Sets or clears {@link pick}. */
export function shuffleReady(next: ((count: number) => number) | undefined): void {
  pick = next;
}

/**
 * Lets `item` proceed in a microtask. The reaction is registered here, so that every async context of the platform, not
 * only corral's, is there what it is here: a task sees its spawner's request id and trace.
 */
export function enqueue(item: Ready): void {
  activity.count++;
  if (pick) reserve()(item);
  else void Promise.resolve(item).then(proceed);
}

/** Registers now what is to proceed later; returns what to call with it. */
export function reserve(): (item: Ready) => void {
  let ready: ((item: Ready) => void) | undefined;
  void new Promise<Ready>((resolve) => {
    ready = resolve;
  }).then(proceed);
  return (item) => {
    activity.count++;
    if (pick) shuffle(() => ready?.(item));
    else ready?.(item);
  };
}

/**
 * Items that all proceed in the context in which the batch was made, whoever adds them: all that are ready in one
 * microtask, which costs a promise for the batch instead of one for each.
 */
export class Batch implements Ready {
  readonly #items = new Fifo<Ready>();
  /** Registered by whoever makes the batch, and from then on by the batch while it is in that context. */
  #launch: (item: Ready) => void = reserve();
  #launched = false;

  add(item: Ready): void {
    activity.count++;
    this.#items.push(item);
    if (this.#launched) return;
    this.#launched = true;
    this.#launch(this);
  }

  proceed(): void {
    this.#launch = reserve();
    for (let item = this.#items.shift(); item; item = this.#items.shift()) {
      item.proceed();
      if (!this.#items.empty && clock.starving()) {
        clock.turn(() => this.#launch(this));
        return;
      }
    }
    this.#launched = false;
  }
}

// Fairness -----------------------------------------------------------------------------------------------------------

/** What has to wait for a turn of the event loop because others have waited too long, and all that comes after it. */
const line = new Fifo<() => void>();
let serving = false;
const resolved = Promise.resolve();

function proceed(item: Ready): void {
  if (!serving && !clock.starving()) {
    item.proceed();
    return;
  }
  // In its own context again, however it comes to its turn.
  void new Promise<void>((resolve) => line.push(resolve)).then(() => item.proceed());
  if (serving) return;
  serving = true;
  clock.turn(serve);
}

function serve(): void {
  const next = line.shift();
  if (!next) {
    serving = false;
    return;
  }
  // Its microtask comes before ours.
  next();
  if (clock.starving()) clock.turn(serve);
  else void resolved.then(serve);
}

// Shuffling ----------------------------------------------------------------------------------------------------------

const bag: (() => void)[] = [];

/** Does `step` soon, in an order that the tests' generator picks among all that is to be done. */
export function shuffle(step: () => void): void {
  activity.count++;
  bag.push(step);
  if (bag.length === 1) void resolved.then(empty);
}

function empty(): void {
  while (bag.length > 0) {
    const [step] = bag.splice(pick?.(bag.length) ?? 0, 1);
    step?.();
  }
}
