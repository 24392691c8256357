import { captureContext, type InContext } from '../internal/time-source.ts';

/**
 * A body whose source is called in the context of this call, whoever reads it: a socket that can take more is of no
 * request.
 */
export function inThisContext(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const inContext = captureContext();
  return inContext ? new ContextBody(body, inContext) : body;
}

class ContextBody implements AsyncIterableIterator<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #inContext: InContext;

  constructor(body: AsyncIterable<Uint8Array>, inContext: InContext) {
    this.#source = body[Symbol.asyncIterator]();
    this.#inContext = inContext;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return this.#inContext(() => this.#source.next());
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    return this.#inContext(() => this.#source.return?.() ?? Promise.resolve({ done: true, value: undefined }));
  }
}
