/** Header fields, as undici gives them and as the contract of transports wants them. */

import util from 'undici/lib/core/util.js';

export function has(headers: readonly string[], name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if ((headers[i] as string).toLowerCase() === name) return true;
  return false;
}

/** Names in lower case and values without white space around them. */
export function fields(raw: readonly (Buffer | string)[]): string[] {
  const all: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    // undici knows the common names by their bytes: nothing is decoded for them.
    all.push(util.headerNameToString(raw[i] ?? ''), text(raw[i + 1]).trim());
  }
  return all;
}

/** undici counts the bytes of HTTP/1.1 by itself. */
export function sizeOf(raw: readonly (Buffer | string)[]): number {
  let size = 0;
  for (const part of raw) size += part.length;
  return size;
}

function text(value: Buffer | string | undefined): string {
  return typeof value === 'string' ? value : (value?.toString('latin1') ?? '');
}

/** HTTP/1.1 brings a list, HTTP/2 an object. */
export function trailerFields(trailers: unknown): string[] {
  if (Array.isArray(trailers)) return trailers.length === 0 ? [] : fields(trailers as Buffer[]);
  const all: string[] = [];
  for (const [name, value] of Object.entries((trailers ?? {}) as Record<string, string | string[]>)) {
    for (const each of Array.isArray(value) ? value : [value]) all.push(name, each);
  }
  return all;
}
