import type { WireFailure } from '../wire/transport.ts';

/** The codings that fetch undoes, whether it has asked for them or not. */
const DECODED = new Set(
  'Deno' in globalThis ? ['gzip', 'br', 'identity'] : ['gzip', 'x-gzip', 'deflate', 'br', 'zstd', 'identity'],
);
/** Those of Bun and Deno undo one coding, and leave several as they are. */
const MOST = 'Deno' in globalThis || 'Bun' in globalThis ? 1 : Infinity;

/**
 * Names and values in turns. What describes the body as it was sent is left out where the platform has decoded it:
 * neither its coding nor its length is true of what is read.
 */
export function decodedHeaders(headers: Headers): string[] {
  const codings = headers.get('content-encoding')?.toLowerCase().split(',') ?? [];
  const decoded = codings.length > 0 && codings.length <= MOST && codings.every((coding) => DECODED.has(coding.trim()));
  const all: string[] = [];
  headers.forEach((value, name) => {
    if (!decoded || (name !== 'content-encoding' && name !== 'content-length')) all.push(name, value);
  });
  return all;
}

/** Codes of errors of which it is known that there was no connection. */
const UNCONNECTED =
  /^(ECONNREFUSED|ConnectionRefused|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_\w+|CERT_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|UNABLE_TO_\w+|ERR_SSL_\w+)$/;

/** Platforms say little of why a fetch failed: what is not known to have failed before it was sent may have been sent. */
export function fetchFailure(error: unknown, headSeen: boolean): Pick<WireFailure, 'kind' | 'message'> {
  const cause = (error as { readonly cause?: unknown } | undefined)?.cause ?? error;
  const { code, name } = (cause ?? {}) as { readonly code?: unknown; readonly name?: string };
  const message = cause instanceof Error && cause.message !== '' ? cause.message : String(error);
  if (typeof code === 'string' && UNCONNECTED.test(code)) return { kind: 'connect', message };
  // Deno has no codes: it is in the words of its client.
  if (message.includes('client error (Connect)')) return { kind: 'connect', message };
  if (name === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW') return { kind: 'protocol', message };
  return { kind: headSeen ? 'truncated' : 'closed', message };
}
