import { platform } from '../platform/platform.ts';
import type { Middleware } from '../request/middleware.ts';
import type { BasicAuth } from '../session/options.ts';
import { authorize, DigestState, type DigestAlgorithm } from './digest.ts';

/** What the platform calls them. */
const HASHES = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' } as const;

/**
 * Middleware for digest authentication (RFC 7616): MD5, SHA-256 and SHA-512/256, also with `-sess`.
 *
 * Guarantees: the password is never sent, and no hash of it to another origin than the first that asked. After the first
 * answer requests are authenticated beforehand; a nonce that has become stale is renewed once for each request. A body that
 * cannot be sent twice is not: the 401 is the response then.
 *
 * @throws {TypeError} when the name or the password is no string, or the name holds a colon or control characters.
 *
 * @example For all requests of a session
 * ```ts
 * import { ClientSession, digestAuth } from '@corral/http';
 *
 * await using session = new ClientSession({ use: [digestAuth({ username: 'me', password: 'secret' })] });
 * console.log(await session.get('https://example.org/private').text());
 * ```
 */
export function digestAuth({ username, password }: BasicAuth): Middleware {
  const hash = (algorithm: DigestAlgorithm, text: string): Promise<string> => platform().hash(HASHES[algorithm], text);
  const state = new DigestState({ username, password, hash });
  return async (request, next) => {
    for (let attempt = 1; ; attempt++) {
      const authorization = await authorize(request.method, request.url, state);
      if (authorization) request.headers.set('authorization', authorization);
      const response = await next(request);
      if (response.status !== 401 || !request.replayable) return response;
      const challenges = response.headerValues('www-authenticate');
      if (!state.accept(request.url, challenges, authorization, attempt)) return response;
      await response.release();
    }
  };
}
