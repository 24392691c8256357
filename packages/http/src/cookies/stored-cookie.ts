import { own } from '../internal/checks.ts';

/** A cookie as a jar keeps it, and as it is saved. */
export interface StoredCookie {
  readonly name: string;
  readonly value: string;
  /** In lower case, without a dot in front. */
  readonly domain: string;
  readonly path: string;
  /** Whether it goes to this host only, and not to those below it. */
  readonly hostOnly: boolean;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite?: string;
  /** Milliseconds since 1970; without it, it has no end. */
  readonly expiresMs?: number;
  readonly createdMs: number;
}

/** What name and value of a cookie may have together, in bytes: RFC 6265bis, and all browsers. */
const MOST_BYTES = 4_096;

/** Control characters would be refused when they are to be sent; `;` would add a cookie. */
const UNFIT = /[\u0000-\u001F\u007F;]|[^\u0000-\u00FF]/;

/** Whether it can be sent, and is not too large. */
export function isFit({ name, value }: StoredCookie): boolean {
  return name.length + value.length <= MOST_BYTES && !UNFIT.test(name) && !UNFIT.test(value) && !name.includes('=');
}

/** Whether a host is an address and no name: then nothing is below it. */
export function isIpHost(host: string): boolean {
  return host.startsWith('[') || host.includes(':') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host);
}

/** A cookie out of what was saved; undefined when it is none. One that does not say where it may go, goes to its host only. */
export function readStored(value: unknown, nowMs: number): StoredCookie | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const [name, content, domain, path] = ['name', 'value', 'domain', 'path'].map((key) => own(value, key));
  if (typeof name !== 'string' || typeof content !== 'string' || typeof domain !== 'string') return undefined;
  if (domain === '' || typeof path !== 'string' || !path.startsWith('/')) return undefined;
  const [sameSite, expiresMs, createdMs] = ['sameSite', 'expiresMs', 'createdMs'].map((key) => own(value, key));
  const cookie: StoredCookie = {
    name,
    value: content,
    domain: domain.toLowerCase(),
    path,
    hostOnly: own(value, 'hostOnly') !== false || isIpHost(domain),
    secure: own(value, 'secure') === true,
    httpOnly: own(value, 'httpOnly') === true,
    ...(typeof sameSite === 'string' && { sameSite }),
    ...(typeof expiresMs === 'number' && { expiresMs }),
    createdMs: typeof createdMs === 'number' ? createdMs : nowMs,
  };
  return isFit(cookie) ? cookie : undefined;
}
