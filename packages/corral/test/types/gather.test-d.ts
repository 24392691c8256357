import { gather } from '../../src/index.ts';
import type { Scope, TaskFunction } from '../../src/index.ts';
import { expectType } from './equal.ts';

const text = async (): Promise<string> => 'text';
const count = (): number => 1;
declare function later(scope: Scope): PromiseLike<boolean>;
declare const many: TaskFunction<number>[];
declare const frozen: readonly (() => Promise<Date>)[];
declare const byName: Record<string, () => Promise<Date>>;

// gather: a tuple of functions gives a tuple of results.
expectType<[string, number, boolean]>()(await gather([text, count, later]));
expectType<[]>()(await gather([]));

// gather: an array gives an array, a readonly one too.
expectType<number[]>()(await gather(many));
expectType<Date[]>()(await gather(frozen));
expectType<string[]>()(await gather(['a', 'b'].map((word) => async () => word)));
expectType<[string, ...Date[]]>()(await gather([text, ...frozen]));

// gather: a record gives a record with the same names.
expectType<{ user: string; posts: number; seen: boolean }>()(await gather({ user: text, posts: count, seen: later }));
expectType<{}>()(await gather({}));
expectType<{ [name: string]: Date }>()(await gather(byName));

// gather: literals stay what the function says.
expectType<['a' | 'b', 1]>()(await gather([(): 'a' | 'b' => 'a', async (): Promise<1> => 1]));

// gather: what a function gives is flattened, as awaiting does.
declare function nested(): Promise<Promise<number>>;
expectType<[number]>()(await gather([nested]));

// gather: a function that never returns or returns nothing.
expectType<[void, never]>()(
  await gather([
    async () => {},
    (): never => {
      throw new Error('never');
    },
  ]),
);

// gather: settled results say how each ended.
expectType<[PromiseSettledResult<string>, PromiseSettledResult<number>]>()(
  await gather([text, count], { settled: true }),
);
expectType<{ a: PromiseSettledResult<boolean> }>()(await gather({ a: later }, { settled: true, concurrency: 2 }));
expectType<PromiseSettledResult<number>[]>()(await gather(many, { settled: true }));
expectType<[string]>()(await gather([text], { settled: false }));

// gather: the scope is handed to every function.
await gather([(scope) => expectType<Scope>()(scope)]);
await gather({ a: (scope) => expectType<Scope>()(scope) });

// gather: a promise is not a function: it has started already.
// @ts-expect-error
await gather([text(), count]);
// @ts-expect-error
await gather({ user: text() });
// @ts-expect-error
await gather(Promise.resolve([text]));
// @ts-expect-error
await gather([1]);
// @ts-expect-error
await gather();
// @ts-expect-error
await gather(new Set([text]));
// @ts-expect-error A function that needs more than a scope.
await gather([(word: string) => word]);

// gather: options that do not exist are errors.
// @ts-expect-error
await gather([text], { concurency: 2 });
// @ts-expect-error
await gather([text], { onTaskError: 'collect' });
// @ts-expect-error
await gather([text], { concurrency: '2' });
// @ts-expect-error
await gather([text], { settled: 'yes' });
