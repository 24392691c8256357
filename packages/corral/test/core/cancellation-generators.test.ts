// semantics "Async generators": they run in the context of whoever calls next().
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  cleanup,
  currentScope,
  moveOnAfter,
  sleep,
  sleepForever,
  timeout,
  withScope,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

async function* ticks(trace: string[]): AsyncGenerator<number, void, undefined> {
  try {
    for (let tick = 1; ; tick++) {
      await sleep(10);
      yield tick;
    }
  } finally {
    trace.push(`finally, cancelled: ${currentScope()?.cancelled}`);
    await cleanup(() => sleep(5));
    trace.push('cleaned up');
  }
}

// anyio test_taskgroups.py::test_cancel_host_asyncgen
test(
  'async generators: one that waits is cancelled with its reader, and its finally runs',
  virtually(async (clock) => {
    const trace: string[] = [];
    const result = await moveOnAfter(25, async () => {
      for await (const tick of ticks(trace)) trace.push(`tick ${tick}`);
    });
    assert.deepEqual(result, { timedOut: true });
    assert.deepEqual(trace, ['tick 1', 'tick 2', 'finally, cancelled: true', 'cleaned up']);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'async generators: one that is suspended at a yield is closed by the loop that the cancellation leaves',
  virtually(async () => {
    const trace: string[] = [];
    await moveOnAfter(15, async () => {
      for await (const tick of ticks(trace)) {
        trace.push(`tick ${tick}`);
        await sleepForever();
      }
    });
    assert.deepEqual(trace, ['tick 1', 'finally, cancelled: true', 'cleaned up']);
  }),
);

test(
  'async generators: leaving the loop runs the finally in the scope of the loop',
  virtually(async () => {
    const trace: string[] = [];
    for await (const _tick of ticks(trace)) break;
    assert.deepEqual(trace, ['finally, cancelled: false', 'cleaned up']);
  }),
);

test(
  'async generators: each step belongs to the scope, and sees the values, of who asked for it',
  virtually(async () => {
    const variable = new ContextVariable<string>();
    async function* looking(): AsyncGenerator<string, void, undefined> {
      for (;;) {
        await sleep(1);
        yield `${currentScope()?.name} ${variable.get()}`;
      }
    }
    const generator = looking();
    const next = async (): Promise<unknown> => (await generator.next()).value;
    const seen = [
      await variable.run('a', () => withScope(next, { name: 'first' })),
      await variable.run('b', () => withScope(next, { name: 'second' })),
    ];
    assert.deepEqual(seen, ['first a', 'second b']);
    await generator.return();
  }),
);

test(
  'async generators: a deadline around one step ends that step, and with it the generator',
  virtually(async () => {
    const trace: string[] = [];
    const generator = ticks(trace);
    assert.equal(((await failureOf(timeout(5, () => generator.next()))) as Error).name, 'TimeoutError');
    assert.deepEqual(await generator.next(), { done: true, value: undefined });
    assert.deepEqual(trace, ['finally, cancelled: true', 'cleaned up']);
  }),
);
