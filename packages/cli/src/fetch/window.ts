import { Host } from './host.ts';
import type { Rate } from './units.ts';

export interface WindowOptions {
  /** How many items are looked ahead. */
  readonly capacity: number;
  readonly perHost: number;
  readonly hostRate: Rate | undefined;
}

/** Something to send to a host. */
export interface Sendable {
  readonly host: string;
}

/** How many hosts are remembered after their last item. */
const HOSTS_KEPT = 10_000;

interface Bucket<T> {
  readonly host: Host;
  items: T[];
  /** The first item that is still there: what is before it is gone. */
  head: number;
  /** What is to be tried again, before the others. */
  again: T[];
  /** Whether it stands in the ring. */
  ringed: boolean;
}

/**
 * The items to come, in a bucket for each host. Those hosts that may be asked are served in turn, so that a list sorted
 * by host is fetched from many at once, and a host that is closed or busy holds up nobody else.
 *
 * Guarantees: the items of a host come in their order; no host is passed over while it may be asked.
 *
 * It waits for nothing: `next` says what is due, `wakeAt` when it is worth asking again.
 */
export class Window<T extends Sendable> {
  readonly #options: WindowOptions;
  readonly #buckets = new Map<string, Bucket<T>>();
  /** Hosts with items, in the order of their turns. */
  #ring: Bucket<T>[] = [];
  #turn = 0;
  #size = 0;
  /** What waits for its next attempt. */
  readonly #delayed: { readonly at: number; readonly item: T }[] = [];
  #wakeAt = Infinity;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** How many items are in it, those for a later attempt included. */
  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#options.capacity;
  }

  /** When `next` may have something although nothing was added and no request has ended. */
  get wakeAt(): number {
    return this.#wakeAt;
  }

  host(name: string): Host {
    return this.#bucket(name).host;
  }

  add(item: T): void {
    this.#size++;
    const bucket = this.#bucket(item.host);
    bucket.items.push(item);
    this.#enter(bucket);
  }

  /** For a further attempt, at `at`; until then other items of its host pass it. */
  addAt(item: T, at: number): void {
    this.#size++;
    this.#delayed.push({ at, item });
    this.#wakeAt = Math.min(this.#wakeAt, at);
  }

  /** The next item that may be sent; its host counts it as begun. Undefined when none may be sent now. */
  next(now: number): T | undefined {
    if (now >= this.#wakeAt) this.#wake(now);
    let wakeAt = Infinity;
    for (const { at } of this.#delayed) wakeAt = Math.min(wakeAt, at);
    for (let tried = this.#ring.length; tried > 0; tried--) {
      if (this.#turn >= this.#ring.length) this.#turn = 0;
      const bucket = this.#ring[this.#turn] as Bucket<T>;
      const readyAt = bucket.host.readyAt(now);
      if (readyAt > now) {
        wakeAt = Math.min(wakeAt, readyAt);
        this.#turn++;
        continue;
      }
      bucket.host.begin();
      this.#size--;
      const item = this.#shift(bucket);
      if (bucket.items.length === 0 && bucket.again.length === 0) this.#leave(this.#turn);
      else this.#turn++;
      this.#wakeAt = now; // there may be more
      return item;
    }
    this.#wakeAt = wakeAt;
    return undefined;
  }

  /** All that is left, which is then gone. */
  drain(): T[] {
    const rest = [...this.#buckets.values()].flatMap((bucket) => [...bucket.again, ...bucket.items.slice(bucket.head)]);
    rest.push(...this.#delayed.map(({ item }) => item));
    this.#buckets.clear();
    this.#ring = [];
    this.#delayed.length = this.#size = 0;
    return rest;
  }

  /** What is due for a further attempt goes before the others of its host. */
  #wake(now: number): void {
    const due = this.#delayed.filter(({ at }) => at <= now).sort((one, other) => one.at - other.at);
    if (due.length === 0) return;
    const later = this.#delayed.filter(({ at }) => at > now);
    this.#delayed.splice(0, this.#delayed.length, ...later);
    for (const { item } of due) {
      const bucket = this.#bucket(item.host);
      bucket.again.push(item);
      this.#enter(bucket);
    }
  }

  #bucket(name: string): Bucket<T> {
    let bucket = this.#buckets.get(name);
    if (bucket !== undefined) return bucket;
    this.#forget();
    const host = new Host(name, this.#options.perHost, this.#options.hostRate);
    bucket = { host, items: [], head: 0, again: [], ringed: false };
    this.#buckets.set(name, bucket);
    return bucket;
  }

  #enter(bucket: Bucket<T>): void {
    if (bucket.ringed) return;
    bucket.ringed = true;
    this.#ring.push(bucket);
  }

  #leave(index: number): void {
    const bucket = this.#ring[index] as Bucket<T>;
    bucket.ringed = false;
    const last = this.#ring.pop() as Bucket<T>;
    if (last !== bucket) this.#ring[index] = last;
  }

  #shift(bucket: Bucket<T>): T {
    const again = bucket.again.shift();
    if (again !== undefined) return again;
    const item = bucket.items[bucket.head++] as T;
    if (bucket.head > 1_000 || bucket.head === bucket.items.length) {
      bucket.items = bucket.items.slice(bucket.head);
      bucket.head = 0;
    }
    return item;
  }

  /** Keeps the memory bounded when there are a million hosts. */
  #forget(): void {
    if (this.#buckets.size < HOSTS_KEPT + this.#options.capacity) return;
    const now = Date.now();
    for (const [name, bucket] of this.#buckets) {
      if (!bucket.ringed && bucket.host.isForgettable(now)) this.#buckets.delete(name);
    }
  }
}
