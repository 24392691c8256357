import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CancelledError,
  TaskGroupError,
  checkpoint,
  currentScope,
  isCancelled,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
} from '../../src/index.ts';
import { failureOf, virtually } from './virtually.ts';

// asyncio test_taskgroups.py::test_taskgroup_11, test_taskgroup_12
for (const inTask of [false, true]) {
  test(
    `taskGroup: nested in ${inTask ? 'a task' : 'the body'}, a cancellation from outside leaves all levels plain`,
    virtually(async () => {
      const seen: unknown[] = [];
      const note = (error: unknown): never => {
        seen.push(error);
        throw error;
      };
      await withScope(async (scope) => {
        const inner = (): Promise<void> =>
          taskGroup(async (group) => {
            group.spawn(() => sleepForever().catch(note));
            await sleepForever();
          }).catch(note);
        const outer = taskGroup(async (group) => {
          if (inTask) group.spawn(inner);
          else await inner();
        }).catch(note);
        await sleep(10).then(() => scope.cancel());
        await failureOf(outer);
        assert.equal(seen.length, 3);
        for (const error of seen) assert.equal(error, scope.reason);
      });
    }),
  );
}

// asyncio test_taskgroups.py::test_taskgroup_13
test(
  'taskGroup: the crash of an outer task cancels the inner group silently, one error comes out',
  virtually(async () => {
    const failure = new Error('outer task');
    let inner: unknown;
    const error = await failureOf(
      taskGroup(async (outer) => {
        outer.spawn(() => sleep(1).then(() => Promise.reject(failure)), { name: 'crasher' });
        await taskGroup((group) => void group.spawn(() => sleepForever())).catch((error: unknown) => {
          inner = error;
          throw error;
        });
      }),
    );
    assert.equal(error, failure);
    assert.deepEqual(suppressedErrors(error), []);
    assert.ok(inner instanceof CancelledError);
    assert.equal(inner.cause.by, 'crasher');
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_14
test(
  'taskGroup: the crash of an inner task arrives in the outer group as it is',
  virtually(async () => {
    const failure = new Error('inner task');
    const trace: string[] = [];
    const error = await failureOf(
      taskGroup(async (outer) => {
        outer.spawn(() => sleepForever().finally(() => trace.push('outer task cancelled')));
        await taskGroup((group) => {
          group.spawn(() => sleep(1).then(() => Promise.reject(failure)));
          group.spawn(() => sleepForever().finally(() => trace.push('inner task cancelled')));
        });
      }),
    );
    assert.equal(error, failure);
    assert.deepEqual(trace, ['inner task cancelled', 'outer task cancelled']);
  }),
);

// asyncio test_taskgroups.py::test_taskgroup_15, test_taskgroup_16 deviates: the tasks are cancelled with the body, not
// after it.
test(
  'taskGroup: an error of an inner task on its way out of a cancelled outer group is kept',
  virtually(async () => {
    const failure = new Error('while closing');
    await withScope(async (scope) => {
      const outer = taskGroup(async () => {
        await taskGroup((group) => {
          group.spawn(() => sleepForever().catch(() => Promise.reject(failure)));
          group.spawn(() => sleepForever());
        });
      });
      await sleep(1).then(() => scope.cancel());
      assert.equal(await failureOf(outer), failure);
    });
  }),
);

// asyncio test_taskgroups.py::test_nested_groups_both_cancelled
test(
  'taskGroup: an inner failure handled in between leaves the cancellation of the outer group in force',
  virtually(async () => {
    const [ofInner, ofOuter] = [new Error('inner'), new Error('outer')];
    const trace: string[] = [];
    const error = await failureOf(
      taskGroup(async (outer) => {
        try {
          await taskGroup(async (inner) => {
            outer.spawn(() => Promise.reject(ofOuter));
            inner.spawn(() => Promise.reject(ofInner), { eager: true });
            await sleepForever();
          });
        } catch (error) {
          assert.equal(error, ofInner);
          trace.push('inner handled');
        }
        assert.equal(outer.scope.cancelled, true);
        await checkpoint();
        trace.push('not reached');
      }),
    );
    assert.equal(error, ofOuter);
    assert.deepEqual(trace, ['inner handled']);
    assert.equal(currentScope()?.cancelled, false);
  }),
);

test(
  'taskGroup: an inner failure that is handled leaves the outer group alone',
  virtually(async (clock) => {
    const value = await taskGroup(async (outer) => {
      const sibling = outer.spawn(() => sleep(50).then(() => 'sibling'));
      await failureOf(taskGroup((inner) => void inner.spawn(() => Promise.reject(new Error('inner')))));
      await sleep(10);
      return sibling.join();
    });
    assert.equal(value, 'sibling');
    assert.equal(clock.now(), 50);
  }),
);

test(
  'cancel: of an inner group is absorbed there',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (outer) => {
      outer.spawn(() => sleep(20).then(() => trace.push('outer task')));
      await taskGroup(async (inner) => {
        inner.spawn(() => sleepForever().finally(() => trace.push('inner task cut')));
        await sleep(1);
        inner.cancel();
        await sleepForever();
      });
      trace.push('after the inner group');
      await checkpoint();
    });
    assert.deepEqual(trace, ['inner task cut', 'after the inner group', 'outer task']);
  }),
);

test(
  'cancel: of an outer group ends the inner ones with the cancellation, and the outer one normally',
  virtually(async () => {
    const trace: string[] = [];
    const value = await taskGroup(async (outer) => {
      outer.spawn(() => sleep(1).then(() => outer.cancel()));
      await taskGroup(() => sleepForever()).catch((error: unknown) => {
        trace.push(isCancelled(error) ? 'inner cancelled' : 'inner failed');
        throw error;
      });
      trace.push('not reached');
    });
    assert.equal(value, undefined);
    assert.deepEqual(trace, ['inner cancelled']);
  }),
);

test(
  'taskGroup: a failure reaches tasks three groups below',
  virtually(async () => {
    const failure = new Error('top');
    let cut = 0;
    const nest = (depth: number): Promise<void> =>
      taskGroup(async (group) => {
        for (let n = 0; n < 2; n++)
          group.spawn(() => (depth > 0 ? nest(depth - 1) : sleepForever().finally(() => cut++)));
      });
    const error = await failureOf(
      taskGroup((group) => {
        group.spawn(() => nest(2));
        group.spawn(() => sleep(5).then(() => Promise.reject(failure)));
      }),
    );
    assert.equal(error, failure);
    assert.equal(cut, 8);
  }),
);

test(
  'taskGroup: failures at several levels travel with the first one, each once',
  virtually(async () => {
    const [ofInner, ofSibling, ofOuter] = [new Error('inner'), new Error('sibling'), new Error('outer')];
    const error = await failureOf(
      taskGroup((outer) => {
        outer.spawn(() => sleepForever().catch(() => Promise.reject(ofOuter)));
        outer.spawn(() =>
          taskGroup((inner) => {
            inner.spawn(() => sleep(1).then(() => Promise.reject(ofInner)));
            inner.spawn(() => sleepForever().catch(() => Promise.reject(ofSibling)));
          }),
        );
      }),
    );
    assert.equal(error, ofInner);
    assert.deepEqual(suppressedErrors(error), [ofSibling, ofOuter]);
  }),
);

test(
  "taskGroup: of an inner { errors: 'aggregate' } the outer group passes the aggregate on, without cancellations",
  virtually(async () => {
    const failure = new Error('inner');
    const error = await failureOf(
      taskGroup(async () => {
        await taskGroup(
          async (inner) => {
            inner.spawn(() => Promise.reject(failure));
            await sleepForever();
          },
          { errors: 'aggregate' },
        );
      }),
    );
    assert.ok(error instanceof TaskGroupError);
    assert.deepEqual(error.errors, [failure]);
  }),
);

test(
  'taskGroup: a hand-made aggregate is relieved of its cancellations leaf by leaf',
  virtually(async () => {
    const failure = new Error('real');
    const error = await failureOf(
      taskGroup(async (group) => {
        group.spawn(() => sleep(1).then(() => group.cancel()));
        const cut = await failureOf(sleepForever());
        throw new AggregateError([cut, new AggregateError([cut, failure]), cut], 'both');
      }),
    );
    assert.ok(error instanceof AggregateError);
    assert.equal(error.message, 'both');
    assert.equal(error.errors.length, 1);
    assert.deepEqual((error.errors[0] as AggregateError).errors, [failure]);
  }),
);

test(
  'taskGroup: a task spawned from an inner group into the outer one outlives the inner one only',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (outer) => {
      await taskGroup((inner) => {
        inner.spawn(() => void outer.spawn(() => sleep(30).then(() => trace.push(`outer at ${clock.now()}`))));
        inner.spawn(() => sleep(10));
      });
      trace.push(`inner at ${clock.now()}`);
    });
    assert.deepEqual(trace, ['inner at 10', 'outer at 30']);
  }),
);

test(
  'taskGroup: the earliest deadline around counts for tasks of all levels',
  virtually(async (clock) => {
    const error = await failureOf(
      timeout(30, () =>
        taskGroup((outer) => {
          outer.spawn(async (scope) => {
            assert.equal(scope.effectiveDeadline, 30);
            await timeout(50, () => taskGroup((inner) => void inner.spawn(() => sleepForever())));
          });
        }),
      ),
    );
    assert.equal((error as { ms?: number }).ms, 30);
    assert.equal(clock.now(), 30);
  }),
);

test(
  'taskGroup: one that the body opened and did not await is cancelled with the body',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup((outer) => {
      void taskGroup((inner) => void inner.spawn(() => sleepForever().finally(() => trace.push('inner task cut'))));
      outer.spawn(() => sleep(10));
    });
    assert.deepEqual(trace, ['inner task cut']);
    assert.equal(clock.now(), 10);
  }),
);
