/** Small files that are there as a whole: written with calls that wait, as long as the disk makes that the faster way. */
import { closeSync, constants, futimesSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** Windows has no O_NOFOLLOW. */
const NEW_FILE = O_CREAT | O_EXCL | O_WRONLY | (O_NOFOLLOW ?? 0);
/** What is no larger is taken into memory before it is written. */
export const SMALL_FILE_BYTES = 2 ** 16;
/** A disk that takes longer for a file on average is worth the threads. */
const SLOW_MS = 2;
/** How much the last file counts for in the average. */
const WEIGHT = 1 / 8;
/** So many files a slow disk gets from the threads before it is tried again. */
const PAUSE = 200;

/** How long the disk takes for a small file. */
export class SmallFiles {
  #meanMs = 0;
  #pause = 0;

  /**
   * Whether the next small file is to be written at once, with calls that wait. A local disk takes some 50 microseconds
   * for a file, in which nobody else is held up who matters: the event loop is the command's own. A promise of node:fs for
   * each of the calls takes several times as long. Over a network it is the other way round: there the threads wait for
   * many files at once.
   */
  get atOnce(): boolean {
    if (this.#pause === 0) return true;
    if (--this.#pause === 0) this.#meanMs = 0;
    return false;
  }

  /**
   * Writes `path` by way of `path.part`, which must not exist, and calls it `target`.
   *
   * Guarantees: whenever the process dies, there is a part, which no later run goes on with, or the whole file. Links are
   * not followed. What fails leaves no part.
   * @throws {Error} of the file system.
   */
  write(path: string, target: string, bytes: Uint8Array, modified: Date | undefined): void {
    const since = performance.now();
    const part = `${path}.part`;
    const fd = openSync(part, NEW_FILE, 0o666);
    try {
      try {
        for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
        if (modified !== undefined) futimesSync(fd, modified, modified);
      } finally {
        closeSync(fd);
      }
      renameSync(part, target);
    } catch (error) {
      rmSync(part, { force: true });
      throw error;
    }
    this.#took(performance.now() - since);
  }

  #took(ms: number): void {
    this.#meanMs += (ms - this.#meanMs) * WEIGHT;
    if (this.#meanMs > SLOW_MS) this.#pause = PAUSE;
  }
}
