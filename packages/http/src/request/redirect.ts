/** What a redirect makes of a request, and when it is not followed. */

import type { RedirectReason } from '../errors.ts';
import { shown } from '../internal/checks.ts';

/** Options of redirects. */
export interface RedirectOptions {
  /** How many may be followed in turn. Default: 10. */
  readonly max?: number | undefined;
  /** What to do where https leads to http. Default: 'error'. */
  readonly downgrade?: 'error' | 'follow' | undefined;
  /** Asked before each is followed; false makes it an error. Default: all are allowed. */
  readonly allow?: ((from: URL, to: URL) => boolean) | undefined;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/** Never sent to another origin than the one that they were meant for. */
export const SECRET_HEADERS: readonly string[] = [
  'authorization',
  'cookie',
  'cookie2',
  'proxy-authorization',
  'x-api-key',
  'api-key',
  'apikey',
  'x-auth-token',
  'x-access-token',
  'x-csrf-token',
  'x-xsrf-token',
  'x-amz-security-token',
  'x-goog-api-key',
  'x-gitlab-token',
  'private-token',
  'x-vault-token',
];

/** Describe a body that is not sent any more. */
const OF_THE_BODY: readonly string[] = [
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'content-location',
  'transfer-encoding',
];

export class Refused {
  readonly reason: RedirectReason;
  readonly message: string;
  constructor(reason: RedirectReason, message: string) {
    this.reason = reason;
    this.message = message;
  }
}

/** Where a redirect leads to, or why it is not followed. */
export function targetOf(from: URL, location: string, options: RedirectOptions): URL | Refused {
  let to: URL;
  try {
    to = new URL(location, from);
  } catch {
    return new Refused('invalid', 'the redirect leads to no valid URL');
  }
  if (to.protocol !== 'http:' && to.protocol !== 'https:') {
    return new Refused('scheme', `the redirect leads to ${to.protocol} instead of http: or https:`);
  }
  if (from.protocol === 'https:' && to.protocol === 'http:' && options.downgrade !== 'follow') {
    return new Refused('downgrade', 'the redirect leads from https to http');
  }
  if (options.allow && !isAllowed(options.allow(new URL(from), new URL(to)))) {
    return new Refused('refused', `the redirect to ${to.origin} is not allowed`);
  }
  return to;
}

/** A promise is no answer: taken as one it would allow everything. */
function isAllowed(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new TypeError(`Cannot follow a redirect as { allow } gives true or false: current value is ${shown(answer)}`);
}

/** The method that follows, and whether the body goes along. As browsers do, and RFC 9110 15.4 allows. */
export function methodAfter(status: number, method: string): { readonly method: string; readonly keepsBody: boolean } {
  const toGet = (status === 303 && method !== 'HEAD') || ((status === 301 || status === 302) && method === 'POST');
  return toGet && method !== 'GET' ? { method: 'GET', keepsBody: false } : { method, keepsBody: !toGet };
}

/** The names of the headers that do not go along. */
export function droppedHeaders(
  from: URL,
  to: URL,
  keepsBody: boolean,
  secret: ReadonlySet<string>,
): ReadonlySet<string> {
  const dropped = new Set<string>(['host']);
  if (!keepsBody) for (const name of OF_THE_BODY) dropped.add(name);
  if (from.origin !== to.origin) for (const name of secret) dropped.add(name);
  return dropped;
}
