import {
  ContextVariable,
  abortable,
  checkpoint,
  cleanup,
  interval,
  moveOnAfter,
  run,
  shield,
  sleep,
  sleepForever,
  sleepUntil,
  suppressedErrors,
  timeout,
  timeoutAt,
  withScope,
  withSignal,
} from '../../src/index.ts';
import type { CancelKind, CancelledError, MoveOnResult, Scope } from '../../src/index.ts';
import { expectType } from './equal.ts';

const text = async (): Promise<string> => 'text';

// Whoever runs a body gives its value.
expectType<string>()(await withScope(text));
expectType<string>()(await timeout(5, text));
expectType<string>()(await timeout(null, text));
expectType<string>()(await timeout(undefined, text));
expectType<string>()(await timeoutAt(new Date(), text));
expectType<string>()(await shield(text));
expectType<string>()(await cleanup(text, { timeoutMs: 5 }));
expectType<string>()(await run(text, { signals: false }));
expectType<number>()(await timeout(5, () => 1));
expectType<number>()(await timeout(5, (scope) => scope.deadline));
expectType<boolean>()(await withSignal((signal): PromiseLike<boolean> => Promise.resolve(signal.aborted)));
expectType<Response>()(await withSignal((signal) => fetch('http://localhost', { signal })));

// moveOnAfter: the value is there only when it was in time.
const moved = await moveOnAfter(5, text);
expectType<MoveOnResult<string>>()(moved);
// @ts-expect-error
void moved.value.length;
if (moved.timedOut) {
  expectType<true>()(moved.timedOut);
  // @ts-expect-error
  expectType<string>()(moved.value);
} else {
  expectType<string>()(moved.value);
}

// A promise is not a body: it has started already.
// @ts-expect-error
await timeout(5, text());
// @ts-expect-error
await moveOnAfter(5, text());
// @ts-expect-error
await withScope(text());
// @ts-expect-error
await shield(text());
// @ts-expect-error
await cleanup(text());
// @ts-expect-error
await withSignal(text());
// @ts-expect-error
await run(text());
// @ts-expect-error
await timeout('5', text);
// @ts-expect-error
await timeout(text);
// @ts-expect-error
await timeoutAt('2030-01-01', text);

// Waiting gives nothing, waiting for ever gives never.
expectType<void>()(await sleep(5));
expectType<void>()(await sleepUntil(new Date()));
expectType<void>()(await checkpoint());
expectType<Promise<never>>()(sleepForever());
expectType<number>()(await abortable(Promise.resolve(1)));
expectType<void>()(await abortable(Promise.resolve(), { abandon: true }));
await abortable(Promise.resolve('x'), { onAbandoned: (value) => expectType<string>()(value) });
for await (const beat of interval(5)) expectType<number>()(beat);
// @ts-expect-error
await sleep('5');
// @ts-expect-error
await sleep();
// @ts-expect-error
await abortable(1);
// @ts-expect-error An async iterable is no promise.
await interval(5).then(console.log);

// Scope: the handle.
await withScope((scope) => {
  expectType<AbortSignal>()(scope.signal);
  expectType<CancelledError | undefined>()(scope.reason);
  expectType<boolean>()(scope.cancel('why'));
  expectType<() => void>()(scope.onCancel((reason) => expectType<CancelledError>()(reason)));
  scope.reschedule(new Date());
  scope.reschedule(undefined);
  // @ts-expect-error
  scope.cancelled = true;
  // @ts-expect-error
  scope.signal = new AbortController().signal;
});
declare const cause: CancelledError['cause'];
expectType<CancelKind>()(cause.kind);
expectType<readonly unknown[]>()(suppressedErrors(new Error('x')));

// ContextVariable: undefined where nothing was set.
const user = new ContextVariable<string>({ name: 'user' });
expectType<string | undefined>()(user.get());
expectType<number>()(user.run('ann', () => 1));
expectType<Promise<string>>()(user.run('ann', text));
expectType<string>()(user.run('ann', (a: number, b: string) => a + b, 1, 'x'));
// @ts-expect-error
user.run(5, () => 1);
// @ts-expect-error
user.run('ann', (a: number) => a, 'x');
// @ts-expect-error
user.run('ann', (a: number) => a);

// ContextVariable: the default has the value's type.
const depth = new ContextVariable<number>({ defaultValue: 0 });
expectType<number | undefined>()(depth.get());
// @ts-expect-error
const wrong = new ContextVariable<number>({ defaultValue: 'x' });

// Options that do not exist are errors.
// @ts-expect-error
await withScope(text, { deadline: 5 });
// @ts-expect-error
await timeout(5, text, { deadlineMs: 5 });
// @ts-expect-error
await moveOnAfter(5, text, { startIfExpired: false });
// @ts-expect-error
await cleanup(text, { ms: 5 });
// @ts-expect-error
await sleep(5, { signal: new AbortController().signal });
// @ts-expect-error
await run(text, { timeoutMs: 5 });
// @ts-expect-error A controller is not its signal.
await withScope(text, { signal: new AbortController() });
// @ts-expect-error
await abortable(Promise.resolve(1), { onAbandoned: (value: string) => value });

declare const scope: Scope;
await sleep(5, { scope });
await timeout(5, text, { scope, name: 'x', startIfExpired: false });

export { wrong };
