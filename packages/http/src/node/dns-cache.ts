import { lookup } from 'node:dns';
import { isIP } from 'node:net';

import type { LookupFunction } from '../wire/transport.ts';
import { outside } from './outside.ts';

/** One address of a host. */
export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** What the look-up of a name brought: addresses, one at least, in the order in which they are to be tried; or an error. */
export type LookupDone = (error: Error | undefined, addresses: readonly HostAddress[]) => void;

/** Options of {@link DnsCache}. */
export interface DnsCacheOptions {
  /** Milliseconds for which addresses may be used. */
  readonly ttlMs: number;
  /** Default: the system's resolver. */
  readonly lookup?: LookupFunction | undefined;
  /** How many names are kept; the one unused for longest goes. Default: 1000. */
  readonly maxNames?: number | undefined;
  /** How many names are looked up at a time. Default: 8, as getaddrinfo has 4 threads that it shares with files. */
  readonly maxLookups?: number | undefined;
}

interface Entry {
  readonly addresses: readonly HostAddress[];
  readonly staleAt: number;
  turn: number;
}

interface Pending {
  readonly hostname: string;
  readonly waiters: Set<LookupDone>;
  readonly start: () => void;
  started: boolean;
}

/**
 * Finds the addresses of names, and asks once for all who want the same name.
 *
 * Guarantees: failures are not kept; whoever leaves takes nothing from those who still wait; each answer begins with the
 * next address of the name, so that load spreads; addresses of IPv4 and IPv6 take turns, the resolver's favourite first.
 */
export class DnsCache {
  readonly #ttlMs: number;
  readonly #lookup: LookupFunction | undefined;
  readonly #maxNames: number;
  readonly #maxLookups: number;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  readonly #pending = new Map<string, Pending>();
  readonly #queue = new Set<Pending>();
  #running = 0;

  constructor(options: DnsCacheOptions) {
    this.#ttlMs = options.ttlMs;
    this.#lookup = options.lookup;
    this.#maxNames = options.maxNames ?? 1_000;
    this.#maxLookups = options.maxLookups ?? 8;
  }

  /** How many names are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** Calls `done` once, later or at once, unless the returned function was called before: it leaves. */
  resolve(hostname: string, done: LookupDone): () => void {
    const family = isIP(hostname);
    if (family !== 0) {
      done(undefined, [{ address: hostname, family: family as 4 | 6 }]);
      return ignore;
    }
    const kept = this.#fresh(hostname);
    if (kept) {
      done(undefined, inTurn(kept));
      return ignore;
    }
    const pending = this.#pending.get(hostname) ?? this.#ask(hostname);
    pending.waiters.add(done);
    return () => this.#leave(pending, done);
  }

  /** Forgets a name: none of its addresses could be connected to. */
  forget(hostname: string): void {
    this.#entries.delete(hostname);
  }

  #fresh(hostname: string): Entry | undefined {
    const entry = this.#entries.get(hostname);
    if (!entry) return undefined;
    this.#entries.delete(hostname);
    if (entry.staleAt <= performance.now()) return undefined;
    this.#entries.set(hostname, entry);
    return entry;
  }

  #ask(hostname: string): Pending {
    const pending: Pending = {
      hostname,
      waiters: new Set(),
      // Of no request, as many wait for it: the scope of the first to ask must not end it for the others.
      start: () => outside(() => this.#start(pending)),
      started: false,
    };
    this.#pending.set(hostname, pending);
    this.#queue.add(pending);
    process.nextTick(() => this.#pump());
    return pending;
  }

  #pump(): void {
    for (const pending of this.#queue) {
      if (this.#running >= this.#maxLookups) return;
      this.#queue.delete(pending);
      this.#running += 1;
      pending.started = true;
      pending.start();
    }
  }

  #start(pending: Pending): void {
    const { hostname } = pending;
    if (!this.#lookup) {
      lookup(hostname, { all: true }, (error, found) => {
        this.#settle(pending, error ?? undefined, found);
      });
      return;
    }
    try {
      Promise.resolve(this.#lookup(hostname)).then(
        (found) => this.#settle(pending, undefined, found),
        (error: unknown) => this.#settle(pending, asError(error), []),
      );
    } catch (error) {
      process.nextTick(() => this.#settle(pending, asError(error), []));
    }
  }

  #leave(pending: Pending, done: LookupDone): void {
    pending.waiters.delete(done);
    if (pending.waiters.size > 0) return;
    // What runs goes on, its answer will be of use; a resolver of the user's own may never answer, and must not keep its place.
    if (pending.started && !this.#lookup) return;
    this.#remove(pending);
  }

  /** Whether it was still there. */
  #remove(pending: Pending): boolean {
    if (this.#pending.get(pending.hostname) !== pending) return false;
    this.#pending.delete(pending.hostname);
    this.#queue.delete(pending);
    if (pending.started) this.#running -= 1;
    this.#pump();
    return true;
  }

  #settle(pending: Pending, error: Error | undefined, found: unknown): void {
    if (!this.#remove(pending)) return;
    let failure = error;
    let entry: Entry | undefined;
    if (!failure) {
      try {
        entry = { addresses: checked(found, pending.hostname), staleAt: performance.now() + this.#ttlMs, turn: 0 };
        this.#keep(pending.hostname, entry);
      } catch (reason) {
        failure = asError(reason);
      }
    }
    for (const done of pending.waiters) done(failure, entry ? inTurn(entry) : []);
  }

  #keep(hostname: string, entry: Entry): void {
    if (this.#ttlMs <= 0) return;
    this.#entries.set(hostname, entry);
    if (this.#entries.size <= this.#maxNames) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}

function ignore(): void {}

/** The addresses, each family turned by one more each time, the families in turns (RFC 8305, section 4). */
function inTurn(entry: Entry): readonly HostAddress[] {
  const { addresses } = entry;
  if (addresses.length === 1) return addresses;
  const turn = entry.turn++;
  const favourite = addresses[0]?.family;
  const first = rotated(
    addresses.filter((each) => each.family === favourite),
    turn,
  );
  const second = rotated(
    addresses.filter((each) => each.family !== favourite),
    turn,
  );
  const mixed: HostAddress[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    for (const each of [first[i], second[i]]) if (each) mixed.push(each);
  }
  return mixed;
}

function rotated(addresses: readonly HostAddress[], turn: number): readonly HostAddress[] {
  const start = addresses.length === 0 ? 0 : turn % addresses.length;
  return start === 0 ? addresses : [...addresses.slice(start), ...addresses.slice(0, start)];
}

function checked(found: unknown, hostname: string): readonly HostAddress[] {
  if (!Array.isArray(found))
    throw new TypeError(`Cannot look up ${hostname} as the answer must be a list of addresses`);
  const addresses = found.map((each: { address?: unknown } | undefined): HostAddress => {
    const address = each?.address;
    const family = typeof address === 'string' ? isIP(address) : 0;
    if (family === 0) {
      throw new TypeError(`Cannot look up ${hostname} as it must have addresses: current value is ${String(address)}`);
    }
    return { address: address as string, family: family as 4 | 6 };
  });
  if (addresses.length === 0) {
    throw Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' });
  }
  return addresses;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason });
}
