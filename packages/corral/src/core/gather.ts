import { checkFunction, checkOptions, isThenable, shown } from '../internal/checks.ts';
import type { Group } from './group.ts';
import { inGroup } from './in-group.ts';
import { rejecting } from './operation.ts';
import type { GroupOptions } from './task-group.ts';
import type { TaskScope } from './task.ts';
import type { TaskFunction } from './with-scope.ts';

/** Task functions by position or by name. */
export type TaskFunctions = readonly TaskFunction<unknown>[] | Readonly<Record<string, TaskFunction<unknown>>>;

/** The results of {@link TaskFunctions}, in the same places. */
export type GatherResults<F> = { -readonly [K in keyof F]: F[K] extends TaskFunction<infer T> ? Awaited<T> : never };

/** The results of {@link TaskFunctions} with `settled`. */
export type SettledResults<F> = {
  -readonly [K in keyof F]: F[K] extends TaskFunction<infer T> ? PromiseSettledResult<Awaited<T>> : never;
};

/** Options of {@link gather}. */
export interface GatherOptions extends GroupOptions {
  /** Whether a failure is a result like others and cancels nothing. Default: false. */
  readonly settled?: boolean | undefined;
}

/**
 * Runs functions concurrently and returns their results in the same shape: a tuple for an array, a record for a record.
 *
 * Guarantees: when one fails, the others are cancelled and awaited, then its error is thrown (like `Promise.all`, but
 * nothing is left running). With `settled` nothing is cancelled and every entry says how it ended. Semantics: asyncio's
 * gather, with a task group's error rules.
 *
 * Cancellable: all that runs is cancelled and awaited.
 *
 * @throws {TypeError} before anything is started, when an entry is not a function (a promise has started already).
 *
 * @example Results by name
 * ```ts run
 * import { gather, sleep } from 'corral';
 *
 * const { user, age } = await gather({ user: async () => 'ada', age: () => sleep(1).then(() => 36) });
 * console.log(user.toUpperCase(), age + 1);
 * ```
 */
export function gather<const F extends TaskFunctions>(
  fns: F,
  options: GatherOptions & { readonly settled: true },
): Promise<SettledResults<F>>;
export function gather<const F extends TaskFunctions>(
  fns: F,
  options?: GatherOptions & { readonly settled?: false | undefined },
): Promise<GatherResults<F>>;
export function gather<const F extends TaskFunctions>(
  fns: F,
  options: GatherOptions,
): Promise<GatherResults<F> | SettledResults<F>>;
export function gather(fns: TaskFunctions, options?: GatherOptions): Promise<unknown> {
  return rejecting(() => {
    checkFunctions(fns, 'gather', true);
    const settled = options?.settled === true;
    const names = Array.isArray(fns) ? undefined : Object.keys(fns);
    const entries: readonly TaskFunction<unknown>[] = Array.isArray(fns) ? fns : Object.values(fns);
    const tasks: TaskScope<unknown>[] = [];
    const result = (): unknown => {
      const results = tasks.map((task) => (settled ? settledResult(task) : task.unwrap()));
      return names ? Object.fromEntries(names.map((name, index) => [name, results[index]])) : results;
    };
    const onTaskError = settled ? (): 'ignore' => 'ignore' : undefined;
    const body = (group: Group): void => spawnAll(group, entries, tasks, names);
    return inGroup('gather', body, { ...checkOptions(options, 'gather'), onTaskError }, { result });
  });
}

function spawnAll(
  group: Group,
  fns: readonly TaskFunction<unknown>[],
  tasks: TaskScope<unknown>[],
  names: readonly string[] | undefined,
): void {
  fns.forEach((fn, index) => tasks.push(group.spawn(fn, names && { name: names[index] }) as TaskScope<unknown>));
}

function settledResult(task: TaskScope<unknown>): PromiseSettledResult<unknown> {
  if (task.progress === 'succeeded') return { status: 'fulfilled', value: task.ending };
  return { status: 'rejected', reason: task.failure() };
}

/** Throws a TypeError unless `fns` is an array of functions, or, where `records` are taken, a record of them. */
export function checkFunctions(fns: unknown, call: string, records = false): void {
  const record = typeof fns === 'object' && fns !== null && !isThenable(fns) && !(Symbol.iterator in fns);
  if (!Array.isArray(fns) && !(records && record)) {
    const what = records ? 'an array or a record of functions' : 'an array of functions';
    throw new TypeError(`Cannot call ${call}() as it takes ${what}: current value is ${shown(fns)}${hintFor(fns)}`);
  }
  // `entries()` of an array also finds holes, which `for in` would pass over.
  const entries = Array.isArray(fns) ? fns.entries() : Object.entries(fns);
  for (const [key, fn] of entries) checkFunction(fn, `call ${call}() with entry ${key}`);
}

function hintFor(fns: unknown): string {
  if (typeof fns === 'function') return ' (write [f, g])';
  if (isThenable(fns)) return ' (it has started already: write [() => …])';
  return typeof fns === 'object' && fns !== null && Symbol.iterator in fns ? ' (write [...fns])' : '';
}
