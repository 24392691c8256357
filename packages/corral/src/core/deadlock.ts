/** Noticing that the event loop has nothing left to do while programs still wait. */

import { clock } from '../internal/clock.ts';
import { hostProcess } from '../internal/host.ts';

const watchers = new Set<() => void>();

function drained(): void {
  for (const watcher of watchers) watcher();
  // Gives what was woken a turn. If nothing comes of it, this is called again.
  clock.turn(() => {});
}

/** Calls back whenever the event loop has run dry; returns what ends that. */
export function onDeadlock(watcher: () => void): () => void {
  if (watchers.size === 0) hostProcess?.on('beforeExit', drained);
  watchers.add(watcher);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) hostProcess?.off('beforeExit', drained);
  };
}
