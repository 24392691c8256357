import { cache } from 'corral';
import { AttemptError, type HttpClient } from './http-client.ts';

/** What is longer is cut off there, as RFC 9309 allows. */
const MOST_BYTES = 512 * 1024;

interface Rules {
  isAllowed(url: string, agent?: string): boolean | undefined;
}

/** robots.txt of each origin, asked once (RFC 9309). */
export class Robots {
  readonly #client: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent: string;
  readonly #rules;

  constructor(client: HttpClient, headers: Readonly<Record<string, string>>, userAgent: string) {
    this.#client = client;
    this.#headers = headers;
    this.#agent = userAgent.split(/[/\s]/)[0] ?? '*';
    this.#rules = cache((origin: string) => this.#load(origin), {
      max: 1_000,
      ttlMs: 24 * 3_600_000,
      name: 'robots.txt',
    });
  }

  /**
   * Cancellable.
   * @throws {AttemptError} when it forbids the URL, or when it cannot be read: then nothing is allowed.
   */
  async check(url: string): Promise<void> {
    const rules = await this.#rules(new URL(url).origin);
    if (rules.isAllowed(url, this.#agent) !== false) return;
    throw new AttemptError('ROBOTS', `robots.txt forbids it to ${this.#agent}`, { retryable: false });
  }

  /** 4xx: there are no rules. 5xx and no answer: nothing is allowed, and it is asked again later. */
  async #load(origin: string): Promise<Rules> {
    const url = `${origin}/robots.txt`;
    const response = await this.#client.send({ method: 'GET', url, headers: this.#headers, body: undefined });
    try {
      const { status } = response;
      if (status >= 500 || status === 429) {
        throw new AttemptError('ROBOTS_UNKNOWN', `robots.txt cannot be read: HTTP ${status}`, { retryable: true });
      }
      if (status < 200 || status > 299) return { isAllowed: () => true };
      const parse = await parser();
      return parse(url, await textOf(response.body()));
    } finally {
      await response.discard();
    }
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MOST_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MOST_BYTES).toString();
}

/** The package is CommonJS, and its types say otherwise. */
async function parser(): Promise<(url: string, text: string) => Rules> {
  const module = await import('robots-parser');
  return module.default as unknown as (url: string, text: string) => Rules;
}
