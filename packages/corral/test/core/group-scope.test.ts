import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AbandonedTaskError,
  checkpoint,
  shield,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
  type Task,
} from '../../src/index.ts';
import { installReporter } from '../../src/internal/report.ts';
import { failureOf, pledge, virtually } from './virtually.ts';

/** Ignores its cancellation for so long. */
const stubborn = (ms: number) => (): Promise<void> => shield(() => sleep(ms));

/** What is reported while `body` runs. */
async function reported(body: () => Promise<unknown>): Promise<{ error: unknown; where: string }[]> {
  const reports: { error: unknown; where: string }[] = [];
  const before = installReporter((error, where) => void reports.push({ error, where }));
  try {
    await body();
  } finally {
    installReporter(before);
  }
  return reports;
}

test(
  'taskGroup: a task that ignores its cancellation is waited for, and named after 10 s',
  virtually(async (clock) => {
    const reports = await reported(() =>
      taskGroup(
        async (group) => {
          group.spawn(stubborn(60_000), { name: 'mule' });
          group.spawn(() => sleepForever(), { name: 'lamb' });
          await sleep(1_000);
          group.cancel();
        },
        { name: 'stable' },
      ),
    );
    assert.equal(clock.now(), 60_000);
    assert.equal(reports.length, 1);
    assert.match(String(reports[0]?.error), /Still running: mule$/);
    assert.match(String(reports[0]?.where), /stable was cancelled 10000 ms ago/);
  }),
);

test(
  'taskGroup: nothing is reported when its tasks end within 10 s of the cancellation',
  virtually(async (clock) => {
    const reports = await reported(async () => {
      await taskGroup(async (group) => {
        group.spawn(stubborn(9_000));
        await sleep(1);
        group.cancel();
      });
      await sleep(60_000);
    });
    assert.deepEqual(reports, []);
    assert.equal(clock.now(), 69_000);
  }),
);

test(
  'graceMs: what has not ended by then is abandoned, and AbandonedTaskError is thrown',
  virtually(async (clock) => {
    let task: Task<void> | undefined;
    const reports = await reported(async () => {
      const error = await failureOf(
        taskGroup(
          async (group) => {
            task = group.spawn(stubborn(60_000), { name: 'mule' });
            await sleep(10);
            group.cancel();
          },
          { graceMs: 50 },
        ),
      );
      assert.ok(error instanceof AbandonedTaskError);
      assert.equal(error.code, 'CORRAL_TASK_ABANDONED');
      assert.equal(error.message, 'Task mule did not end within 50 ms after it was cancelled');
      assert.equal(clock.now(), 60);
      assert.equal(task?.state, 'abandoned');
      assert.deepEqual(await task?.settled, { status: 'abandoned', error });
      assert.equal(await failureOf(task.join()), error);
      await checkpoint();
    });
    assert.ok(reports.length <= 1);
  }),
);

test(
  'graceMs: counts from the cancellation from outside, too',
  virtually(async (clock) => {
    await reported(async () => {
      const error = await failureOf(
        timeout(100, () => taskGroup((group) => void group.spawn(stubborn(60_000)), { graceMs: 50 })),
      );
      assert.ok(error instanceof AbandonedTaskError);
      assert.equal(clock.now(), 150);
    });
  }),
);

test(
  'graceMs: all operations of an abandoned task throw from then on, shielded or not',
  virtually(async () => {
    const trace: string[] = [];
    const foreign = pledge();
    const told = pledge();
    await reported(async () => {
      await failureOf(
        taskGroup(
          async (group) => {
            group.spawn(async () => {
              await shield(() => sleep(60_000)).catch((error: unknown) => trace.push((error as Error).name));
              await foreign.promise;
              await sleep(1).catch(() => trace.push('sleep throws'));
              await shield(() => sleep(1)).catch(() => trace.push('shielded sleep throws'));
              told.resolve();
            });
            await sleep(10);
            group.cancel();
          },
          { graceMs: 50 },
        ),
      );
      trace.push('group ended');
      foreign.resolve();
      await told.promise;
    });
    assert.deepEqual(trace, ['ScopeClosedError', 'group ended', 'sleep throws', 'shielded sleep throws']);
  }),
);

test(
  'graceMs: what an abandoned task returns is dropped, what it throws is reported',
  virtually(async () => {
    const failure = new Error('far too late');
    for (const end of ['returns', 'throws']) {
      const foreign = pledge();
      const reports = await reported(async () => {
        await failureOf(
          taskGroup(
            async (group) => {
              group.spawn(
                async () => {
                  await shield(() => sleep(60_000)).catch(() => {});
                  await foreign.promise;
                  if (end === 'throws') throw failure;
                },
                { name: 'mule' },
              );
              await sleep(10);
              group.cancel();
            },
            { graceMs: 50 },
          ),
        );
        foreign.resolve();
        await checkpoint();
      });
      assert.deepEqual(reports, end === 'throws' ? [{ error: failure, where: 'abandoned task mule failed' }] : []);
    }
  }),
);

test(
  'graceMs: tasks that end in time are not abandoned, and what others threw is kept',
  virtually(async (clock) => {
    const failure = new Error('first');
    let quick: Task<void> | undefined;
    await reported(async () => {
      const error = await failureOf(
        taskGroup(
          (group) => {
            group.spawn(() => sleep(10).then(() => Promise.reject(failure)));
            quick = group.spawn(stubborn(40));
            group.spawn(stubborn(60_000));
          },
          { graceMs: 50 },
        ),
      );
      assert.equal(error, failure);
      assert.equal(suppressedErrors(error).length, 1);
      assert.ok(suppressedErrors(error)[0] instanceof AbandonedTaskError);
    });
    assert.equal(quick?.state, 'succeeded');
    assert.equal(clock.now(), 60);
  }),
);

test(
  'graceMs: counts for a group without tasks when it was cancelled',
  virtually(async (clock) => {
    await reported(async () => {
      const error = await failureOf(
        taskGroup(
          (group) => {
            group.cancel();
            group.spawn(stubborn(60_000), { start: 'always' });
          },
          { graceMs: 50 },
        ),
      );
      assert.ok(error instanceof AbandonedTaskError);
      assert.equal(clock.now(), 50);
    });
  }),
);

test(
  'graceMs: longer than 10 s, the tasks are named first and abandoned later',
  virtually(async (clock) => {
    const reports = await reported(async () => {
      const error = await failureOf(
        taskGroup(
          async (group) => {
            group.spawn(stubborn(100_000), { name: 'mule' });
            await sleep(1);
            group.cancel();
          },
          { graceMs: 30_000 },
        ),
      );
      assert.ok(error instanceof AbandonedTaskError);
    });
    assert.match(String(reports[0]?.error), /Still running: mule/);
    assert.equal(clock.now(), 30_001);
  }),
);

test(
  'graceMs: abandons a task that waits for what lives in it',
  virtually(async (clock) => {
    await reported(async () => {
      let task: Task<string> | undefined;
      const error = await failureOf(
        taskGroup(
          async (group) => {
            task = group.spawn(() => {
              void withScope(stubborn(60_000));
              return 'returned long ago';
            });
            await sleep(10);
            assert.equal(task.state, 'running');
            group.cancel();
          },
          { graceMs: 50 },
        ),
      );
      assert.ok(error instanceof AbandonedTaskError);
      assert.equal(task?.state, 'abandoned');
      assert.equal(clock.now(), 60);
    });
  }),
);

test(
  'graceMs: without a cancellation it means nothing',
  virtually(async (clock) => {
    await taskGroup((group) => void group.spawn(() => sleep(60_000)), { graceMs: 50 });
    assert.equal(clock.now(), 60_000);
  }),
);

test(
  'graceMs: a task that has not started is not abandoned',
  virtually(async (clock) => {
    const trace: string[] = [];
    await reported(async () => {
      const error = await failureOf(
        taskGroup(
          async (group) => {
            group.spawn(stubborn(60_000));
            group.spawn(() => void trace.push(`took care at ${clock.now()}`), { start: 'always' });
            await sleep(10);
            group.cancel();
          },
          { concurrency: 1, graceMs: 50 },
        ),
      );
      assert.ok(error instanceof AbandonedTaskError);
      assert.deepEqual(suppressedErrors(error), []);
    });
    assert.deepEqual(trace, ['took care at 60']);
  }),
);
