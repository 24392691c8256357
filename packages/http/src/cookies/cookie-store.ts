import type { StoredCookie } from './stored-cookie.ts';

const NONE: readonly Entry[] = [];

/** A cookie in its place. */
interface Entry {
  cookie: StoredCookie;
  /** Counts up: which came first, where the clock shows the same time. */
  readonly order: number;
  /** Counts up with each use: the smallest was used longest ago. */
  used: number;
}

/**
 * Cookies by domain. A host is looked up by its own name and the names above it, so that hosts without cookies cost a few
 * look-ups in a map, however many cookies there are.
 */
export class CookieStore {
  readonly #domains = new Map<string, Map<string, Entry>>();
  readonly #perHost: number;
  readonly #total: number;
  #count = 0;
  #ticks = 0;

  constructor(perHost: number, total: number) {
    this.#perHost = perHost;
    this.#total = total;
  }

  get size(): number {
    return this.#count;
  }

  /** Keeps a cookie, or removes the one it stands for when it has ended already. Makes room by the least recently used. */
  put(cookie: StoredCookie, nowMs: number): void {
    const known = this.#domains.get(cookie.domain)?.get(keyOf(cookie));
    if (hasEnded(cookie, nowMs)) return this.#remove(cookie);
    if (known) {
      // As in RFC 6265: a new value keeps the place in the order of sending.
      known.cookie = { ...cookie, createdMs: known.cookie.createdMs };
      known.used = ++this.#ticks;
      return;
    }
    const ofDomain = this.#domains.get(cookie.domain);
    if (ofDomain && ofDomain.size >= this.#perHost) this.#evict([ofDomain], nowMs);
    if (this.#count >= this.#total) this.#evict([...this.#domains.values()], nowMs);
    const entry: Entry = { cookie, order: ++this.#ticks, used: this.#ticks };
    const entries = this.#domains.get(cookie.domain) ?? new Map<string, Entry>();
    this.#domains.set(cookie.domain, entries.set(keyOf(cookie), entry));
    this.#count++;
  }

  /** Those that go to a URL: the longest paths first, then the oldest. */
  matching(url: URL, nowMs: number): StoredCookie[] {
    const found: Entry[] = [];
    // The parts of a URL are made anew each time that they are asked for.
    const { hostname, pathname } = url;
    const secure = isSecure(url);
    for (let name = hostname; name; name = parentOf(name)) {
      for (const entry of this.#domains.get(name)?.values() ?? NONE) {
        const { cookie } = entry;
        if (cookie.hostOnly && name !== hostname) continue;
        if ((cookie.secure && !secure) || !pathMatches(cookie.path, pathname)) continue;
        if (hasEnded(cookie, nowMs)) {
          this.#remove(cookie);
          continue;
        }
        entry.used = ++this.#ticks;
        found.push(entry);
      }
    }
    if (found.length > 1) found.sort(bySending);
    return found.map(({ cookie }) => cookie);
  }

  /** Whether a cookie of this name that only goes over TLS stands where one that does not would hide it. */
  hasSecure(cookie: StoredCookie, url: URL): boolean {
    for (let name = url.hostname; name; name = parentOf(name)) {
      for (const { cookie: other } of this.#domains.get(name)?.values() ?? NONE) {
        if (other.secure && other.name === cookie.name && pathMatches(other.path, cookie.path)) return true;
      }
    }
    return false;
  }

  all(nowMs: number): StoredCookie[] {
    const entries = [...this.#domains.values()].flatMap((entries) => [...entries.values()]);
    return entries.map(({ cookie }) => cookie).filter((cookie) => !hasEnded(cookie, nowMs));
  }

  /** Removes those that a function chooses; returns how many. */
  removeIf(choose: (cookie: StoredCookie) => boolean): number {
    const before = this.#count;
    for (const entries of this.#domains.values()) {
      for (const { cookie } of entries.values()) if (choose(cookie)) this.#remove(cookie);
    }
    return before - this.#count;
  }

  #remove(cookie: StoredCookie): void {
    const entries = this.#domains.get(cookie.domain);
    if (!entries?.delete(keyOf(cookie))) return;
    this.#count--;
    if (entries.size === 0) this.#domains.delete(cookie.domain);
  }

  /** First what has ended, then those that may go without TLS, then by the time of their last use. */
  #evict(from: readonly ReadonlyMap<string, Entry>[], nowMs: number): void {
    let worst: Entry | undefined;
    for (const entries of from) {
      for (const entry of entries.values()) {
        if (hasEnded(entry.cookie, nowMs)) return this.#remove(entry.cookie);
        if (!worst || isWorse(entry, worst)) worst = entry;
      }
    }
    if (worst) this.#remove(worst.cookie);
  }
}

/** Whether what is sent to a URL cannot be read on the way. */
export function isSecure({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'wss:';
}

export function hasEnded({ expiresMs }: StoredCookie, nowMs: number): boolean {
  return expiresMs !== undefined && expiresMs <= nowMs;
}

/** What two cookies must have in common to be one: RFC 6265bis, section 5.7. */
function keyOf({ name, path, hostOnly }: StoredCookie): string {
  return `${hostOnly ? '=' : '.'}${path}\u0000${name}`;
}

function parentOf(host: string): string {
  const dot = host.indexOf('.');
  return dot < 0 ? '' : host.slice(dot + 1);
}

/** RFC 6265, section 5.1.4. */
function pathMatches(cookiePath: string, path: string): boolean {
  if (!path.startsWith(cookiePath)) return false;
  return path.length === cookiePath.length || cookiePath.endsWith('/') || path.charAt(cookiePath.length) === '/';
}

function bySending(a: Entry, b: Entry): number {
  return b.cookie.path.length - a.cookie.path.length || a.cookie.createdMs - b.cookie.createdMs || a.order - b.order;
}

function isWorse(a: Entry, b: Entry): boolean {
  return a.cookie.secure === b.cookie.secure ? a.used < b.used : !a.cookie.secure;
}
