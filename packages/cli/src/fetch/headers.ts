/** The headers that a download needs, read. */

/** `bytes 100-199/200`, `bytes 100-199/*`, and of a 416 a length alone. */
export interface ContentRange {
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly total: number | undefined;
}

export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const match = /^\s*bytes\s+(?:(\d+)-(\d+)|\*)\/(\d+|\*)\s*$/i.exec(value ?? '');
  if (match === null) return undefined;
  const number = (text: string | undefined): number | undefined =>
    text === undefined || text === '*' ? undefined : Number(text);
  return { start: number(match[1]), end: number(match[2]), total: number(match[3]) };
}

export function parseLength(value: string | undefined): number | undefined {
  const length = value !== undefined && /^\d+$/.test(value.trim()) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(length) ? length : undefined;
}

/** Retry-After is a number of seconds or a date; what lies in the past, or is nonsense, asks for nothing. */
export function parseRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return ms >= 0 ? ms : undefined;
}

export function parseDate(value: string | null | undefined): Date | undefined {
  const date = new Date(value ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/**
 * What If-Range takes: a strong ETag, else a Last-Modified that is at least a minute older than the answer. Something that
 * changed twice within a second would pass a younger one.
 */
export function strongValidator(etag: string | undefined, lastModified: string | undefined, date: string | undefined) {
  if (etag !== undefined && /^"[^"]*"$/.test(etag)) return etag;
  const modified = parseDate(lastModified);
  const answered = parseDate(date) ?? new Date();
  if (modified === undefined || answered.getTime() - modified.getTime() < 60_000) return undefined;
  return lastModified;
}
