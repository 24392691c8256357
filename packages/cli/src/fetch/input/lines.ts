import { isUtf8 } from 'node:buffer';

/** A line of input, without its end; or what is wrong with it. */
export interface Line {
  readonly number: number;
  readonly text: string;
  readonly fault?: string | undefined;
}

/** The longest line in bytes. */
export const MOST_BYTES = 2 ** 20;

const NEWLINE = 10;

/**
 * Cuts chunks of bytes into lines: LF or CRLF, without a byte order mark at the beginning.
 *
 * Guarantees: it never holds more than one line, and of a line that is too long nothing.
 */
export class LineSplitter {
  #rest: Buffer[] = [];
  #restBytes = 0;
  #tooLong = false;
  #number = 0;

  *push(chunk: Uint8Array): Generator<Line> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#keep(bytes.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
    this.#keep(bytes.subarray(start));
  }

  /** The last line, if it has no end. */
  *end(): Generator<Line> {
    if (this.#restBytes > 0 || this.#tooLong) yield this.#take();
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0 || this.#tooLong) return;
    this.#restBytes += bytes.length;
    if (this.#restBytes <= MOST_BYTES) {
      this.#rest.push(Buffer.from(bytes)); // a copy: the stream reuses its memory
      return;
    }
    this.#tooLong = true;
    this.#rest = [];
  }

  #take(): Line {
    const bytes = this.#rest.length === 1 ? (this.#rest[0] as Buffer) : Buffer.concat(this.#rest);
    const tooLong = this.#tooLong;
    this.#rest = [];
    this.#restBytes = 0;
    this.#tooLong = false;
    const number = ++this.#number;
    if (tooLong) return { number, text: '', fault: `a line must have at most ${MOST_BYTES} bytes` };
    if (!isUtf8(bytes)) return { number, text: '', fault: 'a line must be UTF-8' };
    let text = bytes.toString();
    if (number === 1 && text.startsWith('\ufeff')) text = text.slice(1);
    return { number, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  }
}
