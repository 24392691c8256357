import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  ScopeClosedError,
  TaskCancelledError,
  cleanup,
  sleep,
  sleepForever,
  stream,
  taskGroup,
  timeout,
  withScope,
  type Emit,
} from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { Counting } from './every-operator.ts';

for (const capacity of [0, 1, 4]) {
  test(
    `stream: a producer is at most its capacity ahead (${capacity})`,
    virtually(async () => {
      let emitted = 0;
      let got = 0;
      const numbers = stream<number>(
        async (emit) => {
          for (;;) {
            await emit(emitted);
            emitted++;
          }
        },
        { capacity },
      );
      for await (const n of numbers) {
        assert.equal(n, got++);
        await sleep(10);
        assert.ok(emitted - got <= capacity, `${emitted} emitted, ${got} taken`);
        if (got === 20) break;
      }
    }),
  );
}

test(
  'stream: a producer that was left is cancelled and awaited before the loop ends',
  virtually(async (clock) => {
    const trace: string[] = [];
    const numbers = stream<number>(async (emit) => {
      try {
        for (let n = 0; ; n++) await emit(n);
      } finally {
        await cleanup(() => sleep(5));
        trace.push(`ended at ${clock.now()}`);
      }
    });
    for await (const n of numbers) if (n === 3) break;
    trace.push('left');
    assert.deepEqual(trace, ['ended at 5', 'left']);
  }),
);

test(
  'stream: values that were emitted before a failure come before it',
  virtually(async () => {
    const seen: number[] = [];
    const failing = stream<number>(async (emit) => {
      await emit(1);
      await emit(2);
      throw undefined;
    });
    assert.equal(await failureOf(failing.forEach((n) => seen.push(n))), undefined);
    assert.deepEqual(seen, [1, 2]);
  }),
);

test(
  "stream: a producer may be sync, may emit from tasks of its own, and sees its reader's context",
  virtually(async () => {
    const user = new ContextVariable<string>();
    const numbers = stream<string>((emit) =>
      taskGroup((group) => {
        for (const n of [1, 2, 3]) group.spawn(() => emit(`${user.get()} ${n}`));
      }),
    );
    assert.deepEqual(await user.run('ann', () => numbers.toArray()), ['ann 1', 'ann 2', 'ann 3']);
    const none = stream<number>(() => {});
    assert.deepEqual(await none.toArray(), []);
  }),
);

test(
  'stream: emit belongs to the scope of whoever calls it: a timeout around it gives up, and the value was not given',
  virtually(async () => {
    const trace: unknown[] = [];
    const numbers = stream<number>(
      async (emit) => {
        await emit(1);
        trace.push(((await failureOf(timeout(5, () => emit(2)))) as Error).name);
        await emit(3);
      },
      { capacity: 0 },
    );
    for await (const n of numbers) {
      trace.push(n);
      await sleep(20);
    }
    assert.deepEqual(trace, [1, 'TimeoutError', 3]);
  }),
);

test(
  'stream: emit after the end of its stream is refused',
  virtually(async () => {
    let late: Emit<number> | undefined;
    await stream<number>(async (emit) => {
      late = emit;
      await emit(1);
    }).toArray();
    assert.ok((await failureOf((late as Emit<number>)(2))) instanceof ScopeClosedError);
    let stuck: Promise<unknown> | undefined;
    const numbers = stream<number>(
      async (emit) => {
        await emit(1);
        await sleepForever();
      },
      { capacity: 0 },
    ).tap(() => {});
    const outer = stream<number>(
      async (emit) => {
        late = emit;
        await sleepForever();
      },
      { capacity: 1 },
    ).merge(numbers);
    for await (const _ of outer) {
      stuck = failureOf(Promise.all([1, 2, 3].map((n) => (late as Emit<number>)(n))));
      await sleep(1);
      break;
    }
    assert.ok((await stuck) instanceof ScopeClosedError);
  }),
);

test(
  'stream: a producer that cancels itself has failed to bring forth its stream',
  virtually(async () => {
    const error = await failureOf(
      stream<number>(async (emit, scope) => {
        await emit(1);
        scope.cancel();
        await emit(2);
      }).toArray(),
    );
    assert.ok(error instanceof TaskCancelledError);
  }),
);

test(
  'stream: a function may return what is to be read, at once or later',
  virtually(async () => {
    const source = new Counting(3);
    assert.deepEqual(await stream(() => source).toArray(), [0, 1, 2]);
    assert.deepEqual(await stream(async () => [1, 2]).toArray(), [1, 2]);
    await stream(() => new Counting(9)).first();
    const left = new Counting();
    await stream(() => left).first();
    assert.equal(left.returned, 1);
  }),
);

test(
  'stream: a cancelled reader leaves what it could not take with nobody, and the producer has ended',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      const numbers = stream<number>(async (emit) => {
        try {
          await emit(1);
          await sleep(10);
          scope.cancel();
          await emit(2);
        } finally {
          trace.push('ended');
        }
      });
      for await (const n of numbers) trace.push(`got ${n}`);
    });
    assert.deepEqual(trace, ['got 1', 'ended']);
  }),
);
