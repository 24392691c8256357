import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  abortable,
  any,
  asCompleted,
  forEach,
  gather,
  map,
  moveOnAfter,
  openTaskGroup,
  race,
  shield,
  taskGroup,
  timeout,
  withScope,
  withSignal,
} from '../src/index.ts';

async function failing(): Promise<never> {
  await null;
  throw new Error('failed');
}

/** A call that fails, as an async function of the caller's, named for what it calls. */
type Caller = () => Promise<unknown>;

/** The functions of this file that a trace names, from the failure outwards. */
async function tracedThrough(call: Caller): Promise<string[]> {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  try {
    await call();
  } catch (error) {
    const lines = String((error as Error).stack).split('\n');
    const own = lines.filter((line) => /traces\.test\.[jt]s/.test(line));
    const names = own.map((line) => /at (?:async )?(?:new )?(?:[\w#]+\.)*([\w#<>]+) \(/.exec(line)?.[1] ?? '');
    return names.filter((name) => !['', 'tracedThrough', '<anonymous>'].includes(name));
  } finally {
    Error.stackTraceLimit = limit;
  }
  throw new Error('it did not fail');
}

/** What V8 follows today: from the failing function to whoever awaits it, through every group and scope. */
const traced: Record<string, readonly [call: Caller, frames: readonly string[]]> = {
  'a plain await': [
    async function caller() {
      await failing();
    },
    ['failing', 'caller'],
  ],
  'a task of taskGroup': [
    async function caller() {
      await taskGroup((group) => void group.spawn(failing));
    },
    ['failing', 'caller'],
  ],
  'the body of taskGroup': [
    async function caller() {
      await taskGroup(async function body() {
        await failing();
      });
    },
    ['failing', 'body', 'caller'],
  ],
  gather: [
    async function caller() {
      await gather([failing]);
    },
    ['failing', 'caller'],
  ],
  race: [
    async function caller() {
      await race([failing]);
    },
    ['failing', 'caller'],
  ],
  any: [
    async function caller() {
      await any([failing]);
    },
    ['failing', 'caller'],
  ],
  timeout: [
    async function caller() {
      await timeout(60_000, failing);
    },
    ['failing', 'caller'],
  ],
  moveOnAfter: [
    async function caller() {
      await moveOnAfter(60_000, failing);
    },
    ['failing', 'caller'],
  ],
  withScope: [
    async function caller() {
      await withScope(failing);
    },
    ['failing', 'caller'],
  ],
  shield: [
    async function caller() {
      await shield(failing);
    },
    ['failing', 'caller'],
  ],
  withSignal: [
    async function caller() {
      await withSignal(failing);
    },
    ['failing', 'caller'],
  ],
  'a timeout in a gather in a task': [
    async function caller() {
      await taskGroup((group) => {
        group.spawn(async function task() {
          await gather([
            async function entry() {
              await timeout(60_000, failing);
            },
          ]);
        });
      });
    },
    ['failing', 'entry', 'task', 'caller'],
  ],
};

/** Where the trace ends at the task although somebody awaits it. */
const cutOff: Record<string, readonly [call: Caller, today: readonly string[], ought: readonly string[]]> = {
  'task.join': [
    async function caller() {
      await taskGroup(async function joining(group) {
        await group.spawn(failing).join();
      });
    },
    ['failing'],
    ['failing', 'joining', 'caller'],
  ],
  'task.join of a task that has ended': [
    async function caller() {
      await taskGroup(
        async function joining(group) {
          const task = group.spawn(failing);
          await task.settled;
          await task.join();
        },
        { onTaskError: 'collect' },
      );
    },
    ['failing'],
    ['failing', 'joining', 'caller'],
  ],
  map: [
    async function caller() {
      await map([1], failing);
    },
    ['failing'],
    ['failing', 'caller'],
  ],
  forEach: [
    async function caller() {
      await forEach([1], failing);
    },
    ['failing'],
    ['failing', 'caller'],
  ],
  asCompleted: [
    async function caller() {
      for await (const _value of asCompleted([failing])) assert.fail();
    },
    ['failing'],
    ['failing', 'caller'],
  ],
  'join of openTaskGroup': [
    async function caller() {
      await using group = openTaskGroup();
      group.spawn(failing);
      await group.join();
    },
    ['failing'],
    ['failing', 'caller'],
  ],
  abortable: [
    async function caller() {
      await abortable(failing());
    },
    ['failing'],
    ['failing', 'caller'],
  ],
};

const skip = process.versions['bun'] !== undefined && 'Bun: JavaScriptCore names no callers beyond an await';

describe('traces', { skip }, () => {
  for (const [name, [call, frames]] of Object.entries(traced)) {
    test(`${name}: the stack of a failure names those who await it`, async () => {
      assert.deepEqual(await tracedThrough(call), frames);
    });
  }
  for (const [name, [call, today, ought]] of Object.entries(cutOff)) {
    test(`${name}: the stack of a failure names at least the function that failed`, async () => {
      assert.deepEqual((await tracedThrough(call)).slice(0, today.length), today);
    });
    test(
      `${name}: the stack of a failure names those who await it`,
      { todo: 'V8 follows native awaits and Promise.all, this waits in a line of corral' },
      async () => {
        assert.deepEqual(await tracedThrough(call), ought);
      },
    );
  }
});
