import type { Cookie, CookieJar as ToughJar, Store } from 'tough-cookie';
import { runOutside } from '../internal/time-source.ts';
import type { StoredCookie } from './stored-cookie.ts';
import { isIpHost } from './stored-cookie.ts';

/** Reads a `Set-Cookie` header; undefined when a cookie like that may not be set from there. */
export type SetCookieReader = (header: string, url: URL, nowMs: number) => StoredCookie | undefined;

/** No cookie is that long; nothing is parsed that will be refused. */
const MOST_CHARACTERS = 8_192;

/**
 * Makes a reader of `Set-Cookie` headers by tough-cookie: it knows the syntax, the dates, the public suffixes and the
 * prefixes. What it accepts is taken out of its hands: its own store has no bounds.
 */
export async function loadSetCookieReader(): Promise<SetCookieReader> {
  // On Deno a module that is loaded within a request leaves the context of that to all that comes after.
  const { CookieJar } = await runOutside(() => import('tough-cookie'));
  let accepted: Cookie | undefined;
  const store = {
    synchronous: true,
    findCookie: (...[, , , done]: [unknown, unknown, unknown, (error: null, cookie: undefined) => void]) =>
      done(null, undefined),
    putCookie: (cookie: Cookie, done: (error: null) => void) => {
      accepted = cookie;
      done(null);
    },
    updateCookie: () => {},
  };
  const options = { allowSecureOnLocal: false, enforceSecureOriginOnStorage: true };
  const jar: ToughJar = new CookieJar(store as unknown as Store, options);
  return (header, url, nowMs) => {
    accepted = undefined;
    if (header.length > MOST_CHARACTERS) return undefined;
    try {
      jar.setCookieSync(header, url.href, { ignoreError: true, now: new Date(nowMs) });
    } catch {
      return undefined;
    }
    return accepted && toStored(accepted, url, nowMs);
  };
}

function toStored(cookie: Cookie, url: URL, nowMs: number): StoredCookie {
  const hostOnly = cookie.hostOnly !== false || isIpHost(url.hostname);
  const expiresMs = cookie.expiryTime(new Date(nowMs));
  return {
    name: cookie.key,
    value: cookie.value,
    domain: hostOnly ? url.hostname : (cookie.cdomain() ?? url.hostname),
    path: cookie.path ?? '/',
    hostOnly,
    secure: cookie.secure,
    httpOnly: cookie.httpOnly,
    ...(cookie.sameSite !== undefined && { sameSite: cookie.sameSite }),
    ...(expiresMs !== undefined && Number.isFinite(expiresMs) && { expiresMs }),
    // Max-Age=0 or less ends before all time.
    ...(expiresMs === -Infinity && { expiresMs: 0 }),
    createdMs: nowMs,
  };
}
