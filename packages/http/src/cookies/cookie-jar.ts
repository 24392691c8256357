import { checkCount, checkKnown, own, shown } from '../internal/checks.ts';
import { CookieStore, isSecure } from './cookie-store.ts';
import { isFit, isIpHost, readStored, type StoredCookie } from './stored-cookie.ts';
import { loadSetCookieReader, type SetCookieReader } from './set-cookie.ts';

/** What a client asks of a cookie jar. */
export interface CookieJarLike {
  /** The value of the `Cookie` header for a URL; undefined when there are none for it. */
  getCookieHeader(url: URL): string | undefined | Promise<string | undefined>;
  /** Takes the `Set-Cookie` headers of a response, one string for each. */
  setFromResponse(url: URL, setCookieHeaders: readonly string[]): void | Promise<void>;
}

/** Options of {@link CookieJar}. */
export interface CookieJarOptions {
  /** Whether hosts that are IP addresses have cookies. Default: false, as they may be another's tomorrow. */
  readonly allowIpHosts?: boolean | undefined;
  /** How many cookies a domain may have. Default: 50. */
  readonly maxPerHost?: number | undefined;
  /** How many cookies there may be. Default: 3000. */
  readonly maxTotal?: number | undefined;
  /** The clock, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What {@link CookieJar.toJSON} makes. */
export interface CookieJarJson {
  readonly version: 1;
  readonly cookies: readonly StoredCookie[];
}

/** A frozen picture of a cookie jar. */
export interface CookieJarSnapshot {
  /** How many cookies it has, those that have ended but were not yet removed among them. */
  readonly size: number;
  /** How many `Set-Cookie` headers, or saved cookies, were ignored. */
  readonly ignored: number;
}

const OPTIONS = ['allowIpHosts', 'maxPerHost', 'maxTotal', 'now'];
const PROTOCOLS = ['http:', 'https:', 'ws:', 'wss:'];

/**
 * Keeps cookies as a browser does (RFC 6265bis), in memory.
 *
 * Guarantees: cookies go only where they were set for: not to other domains, not from `Domain`-less ones to hosts below, not
 * those with `Secure` over plain HTTP, which cannot set or replace them either. No cookie is set for a public suffix. A
 * cookie has at most 4 KiB; when a domain has 50, or there are 3000, one makes room: one that has ended, else the least
 * recently used, those without `Secure` first. What cannot be understood, or is not allowed, is ignored and counted,
 * never thrown. It waits only once, while the parser is loaded by the first cookie.
 *
 * @example Cookies that were set go back to where they came from
 * ```ts run
 * import { CookieJar } from '@corral/http';
 *
 * const jar = new CookieJar();
 * await jar.setFromResponse('https://example.com/login', ['id=7; Path=/; Secure; HttpOnly']);
 * console.log(jar.getCookieHeader('https://example.com/')); // id=7
 * console.log(jar.getCookieHeader('http://example.com/')); // undefined
 * ```
 */
export class CookieJar implements CookieJarLike {
  readonly #store: CookieStore;
  readonly #allowIpHosts: boolean;
  readonly #now: () => number;
  #ignored = 0;
  #reader: SetCookieReader | undefined = undefined;
  #loading: Promise<SetCookieReader> | undefined = undefined;

  /** @throws {TypeError | RangeError} when an option is not known, or has no such value. */
  constructor(options: CookieJarOptions = {}) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(
        `Cannot make a cookie jar as it takes an object of options: current value is ${shown(options)}`,
      );
    }
    checkKnown(options, OPTIONS, 'make a cookie jar');
    const allowIpHosts = own(options, 'allowIpHosts') ?? false;
    const now = own(options, 'now') ?? Date.now;
    if (typeof allowIpHosts !== 'boolean') throw wrong('allowIpHosts', 'a boolean', allowIpHosts);
    if (typeof now !== 'function') throw wrong('now', 'a function', now);
    this.#allowIpHosts = allowIpHosts;
    this.#now = now as () => number;
    this.#store = new CookieStore(
      checkCount(own(options, 'maxPerHost') ?? 50, 'set maxPerHost of a cookie jar'),
      checkCount(own(options, 'maxTotal') ?? 3_000, 'set maxTotal of a cookie jar'),
    );
  }

  /**
   * A jar with the cookies that {@link toJSON} gave; those that are none, or have ended, are left out.
   *
   * @throws {TypeError} when it is not what `toJSON` makes.
   */
  static fromJSON(json: unknown, options?: CookieJarOptions): CookieJar {
    const cookies = typeof json === 'object' && json !== null ? own(json, 'cookies') : undefined;
    if (!Array.isArray(cookies) || own(json as object, 'version') !== 1) {
      throw new TypeError(`Cannot read a cookie jar as it takes what toJSON gave: current value is ${shown(json)}`);
    }
    const jar = new CookieJar(options);
    jar.add(cookies as unknown[]);
    return jar;
  }

  /** All cookies that have not ended, in the form in which they are saved. */
  toJSON(): CookieJarJson {
    return { version: 1, cookies: this.#store.all(this.#now()) };
  }

  /** The value of the `Cookie` header for a URL; undefined when there are none for it. Never waits. */
  getCookieHeader(url: URL | string): string | undefined {
    if (this.#store.size === 0) return undefined;
    const target = this.#target(url);
    if (!target) return undefined;
    const cookies = this.#store.matching(target, this.#now());
    return cookies.length === 0 ? undefined : cookies.map(pair).join('; ');
  }

  /** Takes the `Set-Cookie` headers of a response, one string for each. Waits only before the first one of all. */
  setFromResponse(url: URL | string, setCookieHeaders: readonly string[]): void | Promise<void> {
    if (setCookieHeaders.length === 0) return undefined;
    const target = this.#target(url);
    if (!target) {
      this.#ignored += setCookieHeaders.length;
      return undefined;
    }
    if (this.#reader) return this.#set(this.#reader, target, setCookieHeaders);
    return this.#load().then((reader) => this.#set(reader, target, setCookieHeaders));
  }

  /** Takes cookies in the form in which they are saved; what is none is ignored and counted. */
  add(cookies: readonly unknown[]): void {
    const now = this.#now();
    for (const one of cookies) {
      const cookie = readStored(one, now);
      if (cookie && (this.#allowIpHosts || !isIpHost(cookie.domain))) this.#store.put(cookie, now);
      else this.#ignored++;
    }
  }

  /** Removes all cookies, or those that a function chooses; returns how many. */
  clear(choose: (cookie: StoredCookie) => boolean = () => true): number {
    return this.#store.removeIf(choose);
  }

  snapshot(): CookieJarSnapshot {
    return Object.freeze({ size: this.#store.size, ignored: this.#ignored });
  }

  /** The URL, where cookies may be. */
  #target(url: URL | string): URL | undefined {
    const target = typeof url === 'string' ? new URL(url) : url;
    const allowed = PROTOCOLS.includes(target.protocol) && (this.#allowIpHosts || !isIpHost(target.hostname));
    return allowed ? target : undefined;
  }

  #set(reader: SetCookieReader, url: URL, headers: readonly string[]): void {
    const now = this.#now();
    for (const header of headers) {
      const cookie = reader(header, url, now);
      const hidden = cookie && !cookie.secure && !isSecure(url) && this.#store.hasSecure(cookie, url);
      if (cookie && isFit(cookie) && !hidden) this.#store.put(cookie, now);
      else this.#ignored++;
    }
  }

  async #load(): Promise<SetCookieReader> {
    this.#loading ??= loadSetCookieReader();
    try {
      return (this.#reader = await this.#loading);
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
  }
}

function pair({ name, value }: StoredCookie): string {
  return name === '' ? value : `${name}=${value}`;
}

function wrong(option: string, what: string, value: unknown): TypeError {
  return new TypeError(`Cannot set ${option} of a cookie jar as it takes ${what}: current value is ${shown(value)}`);
}
