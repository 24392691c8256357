/** Chunks on their way to the file: few large writes instead of many small ones. */

/** Smaller chunks are copied together: each may hold on to a large buffer of the socket that it is a slice of. */
const SMALL_BYTES = 8 * 1024;
const SLAB_BYTES = 64 * 1024;

export class Gathered {
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** Where small chunks are copied to; the last of the chunks is its beginning up to #used when #open. */
  #slab: Uint8Array | undefined;
  #from = 0;
  #used = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (chunk.length < SMALL_BYTES) return this.#copy(chunk);
    this.#chunks.push(chunk);
    this.#from = this.#used; // what is copied next is another piece
  }

  /** Gives what was gathered, and begins anew. */
  take(): Uint8Array[] {
    const taken = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    this.#slab = undefined;
    return taken;
  }

  #copy(chunk: Uint8Array): void {
    let slab = this.#slab;
    if (!slab || slab.length - this.#used < chunk.length) {
      slab = this.#slab = new Uint8Array(SLAB_BYTES);
      this.#from = this.#used = 0;
    }
    slab.set(chunk, this.#used);
    if (this.#used > this.#from) this.#chunks.pop();
    this.#used += chunk.length;
    this.#chunks.push(slab.subarray(this.#from, this.#used));
  }
}
