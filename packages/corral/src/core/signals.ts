/** SIGINT and SIGTERM: stop softly, then cancel, then give up. */

import { Alarm } from '../internal/alarm.ts';
import { hostProcess } from '../internal/host.ts';
import type { RunScope } from './run-scope.ts';
import type { Scope } from './scope.ts';
import { formatTree } from './tree.ts';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof EXIT_CODES;

/** The roots to stop. One listener serves them all. */
const roots = new Map<Scope, (signal: Signal) => void>();
let stopped: Signal | undefined;

function onSignal(signal: Signal): void {
  if (stopped) hostProcess?.exit(EXIT_CODES[signal]);
  stopped = signal;
  for (const stop of roots.values()) stop(signal);
}

/** Lets signals stop `root`; returns what puts everything back. */
export function stopOnSignals(root: RunScope, drainMs: number, graceMs: number): () => void {
  let timer: Alarm | undefined;
  const cancel = (signal: Signal): void => {
    root.cancelFor({ kind: 'shutdown', reason: signal, by: root.name });
    timer = new Alarm(() => giveUp(root, graceMs));
    timer.set(graceMs);
  };
  const stop = (signal: Signal): void => {
    root.requestStop();
    if (drainMs <= 0) return cancel(signal);
    timer = new Alarm(() => cancel(signal));
    timer.set(drainMs);
  };
  if (roots.size === 0) {
    for (const name of Object.keys(EXIT_CODES)) hostProcess?.on(name, onSignal);
  }
  roots.set(root, stop);
  // One that begins while others are stopping has come too late.
  if (stopped) stop(stopped);
  return () => {
    timer?.clear();
    roots.delete(root);
    if (hostProcess && stopped && root.cutShort) hostProcess.exitCode = EXIT_CODES[stopped];
    if (roots.size > 0) return;
    for (const name of Object.keys(EXIT_CODES)) hostProcess?.off(name, onSignal);
    stopped = undefined;
  };
}

function giveUp(root: Scope, graceMs: number): void {
  console.error(`corral: still alive ${graceMs} ms after the cancellation:\n${formatTree(root)}`);
  hostProcess?.exit(1);
}
