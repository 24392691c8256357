import type { ByteSource } from './byte-source.ts';

/** A piece of a body: bytes, or what is read when its turn comes, with the length that was promised for it. */
export type Segment =
  | { readonly bytes: Uint8Array }
  | { readonly source: ByteSource; readonly length: number | undefined; readonly what: string };

/**
 * Reads segments one after the other.
 *
 * Guarantees: a source is opened when its turn comes, and not before; a source that does not keep to its length is an error, as
 * the body would end in the middle or run into the next request; whoever stops early returns the source being read and gives
 * up those that were not reached. Calls of `next` must not overlap.
 */
export class Segments implements AsyncIterableIterator<Uint8Array> {
  readonly #segments: readonly Segment[];
  #at = 0;
  #reading: AsyncIterator<Uint8Array> | undefined = undefined;
  #read = 0;

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      const segment = this.#segments[this.#at];
      if (!segment) return { done: true, value: undefined };
      const chunk = 'bytes' in segment ? segment.bytes : await this.#pull(segment);
      if (!chunk || 'bytes' in segment) this.#advance();
      if (chunk && chunk.length > 0) return { done: false, value: chunk };
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    const left = this.#segments.slice(this.#at + (this.#reading ? 1 : 0));
    const reading = this.#reading;
    this.#at = this.#segments.length;
    this.#reading = undefined;
    const discarded = left.map(async (segment) => {
      if ('source' in segment) await segment.source.discard();
    });
    await Promise.all([...discarded, reading?.return?.() ?? Promise.resolve()]);
    return { done: true, value: undefined };
  }

  async #pull(segment: Exclude<Segment, { bytes: Uint8Array }>): Promise<Uint8Array | undefined> {
    try {
      this.#reading ??= iteratorOf(segment.source.open());
      const { done, value } = await this.#reading.next();
      if (this.#at >= this.#segments.length) return undefined;
      if (!done) this.#read += value.length;
      const { length, what } = segment;
      if (length !== undefined && (done ? this.#read < length : this.#read > length))
        throw wrong(what, length, this.#read);
      return done ? undefined : value;
    } catch (error) {
      await this.return().catch(() => {});
      throw error;
    }
  }

  #advance(): void {
    if (this.#at < this.#segments.length) this.#at++;
    this.#reading = undefined;
    this.#read = 0;
  }
}

function iteratorOf(opened: Uint8Array | AsyncIterableIterator<Uint8Array>): AsyncIterator<Uint8Array> {
  if (!(opened instanceof Uint8Array)) return opened;
  let given = false;
  return {
    next: async () => {
      if (given) return { done: true, value: undefined };
      given = true;
      return { done: false, value: opened };
    },
  };
}

function wrong(what: string, length: number, read: number): RangeError {
  return new RangeError(`Cannot send ${what} as its length was given as ${length}: current value is ${read}`);
}
