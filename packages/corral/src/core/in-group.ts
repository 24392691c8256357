/** Running a body with a group: the way in and the way out that taskGroup, gather, race and map share. */

import { checkFunction } from '../internal/checks.ts';
import { withFrame } from './current.ts';
import { Group } from './group.ts';
import { rejecting } from './operation.ts';
import type { TaskGroupOptions } from './task-group.ts';

/** What is particular to one kind of group. */
export interface GroupKind<T> {
  /** What gives the group its name. */
  readonly named?: { readonly name: string } | undefined;
  /** Called when all tasks have ended, before there is a result. Must not throw. */
  readonly atEnd?: ((group: Group) => Promise<void>) | undefined;
  /** What the caller gets when nothing failed, instead of what the body returned. */
  readonly result?: (() => T) | undefined;
}

/** Makes a group for `call` and runs `body` with it; misuse rejects before anything is started. */
export function inGroup<B, T = B>(
  call: string,
  body: (group: Group) => B | PromiseLike<B>,
  options: TaskGroupOptions | undefined,
  kind: GroupKind<T> = {},
): Promise<T> {
  return rejecting(() => {
    checkFunction(body, `run the body of ${call}`, options);
    const group = new Group(call, options, kind.named);
    group.scope.body = true;
    const result = live(group, body, kind);
    group.scope.extra.result = result;
    return result;
  });
}

async function live<B, T>(group: Group, body: (group: Group) => B | PromiseLike<B>, kind: GroupKind<T>): Promise<T> {
  let value: B | undefined;
  let returned = false;
  try {
    value = await withFrame(group.scope, body, group);
    returned = true;
  } catch (error) {
    group.bodyFailed(error);
  }
  await group.finish(kind.atEnd);
  const concluded = group.conclude(value as B, returned);
  return kind.result ? kind.result() : (concluded as unknown as T);
}
