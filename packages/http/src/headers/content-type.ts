import { decodeError } from '../internal/faults.ts';
import { shown } from '../internal/checks.ts';
import { HeaderReader } from './parameters.ts';

/** What a `Content-Type` header says. */
export interface ContentType {
  /** Type and subtype in lower case, as `text/html`. */
  readonly mimeType: string;
  /** In lower case; undefined when it was not given. */
  readonly charset: string | undefined;
  /** All parameters, with names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads a `Content-Type` header; undefined when there is none, or none that names a type and a subtype. */
export function parseContentType(header: string | null | undefined): ContentType | undefined {
  const reader = new HeaderReader(header ?? '');
  const mimeType = reader.until(';,').toLowerCase();
  if (!/^[!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+$/.test(mimeType)) return undefined;
  const parameters = reader.parameters();
  return { mimeType, charset: parameters.get('charset')?.trim().toLowerCase() || undefined, parameters };
}

/**
 * The text that bytes are, by the `Content-Type` header they came with.
 *
 * A byte order mark at the beginning wins over the header and is no part of the text; without either it is UTF-8. Bytes that
 * mean nothing become U+FFFD, as in `fetch`.
 *
 * @throws {DecodeError} when the charset is not known here; it is named.
 */
export function decodeText(bytes: Uint8Array, contentType: string | null | undefined): string {
  // The usual case, with nothing to look up and nothing to make.
  if ((contentType === plainType || isPlain(contentType)) && (bytes[0] ?? 0) < 0xfe) return utf8.decode(bytes);
  return textDecoder(bytes, contentType).decode(bytes);
}

const utf8 = new TextDecoder();
/** The last header that was seen to name UTF-8 or nothing: most responses of a server have the same. */
let plainType: string | null | undefined;

function isPlain(contentType: string | null | undefined): boolean {
  const charset = parseContentType(contentType)?.charset ?? 'utf-8';
  if (charset !== 'utf-8') return false;
  plainType = contentType;
  return true;
}

/**
 * A decoder for text that begins with these bytes: three of them are enough to see a byte order mark.
 *
 * @throws {DecodeError} when the charset is not known here; it is named.
 */
export function textDecoder(start: Uint8Array, contentType: string | null | undefined): TextDecoder {
  const charset = byteOrderMark(start) ?? parseContentType(contentType)?.charset ?? 'utf-8';
  try {
    return new TextDecoder(charset);
  } catch (error) {
    throw decodeError(`Cannot decode a body as its charset must be known: current value is ${shown(charset)}`, error);
  }
}

function byteOrderMark(start: Uint8Array): string | undefined {
  const first = start[0];
  const second = start[1];
  const third = start[2];
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}
