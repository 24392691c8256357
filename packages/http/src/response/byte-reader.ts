/** Reading a stream of chunks in other pieces than those that it comes in: lines, exact sizes, up to a separator. */

const MAX_LINE_BYTES = 1024 * 1024;
const LF = 10;
const CR = 13;

export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array, undefined>;
  readonly #tooLong: (limit: number) => Error;
  readonly #short: (wanted: number, there: number) => Error;
  /** What was read from the source and not handed out. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Holds `#rest` while that grows; behind it nothing has been handed out. */
  #room: Uint8Array = new Uint8Array(0);
  /** Something has been handed out: what is a byte order mark at the beginning is text from now on. */
  #begun = false;
  #ended = false;

  /** `tooLong` and `short` make the errors of lines without end, and of bodies that end too early. */
  constructor(
    source: AsyncIterator<Uint8Array, undefined>,
    tooLong: (limit: number) => Error,
    short: (wanted: number, there: number) => Error,
  ) {
    this.#source = source;
    this.#tooLong = tooLong;
    this.#short = short;
  }

  /** Up to `size` bytes, at least one; an empty array at the end. */
  async read(size = Infinity): Promise<Uint8Array> {
    checkSize(size, 'read', size === Infinity);
    while (this.#rest.byteLength === 0 && (await this.#more())); // a chunk may be empty
    return this.#take(Math.min(size, this.#rest.byteLength));
  }

  async readExactly(size: number): Promise<Uint8Array> {
    checkSize(size, 'readExactly');
    await this.#fill(size);
    if (this.#rest.byteLength < size) throw this.#short(size, this.#rest.byteLength);
    return this.#take(size);
  }

  async readUntil(separator: string | Uint8Array, maxBytes = MAX_LINE_BYTES): Promise<Uint8Array | undefined> {
    const wanted = typeof separator === 'string' ? new TextEncoder().encode(separator) : separator;
    if (wanted.byteLength === 0)
      throw new TypeError("Cannot readUntil as the separator must not be empty: current value is ''");
    checkSize(maxBytes, 'readUntil', maxBytes === Infinity);
    let searched = 0;
    for (;;) {
      const at = indexOf(this.#rest, wanted, searched);
      if ((at < 0 ? this.#rest.byteLength : at + wanted.byteLength) > maxBytes) throw this.#tooLong(maxBytes);
      if (at >= 0) return this.#take(at + wanted.byteLength);
      // A separator may lie across two chunks.
      searched = Math.max(0, this.#rest.byteLength - wanted.byteLength + 1);
      if (!(await this.#more())) return this.#rest.byteLength > 0 ? this.#take(this.#rest.byteLength) : undefined;
    }
  }

  /** Pieces of exactly `size` bytes; the last one may be smaller. */
  async *chunks(size: number): AsyncGenerator<Uint8Array, undefined, undefined> {
    checkSize(size, 'chunks');
    try {
      for (;;) {
        await this.#fill(size);
        if (this.#rest.byteLength === 0) return;
        yield this.#take(Math.min(size, this.#rest.byteLength));
      }
    } finally {
      await this.#leave();
    }
  }

  /** Lines without their ends. Text of a broken character is U+FFFD, as everywhere. */
  async *lines(maxLineBytes = MAX_LINE_BYTES): AsyncGenerator<string, undefined, undefined> {
    checkSize(maxLineBytes, 'lines', maxLineBytes === Infinity);
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let first = !this.#begun;
    this.#begun = true;
    try {
      for (;;) {
        // Split all that is there at once: a line is then no more than a look and a slice.
        let start = 0;
        const there = this.#rest;
        for (let at = there.indexOf(LF); at >= 0; at = there.indexOf(LF, start)) {
          const end = at > start && there[at - 1] === CR ? at - 1 : at;
          if (end - start > maxLineBytes) throw this.#tooLong(maxLineBytes);
          const line = decoder.decode(there.subarray(start, end));
          start = at + 1;
          this.#rest = there.subarray(start);
          yield first ? withoutMark(line) : line;
          first = false;
          if (this.#rest.byteOffset !== there.byteOffset + start) break; // somebody else read meanwhile
        }
        if (this.#rest.indexOf(LF) >= 0) continue;
        // A CR may be half of the end of a line.
        const half = this.#rest.at(-1) === CR ? 1 : 0;
        if (this.#rest.byteLength - half > maxLineBytes) throw this.#tooLong(maxLineBytes);
        if (await this.#moreUntilLine(maxLineBytes)) continue;
        if (this.#rest.byteLength > maxLineBytes) throw this.#tooLong(maxLineBytes);
        if (this.#rest.byteLength > 0) {
          const last = decoder.decode(this.#take(this.#rest.byteLength));
          yield first ? withoutMark(last) : last;
        }
        return;
      }
    } finally {
      await this.#leave();
    }
  }

  /** All that is left. */
  async rest(maxBytes: number): Promise<Uint8Array> {
    const pieces = new Pieces();
    pieces.add(this.#take(this.#rest.byteLength));
    while (pieces.size <= maxBytes && (await this.#more())) pieces.add(this.#take(this.#rest.byteLength));
    if (pieces.size > maxBytes) {
      await this.#leave();
      throw this.#tooLong(maxBytes);
    }
    return pieces.join();
  }

  #take(size: number): Uint8Array {
    this.#begun ||= size > 0;
    const taken = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return taken;
  }

  /** One more chunk; false at the end. */
  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    const { done, value } = await this.#source.next();
    if (done) {
      this.#ended = true;
      return false;
    }
    this.#rest = this.#rest.byteLength === 0 ? value : this.#append(value);
    return true;
  }

  /** What has no separator grows in a buffer that doubles, so that a long search copies each byte a few times at most. */
  #append(chunk: Uint8Array): Uint8Array {
    const rest = this.#rest;
    const size = rest.byteLength + chunk.byteLength;
    if (rest.buffer === this.#room.buffer && rest.byteOffset + size <= this.#room.byteLength) {
      this.#room.set(chunk, rest.byteOffset + rest.byteLength);
      return this.#room.subarray(rest.byteOffset, rest.byteOffset + size);
    }
    this.#room = new Uint8Array(size * 2);
    this.#room.set(rest);
    this.#room.set(chunk, rest.byteLength);
    return this.#room.subarray(0, size);
  }

  /** Chunks until there are `size` bytes, joined once. What was read stays when the reading is cut off. */
  async #fill(size: number): Promise<void> {
    if (this.#rest.byteLength >= size) return;
    await this.#gather((pieces) => pieces.size < size);
  }

  /** Chunks until one of them ends a line. A line of many chunks is joined once. */
  #moreUntilLine(maxBytes: number): Promise<boolean> {
    return this.#gather((pieces) => pieces.last.indexOf(LF) < 0 && pieces.size <= maxBytes);
  }

  async #gather(wantsMore: (pieces: Pieces) => boolean): Promise<boolean> {
    const pieces = new Pieces();
    pieces.add(this.#rest);
    let found = false;
    try {
      do {
        const { done, value } = this.#ended ? { done: true, value: undefined } : await this.#source.next();
        this.#ended ||= done === true;
        if (!value) break;
        found = true;
        pieces.add(value);
      } while (wantsMore(pieces));
    } finally {
      this.#rest = pieces.join();
    }
    return found;
  }

  async #leave(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#source.return?.();
  }
}

/** Pieces that are joined when all are there. */
class Pieces {
  size = 0;
  last: Uint8Array = new Uint8Array(0);
  readonly #list: Uint8Array[] = [];

  add(piece: Uint8Array): void {
    this.last = piece;
    this.size += piece.byteLength;
    if (piece.byteLength > 0) this.#list.push(piece);
  }

  join(): Uint8Array {
    const only = this.#list[0];
    return only && this.#list.length === 1 ? only : joined(this.#list, this.size);
  }
}

export function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array, from: number): number {
  const first = wanted[0] as number;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

function withoutMark(line: string): string {
  return line.codePointAt(0) === 0xfeff ? line.slice(1) : line;
}

function checkSize(size: unknown, call: string, allowed = false): void {
  if (allowed || (Number.isSafeInteger(size) && (size as number) > 0)) return;
  throw new RangeError(
    `Cannot ${call} as a size must be a whole number of bytes from 1 on: current value is ${String(size)}`,
  );
}
