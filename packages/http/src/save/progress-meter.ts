import { now } from 'corral';
import type { SaveProgress } from './contract.ts';

/** Milliseconds between two reports. */
const APART_MS = 100;

/** Tells how far a download has come, not too often. */
export class ProgressMeter {
  readonly #tell: (progress: SaveProgress) => void;
  #toldAt = -Infinity;

  constructor(tell: (progress: SaveProgress) => void) {
    this.#tell = tell;
  }

  /** What the callback throws is thrown. */
  report(receivedBytes: number, totalBytes: number | undefined, resumedFrom: number, last = false): void {
    const at = now();
    if (!last && at - this.#toldAt < APART_MS) return;
    this.#toldAt = at;
    this.#tell({ receivedBytes, totalBytes, resumedFrom });
  }
}
