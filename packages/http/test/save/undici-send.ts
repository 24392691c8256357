/** Sends requests for saveTo, by undici alone. */
import { abortable } from 'corral';
import { type Dispatcher, request } from 'undici';
import { ProtocolError, StatusError, TruncatedError } from '../../src/errors.ts';
import type { SavedResponse, SendForSave } from '../../src/save/contract.ts';
import { factsOf } from '../../src/save/errors.ts';

export interface Sending {
  readonly send: SendForSave;
  /** Responses that have not been released. */
  readonly open: number;
}

export function sending(url: string, headers: Readonly<Record<string, string>> = {}): Sending {
  const open = new Set<SavedResponse>();
  return {
    get open() {
      return open.size;
    },
    async send(extra) {
      const asking = request(url, { headers: { ...headers, ...extra } });
      const data = await abortable(asking, { onAbandoned: ({ body }) => void body.on('error', () => {}).destroy() });
      data.body.on('error', () => {}); // told to whoever reads
      if (data.statusCode >= 400 && data.statusCode !== 412 && data.statusCode !== 416) {
        const bodySnippet = await data.body.text();
        const facts = { statusText: '', headers: headersOf(data), bodySnippet, retryAt: undefined };
        throw new StatusError({ status: data.statusCode, ...facts }, factsOf(url));
      }
      const response: SavedResponse = {
        status: data.statusCode,
        url,
        headers: headersOf(data),
        body: chunks(url, data),
        release: async () => {
          open.delete(response);
          data.body.destroy();
        },
      };
      open.add(response);
      return response;
    },
  };
}

function headersOf(data: Dispatcher.ResponseData): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(data.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  return headers;
}

/**
 * The chunks as they come, without backpressure: what undici has buffered when a body breaks off, it drops, and how much
 * that is would be up to chance.
 */
async function* chunks(url: string, { body }: Dispatcher.ResponseData): AsyncGenerator<Uint8Array> {
  const come: Uint8Array[] = [];
  let bytes = 0;
  // It may have broken off before anybody reads: then no event comes any more.
  let ended: { error?: Error } | undefined = body.destroyed
    ? { error: body.errored ?? new Error('closed') }
    : undefined;
  let wake: (_: void) => void = () => {};
  body.on('data', (chunk: Uint8Array) => wake(void come.push(chunk)));
  body.on('end', () => wake(void (ended = {})));
  body.on('error', (error: Error) => wake(void (ended ??= { error })));
  body.on('close', () => wake(void (ended ??= { error: new Error('closed') })));
  for (;;) {
    const chunk = come.shift();
    if (chunk) {
      bytes += chunk.length;
      yield chunk;
    } else if (ended) {
      if (ended.error) throw failure(url, bytes, ended.error);
      return;
    } else {
      await new Promise<void>((resolve) => (wake = () => resolve()));
    }
  }
}

function failure(url: string, bytes: number, error: Error & { code?: string }): Error {
  const cutOff = ['UND_ERR_SOCKET', 'ECONNRESET', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'].includes(error.code ?? '');
  if (cutOff) return new TruncatedError(bytes, error.message, factsOf(url, true), error);
  return new ProtocolError(error.message, factsOf(url), error);
}
