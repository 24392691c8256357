import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  GroupClosedError,
  isCancelled,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Task,
  type TaskGroup,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

test(
  'concurrency: never more tasks than that run at a time, in the order of spawning',
  virtually(async (clock) => {
    const started: string[] = [];
    let running = 0;
    let most = 0;
    await taskGroup(
      (group) => {
        for (const name of ['a', 'b', 'c', 'd', 'e']) {
          group.spawn(async () => {
            started.push(`${name} at ${clock.now()}`);
            most = Math.max(most, ++running);
            await sleep(10);
            running--;
          });
        }
      },
      { concurrency: 2 },
    );
    assert.deepEqual(started, ['a at 0', 'b at 0', 'c at 10', 'd at 10', 'e at 20']);
    assert.equal(most, 2);
  }),
);

test(
  'concurrency: a task that waits for its place and is cancelled never starts, and keeps nobody waiting',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(
      async (group) => {
        group.spawn(() => sleep(10));
        const second = group.spawn(() => assert.fail('started'));
        group.spawn(() => void trace.push(`third at ${clock.now()}`));
        await sleep(5);
        assert.equal(second.cancel(), true);
        assert.equal(second.state, 'cancelled');
        assert.equal(group.snapshot().waiting, 1);
      },
      { concurrency: 1 },
    );
    assert.deepEqual(trace, ['third at 10']);
  }),
);

test(
  'concurrency: a failure cancels the tasks that wait for a place, too',
  virtually(async () => {
    const tasks: Task<unknown>[] = [];
    const failure = new Error('first');
    const error = await failureOf(
      taskGroup(
        (group) => {
          tasks.push(group.spawn(() => sleep(1).then(() => Promise.reject(failure))));
          for (let n = 0; n < 3; n++) tasks.push(group.spawn(() => assert.fail('started')));
        },
        { concurrency: 1 },
      ),
    );
    assert.equal(error, failure);
    assert.deepEqual(
      tasks.map((task) => task.state),
      ['failed', 'cancelled', 'cancelled', 'cancelled'],
    );
  }),
);

test(
  'concurrency: a task that is cancelled between its admission and its start gives its place on',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(
      (group) => {
        const first = group.spawn(() => assert.fail('started'));
        group.spawn(() => void trace.push('second'));
        first.cancel();
      },
      { concurrency: 1 },
    );
    assert.deepEqual(trace, ['second']);
  }),
);

test(
  'concurrency: raising it while running starts those that wait, at once and in order',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(
      async (group) => {
        for (const name of ['a', 'b', 'c', 'd']) {
          group.spawn(async () => {
            trace.push(`${name} at ${clock.now()}`);
            await sleep(100);
          });
        }
        await sleep(10);
        group.concurrency = 3;
        assert.equal(group.concurrency, 3);
      },
      { concurrency: 1 },
    );
    assert.deepEqual(trace, ['a at 0', 'b at 10', 'c at 10', 'd at 100']);
  }),
);

test(
  'concurrency: lowering it lets those that run go on and starts no other above it',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(
      async (group) => {
        for (const name of ['a', 'b', 'c', 'd', 'e']) {
          group.spawn(async () => {
            trace.push(`${name} at ${clock.now()}`);
            await sleep(10);
          });
        }
        await sleep(1);
        group.concurrency = 1;
      },
      { concurrency: 3 },
    );
    assert.deepEqual(trace, ['a at 0', 'b at 0', 'c at 0', 'd at 10', 'e at 20']);
  }),
);

test(
  'concurrency: only a positive integer or Infinity can be set, and a refusal changes nothing',
  virtually(() =>
    taskGroup(
      (group) => {
        for (const wrong of [0, -1, 1.5, Number.NaN, '2', null]) {
          assert.throws(() => (group.concurrency = wrong as number), {
            name: 'RangeError',
            message:
              /^Cannot set concurrency of (taskGroup|a group) as it takes a positive integer or Infinity: current value is /,
          });
        }
        assert.equal(group.concurrency, 2);
      },
      { concurrency: 2 },
    ),
  ),
);

test(
  'spawnWhenReady: waits for a free place, so a fast spawner feels the backpressure',
  virtually(async (clock) => {
    const spawned: number[] = [];
    await taskGroup(
      async (group) => {
        for (let n = 0; n < 5; n++) {
          await group.spawnWhenReady(() => sleep(10));
          spawned.push(clock.now());
          assert.equal(group.snapshot().waiting, 0);
        }
      },
      { concurrency: 2 },
    );
    assert.deepEqual(spawned, [0, 0, 10, 10, 20]);
  }),
);

test(
  'spawnWhenReady: cancelled while it waits, nothing is spawned and the place goes to the next',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(
      async (group) => {
        group.spawn(() => sleep(10));
        const impatient = failureOf(timeout(5, () => group.spawnWhenReady(() => assert.fail('started'))));
        const patient = group.spawnWhenReady(() => void trace.push(`patient at ${clock.now()}`));
        assert.equal(((await impatient) as Error).name, 'TimeoutError');
        await patient;
      },
      { concurrency: 1 },
    );
    assert.deepEqual(trace, ['patient at 10']);
  }),
);

test(
  'spawnWhenReady: nobody takes the place between its freeing and the spawning',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(
      async (group) => {
        const first = group.spawn(() => sleep(10));
        const ready = group.spawnWhenReady(() => void trace.push('waited for its place'));
        await first.settled;
        group.spawn(() => void trace.push('came later'));
        await ready;
      },
      { concurrency: 1 },
    );
    assert.deepEqual(trace, ['waited for its place', 'came later']);
  }),
);

test(
  'spawnWhenReady: tasks that were spawned before it come first',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(
      async (group) => {
        group.spawn(() => sleep(10));
        group.spawn(() => sleep(10).then(() => trace.push('spawned')));
        await group.spawnWhenReady(() => void trace.push('when ready'));
      },
      { concurrency: 1 },
    );
    assert.deepEqual(trace, ['spawned', 'when ready']);
  }),
);

test(
  'spawnWhenReady: raising concurrency lets it go on',
  virtually(async (clock) => {
    await taskGroup(
      async (group) => {
        const task = group.spawn(() => sleepForever());
        const ready = group.spawnWhenReady(() => clock.now());
        await sleep(7);
        group.concurrency = 2;
        assert.equal(await (await ready).join(), 7);
        task.cancel();
      },
      { concurrency: 1 },
    );
  }),
);

test(
  'spawnWhenReady: context variables are those of its caller',
  virtually(async () => {
    const user = new ContextVariable<string>();
    await taskGroup(
      async (group) => {
        group.spawn(() => sleep(10));
        const task = await user.run('ada', () => group.spawnWhenReady(() => user.get()));
        assert.equal(await task.join(), 'ada');
      },
      { concurrency: 1 },
    );
  }),
);

test(
  'spawnWhenReady: in a group that is cancelled while somebody else waits for a place it gives a cancelled task',
  virtually(async () => {
    await taskGroup(async (outer) => {
      let inner: TaskGroup | undefined;
      outer.spawn(async () => {
        await taskGroup(
          async (group) => {
            inner = group;
            group.spawn(() => sleepForever());
            await sleep(10);
            group.cancel();
          },
          { concurrency: 1 },
        );
      });
      await sleep(1);
      const task = await (inner as TaskGroup).spawnWhenReady(() => assert.fail('started'));
      assert.equal(task.state, 'cancelled');
    });
  }),
);

test(
  'spawnWhenReady: rejects once the group has ended, and at once where all is cancelled',
  virtually(async () => {
    let escaped: TaskGroup | undefined;
    await taskGroup((group) => void (escaped = group));
    assert.ok((await failureOf((escaped as TaskGroup).spawnWhenReady(() => {}))) instanceof GroupClosedError);
    await taskGroup(async (group) => {
      await withScope(async (scope) => {
        scope.cancel();
        assert.ok(isCancelled(await failureOf(group.spawnWhenReady(() => assert.fail('started')))));
      });
    });
  }),
);

test(
  'spawnWhenReady: what is not a function is refused without waiting',
  virtually(async (clock) => {
    await taskGroup(
      async (group) => {
        group.spawn(() => sleep(10));
        await assert.rejects(group.spawnWhenReady(undefined as never), TypeError);
        assert.equal(clock.now(), 0);
      },
      { concurrency: 1 },
    );
  }),
);
