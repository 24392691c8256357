/** The ready queue: what was spawned starts here, first come first served, all that is ready in one microtask. */

import { batch, currentFrame, runInBatch, type AmbientFrame } from './ambient.ts';
import { clock } from './clock.ts';

/** Something that is ready to go on. */
export interface Ready {
  /** The next in line. Only the queue writes it. */
  nextReady: Ready | undefined;
  /** The frame in which it goes on. */
  readonly frame: AmbientFrame;
  /** Goes on; must not throw. */
  proceed(): void;
}

const SHARED_STEPS = 64;

const resolved = Promise.resolve();
let first: Ready | undefined;
let last: Ready | undefined;
let scheduled = false;

/** Tests replace it to start tasks, and to let waiting operations go on, in another order: it picks one of `count`. */
export let pick: ((count: number) => number) | undefined;

/** Sets or clears {@link pick}. */
export function shuffleReady(next: ((count: number) => number) | undefined): void {
  pick = next;
}

/** Counts whatever corral does; two equal readings with a turn of the event loop between them mean that all is quiet. */
export const activity = { count: 0 };

/** Lets `item` proceed in a microtask. */
export function enqueue(item: Ready): void {
  activity.count++;
  if (last) last.nextReady = item;
  else first = item;
  last = item;
  if (scheduled) return;
  scheduled = true;
  void resolved.then(drain);
}

function drain(): void {
  // A microtask runs in the frame of who scheduled it: tasks without one of their own are often where they belong.
  if (first && first.frame === currentFrame() && !pick) proceedWhileIn(first.frame);
  if (first) batch(proceedAll);
  if (!first) scheduled = false;
  else clock.turn(drain);
}

function proceedAll(): void {
  while (first && !clock.starving()) {
    if (pick) moveToFront(pick);
    runInBatch(first.frame, proceedWhileIn, first.frame);
  }
}

/** Consecutive items of one frame share one switch to it, for a while: others may have waited too long. */
function proceedWhileIn(frame: AmbientFrame): void {
  for (let steps = 0; steps < SHARED_STEPS; steps++) {
    const item = first as Ready;
    first = item.nextReady;
    item.nextReady = undefined;
    if (!first) last = undefined;
    item.proceed();
    if (pick || !first || first.frame !== frame) return;
  }
}

function moveToFront(choose: (count: number) => number): void {
  const items: Ready[] = [];
  for (let item = first; item; item = item.nextReady) items.push(item);
  const [chosen] = items.splice(choose(items.length), 1);
  items.unshift(chosen as Ready);
  items.forEach((item, index) => (item.nextReady = items[index + 1]));
  first = items[0];
  last = items[items.length - 1];
}
