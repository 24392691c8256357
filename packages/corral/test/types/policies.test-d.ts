import {
  Bulkhead,
  cache,
  createLimit,
  debounce,
  fromCallback,
  limit,
  promisify,
  singleFlight,
  throttle,
} from '../../src/index.ts';
import type { Limit, Scope } from '../../src/index.ts';
import { expectType } from './equal.ts';

declare const scope: Scope;
declare function load(id: number, deep?: boolean): Promise<string>;
const length = (text: string): number => text.length;

// limit: same arguments, a promise of the same result.
expectType<Promise<string>>()(limit(load, 2)(1, true));
expectType<Promise<number>>()(limit(length, 2).callIn(scope, 'a'));
// @ts-expect-error
void limit(load, 2)('1');
// @ts-expect-error
limit(load);

// createLimit: p-limit's call shape.
const run: Limit = createLimit(2);
expectType<Promise<string>>()(run(load, 1));
expectType<Promise<number>>()(run(() => 5));
expectType<Promise<number>>()(run.callIn(scope, length, 'a'));
expectType<Promise<number[]>>()(run.map(['a'], (text, index) => text.length + index));
// @ts-expect-error
void run(load, 'one');
// @ts-expect-error
run.activeCount = 1;
run.concurrency = 3;

expectType<Promise<string>>()(new Bulkhead().run(() => load(1)));

// singleFlight and cache: the key's type is that of the only argument, or of what `key` gives.
expectType<Promise<string>>()(singleFlight(load)(1));
singleFlight(load).forget(1);
// @ts-expect-error
singleFlight(load).forget('1');
const cached = cache(load, { key: (id, deep) => `${id}/${deep}` });
expectType<Promise<string>>()(cached.refresh(1, false));
cached.set('1/true', 'value');
// @ts-expect-error
cached.set('1/true', 5);
// @ts-expect-error
cached.delete(1);

// debounce and throttle.
expectType<Promise<string>>()(debounce(load, { waitMs: 1 })(1));
expectType<Promise<number>>()(throttle(length, { perMs: 1 })('a'));
// @ts-expect-error
throttle(length, {});

// The function gets its scope as `this`: one that wants another `this` is refused.
singleFlight(function (this: Scope, n: number) {
  return this.sleep(n);
});
declare const method: (this: Date, n: number) => Promise<void>;
// @ts-expect-error
singleFlight(method);

// fromCallback, promisify.
expectType<Promise<void>>()(fromCallback((done) => done()));
expectType<Promise<string>>()(fromCallback<string>((done) => done(null, 'text')));
declare function legacy(path: string, callback: (error: unknown, text?: string) => void): void;
expectType<Promise<string>>()(promisify(legacy)('path'));
