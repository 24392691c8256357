/** The headers of a request: what the session sends always, what the request asks for, and what its body says. */

import type { EncodedBody } from '../body/request-body.ts';
import { basic, takeCredentials } from '../session/request-url.ts';
import type { RequestOptions } from '../session/options.ts';
import { HeaderList, readHeaders, type HeadersInput } from './header-list.ts';

/** What a session sends with each request. */
export function defaultHeaders(given: HeadersInput | undefined, accepted: string | undefined): HeaderList {
  const flat = ['accept', '*/*', 'user-agent', 'corral-http'];
  if (accepted) flat.push('accept-encoding', accepted);
  const own = readHeaders(given, 'call new ClientSession');
  return new HeaderList(flat).with(own.flat, own.removed);
}

/** Takes the credentials out of `url`. */
export function requestHeaders(
  defaults: HeaderList,
  options: Partial<RequestOptions>,
  url: URL,
  body: EncodedBody | undefined,
  call: string,
): HeaderList {
  const auth = takeCredentials(url) ?? options.auth;
  const { headers } = options;
  if (!headers && !auth && !body) return options.decompress === false ? raw(defaults) : defaults;
  const own = readHeaders(headers, call);
  if (auth && !has(own.flat, 'authorization')) own.flat.push('authorization', basic(options.auth ?? auth));
  const type = body?.contentType;
  if (
    type &&
    !own.removed.includes('content-type') &&
    !has(own.flat, 'content-type') &&
    !defaults.has('content-type')
  ) {
    own.flat.push('content-type', type);
  }
  const merged = defaults.with(own.flat, own.removed);
  return options.decompress === false && !has(own.flat, 'accept-encoding') ? raw(merged) : merged;
}

/** Asks for the body as it is. */
function raw(headers: HeaderList): HeaderList {
  return headers.with(['accept-encoding', 'identity']);
}

function has(flat: readonly string[], name: string): boolean {
  for (let at = 0; at < flat.length; at += 2) if (flat[at] === name) return true;
  return false;
}
