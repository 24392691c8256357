import { checkOptions } from '../internal/checks.ts';
import { scopeFor, type ScopeOption } from './current.ts';
import { checkFunctions } from './gather.ts';
import { OpenGroup } from './open-task-group.ts';
import { rejected } from './operation.ts';
import type { ResultOf } from './race.ts';
import type { Scope } from './scope.ts';
import type { GroupOptions } from './task-group.ts';
import type { TaskScope } from './task.ts';
import { WaitLine, waitInLine } from './wait-line.ts';
import type { TaskFunction } from './with-scope.ts';

/**
 * Runs functions concurrently and yields their values as they come in.
 *
 * Guarantees: nothing is started before the first value is asked for; the first failure is thrown after the others were
 * cancelled and awaited; leaving the loop early cancels the rest and waits for it.
 *
 * Cancellable: likewise.
 *
 * @throws {TypeError} before anything is started, when an entry is not a function.
 *
 * @example The quickest answers first
 * ```ts run
 * import { asCompleted, sleep } from 'corral';
 *
 * const slow = () => sleep(5).then(() => 'slow');
 * for await (const answer of asCompleted([slow, async () => 'quick'])) console.log(answer); // quick, then slow
 * ```
 */
export function asCompleted<const F extends readonly TaskFunction<unknown>[]>(
  fns: F,
  options?: GroupOptions,
): AsyncGenerator<ResultOf<F>, void, undefined> {
  try {
    return start(fns, options);
  } catch (error) {
    return refuse(error);
  }
}

/** What cannot be iterated says so when it is: callers of what is iterated need not catch twice. */
async function* refuse(error: unknown): AsyncGenerator<never, void, undefined> {
  yield await rejected(error);
}

function start<F extends readonly TaskFunction<unknown>[]>(
  fns: F,
  options: GroupOptions | undefined,
): AsyncGenerator<ResultOf<F>, void, undefined> {
  checkFunctions(fns, 'asCompleted');
  const news = new WaitLine<void>();
  const wake = (): 'cancel' => {
    news.commitAll(undefined);
    return 'cancel';
  };
  const group = new OpenGroup('asCompleted', { ...checkOptions(options, 'asCompleted'), onTaskError: wake });
  group.scope.onCancel(wake);
  return complete(fns, group, news, options);
}

/** The tasks belong to the scope of the call, each wait for a value to the scope of whoever asks for it. */
async function* complete<F extends readonly TaskFunction<unknown>[]>(
  fns: F,
  group: OpenGroup,
  news: WaitLine<void>,
  options: ScopeOption | undefined,
): AsyncGenerator<ResultOf<F>, void, undefined> {
  const given = options?.scope && { scope: options.scope };
  const values: ResultOf<F>[] = [];
  let ended = 0;
  const produce = async (fn: TaskFunction<unknown>, own: Scope): Promise<void> => {
    try {
      values.push((await fn(own)) as ResultOf<F>);
    } finally {
      ended++;
      news.commitAll(undefined);
    }
  };
  try {
    const tasks = fns.map((fn) => group.spawn((own) => produce(fn, own), { name: fn.name || undefined }));
    for (let yielded = 0; yielded < fns.length; yielded++) {
      while (values.length === 0 && ended < fns.length && !group.scope.cancelled) {
        await waitInLine(scopeFor('asCompleted', given), 'the next to complete', news);
      }
      if (values.length === 0) break;
      yield values.shift() as ResultOf<F>;
    }
    await group.join(given);
    // One that was cancelled by itself has no value to yield: said, like by gather.
    for (const task of tasks) (task as TaskScope<void>).unwrap();
  } finally {
    await group[Symbol.asyncDispose]();
  }
}
