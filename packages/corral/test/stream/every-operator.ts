/** All operators, for the laws that hold for each of them, and sources that note what is done with them. */

import { cleanup, sleep, sleepForever, type Stream } from '../../src/index.ts';

/** One operator, as a stage that lets numbers through. */
export interface Operator {
  readonly name: string;
  readonly apply: (source: Stream<number>) => Stream<unknown>;
  /** How many values of the source may have been read and not yet be in what the consumer has got. */
  readonly ahead: number;
  /** How many values of the source are in one value of the stream. */
  readonly per?: number;
  /** How many values it drops before the first. */
  readonly drops?: number;
}

export const OPERATORS: readonly Operator[] = [
  { name: 'nothing', apply: (s) => s, ahead: 0 },
  { name: 'map', apply: (s) => s.map((n) => n), ahead: 0 },
  { name: 'map, async', apply: (s) => s.map(async (n) => n), ahead: 0 },
  { name: 'map, concurrency 3', apply: (s) => s.map(async (n) => n, { concurrency: 3 }), ahead: 6 },
  { name: 'map, unordered', apply: (s) => s.map(async (n) => n, { concurrency: 3, ordered: false }), ahead: 6 },
  { name: 'filter', apply: (s) => s.filter(() => true), ahead: 0 },
  { name: 'filter, async', apply: (s) => s.filter(async () => true), ahead: 0 },
  { name: 'filter, concurrency 2', apply: (s) => s.filter(async () => true, { concurrency: 2 }), ahead: 4 },
  { name: 'tap', apply: (s) => s.tap(() => {}), ahead: 0 },
  { name: 'take', apply: (s) => s.take(Infinity), ahead: 0 },
  { name: 'takeWhile', apply: (s) => s.takeWhile(() => true), ahead: 0 },
  { name: 'skip', apply: (s) => s.skip(1), ahead: 0, drops: 1 },
  { name: 'skipWhile', apply: (s) => s.skipWhile((n) => n < 1), ahead: 0, drops: 1 },
  { name: 'scan', apply: (s) => s.scan((_sum, n) => n, 0), ahead: 0 },
  { name: 'distinct', apply: (s) => s.distinct(), ahead: 0 },
  { name: 'pairwise', apply: (s) => s.pairwise(), ahead: 0, drops: 1 },
  { name: 'flatMap', apply: (s) => s.flatMap((n) => [n]), ahead: 0 },
  { name: 'flatMap, concurrency 2', apply: (s) => s.flatMap((n) => [n], { concurrency: 2 }), ahead: 2 },
  { name: 'concat', apply: (s) => s.concat([]), ahead: 0 },
  { name: 'merge', apply: (s) => s.merge([]), ahead: 1 },
  { name: 'zip', apply: (s) => s.zip(s.map((n) => n)), ahead: 0, per: 2 },
  { name: 'buffer', apply: (s) => s.buffer(3), ahead: 4 },
  { name: 'batch', apply: (s) => s.batch(2), ahead: 0, per: 2 },
  { name: 'batch, maxWaitMs', apply: (s) => s.batch(2, { maxWaitMs: 5 }), ahead: 2, per: 2 },
  { name: 'throttle', apply: (s) => s.throttle({ limit: 5, perMs: 1 }), ahead: 0 },
  { name: 'timeout', apply: (s) => s.timeout(60_000), ahead: 0 },
  { name: 'retry', apply: (s) => s.retry({ attempts: 1 }), ahead: 0 },
  {
    name: 'catch',
    apply: (s) =>
      s.catch((error) => {
        throw error;
      }),
    ahead: 0,
  },
  {
    name: 'many, fused',
    apply: (s) =>
      s
        .map((n) => n)
        .filter(() => true)
        .map(async (n) => n)
        .take(Infinity),
    ahead: 0,
  },
  {
    name: 'many, with tasks',
    apply: (s) =>
      s
        .map(async (n) => n, { concurrency: 2 })
        .buffer(1)
        .map((n) => n)
        .merge([])
        .timeout(60_000),
    ahead: 4 + 2 + 1,
  },
];

/** Numbers, slowly; takes its time to close. */
export async function* slow(trace: string[], count = Infinity): AsyncGenerator<number> {
  try {
    for (let n = 0; n < count; n++) {
      await sleep(1);
      yield n;
    }
  } finally {
    await cleanup(() => sleep(5));
    trace.push('closed');
  }
}

/** Some numbers, then nothing any more. */
export async function* stalling(trace: string[], count: number): AsyncGenerator<number> {
  try {
    for (let n = 0; n < count; n++) yield n;
    await sleepForever();
  } finally {
    await cleanup(() => sleep(5));
    trace.push('closed');
  }
}

/** An iterator by hand, which counts. */
export class Counting implements AsyncIterable<number> {
  read = 0;
  returned = 0;
  readonly #end: number;
  readonly #failure: { readonly error: unknown } | undefined;
  readonly #whenReturned: () => unknown;

  constructor(end = Infinity, failure?: { readonly error: unknown }, whenReturned: () => unknown = () => {}) {
    this.#end = end;
    this.#failure = failure;
    this.#whenReturned = whenReturned;
  }

  [Symbol.asyncIterator](): AsyncIterator<number> {
    let at = 0;
    return {
      next: async () => {
        if (at === this.#end && this.#failure) throw this.#failure.error;
        if (at === this.#end) return { done: true, value: undefined };
        this.read++;
        return { done: false, value: at++ };
      },
      return: async () => {
        this.returned++;
        await this.#whenReturned();
        return { done: true, value: undefined };
      },
    };
  }
}
