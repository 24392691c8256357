// The semantics of TC39's AsyncContext.Variable, and what tasks add to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  abortable,
  asCompleted,
  cleanup,
  currentScope,
  currentTask,
  detach,
  gather,
  map,
  moveOnAfter,
  openTaskGroup,
  race,
  shield,
  sleep,
  taskGroup,
  timeout,
  withScope,
  withSignal,
} from '../../src/index.ts';
import { tick } from '../internal/observe.ts';
import { pledge, virtually } from './virtually.ts';

test('ContextVariable: has the name and the default value that it was given', () => {
  const plain = new ContextVariable<string>();
  const named = new ContextVariable({ name: 'user', defaultValue: 'nobody' });
  assert.deepEqual([plain.name, plain.get()], ['', undefined]);
  assert.deepEqual([named.name, named.get()], ['user', 'nobody']);
});

test('ContextVariable.run: calls the function with the arguments and returns what it returns', () => {
  const variable = new ContextVariable<string>();
  const sum = variable.run('value', (a: number, b: number) => `${variable.get()} ${a + b}`, 1, 2);
  assert.equal(sum, 'value 3');
  assert.equal(variable.get(), undefined);
});

test('ContextVariable.run: puts the value before back, also when the function throws', () => {
  const variable = new ContextVariable({ defaultValue: 0 });
  variable.run(1, () => {
    assert.throws(() =>
      variable.run(2, () => {
        assert.equal(variable.get(), 2);
        throw new Error('thrown');
      }),
    );
    assert.equal(variable.get(), 1);
  });
  assert.equal(variable.get(), 0);
});

test('ContextVariable.run: a value of undefined is a value: the default does not come through', () => {
  const variable = new ContextVariable<string | undefined>({ defaultValue: 'default' });
  variable.run(undefined, () => assert.equal(variable.get(), undefined));
  assert.equal(variable.get(), 'default');
});

test('ContextVariable: two of the same name know nothing of each other', () => {
  const a = new ContextVariable<string>({ name: 'same' });
  const b = new ContextVariable<string>({ name: 'same' });
  a.run('a', () => {
    assert.equal(b.get(), undefined);
    b.run('b', () => assert.deepEqual([a.get(), b.get()], ['a', 'b']));
  });
});

test('ContextVariable: flows through await, timers, microtasks and thenables, and never back out', async () => {
  const variable = new ContextVariable<string>();
  const inside = variable.run('inside', async () => {
    const seen = [variable.get()];
    await tick();
    seen.push(variable.get());
    await new Promise<void>((resolve) => void setTimeout(() => resolve(seen.push(variable.get()) as never), 1));
    await new Promise<void>((resolve) => queueMicrotask(() => resolve(seen.push(variable.get()) as never)));
    await { then: (resolve: (value: unknown) => void) => resolve(seen.push(variable.get())) };
    return seen;
  });
  assert.equal(variable.get(), undefined);
  assert.deepEqual(
    await inside,
    Array.from({ length: 5 }, () => 'inside'),
  );
  assert.equal(variable.get(), undefined);
});

test('ContextVariable: a reaction runs with the values of where then() was called, not of where it was settled', async () => {
  const variable = new ContextVariable<string>();
  const { promise, resolve } = pledge();
  const seen = variable.run('registered', () => promise.then(() => variable.get()));
  variable.run('settled', () => resolve());
  assert.equal(await seen, 'registered');
});

test('ContextVariable: concurrent runs do not mix', async () => {
  const variable = new ContextVariable<number>();
  const seen = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      variable.run(index, async () => {
        for (let turns = 0; turns < index % 7; turns++) await tick();
        return variable.get();
      }),
    ),
  );
  assert.deepEqual(seen, [...seen.keys()]);
});

test(
  'ContextVariable.run: does not change which scope and which task are current',
  virtually(async () => {
    const variable = new ContextVariable<string>();
    await taskGroup((group) =>
      group
        .spawn((scope) =>
          variable.run('value', () => {
            assert.equal(currentScope(), scope);
            assert.equal(currentTask(), scope);
          }),
        )
        .join(),
    );
  }),
);

const variable = new ContextVariable<string>();
const look = (): string | undefined => variable.get();

/** All that calls a function in a scope of its own. */
const calls: Readonly<Record<string, () => unknown>> = {
  withScope: () => withScope(look),
  timeout: () => timeout(10, look),
  moveOnAfter: async () => ((await moveOnAfter(10, look)) as { value?: string }).value,
  shield: () => shield(look),
  cleanup: () => cleanup(look),
  withSignal: () => withSignal(look),
  'taskGroup body': () => taskGroup(look),
  'group.spawn': () => taskGroup((group) => group.spawn(look).join()),
  'group.spawn eager': () => taskGroup((group) => group.spawn(look, { eager: true }).join()),
  'group.spawnWhenReady': () => taskGroup(async (group) => (await group.spawnWhenReady(look)).join()),
  'group.start': () =>
    taskGroup(async (group) => {
      const task = await group.start<string | undefined>((_scope, started) => {
        started();
        return look();
      });
      return task.join();
    }),
  openTaskGroup: async () => {
    await using group = openTaskGroup();
    const task = group.spawn(look);
    await group.join();
    return task.join();
  },
  gather: async () => (await gather([look]))[0],
  race: () => race([look]),
  map: async () => (await map([1], look))[0],
  asCompleted: async () => {
    for await (const value of asCompleted([look])) return value;
    return 'nothing';
  },
  detach: () => detach(look).join(),
};

for (const [name, call] of Object.entries(calls)) {
  test(
    `ContextVariable: its value is seen by what ${name} calls, also after waiting`,
    virtually(async () => {
      const seen = await variable.run('value', async () => {
        await sleep(1);
        return call();
      });
      assert.equal(seen, 'value');
      assert.equal(look(), undefined);
    }),
  );
}

// trio test_run.py::test_contextvar_support; semantics: scope and deadlines from the group, variables from the spawner
test(
  'ContextVariable: a task sees the values of its spawner, not those of where the group was opened',
  virtually(async () => {
    const seen: unknown[] = [];
    await variable.run('group', () =>
      taskGroup(async (group) => {
        variable.run('spawner', () => group.spawn(() => seen.push(look())));
        group.spawn(() => seen.push(look()));
      }),
    );
    assert.deepEqual(seen, ['spawner', 'group']);
  }),
);

// trio test_run.py::test_contextvar_multitask
test(
  'ContextVariable: what a task runs with is not seen by its siblings or its spawner',
  virtually(async () => {
    const seen: string[] = [];
    await variable.run('spawner', () =>
      taskGroup(async (group) => {
        for (const name of ['a', 'b', 'c']) {
          group.spawn(() =>
            variable.run(name, async () => {
              await sleep(1);
              seen.push(`${name}: ${look()}`);
            }),
          );
        }
        await sleep(2);
        seen.push(`body: ${look()}`);
      }),
    );
    assert.deepEqual(seen, ['a: a', 'b: b', 'c: c', 'body: spawner']);
  }),
);

test(
  'ContextVariable: tasks that wait for a place keep the values of when they were spawned',
  virtually(async () => {
    const seen: unknown[] = [];
    await taskGroup(
      (group) => {
        for (const name of ['a', 'b', 'c'])
          variable.run(name, () => group.spawn(() => sleep(1).then(() => seen.push(look()))));
      },
      { concurrency: 1 },
    );
    assert.deepEqual(seen, ['a', 'b', 'c']);
  }),
);

test(
  'ContextVariable: after waiting in any operation the values are those of before',
  virtually(async () => {
    await variable.run('value', async () => {
      await taskGroup(async (group) => {
        const task = variable.run('other', () => group.spawn(() => sleep(5).then(look)));
        assert.equal(await task.join(), 'other');
        assert.equal(look(), 'value');
        assert.equal(await abortable(Promise.resolve('x')), 'x');
        assert.equal(look(), 'value');
        assert.equal((await task.settled).status, 'succeeded');
        assert.equal(look(), 'value');
      });
      assert.equal(look(), 'value');
    });
  }),
);

test(
  'ContextVariable: what is cancelled unwinds with its own values, not with those of who cancelled it',
  virtually(async () => {
    const seen: unknown[] = [];
    await taskGroup(async (group) => {
      variable.run('cancelled', () => group.spawn(() => sleep(1_000).finally(() => seen.push(look()))));
      await sleep(1);
      variable.run('canceller', () => group.cancel());
    });
    assert.deepEqual(seen, ['cancelled']);
  }),
);

test(
  'ContextVariable: 1,000 tasks with 1,000 values',
  virtually(async () => {
    const seen = await taskGroup(async (group) => {
      const tasks = Array.from({ length: 1_000 }, (_, index) =>
        variable.run(String(index), () => group.spawn(async () => (await sleep(index % 10), look()))),
      );
      return Promise.all(tasks.map((task) => task.join()));
    });
    assert.deepEqual(seen, [...seen.keys()].map(String));
  }),
);
