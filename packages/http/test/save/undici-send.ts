/** Sends requests for saveTo, by undici alone. */
import { abortable, isCancelled } from 'corral';
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

async function* chunks(url: string, { body }: Dispatcher.ResponseData): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (isCancelled(error)) throw error;
    const { code, message } = error as { code?: string; message: string };
    if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
      throw new TruncatedError(bytes, message, factsOf(url, true), error);
    }
    throw new ProtocolError(message, factsOf(url), error);
  }
}
