import { parseHttpDate } from './http-date.ts';

/**
 * How long a `Retry-After` header asks to wait, in milliseconds; undefined when it says nothing that can be understood.
 *
 * Reads seconds and the three formats of HTTP dates, relative to `nowMs`. A date that has passed is 0. Negative numbers,
 * fractions and anything else are refused; numbers beyond all sense are the largest safe integer, and not forgotten.
 *
 * @example Both forms
 * ```ts no-check
 * parseRetryAfter('120', Date.now()); // 120_000
 * parseRetryAfter('Fri, 31 Dec 1999 23:59:59 GMT', Date.UTC(1999, 11, 31, 23, 59, 58)); // 1_000
 * ```
 */
export function parseRetryAfter(value: string | null | undefined, nowMs: number): number | undefined {
  const text = value?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1_000, Number.MAX_SAFE_INTEGER);
  const at = parseHttpDate(text, nowMs);
  return at === undefined ? undefined : Math.max(0, at - nowMs);
}
