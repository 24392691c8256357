import type { WireRequest } from './transport.ts';

/** A body on its way up: passes it on, sees that it is as long as was said, and remembers whether it was the source that failed. */
export class Upload implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #source: AsyncIterable<Uint8Array>;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  readonly #length: number | undefined;
  readonly #onFailure: (() => void) | undefined;
  #passed = 0;
  #stopped = false;
  /** Ends the step that is waited for. */
  #wake: ((end: IteratorResult<Uint8Array>) => void) | undefined;
  /** Set when the source failed. */
  failure: { readonly error: unknown } | undefined;

  /** `onFailure` is called before whoever reads it hears of it. */
  constructor(source: AsyncIterable<Uint8Array>, bodyLength: number | undefined, onFailure?: () => void) {
    this.#source = source;
    this.#length = bodyLength;
    this.#onFailure = onFailure;
  }

  /** Of a request, if its body streams. */
  static of({ body, bodyLength }: Pick<WireRequest, 'body' | 'bodyLength'>): Upload | undefined {
    return body === null || body instanceof Uint8Array ? undefined : new Upload(body, bodyLength);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return resolve({ done: true, value: undefined });
      this.#wake = resolve;
      void this.#advance(resolve, reject);
    });
  }

  /** Never rejects. */
  async #advance(resolve: (result: IteratorResult<Uint8Array>) => void, reject: (error: Error) => void): Promise<void> {
    try {
      const result = await this.#step();
      if (result.done === true) this.#stopped = true;
      resolve(result);
    } catch (error) {
      if (!this.#stopped) this.failure = { error };
      this.#stopped = true;
      this.#onFailure?.();
      reject(error instanceof Error ? error : new Error('the body failed', { cause: error }));
    } finally {
      this.#wake = undefined;
    }
  }

  async #step(): Promise<IteratorResult<Uint8Array>> {
    this.#iterator ??= this.#source[Symbol.asyncIterator]();
    const result = await this.#iterator.next();
    if (result.done !== true && !(result.value instanceof Uint8Array)) {
      this.#end();
      throw new TypeError(
        `Cannot send a body as its chunks must be Uint8Array: current value is ${typeof (result.value as unknown)}`,
      );
    }
    this.#count(result);
    return result;
  }

  #count({ done, value }: IteratorResult<Uint8Array>): void {
    if (done !== true) this.#passed += value.byteLength;
    const length = this.#length;
    if (length === undefined || (done === true ? this.#passed === length : this.#passed <= length)) return;
    if (done !== true) this.#end();
    const comparison = done === true ? 'only' : 'at least';
    throw new RangeError(`it must have ${length} bytes as was said: it has ${comparison} ${this.#passed}`);
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the source, whatever it is doing. Idempotent. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.({ done: true, value: undefined });
    this.#end();
  }

  #end(): void {
    // A source that was never begun has nothing to end, but may hold something: begin it, and end it.
    try {
      this.#iterator ??= this.#source[Symbol.asyncIterator]();
      this.#iterator.return?.()?.then(undefined, ignore);
    } catch {
      // Nobody reads it any more.
    }
  }
}

function ignore(): void {}
