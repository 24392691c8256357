/** The body of a response on its way from the transport to whoever reads it. One reader, and bounded in between. */

/** Above this many bytes that nobody has read, the transport is paused. */
export const HIGH_WATER_BYTES = 64 * 1024;

/** Why a body stopped being readable; undefined while it is. */
type Ending = { readonly error: unknown } | 'complete' | undefined;

interface Reader {
  resolve(chunk: Uint8Array | undefined): void;
  reject(error: unknown): void;
}

/** Where the body comes from. */
export interface BodySource {
  /** Lets the transport go on. */
  resume(): void;
}

export class IncomingBody {
  #chunks: Uint8Array[] = [];
  #first = 0;
  #buffered = 0;
  #ending: Ending = undefined;
  #reader: Reader | undefined = undefined;
  /** What the reader waits for. */
  #reading: Promise<unknown> | undefined = undefined;
  #collecting = false;
  #discarding = false;
  #paused = false;
  /** When somebody began to wait for the next chunk, on the scale of performance.now(). */
  wantedAt = 0;
  readonly #source: BodySource;

  constructor(source: BodySource) {
    this.#source = source;
  }

  /** Whether the transport waits for somebody to read. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Whether all of it has come. */
  get complete(): boolean {
    return this.#ending === 'complete';
  }

  get buffered(): number {
    return this.#buffered;
  }

  /** False when the transport is to pause. */
  push(chunk: Uint8Array): boolean {
    if (this.#discarding) return true;
    const reader = this.#reader;
    if (reader && !this.#collecting) {
      this.#reader = undefined;
      reader.resolve(chunk);
      return true;
    }
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    this.#paused = !this.#collecting && this.#buffered >= HIGH_WATER_BYTES;
    return !this.#paused;
  }

  /** All of it has come. */
  finish(): void {
    this.#end('complete');
  }

  /** No more will come. What has come is given up: part of a body is not the body. */
  fail(error: unknown): void {
    this.#end({ error });
  }

  /**
   * The next chunk, or undefined at the end. At most one may be asked for at a time.
   *
   * What came before a failure is read before that is thrown, at once.
   */
  read(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    const chunk = this.#take();
    if (chunk) return chunk;
    if (this.#ending === 'complete') return undefined;
    if (this.#ending) throw this.#ending.error;
    this.wantedAt = performance.now();
    const reading = new Promise<Uint8Array | undefined>((resolve, reject) => (this.#reader = { resolve, reject }));
    this.#reading = reading;
    return reading;
  }

  /** Whether somebody waits for the next chunk. */
  get beingRead(): boolean {
    return this.#reader !== undefined;
  }

  /** Takes back a chunk that was asked for and that nobody got. */
  unread(chunk: Uint8Array | undefined): void {
    if (!chunk || this.#discarding) return;
    this.#chunks.splice(0, this.#first, chunk);
    this.#first = 0;
    this.#buffered += chunk.byteLength;
    // Somebody else may have begun to read in between.
    const reader = this.#collecting ? undefined : this.#reader;
    if (!reader) return;
    this.#reader = undefined;
    reader.resolve(this.#take());
  }

  /** Who waited for this does not any more. */
  forget(read: Promise<unknown>): void {
    if (this.#reading === read) this.#reader = undefined;
  }

  /** All that is left, when it has come; the transport is not paused meanwhile. */
  collect(): Promise<Uint8Array> {
    this.wantedAt = performance.now();
    return new Promise((resolve, reject) => {
      this.#collecting = true;
      const done = (): void => resolve(this.#join());
      if (this.#ending === 'complete') done();
      else if (this.#ending) reject(this.#ending.error);
      else this.#reader = { resolve: done, reject };
      this.#goOn();
    });
  }

  /** All that has come and was not read. */
  takeAll(): Uint8Array {
    return this.#join();
  }

  /** What has come and will come is thrown away. */
  discard(): void {
    this.#discarding = true;
    this.#chunks = [];
    this.#first = 0;
    this.#buffered = 0;
    this.#goOn();
    // Whoever reads it, now or later, is told: what is left must not look as if there had been no more.
    this.#end({ error: new TypeError('Cannot read the body as the response was released') });
  }

  #end(ending: Ending): void {
    if (this.#ending) return;
    this.#ending = ending;
    const reader = this.#reader;
    if (!reader) return;
    this.#reader = undefined;
    if (ending === 'complete') reader.resolve(undefined);
    else reader.reject((ending as { error: unknown }).error);
  }

  #take(): Uint8Array | undefined {
    const chunk = this.#chunks[this.#first];
    if (!chunk) return undefined;
    this.#first++;
    if (this.#first === this.#chunks.length) {
      this.#chunks = [];
      this.#first = 0;
    }
    this.#buffered -= chunk.byteLength;
    if (this.#buffered < HIGH_WATER_BYTES) this.#goOn();
    return chunk;
  }

  #goOn(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#source.resume();
  }

  #join(): Uint8Array {
    const chunks = this.#chunks;
    const only = chunks[this.#first];
    if (only && chunks.length === this.#first + 1) return this.#emptied(only);
    const whole = new Uint8Array(this.#buffered);
    let at = 0;
    for (let index = this.#first; index < chunks.length; index++) {
      const chunk = chunks[index] as Uint8Array;
      whole.set(chunk, at);
      at += chunk.byteLength;
    }
    return this.#emptied(whole);
  }

  #emptied(whole: Uint8Array): Uint8Array {
    this.#chunks = [];
    this.#first = 0;
    this.#buffered = 0;
    return whole;
  }
}
