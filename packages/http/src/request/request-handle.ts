import { abortable, isCancelled, withScope, type Scope } from 'corral';
import { ambientScope } from '../internal/ambient-scope.ts';
import type { ClientResponse } from '../response/client-response.ts';
import type { SaveResult, SaveToOptions } from '../save/contract.ts';
import type { StandardSchemaV1 } from '../standard-schema.ts';

/** @internal What a handle needs of its session. */
export interface RequestWork {
  readonly name: string;
  readonly scope: Scope | undefined;
  readonly signal: AbortSignal | undefined;
  perform(scope: Scope): Promise<ClientResponse>;
  /** Called when all is over. */
  ended(): void;
  saveTo(scope: Scope, path: string | URL, options: SaveToOptions | undefined): Promise<SaveResult>;
}

/** Awaiting it lets what is called in the same turn come first. */
const nextTurn = Promise.resolve();

type Consumer = (response: ClientResponse) => unknown;

/**
 * A request under way: await it for the response, or say at once what the body is wanted as.
 *
 * Guarantees: it has begun, and belongs to the scope in which it was made; that scope does not end before it has ended.
 * Cancelled, it ends at once in every phase. One that nobody awaits is an error of the scope.
 *
 * Cancellable: the request is given up; whether the server has seen it is not known.
 *
 * @throws {HttpError} one of its classes, which say how far it came.
 *
 * @example The body at once, or the response
 * ```ts
 * import { ClientSession } from '@corral/http';
 *
 * await using session = new ClientSession({ baseUrl: 'https://api.example.org/' });
 * const user = await session.get('users/1').json<{ name: string }>();
 * await using response = await session.get('users/1');
 * console.log(user.name, response.status, response.headers.get('etag'));
 * ```
 */
export class RequestHandle implements PromiseLike<ClientResponse> {
  readonly #work: RequestWork | undefined;
  readonly #life: Promise<unknown>;
  #begun = false;
  #wanted = false;
  #onWanted: (() => void) | undefined;
  /** The scope around it, if there is one: it sees how it ends. */
  readonly #around: Scope | undefined;
  #consumer: Consumer | undefined;
  #save: readonly [path: string | URL, options: SaveToOptions | undefined] | undefined;
  #response: ClientResponse | undefined;
  #opened: Promise<ClientResponse> | undefined;
  #open: ((response: ClientResponse) => void) | undefined;

  /** @internal `prepare` throws what is wrong with the request: the handle rejects with that. */
  constructor(prepare: () => RequestWork) {
    let work: RequestWork | undefined;
    let life: Promise<unknown>;
    const around = ambientScope();
    try {
      work = prepare();
      const { name, scope, signal } = work;
      life = withScope((own) => this.#live(own), { name, scope, signal });
    } catch (error) {
      life = around ? withScope((own) => this.#refuse(own, error), { scope: around }) : Promise.reject(error);
    }
    this.#work = work;
    this.#around = work?.scope ?? around;
    this.#life = life;
  }

  // oxlint-disable-next-line no-thenable -- it is awaited, and its methods say what is wanted of the response
  then<A = ClientResponse, B = never>(
    fulfilled?: ((response: ClientResponse) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#whenOpen().then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<ClientResponse | B> {
    return this.#whenOpen().then(undefined, rejected);
  }

  finally(settled?: (() => void) | null): Promise<ClientResponse> {
    return this.#whenOpen().finally(settled);
  }

  /** The body as text. See {@link ClientResponse.text}. */
  text(): Promise<string> {
    return this.#consume(textOf);
  }

  /** The body, whole. See {@link ClientResponse.bytes}. */
  bytes(): Promise<Uint8Array> {
    return this.#consume(bytesOf);
  }

  /** The body as JSON, checked by a Standard Schema when one is given. See {@link ClientResponse.json}. */
  json<T = unknown>(schema?: StandardSchemaV1<unknown, T>): Promise<T> {
    return this.#consume((response) => response.json(schema));
  }

  /** The body chunk by chunk, decoded; the response is released when the loop ends, whichever way. */
  async *stream(): AsyncGenerator<Uint8Array, void, undefined> {
    const response = await this;
    try {
      yield* response.body;
    } finally {
      await response.release();
    }
  }

  /** The body line by line; the response is released when the loop ends, whichever way. */
  async *lines(options?: { readonly maxLineBytes?: number | undefined }): AsyncGenerator<string, void, undefined> {
    const response = await this;
    try {
      yield* response.body.lines(options);
    } finally {
      await response.release();
    }
  }

  /**
   * Saves the body to a file, as it was sent: to `path.part` first, which is renamed when all of it has come.
   *
   * Guarantees: what is at `path` is whole. With `resume` a broken download goes on where it stopped, now or in a later
   * run, and never joins two versions. A status of 400 or more throws {@link StatusError}. The default limit of the
   * total time does not hold, only one that was given. To be called right where the request is made.
   *
   * Cancellable: what has come stays with `resume`, else it is removed.
   */
  saveTo(path: string | URL, options?: SaveToOptions): Promise<SaveResult> {
    if (this.#begun || this.#wanted) {
      return Promise.reject(
        new TypeError('Cannot saveTo as it is called right where the request is made: current value has begun'),
      );
    }
    this.#want();
    this.#save = [path, options];
    return this.#life as Promise<SaveResult>;
  }

  #consume<T>(consumer: (response: ClientResponse) => T | Promise<T>): Promise<T> {
    if (this.#wanted || this.#response) return this.#whenOpen().then(consumer);
    this.#want();
    this.#consumer = consumer;
    return this.#life as Promise<T>;
  }

  #whenOpen(): Promise<ClientResponse> {
    if (this.#opened) return this.#opened;
    if (this.#consumer || this.#save) {
      return Promise.reject(
        new TypeError(
          'Cannot await the response as its body is wanted already: use what text(), json() or the like gave',
        ),
      );
    }
    this.#want();
    this.#opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      if (this.#response) resolve(this.#response);
      this.#life.then(undefined, reject);
    });
    return this.#opened;
  }

  async #live(scope: Scope): Promise<unknown> {
    // What is called right after says how the request is meant.
    await nextTurn;
    this.#begun = true;
    const work = this.#work as RequestWork;
    let response: ClientResponse | undefined;
    // All in one function: each further one that is async costs every request a promise or two.
    try {
      if (this.#save) return await work.saveTo(scope, ...this.#save);
      response = await work.perform(scope);
      if (!this.#consumer) {
        await abortable(this.#lend(response), { scope, abandon: true });
        return undefined;
      }
      const result = this.#consumer(response);
      return result instanceof Promise ? await result : result;
    } catch (error) {
      this.#keep(error);
      const cancelled = isCancelled(error);
      const closed = scope.reason?.cause.kind === 'closed';
      if (cancelled && !closed) response?.body.abort(reasonOf(work.signal));
      response?.body.release();
      if (!cancelled) await this.#untilWanted(scope);
      else if (!closed && this.#endedInside(scope, work)) throw endedInside(work.name);
      else if (!this.#wanted && closed) throw forgotten(work.name, scope);
      throw error;
    } finally {
      response?.body.release();
      work.ended();
    }
  }

  /** Whether it was not the caller who was cancelled, but the request alone: by its middleware, or the like. */
  #endedInside(scope: Scope, { signal }: RequestWork): boolean {
    return scope.cancelled && !this.#around?.cancelled && !signal?.aborted;
  }

  /** Nothing was begun, as the caller was wrong. */
  async #refuse(scope: Scope, error: unknown): Promise<never> {
    await nextTurn;
    this.#keep(error);
    await this.#untilWanted(scope);
    throw error;
  }

  /** Of what is cancelled, or comes to light with its scope, the platform is not to complain. */
  #keep(error: unknown): void {
    if (this.#around && (isCancelled(error) || !this.#wanted)) this.#life.catch(() => {});
  }

  /** A failure waits for whoever awaits the request, however late; else the end of the scope brings it to light. */
  async #untilWanted(scope: Scope): Promise<void> {
    if (this.#wanted || !this.#around) return;
    const wanted = new Promise<void>((resolve) => (this.#onWanted = resolve));
    try {
      await abortable(wanted, { scope, abandon: true });
    } catch (error) {
      if (!isCancelled(error)) throw error;
    }
  }

  #want(): void {
    this.#wanted = true;
    this.#onWanted?.();
  }

  /** The caller has the response until it is released. */
  #lend(response: ClientResponse): Promise<void> {
    this.#response = response;
    this.#open?.(response);
    return new Promise((resolve) => response.body.whenReleased(resolve));
  }
}

/** What whoever aborted it has said. */
function reasonOf(signal: AbortSignal | undefined): { readonly error: unknown } | undefined {
  return signal?.aborted ? { error: signal.reason } : undefined;
}

function textOf(response: ClientResponse): string | Promise<string> {
  return response.body.textSoon();
}

function bytesOf(response: ClientResponse): Promise<Uint8Array> {
  return response.bytes();
}

/** The scope absorbs its own cancellation: without an error the caller would be given undefined, or nothing ever. */
function endedInside(name: string): Error {
  return new TypeError(`Cannot give a response as the scope of the request was cancelled from within it: ${name}`);
}

function forgotten(name: string, scope: Scope): Error {
  return new TypeError(
    `Cannot end ${scope.reason?.cause.by ?? 'the scope'} as a request was begun in it and never awaited: ${name}`,
  );
}
