import { currentScope, isCancelled } from 'corral';
import { AttemptError, type HttpClient, type HttpRequest, type HttpResponse } from './http-client.ts';

/** HTTP by the platform's fetch. */
export class FetchClient implements HttpClient {
  async send({ method, url, headers, body }: HttpRequest): Promise<HttpResponse> {
    const controller = new AbortController();
    const scope = currentScope();
    const forget = scope?.onCancel((reason) => controller.abort(reason));
    try {
      const response = await fetch(url, { method, headers, body: body ?? null, signal: controller.signal });
      return {
        status: response.status,
        url: response.url,
        timings: {},
        header: (name) => response.headers.get(name) ?? undefined,
        body: () => bodyOf(response),
        async discard() {
          forget?.();
          controller.abort();
        },
      };
    } catch (error) {
      forget?.();
      throw explain(error);
    }
  }

  async close(): Promise<void> {}
}

async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  try {
    if (response.body !== null) yield* response.body as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw explain(error);
  }
}

function explain(error: unknown): unknown {
  if (isCancelled(error)) return error;
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  return new AttemptError(cause?.code ?? 'CONNECT', cause?.message ?? String(error), { retryable: true, cause: error });
}
