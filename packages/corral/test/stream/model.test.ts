import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { checkpoint, moveOnAfter, sleep, stream, type Stream } from '../../src/index.ts';
import { VirtualClock, assertNoLeaks } from '../../src/testing/index.ts';

/** An operator on a stream, and the same on an array. */
interface Step {
  readonly name: string;
  readonly flow: (values: Stream<number>) => Stream<number>;
  readonly list: (values: readonly number[]) => readonly number[];
  /** Whether it keeps the order. */
  readonly shuffles?: boolean;
}

const lately = async (n: number): Promise<void> => {
  if (n % 3 === 0) await sleep(n % 5);
  else if (n % 3 === 1) await checkpoint();
};

const amount = fc.integer({ min: 0, max: 12 });
const several = fc.integer({ min: 1, max: 5 });

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(several, fc.boolean()).map(([concurrency, sync]): Step => ({
    name: `map ${concurrency} ${sync}`,
    flow: (s) => (sync ? s.map((n) => n + 1) : s.map((n) => lately(n).then(() => n + 1), { concurrency })),
    list: (l) => l.map((n) => n + 1),
  })),
  several.map((concurrency): Step => ({
    name: `map unordered ${concurrency}`,
    flow: (s) => s.map((n) => lately(n).then(() => n), { concurrency, ordered: false }),
    list: (l) => l,
    shuffles: concurrency > 1,
  })),
  several.map((concurrency): Step => ({
    name: `filter ${concurrency}`,
    flow: (s) => s.filter((n) => lately(n).then(() => n % 2 === 0), { concurrency }),
    list: (l) => l.filter((n) => n % 2 === 0),
  })),
  fc.constant<Step>({
    name: 'filter',
    flow: (s) => s.filter((n) => n % 3 > 0),
    list: (l) => l.filter((n) => n % 3 > 0),
  }),
  amount.map((count): Step => ({ name: `take ${count}`, flow: (s) => s.take(count), list: (l) => l.slice(0, count) })),
  amount.map((count): Step => ({ name: `skip ${count}`, flow: (s) => s.skip(count), list: (l) => l.slice(count) })),
  amount.map((limit): Step => ({
    name: `takeWhile ${limit}`,
    flow: (s) => s.takeWhile((n) => n < limit),
    list: (l) =>
      l.slice(
        0,
        [...l, Infinity].findIndex((n) => n >= limit),
      ),
  })),
  amount.map((limit): Step => ({
    name: `skipWhile ${limit}`,
    flow: (s) => s.skipWhile(async (n) => n < limit),
    list: (l) => l.slice([...l, Infinity].findIndex((n) => n >= limit)),
  })),
  fc.constant<Step>({ name: 'distinct', flow: (s) => s.distinct(), list: (l) => [...new Set(l)] }),
  fc.constant<Step>({
    name: 'scan',
    flow: (s) => s.scan((sum, n) => sum + n, 0),
    list: (l) => l.map((_, at) => l.slice(0, at + 1).reduce((sum, n) => sum + n, 0)),
  }),
  fc.constant<Step>({
    name: 'flatMap',
    flow: (s) => s.flatMap((n) => Array.from({ length: n % 3 }, (_, at) => n + at)),
    list: (l) => l.flatMap((n) => Array.from({ length: n % 3 }, (_, at) => n + at)),
  }),
  several.map((concurrency): Step => ({
    name: `flatMap ${concurrency}`,
    flow: (s) => s.flatMap((n) => stream([n, n]).tap(lately), { concurrency }),
    list: (l) => l.flatMap((n) => [n, n]),
    shuffles: concurrency > 1,
  })),
  fc.constant<Step>({
    name: 'pairwise',
    flow: (s) => s.pairwise().map(([one, other]) => other - one),
    list: (l) => l.slice(1).map((n, at) => n - (l[at] as number)),
  }),
  fc.tuple(several, fc.boolean()).map(([size, timed]): Step => ({
    name: `batch ${size} ${timed}`,
    flow: (s) => s.batch(size, timed ? { maxWaitMs: 2 } : {}).flatMap((batch) => batch),
    list: (l) => l,
  })),
  several.map((size): Step => ({ name: `buffer ${size}`, flow: (s) => s.buffer(size), list: (l) => l })),
  fc.constant<Step>({ name: 'concat', flow: (s) => s.concat([1, 2]), list: (l) => [...l, 1, 2] }),
  fc.constant<Step>({ name: 'merge', flow: (s) => s.merge([1, 2]), list: (l) => [...l, 1, 2], shuffles: true }),
  fc.constant<Step>({
    name: 'zip',
    flow: (s) => s.zip([1, 2, 3, 4, 5]).map(([n, m]) => n * m),
    list: (l) => l.slice(0, 5).map((n, at) => n * (at + 1)),
  }),
  several.map((limit): Step => ({
    name: `throttle ${limit}`,
    flow: (s) => s.throttle({ limit, perMs: 3 }),
    list: (l) => l,
  })),
  fc.constant<Step>({ name: 'timeout', flow: (s) => s.timeout(60_000), list: (l) => l }),
  fc.constant<Step>({ name: 'retry', flow: (s) => s.retry(), list: (l) => l }),
);

const sources = {
  array: (values: readonly number[]) => stream(values),
  promises: (values: readonly number[]) => stream(values.map((n) => Promise.resolve(n))),
  generator: (values: readonly number[]) =>
    stream(async function* () {
      for (const n of values) {
        await lately(n);
        yield n;
      }
    }),
  producer: (values: readonly number[]) =>
    stream<number>(
      async (emit) => {
        for (const n of values) await lately(n).then(() => emit(n));
      },
      { capacity: 2 },
    ),
};

/** Behind a stage that shuffles only those that do not care for the order may follow. */
const CAREFREE = ['map', 'filter', 'flatMap', 'batch', 'buffer', 'concat', 'merge', 'throttle', 'timeout', 'retry'];
function comparable(chain: readonly Step[]): readonly Step[] {
  const first = chain.findIndex((step) => step.shuffles);
  if (first < 0) return chain;
  return [
    ...chain.slice(0, first + 1),
    ...chain.slice(first + 1).filter((step) => CAREFREE.includes(step.name.split(' ')[0] as string)),
  ];
}

const programs = fc.record({
  values: fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 20 }),
  source: fc.constantFrom(...(Object.keys(sources) as (keyof typeof sources)[])),
  chain: fc.array(steps, { maxLength: 6 }).map(comparable),
  seed: fc.option(fc.integer(), { nil: undefined }),
});

const name = ({ chain, source }: { chain: readonly Step[]; source: string }): string =>
  [source, ...chain.map((step) => step.name)].join(' → ');

test('stream: a chain of operators gives what the same chain gives over an array, in any order of events', async () => {
  const property = fc.asyncProperty(programs, async ({ values, source, chain, seed }) => {
    const expected = chain.reduce<readonly number[]>((list, step) => step.list(list), values);
    const clock = new VirtualClock({ seed });
    const actual = await clock.run(() =>
      assertNoLeaks(() => chain.reduce((flow, step) => step.flow(flow), sources[source](values)).toArray()),
    );
    const sorted = chain.some((step) => step.shuffles);
    const inOrder = (list: readonly number[]): readonly number[] => (sorted ? [...list].sort((a, b) => a - b) : list);
    assert.deepEqual(inOrder(actual), inOrder(expected), name({ chain, source }));
  });
  await fc.assert(property, { numRuns: 200 });
});

test('stream: left anywhere, or failing anywhere, a chain of operators leaves nothing and closes its source once', async () => {
  const property = fc.asyncProperty(
    programs,
    amount,
    fc.constantFrom('break', 'throw', 'cancel', 'fail'),
    async ({ chain, seed, source }, after, how) => {
      const clock = new VirtualClock({ seed });
      await clock.run(() =>
        assertNoLeaks(async () => {
          let [opened, closed] = [0, 0];
          const numbers = stream(async function* () {
            opened++;
            try {
              for (let n = 0; n < 40; n++) {
                if (how === 'fail' && n === after) throw new Error('fail');
                await lately(n);
                yield n;
              }
            } finally {
              await sleep(1).catch(() => {});
              closed++;
            }
          });
          const flow = chain.reduce((values, step) => step.flow(values), numbers);
          const read = async (): Promise<void> => {
            let seen = 0;
            for await (const _ of flow) {
              if (how === 'cancel' || how === 'fail' || seen++ < after) continue;
              if (how === 'break') break;
              throw new Error('throw');
            }
          };
          try {
            if (how === 'cancel') await moveOnAfter(after, read);
            else await read();
          } catch (error) {
            assert.ok(['throw', 'fail'].includes((error as Error).message), String(error));
          }
          assert.equal(closed, opened, name({ chain, source }));
        }),
      );
    },
  );
  await fc.assert(property, { numRuns: 1500 });
});
