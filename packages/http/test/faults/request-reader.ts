import type { Socket } from 'node:net';

const EMPTY = Buffer.alloc(0);

/** Reads requests off a socket: heads as text, bodies without their framing. Ends quietly when the client goes. */
export class RequestReader {
  #buffer: Buffer = EMPTY;
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    socket.on('end', end);
    socket.on('close', end);
  }

  /** The next head without its empty line, or undefined when no other comes. */
  async readHead(): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf('\r\n\r\n');
      if (end >= 0)
        return this.#take(end + 4)
          .toString('latin1')
          .slice(0, -4)
          .replace(/^(\r\n)+/, '');
      if (!(await this.#more())) return undefined;
    }
  }

  /** Hands over the body as it comes; true when it came to its end. */
  async readBody(
    headers: Readonly<Record<string, string | undefined>>,
    onChunk: (chunk: Buffer) => void,
  ): Promise<boolean> {
    if (/\bchunked\b/i.test(headers['transfer-encoding'] ?? '')) return await this.#readChunked(onChunk);
    return await this.#readExactly(Number(headers['content-length'] ?? 0), onChunk);
  }

  async #readChunked(onChunk: (chunk: Buffer) => void): Promise<boolean> {
    for (;;) {
      const line = await this.#readLine();
      if (line === undefined) return false;
      const size = Number.parseInt(line, 16);
      if (size === 0) return await this.#readTrailers();
      if (!(await this.#readExactly(size, onChunk)) || (await this.#readLine()) === undefined) return false;
    }
  }

  async #readTrailers(): Promise<boolean> {
    for (;;) {
      const line = await this.#readLine();
      if (line === undefined || line === '') return line === '';
    }
  }

  async #readExactly(bytes: number, onChunk: (chunk: Buffer) => void): Promise<boolean> {
    for (let left = bytes; left > 0;) {
      if (this.#buffer.length === 0 && !(await this.#more())) return false;
      const chunk = this.#take(Math.min(left, this.#buffer.length));
      left -= chunk.length;
      onChunk(chunk);
    }
    return true;
  }

  async #readLine(): Promise<string | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf('\r\n');
      if (end >= 0)
        return this.#take(end + 2)
          .toString('latin1')
          .slice(0, -2);
      if (!(await this.#more())) return undefined;
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.#buffer.subarray(0, bytes);
    this.#buffer = this.#buffer.subarray(bytes);
    return taken;
  }

  async #more(): Promise<boolean> {
    const had = this.#buffer.length;
    while (!this.#ended && this.#buffer.length === had) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#buffer.length > had;
  }
}
