import { currentScope, isCancelled } from 'corral';
import {
  BodyLimitError,
  ClientSession,
  ConnectError,
  DecodeError,
  HttpError,
  HttpTimeoutError,
  PolicyError,
  RedirectError,
  TruncatedError,
  type SessionOptions,
} from '@corral/http';
import { UsageError } from '../usage-error.ts';
import { AttemptError, type HttpClient, type HttpRequest, type HttpResponse } from './http-client.ts';

/** One attempt at a time by a session that retries nothing: when it is worth another one is for the job to say. */
export class SessionClient implements HttpClient {
  readonly #session: ClientSession;

  constructor(options: SessionOptions) {
    this.#session = new ClientSession({ ...options, retry: false, decompress: true });
  }

  async send({ method, url, headers, body }: HttpRequest): Promise<HttpResponse> {
    try {
      const response = await this.#session.request(method, url, { headers, ...(body === undefined ? {} : { body }) });
      return {
        status: response.status,
        url: response.url,
        get timings() {
          const { queueMs, dnsMs, connectMs, tlsMs } = response.timings;
          return { queue: rounded(queueMs), dns: rounded(dnsMs), connect: rounded(connectMs), tls: rounded(tlsMs) };
        },
        header: (name) => response.header(name),
        body: () => bodyOf(response.body),
        bytes: () => response.bytes().catch(rethrow),
        discard: () => response.release(),
      };
    } catch (error) {
      throw explain(error);
    }
  }

  close(): Promise<void> {
    return this.#session.close();
  }
}

async function* bodyOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw explain(error);
  }
}

function rethrow(error: unknown): never {
  throw explain(error);
}

function explain(error: unknown): unknown {
  if (isCancelled(error)) return error;
  // Cancelled between the head and the body, the response is released: reading it then is an error of another kind.
  const cancellation = currentScope()?.reason;
  if (cancellation !== undefined) return cancellation;
  // The environment is looked at only when there is a URL that it may be for.
  if (error instanceof TypeError && error.message.startsWith('Cannot use the proxy in ')) {
    return new UsageError(error.message, { cause: error });
  }
  if (!(error instanceof HttpError)) return error;
  const { phase, message, method, url } = error;
  const prefix = `${method} ${url}: `;
  const text = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return new AttemptError(codeOf(error), text, { phase, retryable: isTransient(error), cause: error });
}

function codeOf(error: HttpError): string {
  if (error instanceof HttpTimeoutError) return 'TIMEOUT';
  if (error instanceof ConnectError) return 'CONNECT';
  if (error instanceof TruncatedError) return 'TRUNCATED';
  if (error instanceof RedirectError) return 'REDIRECT';
  if (error instanceof PolicyError) return 'POLICY';
  if (error instanceof DecodeError) return 'DECODE';
  if (error instanceof BodyLimitError) return 'TOO_LARGE';
  return 'PROTOCOL';
}

/** What another attempt may mend. A name that does not exist and a certificate that is wrong stay so. */
function isTransient(error: HttpError): boolean {
  if (error instanceof RedirectError || error instanceof PolicyError || error instanceof BodyLimitError) return false;
  if (error instanceof DecodeError) return true;
  if (!(error instanceof ConnectError)) return true;
  const { code } = (error.cause ?? {}) as { readonly code?: string };
  return !/^(?:ENOTFOUND|EAI_NONAME|EAI_NODATA|ERR_TLS_.*|.*(?:CERT|SIGNATURE).*)$/.test(code ?? '');
}

function rounded(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms * 10) / 10;
}
