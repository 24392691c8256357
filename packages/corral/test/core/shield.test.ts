import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  currentScope,
  detach,
  isCancelled,
  moveOnAfter,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { activity } from '../../src/internal/activity.ts';
import { failureOf, virtually } from './virtually.ts';

test(
  'shield: its body runs to the end; the cancellation is seen at the first waiting operation after it',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      scope.cancel();
      trace.push(await shield(() => sleep(30).then(() => 'completed')));
      trace.push(`at ${clock.now()}`);
      await sleep(1);
      trace.push('not reached');
    });
    assert.deepEqual(trace, ['completed', 'at 30']);
  }),
);

// trio test_run.py::test_cancel_shielding
test(
  'scope.shield: keeps what is outside out while it is on, from the next operation to the next',
  virtually(async () => {
    await withScope(async (outer) => {
      await withScope(async (inner) => {
        await sleep(1);
        inner.shield = true;
        outer.cancel();
        assert.deepEqual([inner.cancelled, inner.shield], [false, true]);
        await sleep(1);
        inner.shield = false;
        assert.ok(isCancelled(await failureOf(sleep(1))));
        inner.shield = true;
        await sleep(1);
        inner.cancel('itself');
        assert.equal(inner.reason?.cause.reason, 'itself');
        assert.ok(isCancelled(await failureOf(sleep(1))));
      });
      assert.equal(await failureOf(sleep(1)), outer.reason);
    });
  }),
);

// trio test_run.py::test_cancel_shield_abort
test(
  'scope.shield: taking it away wakes what waits inside',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      await taskGroup((group) => {
        group.spawn(async (task) => {
          await withScope(
            async (inner) => {
              group.spawn(async () => {
                outer.cancel();
                await shield(() => sleep(10));
                trace.push(`still shielded: ${!inner.cancelled}`);
                inner.shield = false;
              });
              await sleepForever();
            },
            { shield: true },
          ).finally(() => trace.push(`woken at ${clock.now()}, task cancelled: ${task.cancelled}`));
        });
      });
    });
    assert.deepEqual(trace, ['still shielded: true', 'woken at 10, task cancelled: true']);
  }),
);

test(
  'scope.shield: does not undo its own cancellation',
  virtually(async () => {
    await withScope(async (scope) => {
      scope.cancel();
      scope.shield = true;
      assert.equal(await failureOf(sleep(1)), scope.reason);
    });
  }),
);

// trio test_run.py::test_unshield_while_cancel_propagating (and its mirror image)
test(
  'scope.shield: set while a cancellation from outside passes: it still reaches the scope it belongs to',
  virtually(async () => {
    const value = await withScope(async (outer) => {
      const inner = await failureOf(
        withScope(async (scope) => {
          outer.cancel();
          try {
            await sleep(1);
          } finally {
            scope.shield = true;
          }
        }),
      );
      assert.equal(inner, outer.reason);
      throw inner;
    });
    assert.equal(value, undefined);
  }),
);

test(
  'scope.shield: set for the clean-up in a finally and taken away again',
  virtually(async (clock) => {
    const trace: string[] = [];
    await timeout(100, () =>
      moveOnAfter(10, async (scope) => {
        try {
          await sleepForever();
        } finally {
          await sleep(1).catch(() => trace.push('cancelled'));
          await withScope(() => sleep(20), { shield: true });
          trace.push(`cleaned at ${clock.now()}`);
          assert.ok(scope.cancelled);
          await sleep(1).catch(() => trace.push('cancelled again'));
        }
      }),
    );
    assert.deepEqual(trace, ['cancelled', 'cleaned at 30', 'cancelled again']);
  }),
);

test(
  'shield: scopes and groups that are opened inside inherit it',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      outer.cancel();
      await shield(() =>
        taskGroup(async (group) => {
          group.spawn(() => timeout(1_000, () => sleep(20)).then(() => trace.push('task')));
          await withScope(() => sleep(10));
          trace.push('scope');
        }),
      );
      trace.push(`at ${clock.now()}`);
    });
    assert.deepEqual(trace, ['scope', 'task', 'at 20']);
  }),
);

test(
  'shield: its own cancel works, and ends it alone',
  virtually(async () => {
    const trace: unknown[] = [];
    await withScope(async (outer) => {
      trace.push(
        await shield(async (scope) => {
          outer.cancel();
          scope.cancel();
          await sleepForever();
        }),
      );
      trace.push(isCancelled(await failureOf(sleep(1))));
    });
    assert.deepEqual(trace, [undefined, true]);
  }),
);

// anyio test_taskgroups.py::test_cancel_from_shielded_scope
test(
  'shield: what is inside may cancel what is outside and goes on',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      await shield(async () => {
        outer.cancel();
        await sleep(10);
        trace.push(`inside at ${clock.now()}`);
      });
      await sleep(10).catch(() => trace.push(`outside at ${clock.now()}`));
    });
    assert.deepEqual(trace, ['inside at 10', 'outside at 10']);
  }),
);

// anyio test_taskgroups.py::test_triple_nested_shield_checkpoint_in_outer, ..._in_middle
test(
  'shield: with shields in shields each keeps out exactly what is outside of it',
  virtually(async () => {
    const seen: boolean[] = [];
    const look = async (): Promise<unknown> => seen.push(await sleep(0).then(() => false, isCancelled));
    await withScope(async (outer) => {
      await shield(async (middle) => {
        await shield(async (inner) => {
          outer.cancel();
          middle.cancel();
          await look();
          inner.cancel();
          await look();
        });
        await look();
      });
      await look();
    });
    assert.deepEqual(seen, [false, true, true, true]);
  }),
);

// anyio test_taskgroups.py::test_shielded_cancel_sleep_time
test(
  'shield: a cancellation that waits outside does not keep anybody busy',
  virtually(async (clock) => {
    let steps = 0;
    await withScope(async (outer) => {
      await taskGroup(async (group) => {
        group.spawn(() => shield(() => sleep(5_000)));
        await sleep(0);
        outer.cancel();
        const before = activity.count;
        await shield(() => sleep(4_000));
        steps = activity.count - before;
      });
    });
    assert.equal(clock.now(), 5_000);
    assert.ok(steps < 20, `${steps} steps`);
  }),
);

// anyio test_taskgroups.py::test_cancel_child_task_when_host_is_shielded
test(
  'shield: around the body of a group does not keep the cancellation from its tasks',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(() => sleepForever().finally(() => trace.push(`task cancelled at ${clock.now()}`)));
      await shield(async () => {
        await sleep(10);
        group.cancel();
        await sleep(10);
        trace.push(`body goes on at ${clock.now()}`);
      });
    });
    assert.deepEqual(trace, ['task cancelled at 10', 'body goes on at 20']);
  }),
);

test(
  'shield: the signals inside are not aborted, and onCancel is not called, by what is outside',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (outer) => {
      await shield(async (scope) => {
        const { signal } = scope;
        scope.onCancel(() => trace.push('onCancel'));
        outer.cancel();
        trace.push(`aborted: ${signal.aborted}`);
        scope.shield = false;
        trace.push(`aborted: ${signal.aborted}, the reason: ${signal.reason === outer.reason}`);
      });
    });
    assert.deepEqual(trace, ['aborted: false', 'onCancel', 'aborted: true, the reason: true']);
  }),
);

test(
  'scope.shield: set inside an onCancel callback spares the signal, and what is opened in it from then on',
  virtually(async () => {
    await withScope(async (outer) => {
      await withScope(async (inner) => {
        const { signal } = inner;
        inner.onCancel(() => (inner.shield = true));
        outer.cancel();
        assert.deepEqual([signal.aborted, inner.cancelled], [false, false]);
        await sleep(1);
      });
    });
  }),
);

test(
  'shield: is no cancellation point, and neither is leaving it',
  virtually(async () => {
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await shield(() => 1), 1);
      assert.equal(await shield(async () => Promise.resolve(2)), 2);
    });
  }),
);

test(
  'shield: throws what its body throws, and the cancellation outside does not replace it',
  virtually(async () => {
    const error = new Error('real');
    const failure = await failureOf(
      withScope(async (scope) => {
        scope.cancel();
        await shield(() => Promise.reject(error));
      }),
    );
    assert.equal(failure, error);
  }),
);

test(
  'scope.shield: 1,000 times on and off under a cancelled scope: each waiting operation meets what is set',
  virtually(async () => {
    await withScope(async (outer) => {
      outer.cancel();
      await withScope(async (inner) => {
        for (let times = 0; times < 1_000; times++) {
          inner.shield = times % 2 === 0;
          const failed = await inner.checkpoint().then(
            () => false,
            () => true,
          );
          assert.equal(failed, !inner.shield);
        }
      });
    });
  }),
);

// asyncio's shield: stop waiting, but let it run. Here it has an owner.
test(
  'detach: what it starts outlives the scope in which it was called, and the group waits for it',
  virtually(async (clock) => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      await moveOnAfter(10, async () => {
        const task = detach(async (scope: Scope) => {
          assert.equal(currentScope(), scope);
          await sleep(100);
          trace.push(`detached ended at ${clock.now()}`);
        }, group);
        await task.join().finally(() => trace.push(`stopped waiting at ${clock.now()}`));
      });
    });
    assert.deepEqual(trace, ['stopped waiting at 10', 'detached ended at 100']);
  }),
);

test('detach: without a group it belongs to the root, which cancels it at its end and waits for it', async () => {
  const trace: string[] = [];
  await virtually(async (clock) => {
    await withScope(() => void detach(() => sleepForever().finally(() => trace.push(`cancelled at ${clock.now()}`))));
    await sleep(10);
  })();
  assert.deepEqual(trace, ['cancelled at 10']);
});
