/** What of a response can be saved, and which of its failures can be mended by asking for the rest. */

import { BodyLimitError, ProtocolError } from '../errors.ts';
import type { SavedResponse } from './contract.ts';
import { factsOf } from './errors.ts';

/** Codings that a file may have been given by its maker, by what its name then ends in. */
const NAMED: Readonly<Record<string, RegExp>> = {
  gzip: /\.(gz|tgz|svgz)$/i,
  'x-gzip': /\.(gz|tgz|svgz)$/i,
  br: /\.br$/i,
  zstd: /\.(zst|tzst)$/i,
  compress: /\.Z$/,
  'x-compress': /\.Z$/,
};

/** Whether a body broke off, so that the rest of it may be asked for. */
export function isBreak(error: unknown): boolean {
  const { retryable, code, kind } = (error ?? {}) as { retryable?: unknown; code?: unknown; kind?: unknown };
  if (retryable === true || code === 'CORRAL_HTTP_TRUNCATED') return true;
  return code === 'CORRAL_HTTP_TIMEOUT' && (kind === 'read' || kind === 'minSpeed');
}

/**
 * Refuses a body that is encoded although that was not asked for: saved as it is, it would not be the file. Many servers
 * call `a.tar.gz` a tar file that is encoded, though: there the coding is what the name says, and is what is wanted.
 */
export function checkCoding(response: SavedResponse, path: string): void {
  const coding = (response.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  if (coding === 'identity' || coding === '') return;
  const named = Object.hasOwn(NAMED, coding) ? NAMED[coding] : undefined;
  const inUrl = URL.canParse(response.url) ? new URL(response.url).pathname : '';
  if (named?.test(path) || named?.test(inUrl)) return;
  const message = `the body must come as it is to be saved: its content-encoding is ${JSON.stringify(coding)}`;
  throw new ProtocolError(message, factsOf(response.url));
}

/** Refuses what is, or would become, too large. */
export function checkSize(maxBytes: number, bytes: number | undefined, { url }: SavedResponse): void {
  if (bytes === undefined || bytes <= maxBytes) return;
  throw new BodyLimitError(maxBytes, `the body has ${bytes} bytes or more, allowed are ${maxBytes}`, factsOf(url));
}
