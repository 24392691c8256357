/** Which version of a resource some bytes are of, and whether a response goes on with it (RFC 9110, 8.8, 13.1.5, 14). */

import type { SavedResponse } from './contract.ts';

/** The version that a first response was of. */
export interface Version {
  /** What was asked for, without credentials; undefined when that is not known. */
  readonly url: string | undefined;
  readonly finalUrl: string;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** What If-Range can be asked with; undefined when a part could not be told from one of another version. */
  readonly validator: string | undefined;
  /** The size of the whole, where it is known. */
  readonly total: number | undefined;
}

/** What a Content-Range says. Of one that is not satisfiable only the total is there. */
export interface ContentRange {
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly total: number | undefined;
}

/** Last-Modified is told in seconds: one as recent as this may be that of two versions. */
const SETTLED_MS = 60_000;

/** The version that a response with the whole body is of. */
export function versionOf({ headers, url: finalUrl }: SavedResponse, asked: string | undefined): Version {
  return {
    url: asked === undefined ? undefined : withoutCredentials(asked),
    finalUrl: withoutCredentials(finalUrl),
    etag: headers.get('etag') ?? undefined,
    lastModified: headers.get('last-modified') ?? undefined,
    validator: validatorOf(headers),
    total: lengthOf(headers),
  };
}

/** Whether a 206 brings the bytes from `from` on of that very version. */
export function goesOn(version: Version, from: number, response: SavedResponse): boolean {
  const { headers } = response;
  const range = contentRangeOf(headers);
  if (range?.start !== from) return false;
  // Where no size is known, a rest that ends too early, as it may, would pass for whole.
  if (range.total === undefined || range.total !== (version.total ?? range.total)) return false;
  // A 206 must have the entity tag: without, nothing shows that the server has minded If-Range.
  if (version.validator === version.etag && headers.get('etag') !== version.etag) return false;
  return isOf(version, response);
}

/** Whether a 416 says that there is nothing after `size`, which is then the whole of that version. */
export function isWhole(version: Version, size: number, response: SavedResponse): boolean {
  const range = contentRangeOf(response.headers);
  if (!range || range.start !== undefined || range.total !== size) return false;
  return (version.total === undefined || version.total === size) && isOf(version, response);
}

/** Whether nothing that a response says of itself speaks against its being of that version. */
function isOf(version: Version, { headers, url }: SavedResponse): boolean {
  const says = (name: string, known: string | undefined): boolean =>
    known === undefined || (headers.get(name) ?? known) === known;
  if (!says('etag', version.etag) || !says('last-modified', version.lastModified)) return false;
  // Entity tags are unique for one URL only. A mirror may have another URL when what was asked for is known to agree.
  return version.url !== undefined || withoutCredentials(url) === version.finalUrl;
}

/** A strong entity tag, or a date that no later version can have. */
function validatorOf(headers: Headers): string | undefined {
  if (/^none$/i.test(headers.get('accept-ranges') ?? '')) return undefined;
  const etag = headers.get('etag');
  if (etag !== null && /^"[^"]*"$/.test(etag)) return etag;
  const lastModified = headers.get('last-modified');
  const age = Date.parse(headers.get('date') ?? '') - Date.parse(lastModified ?? '');
  return lastModified !== null && age >= SETTLED_MS ? lastModified : undefined;
}

/** The Content-Length, if it is one. */
export function lengthOf(headers: Headers): number | undefined {
  const value = headers.get('content-length');
  return value !== null && /^\d+$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
}

/** The Content-Range, if it is one of bytes and makes sense. */
export function contentRangeOf(headers: Headers): ContentRange | undefined {
  const match = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(headers.get('content-range')?.trim() ?? '');
  if (!match) return undefined;
  const [start, end, total] = [match[1], match[2], match[3]].map((digits) =>
    digits === undefined || digits === '*' ? undefined : Number(digits),
  );
  if (start !== undefined && end !== undefined && (start > end || (total !== undefined && end >= total))) {
    return undefined;
  }
  return { start, end, total };
}

/** The URL without user, password and fragment: files and messages are no place for them. */
export function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  parsed.hash = '';
  return parsed.href;
}
