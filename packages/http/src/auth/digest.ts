import { shown } from '../internal/checks.ts';
import { parseChallenges, type AuthChallenge } from './challenge.ts';

/** The hashes that digest authentication uses. */
export type DigestAlgorithm = 'md5' | 'sha-256' | 'sha-512-256';

/** The hash of the UTF-8 bytes of a text, in lower-case hexadecimal digits. */
export type DigestHash = (algorithm: DigestAlgorithm, text: string) => string | Promise<string>;

/** Who somebody is, and how the platform hashes. */
export interface DigestOptions {
  readonly username: string;
  readonly password: string;
  readonly hash: DigestHash;
  /** Makes a number that is used once. Default: 128 random bits. */
  readonly cnonce?: (() => string) | undefined;
}

/** What the server asked for, as it is used. */
interface Agreement {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** As the server wrote it: it is sent back so. */
  readonly algorithm: string | undefined;
  readonly hash: DigestAlgorithm;
  /** Whether the first part of the hash belongs to the nonce (`-sess`). */
  readonly perNonce: boolean;
  /** Whether requests are counted; without it, it is as in RFC 2069. */
  readonly counted: boolean;
  readonly userhash: boolean;
  /** Where it is valid: prefixes of paths; none is everywhere. */
  readonly paths: readonly string[];
  /** With `perNonce`: that of the first request. */
  readonly cnonce: string;
}

const HASHES: Readonly<Record<string, DigestAlgorithm>> = {
  md5: 'md5',
  'sha-256': 'sha-256',
  'sha-512-256': 'sha-512-256',
};

/**
 * What somebody knows of a server that asks for digest authentication (RFC 7616), and the count of requests.
 *
 * Guarantees: it belongs to the first origin that it is used with, and no other ever sees a hash of the password; no count is
 * used twice with a nonce.
 */
export class DigestState {
  readonly #options: DigestOptions;
  #origin: string | undefined = undefined;
  #agreement: Agreement | undefined = undefined;
  #count = 0;

  /** @throws {TypeError} when the user name has a colon or control characters, which the hash cannot tell apart. */
  constructor(options: DigestOptions) {
    const { username, password } = options;
    if (typeof username !== 'string' || typeof password !== 'string') {
      throw new TypeError('Cannot authenticate as user name and password take strings');
    }
    if (username.includes(':')) {
      throw new TypeError(`Cannot authenticate as a user name must have no colon: current value is ${shown(username)}`);
    }
    if (/[\u0000-\u001F\u007F]|\p{Surrogate}/u.test(username)) {
      throw new TypeError(
        'Cannot authenticate as a user name must have neither control characters nor half characters',
      );
    }
    this.#options = options;
  }

  /** The origin it belongs to; undefined before it was used. */
  get origin(): string | undefined {
    return this.#origin;
  }

  /**
   * Takes the `WWW-Authenticate` headers of a 401, and says whether the request is worth sending again.
   *
   * `sent` is the `Authorization` header of the request that got the 401, if it had one of this state's, and `attempt` counts
   * the 401s that the request has got, from 1. A first one is worth it unless the server has seen the credentials with
   * the very nonce it gives again; a second one only when it says that the nonce was stale; a third one never.
   */
  accept(url: URL, header: string | readonly string[] | null | undefined, sent?: string, attempt = 1): boolean {
    if (this.#origin !== undefined && this.#origin !== url.origin) return false;
    for (const challenge of parseChallenges(header)) {
      const agreement = this.#agree(challenge, url);
      if (!agreement) continue;
      const stale = challenge.params['stale']?.toLowerCase() === 'true';
      const same = sent !== undefined && parseChallenges(sent)[0]?.params['nonce'] === agreement.nonce;
      if (attempt > 2 || (attempt === 2 && !stale) || (same && !stale)) return false;
      this.#origin = url.origin;
      if (this.#agreement?.nonce !== agreement.nonce) {
        this.#agreement = agreement;
        this.#count = 0;
      }
      return true;
    }
    return false;
  }

  /** @internal What {@link authorize} needs: undefined where nothing was agreed. Counts. */
  next(url: URL): { agreement: Agreement; count: number; cnonce: string; options: DigestOptions } | undefined {
    const agreement = this.#agreement;
    if (!agreement || url.origin !== this.#origin) return undefined;
    const { paths } = agreement;
    if (paths.length > 0 && !paths.some((path) => url.pathname.startsWith(path))) return undefined;
    const cnonce = agreement.perNonce ? agreement.cnonce : this.#cnonce();
    return { agreement, count: ++this.#count, cnonce, options: this.#options };
  }

  #agree({ scheme, params }: AuthChallenge, url: URL): Agreement | undefined {
    const { realm = '', nonce, algorithm, opaque, qop, userhash, domain = '' } = params;
    if (scheme !== 'digest' || !nonce) return undefined;
    const name = (algorithm ?? 'md5').toLowerCase();
    const perNonce = name.endsWith('-sess');
    const hash = ownHash(perNonce ? name.slice(0, -5) : name);
    const counted =
      qop
        ?.toLowerCase()
        .split(/[\s,]+/)
        .includes('auth') ?? false;
    // Without counting there is no number of ours, without which a hash cannot belong to the nonce.
    if (!hash || (!counted && (qop !== undefined || perNonce))) return undefined;
    const paths = pathsOf(domain, url);
    const cnonce = this.#cnonce();
    const hashed = userhash?.toLowerCase() === 'true';
    return { realm, nonce, opaque, algorithm, hash, perNonce, counted, userhash: hashed, paths, cnonce };
  }

  #cnonce(): string {
    return (this.#options.cnonce ?? randomNonce)();
  }
}

/**
 * The value of the `Authorization` header for a request; undefined where there is nothing agreed with its server: then it is
 * sent without, and what the 401 says goes to {@link DigestState.accept}.
 *
 * It hashes the path and the query as they are in `url`: exactly that must be sent. The count is taken when it is called.
 */
export async function authorize(method: string, url: URL, state: DigestState): Promise<string | undefined> {
  const next = state.next(url);
  if (!next) return undefined;
  const { agreement, cnonce, options } = next;
  const { realm, nonce } = agreement;
  const hash = async (...texts: string[]): Promise<string> => options.hash(agreement.hash, texts.join(':'));
  const count = next.count.toString(16).padStart(8, '0');
  const uri = url.pathname + url.search;
  const secret = await hash(options.username, realm, options.password);
  const first = agreement.perNonce ? await hash(secret, nonce, cnonce) : secret;
  const second = await hash(method, uri);
  const response = await (agreement.counted
    ? hash(first, nonce, count, cnonce, 'auth', second)
    : hash(first, nonce, second));
  const name = agreement.userhash ? await hash(options.username, realm) : options.username;
  const fields = [
    userField(name),
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    agreement.algorithm === undefined ? '' : `algorithm=${agreement.algorithm}`,
    agreement.counted ? `qop=auth, nc=${count}, cnonce=${quoted(cnonce)}` : '',
    `response="${response}"`,
    agreement.opaque === undefined ? '' : `opaque=${quoted(agreement.opaque)}`,
    agreement.userhash ? 'userhash=true' : '',
  ];
  return `Digest ${fields.filter(Boolean).join(', ')}`;
}

function ownHash(name: string): DigestAlgorithm | undefined {
  return Object.hasOwn(HASHES, name) ? HASHES[name] : undefined;
}

/** The paths on this origin that the challenge names; those elsewhere are not ours to send anything to. */
function pathsOf(domain: string, url: URL): string[] {
  const paths = domain.split(/\s+/).flatMap((uri) => {
    const target = uri !== '' && URL.canParse(uri, url.href) ? new URL(uri, url) : undefined;
    return target?.origin === url.origin ? [target.pathname] : [];
  });
  // What the server has asked about itself is answered, whatever it says of where else.
  return paths.length === 0 || paths.some((path) => url.pathname.startsWith(path)) ? paths : [...paths, url.pathname];
}

function userField(name: string): string {
  return /^[\u0020-\u007E]*$/.test(name)
    ? `username=${quoted(name)}`
    : `username*=UTF-8''${encodeURIComponentSafely(name)}`;
}

/** Also what `encodeURIComponent` leaves alone, but RFC 8187 does not: `'()*`. */
function encodeURIComponentSafely(text: string): string {
  return encodeURIComponent(text).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

function randomNonce(): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
