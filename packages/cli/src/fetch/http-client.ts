/** What the job needs of HTTP: one attempt, with a body that comes as it is read. */

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface Timings {
  readonly queue?: number | undefined;
  readonly dns?: number | undefined;
  readonly connect?: number | undefined;
  readonly tls?: number | undefined;
}

export interface HttpResponse {
  readonly status: number;
  /** Where it came from, after redirects. */
  readonly url: string;
  readonly timings: Timings;
  header(name: string): string | undefined;
  /** Reads it once. Leaving the loop early lets go of the connection. */
  body(): AsyncIterable<Uint8Array>;
  /** Reads all of it at once, which is for small ones: nothing is counted before the end. */
  bytes(): Promise<Uint8Array>;
  /** Lets go of it without reading. Twice is once. */
  discard(): Promise<void>;
}

/** One attempt that brought no answer, or not all of it. */
export class AttemptError extends Error {
  override readonly name = 'AttemptError';
  /** Such as CONNECT, TIMEOUT, TRUNCATED. */
  readonly code: string;
  /** Such as dns, connect, tls, headers, body. */
  readonly phase: string | null;
  /** Whether another attempt may fare better. */
  readonly retryable: boolean;
  readonly status: number | null;
  /** What the server asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    options: {
      readonly phase?: string | null;
      readonly retryable: boolean;
      readonly status?: number;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.phase = options.phase ?? null;
    this.retryable = options.retryable;
    this.status = options.status ?? null;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface HttpClient {
  /**
   * One attempt: no retries; redirects are followed.
   *
   * Cancellable.
   * @throws {AttemptError}
   */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}
