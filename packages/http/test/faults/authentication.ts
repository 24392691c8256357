/** Endpoints that want to know who asks: Basic, Bearer and Digest (RFC 7616, and RFC 2069 without qop). */
import { createHash, randomBytes } from 'node:crypto';
import type { Exchange } from './exchange.ts';
import { fault, type Faults } from './fault.ts';

const HASHES: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };

/** `a="b, c", d=e` as a map. */
function readPairs(text: string): ReadonlyMap<string, string> {
  const pairs = text.matchAll(/([\w*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g);
  return new Map(
    [...pairs].map(([, name = '', quoted, plain = '']) => [
      name.toLowerCase(),
      quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1'),
    ]),
  );
}

interface DigestAccount {
  readonly user: string;
  readonly password: string;
  /** With `-sess` or without. */
  readonly algorithm: string;
  readonly realm: string;
}

/** What `response=` has to be for these credentials. */
function digestOf(account: DigestAccount, sent: ReadonlyMap<string, string>, method: string): string {
  const { user, password, algorithm, realm } = account;
  const hash = (text: string) =>
    createHash(HASHES[algorithm.replace(/-sess$/i, '')] ?? 'md5')
      .update(text)
      .digest('hex');
  const get = (name: string) => sent.get(name) ?? '';
  const plain = hash(`${user}:${realm}:${password}`);
  const a1 = /-sess$/i.test(algorithm) ? hash(`${plain}:${get('nonce')}:${get('cnonce')}`) : plain;
  const a2 = hash(`${method}:${get('uri')}`);
  if (!sent.has('qop')) return hash(`${a1}:${get('nonce')}:${a2}`);
  return hash([a1, get('nonce'), get('nc'), get('cnonce'), get('qop'), a2].join(':'));
}

/** Why the credentials are refused, or undefined. */
function faultOf(exchange: Exchange, account: DigestAccount, qop: string, sent: ReadonlyMap<string, string>) {
  const { target, method } = exchange.request;
  const get = (name: string) => sent.get(name) ?? '';
  if (get('username') !== account.user || get('realm') !== account.realm) return 'another user or realm';
  if (get('uri') !== target) return `uri is ${get('uri')}`;
  if ((get('algorithm') || 'MD5').toUpperCase() !== account.algorithm.toUpperCase()) return 'another algorithm';
  if (qop !== '' && !qop.split(/\s*,\s*/).includes(get('qop'))) return `qop is ${get('qop')}`;
  if (get('response') !== digestOf(account, sent, method)) return 'a wrong response';
  return undefined;
}

/** Counts this use of the nonce. */
function isStale(exchange: Exchange, sent: ReadonlyMap<string, string>, uses: number): boolean {
  const turn = exchange.server.count(`nonce:${sent.get('nonce') ?? ''}`);
  return uses > 0 && turn > uses;
}

export const authentication = {
  /** 200 with the right `Authorization: Basic`, else 401. */
  'basic-auth': fault(
    { user: 'user', password: 'secret', realm: 'faults' },
    async (exchange, { user, password, realm }) => {
      const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
      if (exchange.request.headers['authorization'] === wanted) return await exchange.json({ user });
      await exchange.respond(401, 'who?', { 'WWW-Authenticate': `Basic realm="${realm}", charset="UTF-8"` });
    },
  ),

  /** 200 with the right `Authorization: Bearer`, else 401. */
  'bearer-auth': fault({ token: 'secret' }, async (exchange, { token }) => {
    if (exchange.request.headers['authorization'] === `Bearer ${token}`) return await exchange.json({ token });
    await exchange.respond(401, 'who?', { 'WWW-Authenticate': 'Bearer' });
  }),

  /**
   * 200 `{ user, nc }` with a right `Authorization: Digest`, else 401 with a challenge; the body says what was wrong.
   * `algorithm`: MD5, SHA-256, SHA-512-256, with `-sess` too. `qop`: `auth`, `auth,auth-int` or nothing. `uses`: after
   * so many uses a nonce is stale, which the challenge then says (0: never). `basic`: offers Basic before it.
   */
  'digest-auth': fault(
    { user: 'user', password: 'secret', realm: 'faults', algorithm: 'MD5', qop: 'auth', uses: 0, basic: false },
    async (exchange, { qop, uses, basic, ...account }) => {
      await exchange.body();
      const [, text] = /^Digest\s+(.*)$/i.exec(exchange.request.headers['authorization'] ?? '') ?? [];
      const sent = text === undefined ? undefined : readPairs(text);
      const wrong = sent ? faultOf(exchange, account, qop, sent) : 'no credentials';
      const stale = sent !== undefined && wrong === undefined && isStale(exchange, sent, uses);
      if (!wrong && !stale) return await exchange.json({ user: account.user, nc: sent?.get('nc') ?? null });
      const parts = [
        `realm="${account.realm}"`,
        ...(qop ? [`qop="${qop}"`] : []),
        `algorithm=${account.algorithm}`,
        `nonce="${randomBytes(12).toString('hex')}"`,
        'opaque="o, \\"p\\""',
        ...(stale ? ['stale=true'] : []),
      ];
      const challenges = [...(basic ? [`Basic realm="${account.realm}"`] : []), `Digest ${parts.join(', ')}`];
      await exchange.respond(401, wrong ?? 'a stale nonce', { 'WWW-Authenticate': challenges });
    },
  ),
} satisfies Faults;
