import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledError,
  GroupClosedError,
  cleanup,
  currentScope,
  isCancelled,
  openTaskGroup,
  sleep,
  sleepForever,
  suppressedErrors,
  timeout,
  withScope,
  type Task,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

test(
  'openTaskGroup: join at the end of the block waits for all tasks and ends the group',
  virtually(async (clock) => {
    const results: number[] = [];
    {
      await using group = openTaskGroup();
      const tasks = [20, 10].map((ms) => group.spawn(() => sleep(ms).then(() => ms)));
      await group.join();
      for (const task of tasks) results.push(await task.join());
      assert.throws(() => group.spawn(() => {}), GroupClosedError);
    }
    assert.deepEqual(results, [20, 10]);
    assert.equal(clock.now(), 20);
  }),
);

test(
  'openTaskGroup: join throws the first failure, with the others attached, when all have ended',
  virtually(async () => {
    const [first, later] = [new Error('first'), new Error('later')];
    const trace: string[] = [];
    const error = await failureOf(
      (async () => {
        await using group = openTaskGroup();
        group.spawn(() => sleep(1).then(() => Promise.reject(first)));
        group.spawn(() => sleepForever().catch(() => Promise.reject(later)));
        group.spawn(() => sleepForever().finally(() => trace.push('cut')));
        await group.join();
      })(),
    );
    assert.equal(error, first);
    assert.deepEqual(suppressedErrors(error), [later]);
    assert.deepEqual(trace, ['cut']);
  }),
);

test(
  'openTaskGroup: a block left by an error cancels the tasks, kind closed, and waits for them',
  virtually(async (clock) => {
    const failure = new Error('block');
    let cut: unknown;
    const error = await failureOf(
      (async () => {
        await using group = openTaskGroup({ name: 'block' });
        group.spawn(async () => {
          await sleepForever().catch((error: unknown) => (cut = error));
          await cleanup(() => sleep(10));
        });
        await sleep(1);
        throw failure;
      })(),
    );
    assert.equal(error, failure);
    assert.ok(cut instanceof CancelledError);
    assert.deepEqual(cut.cause, { kind: 'closed', by: 'block' });
    assert.equal(clock.now(), 11);
  }),
);

test(
  'openTaskGroup: a block left by return cancels the tasks; what they return is lost, what they throw is not',
  virtually(async () => {
    const failure = new Error('task');
    let task: Task<void> | undefined;
    const leave = async (broken: boolean): Promise<string> => {
      await using group = openTaskGroup();
      task = group.spawn(() => (broken ? sleepForever().catch(() => Promise.reject(failure)) : sleepForever()));
      await sleep(1);
      return 'value';
    };
    assert.equal(await leave(false), 'value');
    assert.equal(task?.state, 'cancelled');
    assert.equal(await failureOf(leave(true)), failure);
  }),
);

test(
  'openTaskGroup: errors of the block and of the tasks leave together',
  virtually(async () => {
    const [ofBlock, ofTask] = [new Error('block'), new Error('task')];
    const error = await failureOf(
      (async () => {
        await using group = openTaskGroup();
        group.spawn(() => sleepForever().catch(() => Promise.reject(ofTask)));
        await sleep(1);
        throw ofBlock;
      })(),
    );
    assert.equal((error as Error).name, 'SuppressedError');
    assert.equal((error as { error?: unknown }).error, ofTask);
    assert.equal((error as { suppressed?: unknown }).suppressed, ofBlock);
  }),
);

test(
  'openTaskGroup: a cancelled block passes its cancellation on, a real error of a task wins over it',
  virtually(async () => {
    const failure = new Error('task');
    for (const broken of [false, true]) {
      const result = await withScope(async (scope) => {
        const block = failureOf(
          (async () => {
            await using group = openTaskGroup();
            group.spawn(() => (broken ? sleepForever().catch(() => Promise.reject(failure)) : sleepForever()));
            await group.join();
          })(),
        );
        await sleep(1).then(() => scope.cancel());
        return block;
      }).catch((error: unknown) => error);
      if (!broken) assert.ok(isCancelled(result));
      else assert.equal((result as { error?: unknown }).error, failure);
    }
  }),
);

test(
  'openTaskGroup: the scope around resolves a SuppressedError of a cancellation and a failure to the failure',
  virtually(async () => {
    const failure = new Error('task');
    const error = await failureOf(
      timeout(10, async () => {
        await using group = openTaskGroup();
        group.spawn(() => sleepForever().catch(() => Promise.reject(failure)));
        await group.join();
      }),
    );
    assert.equal(error, failure);
  }),
);

test(
  'openTaskGroup: is never ambient: what the block calls belongs to the scope around it',
  virtually(async () => {
    const around = currentScope();
    await using group = openTaskGroup();
    assert.equal(currentScope(), around);
    const task = group.spawn(() => currentScope()?.parent);
    assert.equal(await task.join(), group.scope);
    group.cancel();
    await sleep(1);
  }),
);

test(
  'openTaskGroup: after cancel() the join returns',
  virtually(async (clock) => {
    await using group = openTaskGroup();
    group.spawn(() => sleepForever());
    await sleep(5);
    group.cancel();
    await group.join();
    assert.equal(clock.now(), 5);
  }),
);

test(
  'openTaskGroup: joining twice and disposing twice do it once',
  virtually(async () => {
    const failure = new Error('task');
    const group = openTaskGroup();
    group.spawn(() => Promise.reject(failure));
    const joins = [failureOf(group.join()), failureOf(group.join())];
    assert.deepEqual(await Promise.all(joins), [failure, failure]);
    assert.equal(await failureOf(group.join()), failure);
    await group[Symbol.asyncDispose]();
    await group[Symbol.asyncDispose]();
  }),
);

test(
  'openTaskGroup: joined after it was disposed, it has nothing more to say',
  virtually(async () => {
    const group = openTaskGroup();
    group.spawn(() => sleepForever());
    await sleep(1);
    await group[Symbol.asyncDispose]();
    await group.join();
    assert.equal(group.tasks.size, 0);
  }),
);

test(
  'openTaskGroup: a join that is cut off by a timeout leaves the tasks to the end of the block',
  virtually(async (clock) => {
    let task: Task<void> | undefined;
    {
      await using group = openTaskGroup();
      task = group.spawn(() => sleepForever());
      await assert.rejects(
        timeout(10, () => group.join()),
        { name: 'TimeoutError' },
      );
      assert.equal(task.state, 'running');
    }
    assert.equal(task.state, 'cancelled');
    assert.equal(clock.now(), 10);
  }),
);

test(
  'openTaskGroup: background tasks are cancelled by join',
  virtually(async (clock) => {
    await using group = openTaskGroup();
    const background = group.spawn(() => sleepForever(), { background: true });
    group.spawn(() => sleep(10));
    await group.join();
    assert.equal(background.state, 'cancelled');
    assert.equal(clock.now(), 10);
  }),
);

test(
  'openTaskGroup: its own deadline makes join throw TimeoutError',
  virtually(async (clock) => {
    await using group = openTaskGroup();
    group.spawn(() => sleepForever());
    group.scope.reschedule(clock.now() + 10);
    await assert.rejects(group.join(), { name: 'TimeoutError' });
    assert.equal(clock.now(), 10);
  }),
);

test(
  'openTaskGroup: one that nobody joins ends with the scope around it, which waits for it',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(() => {
      const group = openTaskGroup();
      group.spawn(() => sleepForever().finally(() => trace.push('cut')), { eager: true });
      group.spawn(() => shieldedEnd(trace), { eager: true });
    });
    assert.deepEqual(trace, ['cut', 'cleaned up']);
    assert.equal(clock.now(), 10);
  }),
);

async function shieldedEnd(trace: string[]): Promise<void> {
  try {
    await sleepForever();
  } finally {
    await cleanup(() => sleep(10));
    trace.push('cleaned up');
  }
}

test(
  'openTaskGroup: an error in one that nobody joins is thrown by the scope around it',
  virtually(async () => {
    const failure = new Error('forgotten');
    const error = await failureOf(
      withScope(async () => {
        openTaskGroup().spawn(() => Promise.reject(failure));
        await sleep(1);
      }),
    );
    assert.equal(error, failure);
  }),
);
