/**
 * One page over HTTP: an attempt with a timeout, around it the retries.
 *
 * Look at: `timeout` around `withSignal`. The timeout is a scope; `withSignal` lends that scope's AbortSignal to an API
 * that knows nothing of corral, here the global fetch. When time is up, or a sibling fails, or somebody presses Ctrl-C,
 * the request is really aborted, and the call returns only when fetch has let go. `retry` tells the three apart: it tries
 * again when time was up, and never when it is itself cancelled.
 */
import { STATUS_CODES } from 'node:http';
import { isCancelled, retry, timeout, TimeoutError, withSignal } from 'corral';
import type { Tally } from './tally.ts';

/** The longest Retry-After that is honoured: beyond it we give up. */
const PATIENCE_MS = 30_000;

export interface DownloadOptions {
  readonly timeoutMs: number;
  readonly retries: number;
  readonly tally: Tally;
}

/** The page could not be had. Anything else that `download` throws is a cancellation or a bug, and ends the program. */
export class DownloadError extends Error {
  override readonly name = 'DownloadError';
  readonly url: string;
  readonly reason: string;
  /** Whether another attempt may fare better. */
  readonly transient: boolean;
  /** What the server asked us to wait before it, if it did. */
  readonly retryAfterMs: number | undefined;

  constructor(
    url: string,
    reason: string,
    options: { transient: boolean; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(`Cannot fetch ${url}: ${reason}`, { cause: options.cause });
    this.url = url;
    this.reason = reason;
    this.transient = options.transient;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * Fetches `url` and returns its body.
 *
 * Cancellable: the request in flight is aborted; a wait between two attempts ends at once.
 * @throws DownloadError when the retries are used up, or at once when retrying cannot help (404).
 */
export function download(url: string, { timeoutMs, retries, tally }: DownloadOptions): Promise<ArrayBuffer> {
  return retry((_scope, attempt) => get(url, attempt, timeoutMs, tally), {
    attempts: 1 + retries,
    retryIf: (error) => error instanceof DownloadError && error.transient && (error.retryAfterMs ?? 0) <= PATIENCE_MS,
    // Where the server asks for nothing, the wait is anywhere between nothing and the backoff, which doubles each time: so
    // a crowd that failed together does not come back together. Only errors that `retryIf` has let through get here.
    retryAfter: (error) => (error as DownloadError).retryAfterMs,
    onRetry: (error, _attempt, waitMs) => tally.waits(waitMs, (error as DownloadError).retryAfterMs !== undefined),
  });
}

async function get(url: string, attempt: number, timeoutMs: number, tally: Tally): Promise<ArrayBuffer> {
  const request = tally.requestStarted(attempt);
  try {
    const { response, body } = await timeout(timeoutMs, () => withSignal((signal) => fetchAll(url, signal)));
    request.ended(response.ok ? 'ok' : statusClass(response.status), body.byteLength);
    if (!response.ok) throw statusError(url, response);
    return body;
  } catch (error) {
    if (isCancelled(error)) {
      request.ended('cancelled');
      throw error;
    }
    if (error instanceof TimeoutError) {
      request.ended('timeout');
      throw new DownloadError(url, `no answer within ${timeoutMs} ms`, { transient: true, cause: error });
    }
    if (isNetworkError(error)) {
      request.ended('network');
      throw new DownloadError(url, networkMessage(error), { transient: true, cause: error });
    }
    throw error;
  }
}

/** The body is read here, under the signal and the timeout, and read even if it is an error page: the connection is reused. */
async function fetchAll(url: string, signal: AbortSignal): Promise<{ response: Response; body: ArrayBuffer }> {
  const response = await fetch(url, { signal });
  return { response, body: await response.arrayBuffer() };
}

function statusClass(status: number): '429' | '5xx' | '4xx' {
  if (status === 429) return '429';
  return status >= 500 ? '5xx' : '4xx';
}

function statusError(url: string, response: Response): DownloadError {
  const { status } = response;
  const transient = status === 408 || status === 429 || status >= 500;
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'));
  return new DownloadError(url, `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trim(), { transient, retryAfterMs });
}

/** Retry-After is a number of seconds or a date. A date in the past, or nonsense (NaN), asks for nothing. */
function parseRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return ms > 0 ? ms : undefined;
}

/** fetch reports what goes wrong on the wire as a TypeError with these messages; the reason is its cause. */
function isNetworkError(error: unknown): error is TypeError {
  return error instanceof TypeError && (error.message === 'fetch failed' || error.message === 'terminated');
}

function networkMessage(error: TypeError): string {
  const cause = error.cause as { code?: string; message?: string } | undefined;
  return cause?.code ?? cause?.message ?? error.message;
}
