import { now } from 'corral';
import { TimeHeap } from './heap.ts';
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
  /** What is to be tried again, before the others. */
  again: T[];
  items: T[];
  /** The first of `items` that is still there. */
  head: number;
  /** `ring`: takes turns; `asleep`: until a time; `busy`: until one of its requests ends; `empty`. */
  state: 'ring' | 'asleep' | 'busy' | 'empty';
}

/**
 * The items to come, in a bucket for each host. Those hosts that may be asked are served in turn, so that a list sorted
 * by host is fetched from many at once, and a host that is closed or busy holds up nobody else.
 *
 * Guarantees: the items of a host come in their order, those for another attempt first; no host is passed over while it
 * may be asked. Each step costs the same, however many hosts are closed or busy.
 *
 * It waits for nothing: `next` says what is due, `wakeAt` when it is worth asking again.
 */
export class Window<T extends Sendable> {
  readonly #options: WindowOptions;
  readonly #buckets = new Map<string, Bucket<T>>();
  /** Buckets whose turn will come; those before `#turn` have had it. */
  #ring: Bucket<T>[] = [];
  #turn = 0;
  readonly #asleep = new TimeHeap<Bucket<T>>();
  readonly #delayed = new TimeHeap<T>();
  #size = 0;

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
    return Math.min(this.#asleep.firstAt, this.#delayed.firstAt);
  }

  host(name: string): Host {
    return this.#bucket(name).host;
  }

  /** Hosts with requests under way. */
  busyHosts(): Host[] {
    return [...this.#buckets.values()].map(({ host }) => host).filter(({ active }) => active > 0);
  }

  add(item: T): void {
    this.#size++;
    const bucket = this.#bucket(item.host);
    bucket.items.push(item);
    if (bucket.state === 'empty') this.#enter(bucket);
  }

  /** For a further attempt, at `at`; until then other items of its host pass it. */
  addAt(item: T, at: number): void {
    this.#size++;
    this.#delayed.add(at, item);
  }

  /** The next item that may be sent; its host counts it as begun. Undefined when none may be sent now. */
  next(now: number): T | undefined {
    this.#wake(now);
    while (this.#turn < this.#ring.length) {
      const bucket = this.#ring[this.#turn++] as Bucket<T>;
      this.#shrinkRing();
      const readyAt = bucket.host.readyAt(now);
      if (readyAt > now) {
        bucket.state = readyAt === Infinity ? 'busy' : 'asleep';
        if (readyAt !== Infinity) this.#asleep.add(readyAt, bucket);
        continue;
      }
      bucket.host.begin();
      this.#size--;
      const item = this.#take(bucket);
      if (bucket.again.length + bucket.items.length > 0) this.#enter(bucket);
      else bucket.state = 'empty';
      return item;
    }
    return undefined;
  }

  /** A request that `next` has handed out has ended. */
  ended(name: string): void {
    const bucket = this.#bucket(name);
    bucket.host.end();
    if (bucket.state === 'busy') this.#enter(bucket);
  }

  #wake(now: number): void {
    for (let bucket = this.#asleep.takeDue(now); bucket; bucket = this.#asleep.takeDue(now)) this.#enter(bucket);
    for (let item = this.#delayed.takeDue(now); item !== undefined; item = this.#delayed.takeDue(now)) {
      const bucket = this.#bucket(item.host);
      bucket.again.push(item);
      if (bucket.state === 'empty') this.#enter(bucket);
    }
  }

  #bucket(name: string): Bucket<T> {
    let bucket = this.#buckets.get(name);
    if (bucket !== undefined) return bucket;
    this.#forget();
    const host = new Host(name, this.#options.perHost, this.#options.hostRate);
    bucket = { host, again: [], items: [], head: 0, state: 'empty' };
    this.#buckets.set(name, bucket);
    return bucket;
  }

  #enter(bucket: Bucket<T>): void {
    bucket.state = 'ring';
    this.#ring.push(bucket);
  }

  #shrinkRing(): void {
    if (this.#turn < 1_000 || this.#turn * 2 < this.#ring.length) return;
    this.#ring = this.#ring.slice(this.#turn);
    this.#turn = 0;
  }

  #take(bucket: Bucket<T>): T {
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
    const time = now();
    for (const [name, bucket] of this.#buckets) {
      if (bucket.state === 'empty' && bucket.host.isForgettable(time)) this.#buckets.delete(name);
    }
  }
}
