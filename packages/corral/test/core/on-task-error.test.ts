import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TaskGroupError,
  isCancelled,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  withScope,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

test(
  "onTaskError 'collect': siblings and body go on, and the errors are thrown at the end",
  virtually(async (clock) => {
    const [first, second] = [new Error('first'), new Error('second')];
    const trace: string[] = [];
    const error = await failureOf(
      taskGroup(
        async (group) => {
          group.spawn(() => sleep(1).then(() => Promise.reject(first)));
          group.spawn(() => sleep(2).then(() => Promise.reject(second)));
          group.spawn(() => sleep(30).then(() => trace.push('sibling')));
          await sleep(10);
          trace.push('body');
        },
        { onTaskError: 'collect' },
      ),
    );
    assert.equal(error, first);
    assert.deepEqual(suppressedErrors(error), [second]);
    assert.deepEqual(trace, ['body', 'sibling']);
    assert.equal(clock.now(), 30);
  }),
);

test(
  "onTaskError 'collect': goes on taking tasks after a failure",
  virtually(async () => {
    const trace: string[] = [];
    await failureOf(
      taskGroup(
        async (group) => {
          group.spawn(() => Promise.reject(new Error('early')));
          await sleep(1);
          await group.spawn(() => void trace.push('spawned after the failure')).join();
        },
        { onTaskError: 'collect' },
      ),
    );
    assert.deepEqual(trace, ['spawned after the failure']);
  }),
);

test(
  "onTaskError 'collect': joining a failed task throws its very error",
  virtually(async () => {
    const failure = new Error('task');
    const error = await failureOf(
      taskGroup(
        async (group) => {
          const task = group.spawn(() => sleep(1).then(() => Promise.reject(failure)));
          assert.equal(await failureOf(task.join()), failure);
          assert.equal(await failureOf(task.join()), failure);
        },
        { onTaskError: 'collect' },
      ),
    );
    assert.equal(error, failure);
  }),
);

test(
  "onTaskError 'collect': a failed body cancels the tasks all the same",
  virtually(async () => {
    const [ofTask, ofBody] = [new Error('task'), new Error('body')];
    let cut = false;
    const error = await failureOf(
      taskGroup(
        async (group) => {
          group.spawn(() => Promise.reject(ofTask));
          group.spawn(() => sleepForever().finally(() => (cut = true)));
          await sleep(1);
          throw ofBody;
        },
        { onTaskError: 'collect' },
      ),
    );
    assert.equal(error, ofTask);
    assert.deepEqual(suppressedErrors(error), [ofBody]);
    assert.equal(cut, true);
  }),
);

test(
  "onTaskError 'collect': collected errors win over a cancellation from outside",
  virtually(async () => {
    const failure = new Error('collected');
    await withScope(async (scope) => {
      const group = taskGroup(
        async (group) => {
          group.spawn(() => Promise.reject(failure));
          await sleepForever();
        },
        { onTaskError: 'collect' },
      );
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(group), failure);
    });
  }),
);

test(
  "onTaskError 'collect' with { errors: 'aggregate' }: all errors in the order in which they came",
  virtually(async () => {
    const errors = [new Error('a'), new Error('b'), new Error('c')];
    const error = await failureOf(
      taskGroup(
        (group) => {
          for (const [index, failure] of errors.entries()) {
            group.spawn(() => sleep(10 - index).then(() => Promise.reject(failure)));
          }
        },
        { onTaskError: 'collect', errors: 'aggregate' },
      ),
    );
    assert.ok(error instanceof TaskGroupError);
    assert.deepEqual(error.errors, [...errors].reverse());
  }),
);

test(
  'onTaskError: a function decides for each failure, and is told the task',
  virtually(async () => {
    const trace: string[] = [];
    const fatal = new Error('fatal');
    const error = await failureOf(
      taskGroup(
        async (group) => {
          group.spawn(() => sleep(1).then(() => Promise.reject(new Error('harmless'))), { name: 'one' });
          group.spawn(() => sleep(2).then(() => Promise.reject(new Error('kept'))), { name: 'two' });
          group.spawn(() => sleep(3).then(() => Promise.reject(fatal)), { name: 'three' });
          await sleepForever().catch(() => trace.push('body cut'));
        },
        {
          onTaskError(error, task) {
            trace.push(`${task.name} ${task.state}: ${(error as Error).message}`);
            if (error === fatal) return 'cancel';
            return task.name === 'one' ? 'ignore' : 'collect';
          },
        },
      ),
    );
    assert.equal((error as Error).message, 'kept');
    assert.deepEqual(suppressedErrors(error), [fatal]);
    assert.deepEqual(trace, ['one failed: harmless', 'two failed: kept', 'three failed: fatal', 'body cut']);
  }),
);

test(
  "onTaskError: with 'ignore' the group ends as if nothing had happened",
  virtually(async () => {
    const value = await taskGroup(
      async (group) => {
        const task = group.spawn(() => Promise.reject(new Error('dealt with')));
        assert.equal((await task.settled).status, 'failed');
        return 'value';
      },
      { onTaskError: () => 'ignore' },
    );
    assert.equal(value, 'value');
  }),
);

test(
  'onTaskError: a function that throws cancels the group; both errors are kept',
  virtually(async () => {
    const [ofTask, ofPolicy] = [new Error('task'), new Error('policy')];
    const error = await failureOf(
      taskGroup(
        async (group) => {
          group.spawn(() => Promise.reject(ofTask));
          await sleepForever();
        },
        {
          onTaskError() {
            throw ofPolicy;
          },
        },
      ),
    );
    assert.equal(error, ofTask);
    assert.deepEqual(suppressedErrors(error), [ofPolicy]);
  }),
);

test(
  'onTaskError: is not asked about cancelled tasks nor about the body',
  virtually(async () => {
    const failure = new Error('body');
    const error = await failureOf(
      taskGroup(
        async (group) => {
          group.spawn(() => sleepForever()).cancel();
          group.spawn(() => sleepForever());
          await sleep(1);
          throw failure;
        },
        { onTaskError: () => assert.fail('asked') },
      ),
    );
    assert.equal(error, failure);
  }),
);

test(
  'onTaskError: may spawn the replacement of the task that failed',
  virtually(async (clock) => {
    const trace: string[] = [];
    let restart: () => unknown = () => assert.fail('too early');
    await taskGroup(
      (group) => {
        const worker = async (): Promise<void> => {
          trace.push(`worker at ${clock.now()}`);
          await sleep(10);
          if (trace.length < 3) throw new Error('crashed');
        };
        restart = () => group.spawn(worker);
        restart();
      },
      {
        onTaskError() {
          restart();
          return 'ignore';
        },
      },
    );
    assert.deepEqual(trace, ['worker at 0', 'worker at 10', 'worker at 20']);
  }),
);

test(
  'onTaskError: is asked also about failures while the group is cancelled',
  virtually(async () => {
    const asked: string[] = [];
    await taskGroup(
      async (group) => {
        group.spawn(() =>
          sleepForever().catch((error: unknown) => Promise.reject(isCancelled(error) ? 'in clean-up' : error)),
        );
        await sleep(1);
        group.cancel();
      },
      {
        onTaskError(error) {
          asked.push(String(error));
          return 'ignore';
        },
      },
    );
    assert.deepEqual(asked, ['in clean-up']);
  }),
);
