import { CookieJar, type CookieFileFormat, loadCookies, saveCookies, type SessionOptions } from '@corral/http';
import { UsageError } from '../usage-error.ts';
import type { HttpClient } from './http-client.ts';
import type { FetchOptions } from './options.ts';
import { SessionClient } from './session-client.ts';

/**
 * The client that the options describe. Closing it saves the cookies, if there is a file for them.
 *
 * @throws {UsageError} when the file with the cookies is none, or the proxy cannot be used.
 */
export async function openClient(options: FetchOptions): Promise<HttpClient> {
  const cookies = options.cookieJar === undefined ? undefined : await load(options.cookieJar);
  const client = makeClient({ ...sessionOptions(options), cookies: cookies?.jar ?? false });
  return {
    send: (request) => client.send(request),
    async close() {
      await client.close();
      if (cookies !== undefined) await saveCookies(cookies.jar, options.cookieJar ?? '', { format: cookies.format });
    },
  };
}

function makeClient(options: SessionOptions): HttpClient {
  try {
    return new SessionClient(options);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new UsageError(error.message.replace('call new ClientSession', 'fetch'), { cause: error });
  }
}

/** The window has let in who sends: the session has no limits of its own. */
function sessionOptions(options: FetchOptions): SessionOptions {
  const limit = (ms: number): number => (ms === 0 ? Infinity : ms);
  const { proxy = 'environment' } = options;
  return {
    name: 'corral fetch',
    limits: { total: Infinity, perHost: Infinity, queue: Infinity },
    timeout: {
      totalMs: limit(options.timeoutMs),
      acquireMs: Infinity,
      connectMs: limit(options.connectTimeoutMs),
      headersMs: limit(options.readTimeoutMs),
      readMs: limit(options.readTimeoutMs),
      minSpeed: options.minSpeed ?? false,
    },
    redirect: { max: options.maxRedirects },
    addressPolicy: options.publicOnly ? 'public' : 'any',
    http: options.http === 'auto' ? 'auto' : 1,
    ...(proxy === 'none' ? {} : { proxy }),
    graceMs: 0,
  };
}

/** A file that does not exist yet becomes one in the format of curl and wget, unless it is called .json. */
async function load(path: string): Promise<{ readonly jar: CookieJar; readonly format: CookieFileFormat }> {
  try {
    return await loadCookies(path, { allowIpHosts: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return { jar: new CookieJar({ allowIpHosts: true }), format: path.endsWith('.json') ? 'json' : 'netscape' };
    }
    throw new UsageError(`Cannot use --cookie-jar ${path}: ${(error as Error).message}`, { cause: error });
  }
}
