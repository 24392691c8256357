/** Writes a body to its part: while one batch is being written, the next is gathered, and then the reader waits. */

import { createHash, type Hash } from 'node:crypto';
import type { Version } from '../../save/version.ts';
import { Gathered } from './gathered.ts';
import type { PartFile } from './part-file.ts';

const BATCH_BYTES = 256 * 1024;

export class PartWriter {
  readonly #part: PartFile;
  readonly #hashing: boolean;
  readonly #keeping: boolean;
  #hash: Hash | undefined;
  #gathered = new Gathered();
  /** The batch that is being written; failed for ever once one has failed. */
  #writing: Promise<void> | undefined;
  #version: Version | undefined;
  /** Whether what comes next does not belong behind what is in the part. */
  #anew = true;
  #position = 0;

  constructor(part: PartFile, options: { readonly hashing: boolean; readonly keeping: boolean }) {
    this.#part = part;
    this.#hashing = options.hashing;
    this.#keeping = options.keeping;
    if (this.#hashing) this.#hash = createHash('sha256');
  }

  /** How many bytes there are of this version, written or not yet. */
  get position(): number {
    return this.#position;
  }

  /** Goes on behind what an earlier run has left. To be hashed it is read, which may take long: `check` may throw. */
  async goOn(check: () => void): Promise<void> {
    this.#anew = false;
    this.#position = this.#part.size;
    const hash = this.#hash;
    if (!hash) return;
    await this.#part.read((chunk) => {
      check();
      hash.update(chunk);
    });
  }

  /** Forgets what there is. The part is left alone until there are bytes to replace it with. */
  async startOver(version: Version | undefined): Promise<void> {
    await this.#writing;
    this.#gathered.take();
    this.#version = version;
    this.#anew = true;
    this.#position = 0;
    if (this.#hashing) this.#hash = createHash('sha256');
  }

  /** Takes a chunk; gives a promise when the next one has to wait. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    this.#position += chunk.length;
    this.#gathered.add(chunk);
    return this.#gathered.bytes < BATCH_BYTES ? undefined : this.#send(false);
  }

  /** Resolves when all that was pushed is in the part. The last time, no sidecar is made any more. */
  async flush(last: boolean): Promise<void> {
    if (this.#gathered.bytes > 0 || (last && this.#anew)) await this.#send(last);
    await this.#writing;
  }

  /** Ends all writing. A write that has failed has been told of: what came before it counts. */
  async settle(keep: boolean): Promise<void> {
    try {
      if (keep) await this.flush(false);
      else await this.#writing;
    } catch {
      // Nothing is being written any more.
    }
  }

  /** The hash of all that was pushed and flushed; undefined when it was not asked for. */
  digest(): string | undefined {
    return this.#hash?.digest('hex');
  }

  async #send(last: boolean): Promise<void> {
    const batch = this.#gathered.take();
    await this.#writing;
    this.#writing = this.#write(batch, last);
    this.#writing.catch(() => {}); // thrown to whoever waits for it next
  }

  async #write(batch: Uint8Array[], last: boolean): Promise<void> {
    if (this.#anew) {
      this.#anew = false;
      await this.#part.begin(this.#keeping && !last ? this.#version : undefined);
    }
    const writing = batch.length > 0 ? this.#part.write(batch) : undefined;
    if (this.#hash) for (const chunk of batch) this.#hash.update(chunk); // while the disk is at work
    await writing;
  }
}
