import { any, asCompleted, forEach, map, race } from '../../src/index.ts';
import type { ResultOf, Scope, TaskFunction } from '../../src/index.ts';
import { expectType } from './equal.ts';

const text = async (): Promise<string> => 'text';
const count = (): number => 1;
declare const frozen: readonly TaskFunction<Date>[];
declare const lines: AsyncIterable<string>;

// race, any: one of the values.
expectType<string>()(await race([text, text]));
expectType<string | number>()(await race([text, count]));
expectType<Date>()(await race(frozen));
const either = async (): Promise<ResultOf<[typeof text, typeof count]>> => race([text, count]);
expectType<string | number>()(await either());
expectType<string>()(await any([text], { staggerMs: 250 }));
expectType<string | number>()(await any([text, count]));
await race([(scope) => expectType<Scope>()(scope)]);

// race, any: a promise is not a function, a record has no first.
// @ts-expect-error
await race([text()]);
// @ts-expect-error
await any([text()]);
// @ts-expect-error
await race({ a: text });
// @ts-expect-error
await any(text);

// map: the callback gets item, index and scope; the results are what it gives, awaited.
expectType<number[]>()(await map(['a', 'b'], (word) => word.length));
expectType<number[]>()(await map(new Set(['a']), async (word) => word.length));
expectType<Date[]>()(await map(lines, (line, index) => Promise.resolve(new Date(line.length + index))));
expectType<[string, number][]>()(await map(new Map([['a', 1]]), (entry) => entry));
expectType<('a' | 'b')[]>()(await map([1], (): 'a' | 'b' => 'a'));
await map(['a'] as const, (item, index, scope) => {
  expectType<'a'>()(item);
  expectType<number>()(index);
  expectType<Scope>()(scope);
});
await map(lines, (line) => expectType<string>()(line));

// map: what is mapped is iterable, what maps is a function.
// @ts-expect-error
await map(5, count);
// @ts-expect-error
await map(['a'], text());
// @ts-expect-error
await map(['a'], (item: number) => item);
// @ts-expect-error
await map(['a']);
// @ts-expect-error
await map(Promise.resolve(['a']), count);

// forEach: gives nothing.
expectType<void>()(await forEach(lines, (line) => line.length));
// @ts-expect-error
await forEach(['a'], text());

// asCompleted: yields the values.
for await (const value of asCompleted([text, text])) expectType<string>()(value);
for await (const value of asCompleted(frozen, { concurrency: 3 })) expectType<Date>()(value);
for await (const value of asCompleted([text, count])) expectType<string | number>()(value);
// @ts-expect-error
for await (const value of asCompleted([text()])) console.log(value);

// Options that do not exist are errors.
// @ts-expect-error
await map(['a'], count, { concurency: 2 });
// @ts-expect-error
await map(['a'], count, { ordered: 'no' });
// @ts-expect-error
await forEach(['a'], count, { ordered: false });
// @ts-expect-error
await race([text], { stagger: 5 });
// @ts-expect-error
await any([text], { settled: true });
// @ts-expect-error
asCompleted([text], { staggerMs: 5 });
