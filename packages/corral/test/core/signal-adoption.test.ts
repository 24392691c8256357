// A foreign signal that cancels a scope or a group.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TimeoutError,
  any,
  forEach,
  gather,
  isCancelled,
  map,
  moveOnAfter,
  openTaskGroup,
  race,
  shield,
  sleep,
  sleepForever,
  taskGroup,
  timeout,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { CountedController } from '../internal/observe.ts';
import { failureOf, virtually } from './virtually.ts';

type Adopting = (signal: AbortSignal) => Promise<unknown>;
const forever = (): Promise<never> => sleepForever();

/** All that takes a foreign signal. */
const adopting: Readonly<Record<string, Adopting>> = {
  withScope: (signal) => withScope(forever, { signal }),
  timeout: (signal) => timeout(60_000, forever, { signal }),
  moveOnAfter: (signal) => moveOnAfter(60_000, forever, { signal }),
  taskGroup: (signal) => taskGroup((group) => void group.spawn(forever), { signal }),
  openTaskGroup: async (signal) => {
    await using group = openTaskGroup({ signal });
    group.spawn(forever);
    await group.join();
  },
  gather: (signal) => gather([forever, forever], { signal }),
  map: (signal) => map([1, 2], forever, { signal }),
  forEach: (signal) => forEach([1, 2], forever, { signal }),
  race: (signal) => race([forever, forever], { signal }),
  any: (signal) => any([forever, forever], { signal }),
};

for (const [name, call] of Object.entries(adopting)) {
  test(
    `${name}: with a signal that is aborted already rejects with its reason`,
    virtually(async () => {
      const controller = new CountedController();
      const reason = { any: 'value' };
      controller.abort(reason);
      assert.equal(await failureOf(call(controller.signal)), reason);
      assert.equal(controller.listeners, 0);
    }),
  );

  test(
    `${name}: with a signal that is aborted later rejects with its reason, and takes its listener away`,
    virtually(async (clock) => {
      const controller = new CountedController();
      const reason = new Error('foreign');
      await taskGroup(async (group) => {
        const task = group.spawn(async () => assert.equal(await failureOf(call(controller.signal)), reason));
        await sleep(50);
        assert.equal(controller.listeners, 1);
        controller.abort(reason);
        await task.join();
      });
      assert.equal(controller.listeners, 0);
      assert.equal(clock.now(), 50);
    }),
  );
}

const short: Readonly<Record<string, Adopting>> = {
  'a body that returns': (signal) => withScope(() => 1, { signal }),
  'a body that throws': (signal) => withScope(() => Promise.reject(new Error('x')), { signal }).catch(() => {}),
  'a body that is cancelled': (signal) => withScope((scope) => scope.cancel(), { signal }),
  'a group that returns': (signal) => taskGroup((group) => void group.spawn(() => 1), { signal }),
  'a group that fails': (signal) =>
    taskGroup((group) => void group.spawn(() => Promise.reject(new Error('x'))), { signal }).catch(() => {}),
  'a timeout that expires': (signal) => timeout(1, forever, { signal }).catch(() => {}),
  'a call that is misuse': (signal) => withScope(undefined as never, { signal }).catch(() => {}),
  'a call in a closed scope': async (signal) => {
    const scope = await withScope((ended) => ended);
    await withScope(forever, { signal, scope }).catch(() => {});
    await taskGroup(forever, { signal, scope }).catch(() => {});
  },
};

for (const [name, call] of Object.entries(short)) {
  test(
    `{ signal }: ${name} leaves no listener; aborting afterwards does nothing`,
    virtually(async () => {
      const controller = new CountedController();
      await call(controller.signal);
      assert.equal(controller.listeners, 0);
      controller.abort(new Error('too late'));
      await sleep(1);
    }),
  );
}

test(
  '{ signal }: aborted already, the body runs to its first waiting operation',
  virtually(async () => {
    const trace: string[] = [];
    const failure = await failureOf(
      withScope(
        async (scope) => {
          trace.push(`begun, cancelled: ${scope.cancelled}`);
          await sleep(1);
        },
        { signal: AbortSignal.abort('reason') },
      ),
    );
    assert.deepEqual([failure, ...trace], ['reason', 'begun, cancelled: true']);
  }),
);

test(
  '{ signal }: one that is aborted does not spoil a body that ends without waiting again',
  virtually(async () => {
    const controller = new AbortController();
    const value = await withScope(
      () => {
        controller.abort();
        return 'value';
      },
      { signal: controller.signal },
    );
    assert.equal(value, 'value');
  }),
);

test(
  '{ signal }: without a reason of its own, the reason is the AbortError of the platform',
  virtually(async () => {
    const failure = await failureOf(withScope(forever, { signal: AbortSignal.abort() }));
    assert.ok(failure instanceof DOMException);
    assert.equal(failure.name, 'AbortError');
    assert.equal(isCancelled(failure), false);
  }),
);

test(
  '{ signal }: real errors win over the reason; a body that throws the reason itself gives the reason',
  virtually(async () => {
    const [real, reason] = [new Error('real'), new Error('reason')];
    const failing = (error: unknown): Promise<unknown> => {
      const controller = new AbortController();
      return failureOf(
        withScope(
          async () => {
            controller.abort(reason);
            await sleep(1).catch(() => Promise.reject(error));
          },
          { signal: controller.signal },
        ),
      );
    };
    assert.equal(await failing(real), real);
    assert.equal(await failing(reason), reason);
    const left = (await failing(new AggregateError([reason, real]))) as AggregateError;
    assert.deepEqual(left.errors, [real]);
  }),
);

test(
  '{ signal }: an outer cancellation wins over the reason',
  virtually(async () => {
    await withScope(async (outer) => {
      const controller = new AbortController();
      const failure = await failureOf(
        withScope(
          async () => {
            controller.abort('reason');
            outer.cancel();
            await sleep(1);
          },
          { signal: controller.signal },
        ),
      );
      assert.equal(failure, outer.reason);
    });
  }),
);

test(
  '{ signal }: cancel() or a deadline that came first wins over the signal',
  virtually(async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const explicit = withScope(
      async (scope) => {
        scope.cancel();
        controller.abort('reason');
        await sleep(1);
      },
      { signal },
    );
    assert.equal(await explicit, undefined);
    const later = new AbortController();
    const expired = timeout(
      5,
      () =>
        sleepForever().finally(() => {
          later.abort('reason');
        }),
      { signal: later.signal },
    );
    assert.ok((await failureOf(expired)) instanceof TimeoutError);
  }),
);

test(
  '{ signal }: a shield does not keep out the signal it was given, nor does one inside matter to the outside',
  virtually(async (clock) => {
    const controller = new AbortController();
    const trace: string[] = [];
    const failure = await failureOf(
      withScope(
        async () => {
          await shield(async () => {
            controller.abort('reason');
            await sleep(10);
            trace.push(`shielded until ${clock.now()}`);
          });
          await sleep(10);
        },
        { signal: controller.signal, shield: true },
      ),
    );
    assert.deepEqual([failure, ...trace], ['reason', 'shielded until 10']);
    assert.equal(clock.now(), 10);
  }),
);

test(
  '{ signal }: that of a scope around it changes nothing: the outer scope wins',
  virtually(async () => {
    let failure: unknown;
    const value = await withScope(async (outer) => {
      failure = await failureOf(
        withScope(
          async () => {
            outer.cancel();
            await sleep(1);
          },
          { signal: outer.signal },
        ),
      );
      throw failure;
    });
    assert.ok(isCancelled(failure));
    assert.equal(value, undefined);
  }),
);

test(
  '{ signal }: one signal may cancel thousands of scopes, and none of them keeps a listener',
  virtually(async () => {
    const controller = new CountedController();
    const calls = Array.from({ length: 2_000 }, () =>
      withScope(forever, { signal: controller.signal }).catch((error: unknown) => error),
    );
    assert.equal(controller.listeners, 2_000);
    controller.abort('all');
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['all']));
    assert.equal(controller.listeners, 0);
  }),
);

test(
  '{ signal }: aborted from within an onCancel callback of the scope that adopted it',
  virtually(async () => {
    const controller = new AbortController();
    const kinds: unknown[] = [];
    const note = (scope: Scope): unknown =>
      scope.onCancel((reason) => {
        controller.abort('nested');
        kinds.push(reason.cause.kind, scope.reason?.cause.kind);
      });
    const value = await withScope(
      async (scope) => {
        note(scope);
        scope.cancel();
        await sleep(1);
      },
      { signal: controller.signal },
    );
    assert.equal(value, undefined);
    assert.deepEqual(kinds, ['explicit', 'explicit']);
  }),
);
