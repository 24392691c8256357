/** SIGINT and SIGTERM: first softly, then at once, then without looking back. */

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export type StopSignal = keyof typeof EXIT_CODES;

export function exitCodeOf(signal: StopSignal): number {
  return EXIT_CODES[signal];
}

/** Calls `stop` for the first signal and `cancel` for the second; a third one ends the process. Returns what undoes it. */
export function onSignals(stop: (signal: StopSignal) => void, cancel: (signal: StopSignal) => void): () => void {
  let count = 0;
  const listener = (signal: NodeJS.Signals): void => {
    count++;
    const name: StopSignal = signal === 'SIGTERM' ? 'SIGTERM' : 'SIGINT';
    if (count === 1) stop(name);
    else if (count === 2) cancel(name);
    else process.exit(EXIT_CODES[name]);
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return () => {
    process.off('SIGINT', listener);
    process.off('SIGTERM', listener);
  };
}
