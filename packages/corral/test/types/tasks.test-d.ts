import { currentScope, currentTask, detach, openTaskGroup, taskGroup } from '../../src/index.ts';
import type { Scope, StartedTask, Task, TaskGroup, TaskOutcome } from '../../src/index.ts';
import { expectType, type Equal } from './equal.ts';

declare const group: TaskGroup;
declare const task: Task<number>;

// spawn: the task has the value's type, whether the function is async or not.
expectType<Task<string>>()(group.spawn(async () => 'text'));
expectType<Task<number>>()(group.spawn(() => 1));
expectType<Task<void>>()(group.spawn(async () => {}));
expectType<Task<boolean>>()(group.spawn((scope: Scope): PromiseLike<boolean> => Promise.resolve(scope.cancelled)));
expectType<Promise<Task<string>>>()(group.spawnWhenReady(async () => 'text'));
group.spawn((scope) => expectType<Scope>()(scope));

// Task: joining gives the value, the outcome is told apart by its status.
expectType<number>()(await task.join());
expectType<TaskOutcome<number>>()(await task.settled);
const outcome = await task.settled;
if (outcome.status === 'succeeded') expectType<number>()(outcome.value);
else if (outcome.status === 'cancelled') expectType<unknown>()(outcome.reason);
else expectType<unknown>()(outcome.error);

// Task: it is not thenable, so a promise of one does not flatten it.
// @ts-expect-error
const awaitable: PromiseLike<number> = task;
expectType<Promise<Task<number>>>()(Promise.resolve(task));
expectType<Task<number>>()(await Promise.resolve(task));
expectType<Equal<Awaited<Task<number>>, Task<number>>>()(true as const);

// Task: one of a narrower value can stand for one of a wider; tasks of any kind stand in `group.tasks`.
const wider: Task<unknown> = task;
expectType<ReadonlySet<Task<unknown>>>()(group.tasks);
// @ts-expect-error
const narrower: Task<string> = task;
// @ts-expect-error The state of a task is not for callers to set.
task.state = 'failed';

// spawn: a promise is not a function.
// @ts-expect-error
group.spawn(Promise.resolve(1));
// @ts-expect-error
group.spawn();
// @ts-expect-error
group.spawn((word: string) => word);
// @ts-expect-error
await group.spawnWhenReady(Promise.resolve(1));
// @ts-expect-error
await group.start(Promise.resolve(1));
// @ts-expect-error
detach(Promise.resolve(1));

// start: the value is what `started` was given.
const server = await group.start(async (_scope, started: (port: number) => void) => {
  started(80);
  return 'closed';
});
expectType<StartedTask<string, number>>()(server);
expectType<number>()(server.value);
expectType<string>()(await server.join());
expectType<StartedTask<void, void>>()(await group.start(async (_scope, started) => started()));
await group.start(async (scope, started: (value: string) => void) => {
  expectType<Scope>()(scope);
  // @ts-expect-error
  started(1);
});

// taskGroup: the body's value.
expectType<string>()(await taskGroup(async () => 'text'));
expectType<number>()(await taskGroup(() => 1));
expectType<void>()(
  await taskGroup((inner) => {
    expectType<TaskGroup>()(inner);
  }),
);
expectType<void>()(await group.join());
// @ts-expect-error
await taskGroup(Promise.resolve(1));
// @ts-expect-error
await taskGroup();

// openTaskGroup: a group for `await using`, not for `using`.
const open = openTaskGroup({ concurrency: 2 });
const disposable: TaskGroup & AsyncDisposable = open;
// @ts-expect-error
const plain: Disposable = open;

// Outside all scopes there is nothing current.
expectType<Scope | undefined>()(currentScope());
expectType<Task<unknown> | undefined>()(currentTask());
expectType<Task<string>>()(detach(async () => 'text'));
expectType<Task<string>>()(detach(async () => 'text', group, { name: 'late' }));

// Options that do not exist are errors, and so are values that they do not take.
// @ts-expect-error
group.spawn(async () => {}, { nmae: 'x' });
// @ts-expect-error
group.spawn(async () => {}, { start: 'never' });
// @ts-expect-error
group.spawn(async () => {}, { eager: 1 });
// @ts-expect-error
await taskGroup(async () => {}, { concurency: 1 });
// @ts-expect-error
await taskGroup(async () => {}, { onTaskError: 'ignore' });
// @ts-expect-error
await taskGroup(async () => {}, { onTaskError: () => undefined });
// @ts-expect-error
await taskGroup(async () => {}, { errors: 'all' });
// @ts-expect-error
openTaskGroup({ deadlineMs: 5 });
// @ts-expect-error
await group.start(async () => {}, { eager: true });
await taskGroup(async () => {}, { onTaskError: (_error, failed) => (failed.name === 'x' ? 'ignore' : 'collect') });
await taskGroup(async () => {}, { name: undefined, concurrency: undefined, signal: undefined, scope: undefined });

export { awaitable, disposable, narrower, plain, wider };
