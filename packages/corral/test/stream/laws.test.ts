import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentScope, isCancelled, sleep, stream, suppressedErrors, timeout, withScope } from '../../src/index.ts';
import { assertNoLeaks } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { Counting, OPERATORS, slow, stalling } from './every-operator.ts';

/** Reads `count` values and leaves. */
async function leaveAfter(count: number, values: AsyncIterable<unknown>): Promise<void> {
  let seen = 0;
  for await (const _ of values) if (++seen === count) break;
}

for (const { name, apply, ahead, per = 1, drops = 0 } of OPERATORS) {
  test(
    `stream, ${name}: nothing runs before it is read, and each reading is a run of its own`,
    virtually(async () => {
      const source = new Counting(4);
      const values = apply(stream(source));
      await sleep(10);
      assert.equal(source.read, 0);
      const first = await values.toArray();
      assert.deepEqual(await values.toArray(), first);
      assert.ok(first.length > 0);
    }),
  );

  test(
    `stream, ${name}: leaving the loop closes the source before the loop's statement ends`,
    virtually(() =>
      assertNoLeaks(async () => {
        const trace: string[] = [];
        await leaveAfter(2, apply(stream(() => slow(trace))));
        assert.equal(new Set(trace).size, 1);
      }),
    ),
  );

  test(
    `stream, ${name}: an error in the loop's body closes the source and is thrown`,
    virtually(() =>
      assertNoLeaks(async () => {
        const trace: string[] = [];
        const error = await failureOf(
          (async () => {
            for await (const _ of apply(stream(() => slow(trace)))) throw undefined;
          })(),
        );
        assert.equal(error, undefined);
        assert.equal(new Set(trace).size, 1);
      }),
    ),
  );

  test(
    `stream, ${name}: a cancellation while it waits closes the source first, and leaves nothing`,
    virtually(async (clock) => {
      const trace: string[] = [];
      const around = currentScope();
      await withScope(async (scope) => {
        const reading = failureOf(apply(stream(() => stalling(trace, 3))).toArray());
        await sleep(10).then(() => scope.cancel());
        const error = await reading;
        assert.equal(error, scope.reason);
        assert.equal(new Set(trace).size, 1);
      });
      assert.equal(around?.cancelled, false);
      assert.ok(clock.now() <= 20);
    }),
  );

  test(
    `stream, ${name}: a timeout around the loop cuts it off and waits for the source`,
    virtually(async () => {
      const trace: string[] = [];
      const error = await failureOf(
        timeout(50, async () => {
          for await (const _ of apply(stream(() => stalling(trace, 3))));
        }),
      );
      assert.equal((error as Error).name, 'TimeoutError');
      assert.equal(new Set(trace).size, 1);
    }),
  );

  test(
    `stream, ${name}: an error of the source is thrown, whatever it is, and the source is not closed for it`,
    virtually(() =>
      assertNoLeaks(async () => {
        for (const error of [new Error('source'), undefined, 0, '']) {
          const source = new Counting(4, { error });
          assert.equal(await failureOf(apply(stream(source)).toArray()), error);
          assert.equal(source.returned, name === 'zip' ? 1 : 0);
        }
      }),
    ),
  );

  test(
    `stream, ${name}: return() is called once when it is left early, and not at its end`,
    virtually(async () => {
      const left = new Counting();
      await leaveAfter(2, apply(stream(left)));
      assert.equal(left.returned, per === 2 && name === 'zip' ? 2 : 1);
      const read = new Counting(5);
      await apply(stream(read)).toArray();
      assert.equal(read.returned, name === 'zip' ? 1 : 0);
    }),
  );

  test(
    `stream, ${name}: what return() throws is thrown by the loop that was left`,
    virtually(() =>
      assertNoLeaks(async () => {
        const error = new Error('return');
        const source = new Counting(Infinity, undefined, () => Promise.reject(error));
        assert.equal(await failureOf(leaveAfter(2, apply(stream(source)))), error);
      }),
    ),
  );

  test(
    `stream, ${name}: an error of the loop's consumer keeps what return() throws as suppressed`,
    virtually(async () => {
      const [first, later] = [new Error('consumer'), new Error('return')];
      const source = new Counting(Infinity, undefined, () => Promise.reject(later));
      const error = await failureOf(
        apply(stream(source)).forEach(() => {
          throw first;
        }),
      );
      assert.equal(error, first);
      assert.deepEqual(suppressedErrors(error), [later]);
    }),
  );

  test(
    `stream, ${name}: a next() that never settles keeps nobody from being cancelled`,
    virtually(async (clock) => {
      let returned = 0;
      const deaf: AsyncIterable<number> = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<never>(() => {}),
          return: async () => {
            returned++;
            return { done: true, value: undefined };
          },
        }),
      };
      await withScope(async (scope) => {
        setImmediate(() => scope.cancel());
        const error = await failureOf(apply(stream(deaf)).toArray());
        assert.equal(isCancelled(error), true);
      });
      assert.equal(returned, 1);
      assert.equal(clock.now(), 0);
    }),
  );

  test(
    `stream, ${name}: reads no further ahead of its consumer than it says`,
    virtually(async () => {
      const source = new Counting();
      let got = 0;
      let most = 0;
      for await (const _ of apply(stream(source))) {
        got++;
        await sleep(100);
        most = Math.max(most, source.read - got * per - drops);
        if (got === 12) break;
      }
      assert.ok(most <= ahead, `${most} ahead`);
    }),
  );

  test(
    `stream, ${name}: refuses in a cancelled scope before anything is read`,
    virtually(async () => {
      const source = new Counting();
      await withScope(async (scope) => {
        scope.cancel();
        assert.equal(await failureOf(apply(stream(source)).toArray()), scope.reason);
        assert.equal(await failureOf(apply(stream(source))[Symbol.asyncIterator]().next()), scope.reason);
      });
      assert.equal(source.read, 0);
    }),
  );

  test(`stream, ${name}: outside all scopes it works as well`, async () => {
    const trace: string[] = [];
    await leaveAfter(2, apply(stream(() => slow(trace))));
    assert.equal(new Set(trace).size, 1);
    assert.ok((await apply(stream([1, 2, 3, 4])).toArray()).length > 0);
  });

  test(`stream, ${name}: over a sync source it gives the event loop a turn and sees a cancellation`, async () => {
    function* forever(): Generator<number> {
      for (let n = 0; ; n++) yield n;
    }
    const error = await failureOf(
      timeout(15, () =>
        apply(stream(forever()).takeWhile(() => true))
          .filter(() => false)
          .toArray(),
      ),
    );
    assert.equal((error as Error).name, 'TimeoutError');
  });
}
