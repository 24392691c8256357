import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  Once,
  TaskCancelledError,
  currentTask,
  gather,
  moveOnAfter,
  sleep,
  sleepForever,
  taskGroup,
  withScope,
} from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { unhandledOf } from '../internal/observe.ts';

test(
  'Once: runs once, however many ask, and all get its value',
  virtually(async (clock) => {
    let calls = 0;
    const once = new Once(async () => {
      await sleep(10);
      return { call: ++calls };
    });
    const values = await gather([1, 2, 3].map(() => () => once.run()));
    assert.equal(new Set(values).size, 1);
    assert.equal(await once.run(), values[0]);
    assert.equal(once.value, values[0]);
    assert.equal(calls, 1);
    assert.equal(clock.now(), 10);
    assert.deepEqual({ ...once.snapshot() }, { name: 'once', state: 'done', waiting: 0 });
  }),
);

test(
  'Once: a value that is undefined is a value',
  virtually(async () => {
    let calls = 0;
    const once = new Once(() => void calls++, { name: 'setup' });
    assert.equal(once.state, 'idle');
    await once.run();
    await once.run();
    assert.equal(calls, 1);
    assert.equal(once.name, 'setup');
  }),
);

test(
  'Once: a cancelled first caller does not poison the others: the next one takes over',
  virtually(async (clock) => {
    const trace: string[] = [];
    const once = new Once(async () => {
      const name = String(currentTask()?.name);
      trace.push(`${name} runs`);
      await sleep(10);
      return `made by ${name}`;
    });
    await taskGroup(async (group) => {
      const first = group.spawn(() => once.run(), { name: 'first' });
      for (const name of ['second', 'third']) {
        group.spawn(() => once.run().then((value) => trace.push(`${name}: ${value}`)), { name });
      }
      await sleep(5);
      assert.equal(once.snapshot().waiting, 2);
      first.cancel();
    });
    assert.deepEqual(trace.slice(0, 2), ['first runs', 'second runs']);
    assert.deepEqual(trace.slice(2).sort(), ['second: made by second', 'third: made by second']);
    assert.equal(clock.now(), 15);
  }),
);

test(
  'Once: the next one begins when the cancelled one has cleaned up',
  virtually(async () => {
    const trace: string[] = [];
    const once = new Once(async () => {
      const name = String(currentTask()?.name);
      try {
        trace.push(`${name} begins`);
        await sleep(10);
      } finally {
        trace.push(`${name} ends`);
      }
    });
    await taskGroup(async (group) => {
      const first = group.spawn(() => once.run(), { name: 'first' });
      group.spawn(() => once.run(), { name: 'second' });
      await waitAllTasksBlocked();
      first.cancel();
    });
    assert.deepEqual(trace, ['first begins', 'first ends', 'second begins', 'second ends']);
  }),
);

test(
  'Once: a failure is thrown to the one it ran for; the next one runs it again',
  virtually(async () => {
    let calls = 0;
    const once = new Once(async () => {
      await sleep(1);
      if (++calls < 3) throw new Error(`failure ${calls}`);
      return 'value';
    });
    const results = await gather(
      [1, 2, 3, 4].map(() => () => once.run()),
      { settled: true },
    );
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as Error).message)),
      ['failure 1', 'failure 2', 'value', 'value'],
    );
    assert.equal(calls, 3);
  }),
);

test(
  'Once: after a failure with nobody waiting the next call runs it again; a function that throws at once fails as well',
  virtually(async () => {
    let calls = 0;
    const once = new Once((): string => {
      if (++calls === 1) throw new Error('first');
      return 'second';
    });
    await assert.rejects(once.run(), { message: 'first' });
    assert.equal(once.state, 'idle');
    assert.equal(await once.run(), 'second');
  }),
);

test(
  'Once: a waiter whose turn comes in the instant in which it is cancelled passes it on, and the function is not called',
  virtually(async () => {
    const trace: string[] = [];
    const once = new Once(async () => {
      trace.push(String(currentTask()?.name));
      await sleep(1);
      if (trace.length === 1) throw new Error('first');
    });
    await taskGroup(async (group) => {
      const second = { cancel: (): void => {} };
      group.spawn(() => once.run().catch(() => second.cancel()), { name: 'first' });
      const task = group.spawn(() => once.run(), { name: 'second' });
      second.cancel = () => void task.cancel();
      group.spawn(() => once.run(), { name: 'third' });
    });
    assert.equal(once.state, 'done');
    assert.equal(trace.at(-1), 'third');
  }),
);

test(
  'Once: a cancelled waiter leaves; the others get the value',
  virtually(async () => {
    const once = new Once(() => sleep(10).then(() => 'value'));
    await taskGroup(async (group) => {
      group.spawn(() => once.run());
      assert.deepEqual(await moveOnAfter(5, () => once.run()), { timedOut: true });
      assert.equal(await once.run(), 'value');
    });
  }),
);

test(
  'Once: a function that asks for its own value is told, at once and below',
  virtually(async () => {
    const once: Once<string> = new Once(() => once.run());
    await assert.rejects(once.run(), { name: 'TypeError', message: /must not ask for its own value$/ });
    const deep: Once<string> = new Once(async () => {
      await sleep(1);
      return await taskGroup((group) => group.spawn(() => deep.run()).join());
    });
    await assert.rejects(deep.run(), TypeError);
    assert.equal(deep.state, 'idle');
  }),
);

test(
  'Once: a function that cancels its own scope has made nothing',
  virtually(async () => {
    let calls = 0;
    const once = new Once(async (scope) => {
      if (++calls > 1) return 'value';
      scope.cancel();
      return await sleepForever();
    });
    assert.ok((await failureOf(once.run())) instanceof TaskCancelledError);
    assert.equal(await once.run(), 'value');
  }),
);

test(
  'Once: the function and the waiters each have the context variables of who called',
  virtually(async () => {
    const who = new ContextVariable<string>();
    const trace: string[] = [];
    const once = new Once(async () => {
      await sleep(1);
      trace.push(`made for ${who.get()}`);
    });
    await taskGroup((group) => {
      for (const name of ['a', 'b']) {
        group.spawn(() =>
          who.run(name, async () => {
            await once.run();
            trace.push(String(who.get()));
          }),
        );
      }
    });
    assert.deepEqual(trace, ['made for a', 'a', 'b']);
  }),
);

test('Once: begun and not awaited it is cut off with its scope, and silent', async () => {
  const unhandled = await unhandledOf(
    virtually(async () => {
      const once = new Once(() => sleep(1_000));
      await withScope(async () => {
        void once.run();
        void once.run();
        await sleep(1);
      });
      assert.deepEqual({ ...once.snapshot() }, { name: 'once', state: 'idle', waiting: 0 });
    }),
  );
  assert.deepEqual(unhandled, []);
});

test('Once: takes a function', () => {
  assert.throws(() => new Once(Promise.resolve() as never), { name: 'TypeError', message: /^Cannot make a Once as/ });
});

test(
  'Once: a value that comes although its caller was cancelled meanwhile stands for all',
  virtually(async () => {
    const once = new Once(() => sleep(10).catch(() => 'what there was'));
    await taskGroup(async (group) => {
      const first = group.spawn(() => once.run());
      const second = group.spawn(() => once.run());
      await waitAllTasksBlocked();
      first.cancel();
      assert.equal(await second.join(), 'what there was');
    });
  }),
);
