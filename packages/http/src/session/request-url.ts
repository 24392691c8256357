/** The URL of a request, from what the caller gave. */

import { redactUrl } from '../headers/redact.ts';
import { shown } from '../internal/checks.ts';
import type { BasicAuth, QueryInput } from './options.ts';

/** @throws {TypeError} when it is not a URL, or not one of http. */
export function requestUrl(
  input: string | URL,
  base: URL | undefined,
  query: QueryInput | undefined,
  call: string,
): URL {
  const text: unknown = typeof input === 'string' ? input : (input as URL | null | undefined)?.href;
  // Anything else would do as a path, undefined as well.
  if (typeof text !== 'string') throw notUrl(input, base, call);
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw notUrl(input, base, call);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new TypeError(`Cannot ${call} as a URL begins with http: or https:: current value is '${url.protocol}'`);
  }
  if (query) addQuery(url, query, call);
  return url;
}

function notUrl(input: unknown, base: URL | undefined, call: string): TypeError {
  const wanted = base ? 'a URL' : 'an absolute URL, as the session has no baseUrl';
  return new TypeError(`Cannot ${call} as it takes ${wanted}: current value is '${redactUrl(String(input))}'`);
}

/** What is there stays as it was written: it may be signed. */
function addQuery(url: URL, query: QueryInput, call: string): void {
  const added = (query instanceof URLSearchParams ? query : searchParams(query, call)).toString();
  if (added) url.search = url.search ? `${url.search}&${added}` : added;
}

function searchParams(query: Exclude<QueryInput, URLSearchParams>, call: string): URLSearchParams {
  if (Symbol.iterator in query) {
    throw new TypeError(
      `Cannot ${call} as { query } takes an object or URLSearchParams: current value is ${shown(query)}`,
    );
  }
  const params = new URLSearchParams();
  for (const [name, given] of Object.entries(query)) {
    for (const value of Array.isArray(given) ? given : [given]) {
      if (value === undefined) continue;
      if (!['string', 'number', 'boolean', 'bigint'].includes(typeof value)) {
        throw new TypeError(
          `Cannot ${call} as { query } takes strings, numbers and booleans: current value of ${name} is ${typeof value}`,
        );
      }
      params.append(name, String(value));
    }
  }
  return params;
}

/** The credentials that stand in the URL are taken out of it: they are sent as a header, and shown nowhere. */
export function takeCredentials(url: URL): BasicAuth | undefined {
  if (!url.username && !url.password) return undefined;
  const auth = { username: decoded(url.username), password: decoded(url.password) };
  url.username = '';
  url.password = '';
  return auth;
}

/** Percent signs that encode nothing stand for themselves, as everywhere in URLs. */
function decoded(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}

/** The value of an Authorization header. @throws {TypeError} when the name holds a colon. */
export function basic({ username, password }: BasicAuth): string {
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw new TypeError('Cannot authenticate as { auth } takes { username, password } of strings');
  }
  if (username.includes(':')) throw new TypeError("Cannot authenticate as a username holds no ':'");
  let bytes = '';
  for (const byte of new TextEncoder().encode(`${username}:${password}`)) bytes += String.fromCodePoint(byte);
  return `Basic ${btoa(bytes)}`;
}
