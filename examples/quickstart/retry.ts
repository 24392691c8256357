/**
 * Retries with exponential backoff, full jitter and Retry-After.
 *
 * Look at: the first line of the `catch`. A cancellation is not a failure. Somebody has asked this task to leave and
 * waits until it has left, so it is passed on before anything else is considered.
 */
import { isCancelled, sleep } from 'corral';

export interface RetryOptions {
  /** How often to try again after the first attempt. */
  readonly retries: number;
  /** Whether a failure may go away by itself. */
  readonly isTransient: (error: unknown) => boolean;
  /** What the server asked us to wait, in ms. Default: nothing. */
  readonly retryAfterMs?: (error: unknown) => number;
  /** Told before each retry, after the wait. */
  readonly onRetry?: (error: unknown, waitMs: number) => void;
  /** Default 100. */
  readonly baseMs?: number;
  /** The longest backoff; also the longest Retry-After that is honoured, beyond it we give up. Default 30 s. */
  readonly capMs?: number;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has been retried `retries` times.
 *
 * Cancellable: in the attempt and in the waits between attempts.
 */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { retries, isTransient, retryAfterMs, onRetry, baseMs = 100, capMs = 30_000 } = options;
  for (let retry = 0; ; retry++) {
    try {
      return await attempt();
    } catch (error) {
      if (isCancelled(error)) throw error;
      const askedMs = retryAfterMs?.(error) ?? 0;
      if (retry >= retries || !isTransient(error) || askedMs > capMs) throw error;
      // Full jitter: anywhere between nothing and the backoff, so that a crowd that failed together does not come back
      // together. What the server asked for is waited in any case.
      const waitMs = askedMs + Math.random() * Math.min(capMs, baseMs * 2 ** retry);
      await sleep(waitMs);
      onRetry?.(error, waitMs);
    }
  }
}
