import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  currentScope,
  run,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type CancelledError,
  type Scope,
} from '../../src/index.ts';
import { reportsOf, tick } from '../internal/observe.ts';
import { failureOf, virtually } from './virtually.ts';

const DEEP = 5_000;

/** `depth` scopes, one in the other; each is entered in a microtask of its own, so the call stack stays flat. */
async function nested<T>(depth: number, innermost: () => T | PromiseLike<T>): Promise<Awaited<T>> {
  await tick();
  return depth === 0 ? await innermost() : withScope(() => nested(depth - 1, innermost));
}

test(
  'scope tree: 5,000 nested scopes are cancelled from the top without overflowing the stack',
  virtually(async () => {
    let reason: unknown;
    const value = await withScope(async (top) => {
      const bottom = nested(DEEP, async () => {
        reason = await failureOf(sleepForever());
        throw reason;
      });
      const ended = bottom.catch((error: unknown) => error);
      await sleep(1);
      top.cancel('from the top');
      assert.equal(await ended, top.reason);
      assert.equal(reason, top.reason);
      return 'unwound';
    });
    assert.equal(value, 'unwound');
  }),
);

test(
  'scope tree: a real error passes through 5,000 cancelled scopes as it is',
  virtually(async () => {
    const error = new Error('real');
    const failure = await failureOf(
      withScope(async (top) => {
        const bottom = nested(DEEP, () =>
          sleepForever().catch(() => {
            throw error;
          }),
        );
        bottom.catch(() => {});
        await sleep(1);
        top.cancel();
        return bottom;
      }),
    );
    assert.equal(failure, error);
  }),
);

test(
  'scope tree: 5,000 nested task groups are cancelled from the top',
  virtually(async () => {
    let cancelled = 0;
    const descend = (depth: number): Promise<unknown> =>
      depth === 0
        ? sleepForever()
        : taskGroup((group) => {
            group.scope.onCancel(() => cancelled++);
            group.spawn(() => descend(depth - 1));
          });
    await taskGroup(async (group) => {
      group.spawn(() => descend(DEEP));
      await sleep(1);
      group.cancel();
    });
    assert.equal(cancelled, DEEP);
  }),
);

test(
  'scope tree: what is read off it does not depend on how deep the stack is',
  virtually(async () => {
    await timeout(60_000, async (top) => {
      await nested(2 * DEEP, () => {
        const scope = currentScope() as Scope;
        assert.equal(scope.effectiveDeadline, top.deadline);
        assert.equal(scope.stopping, false);
        top.requestStop();
        assert.equal(scope.stopping, true);
      });
    });
  }),
);

test(
  'scope tree: 10,000 waiters in one scope share one CancelledError',
  virtually(async (clock) => {
    const errors = new Set<unknown>();
    await withScope(async (scope) => {
      const waits = Array.from({ length: 10_000 }, () => sleep(1_000).catch((error: unknown) => errors.add(error)));
      scope.cancel();
      await Promise.all(waits);
      assert.deepEqual([...errors], [scope.reason]);
    });
    assert.equal(clock.now(), 0);
  }),
);

test(
  'scope tree: a scope that has ended is out of reach of what is cancelled above it later',
  virtually(async () => {
    await withScope(async (outer) => {
      const ended = await withScope((scope) => scope);
      outer.cancel();
      assert.equal(ended.cancelled, false);
      assert.equal(ended.reason, undefined);
    });
  }),
);

test(
  'scope tree: a scope that is opened in a cancelled one is cancelled from the beginning',
  virtually(async () => {
    await withScope(async (outer) => {
      outer.cancel('outer');
      const seen: (CancelledError | undefined)[] = [];
      const failure = await failureOf(
        withScope(async (inner) => {
          seen.push(inner.reason);
          await sleep(1);
        }),
      );
      assert.deepEqual(seen, [outer.reason]);
      assert.equal(failure, outer.reason);
    });
  }),
);

test(
  'scope.reason: names the outermost cancelled scope that can be seen, whichever was cancelled first',
  virtually(async () => {
    await withScope(async (outer) => {
      await withScope(async (inner) => {
        inner.cancel('inner');
        assert.equal(inner.reason?.cause.reason, 'inner');
        outer.cancel('outer');
        assert.equal(inner.reason?.cause.reason, 'outer');
        assert.equal(await failureOf(sleep(1)), outer.reason);
      });
    });
  }),
);

test(
  'scope.requestStop: is seen everywhere below, calls back once, and cancels nothing',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      const waiting = shield(async (inner) => {
        inner.onStop(() => trace.push('below'));
        await sleep(10);
        trace.push(`stopping: ${inner.stopping}, cancelled: ${inner.cancelled}`);
      });
      scope.onStop(() => trace.push('own'));
      const taken = scope.onStop(() => trace.push('taken back'));
      taken();
      await sleep(5);
      scope.requestStop();
      scope.requestStop();
      trace.push('requested');
      scope.onStop(() => trace.push('at once'));
      await waiting;
    });
    assert.deepEqual(trace, ['own', 'below', 'requested', 'at once', 'stopping: true, cancelled: false']);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'scope.onStop: what a callback throws is reported, and the others are called',
  virtually(async () => {
    const error = new Error('callback');
    const trace: string[] = [];
    const reports = await reportsOf(() =>
      withScope((scope) => {
        scope.onStop(() => {
          throw error;
        });
        scope.onStop(() => trace.push('second'));
        scope.requestStop();
        trace.push('goes on');
      }),
    );
    assert.deepEqual(trace, ['second', 'goes on']);
    assert.deepEqual(reports, [error]);
  }),
);

// semantics: no operation is ever delivered to a neighbour tree; several roots are allowed
test('scope tree: roots know nothing of each other', async () => {
  const trace: string[] = [];
  await Promise.all([
    run(
      async (first) => {
        first.cancel();
        await sleep(1).catch(() => trace.push('first cancelled'));
      },
      { signals: false },
    ),
    run(
      async (second) => {
        await second.checkpoint();
        trace.push(`second cancelled: ${second.cancelled}`);
      },
      { signals: false },
    ),
  ]);
  assert.deepEqual(trace.sort(), ['first cancelled', 'second cancelled: false']);
});

// anyio test_taskgroups.py::test_empty_taskgroup_contains_yield_point
test(
  'scope tree: an empty group lets others run before it ends',
  virtually(async () => {
    const trace: string[] = [];
    await taskGroup(async (group) => {
      group.spawn(() => trace.push('other'));
      await taskGroup(() => {});
      trace.push('empty group ended');
    });
    assert.deepEqual(trace, ['other', 'empty group ended']);
  }),
);
