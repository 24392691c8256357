import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  TimeoutError,
  isCancelled,
  moveOnAfter,
  open,
  resource,
  sleep,
  sleepForever,
  taskGroup,
  withScope,
  type OpenResource,
} from '../../src/index.ts';
import { failureOf, pledge, virtually } from '../core/virtually.ts';

function traced(trace: string[]) {
  return resource(async function* session(value: string) {
    await sleep(5);
    trace.push(`open ${value}`);
    try {
      yield value;
      trace.push(`nothing thrown in ${value}`);
    } finally {
      await sleep(5);
      trace.push(`closed ${value}`);
    }
  });
}

test(
  'open: is open for the rest of the block',
  virtually(async (clock) => {
    const trace: string[] = [];
    {
      await using session = await open(traced(trace)('a'));
      trace.push(session.value);
    }
    assert.deepEqual(trace, ['open a', 'a', 'nothing thrown in a', 'closed a']);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'open: a block that throws is not known to the generator',
  virtually(async () => {
    const trace: string[] = [];
    const error = new Error('boom');
    const block = async (): Promise<void> => {
      await using _session = await open(traced(trace)('a'));
      throw error;
    };
    assert.equal(await failureOf(block()), error);
    assert.deepEqual(trace, ['open a', 'nothing thrown in a', 'closed a']);
  }),
);

test(
  'open: disposed twice it is left once, and the second waits as well',
  virtually(async () => {
    const trace: string[] = [];
    const session = await open(traced(trace)('a'));
    await taskGroup((group) => {
      for (const n of [1, 2]) group.spawn(() => session[Symbol.asyncDispose]().then(() => trace.push(`disposed ${n}`)));
    });
    await session[Symbol.asyncDispose]();
    assert.deepEqual(trace.slice(2), ['closed a', 'disposed 1', 'disposed 2']);
  }),
);

test(
  'open: a failing exit is thrown by the disposal, once',
  virtually(async () => {
    const error = new Error('close failed');
    const failing = resource(async function* () {
      yield;
      throw error;
    });
    const opened = await open(failing());
    assert.equal(await failureOf(opened[Symbol.asyncDispose]()), error);
    await opened[Symbol.asyncDispose]();
  }),
);

test(
  'open: cancelled while it sets up it rejects, and nothing is open',
  virtually(async () => {
    const trace: string[] = [];
    const result = await moveOnAfter(2, () => open(traced(trace)('a')));
    assert.equal(result.timedOut, true);
    assert.deepEqual(trace, []);
  }),
);

test(
  'open: cancelled in the instant in which the set-up ends, the resource is left exactly once',
  virtually(async () => {
    for (const hops of [0, 1, 2, 3, 4, 5, 6, 7, 8]) {
      const trace: string[] = [];
      const ready = pledge();
      const made = resource(async function* () {
        await ready.promise;
        trace.push('entered');
        yield;
        trace.push('left');
      });
      await withScope(async (scope) => {
        const opening = open(made());
        ready.resolve();
        for (let hop = 0; hop < hops; hop++) await undefined;
        scope.cancel();
        await opening; // it has happened: the commit wins
        assert.deepEqual(trace, ['entered']);
      });
      assert.deepEqual(trace, ['entered', 'left']);
    }
  }),
);

test(
  'open: a set-up that fails is thrown',
  virtually(async () => {
    const error = new Error('no');
    const failing = resource(async function* () {
      if (error) throw error;
      yield 1;
    });
    assert.equal(await failureOf(open(failing())), error);
  }),
);

test(
  'open: left in a cancelled scope it cleans up to its end',
  virtually(async (clock) => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      await using _session = await open(traced(trace)('a'));
      scope.cancel();
      assert.ok(isCancelled(await failureOf(sleep(1))));
    });
    assert.deepEqual(trace.at(-1), 'closed a');
    assert.equal(clock.now(), 10);
  }),
);

test(
  'open: what nobody has disposed is left when its scope ends',
  virtually(async () => {
    const trace: string[] = [];
    let kept: OpenResource<string> | undefined;
    await withScope(async () => {
      kept = await open(traced(trace)('a'));
    });
    assert.deepEqual(trace, ['open a', 'nothing thrown in a', 'closed a']);
    await kept?.[Symbol.asyncDispose]();
    assert.equal(trace.length, 3);
  }),
);

test(
  'open: the failing exit of what nobody has disposed is thrown by its scope',
  virtually(async () => {
    const error = new Error('close failed');
    const failing = resource(async function* () {
      yield;
      throw error;
    });
    assert.equal(await failureOf(withScope(async () => void (await open(failing())))), error);
  }),
);

test(
  'open: one that nobody awaits, and that is set up in spite of the end of its scope, is left at once',
  virtually(async () => {
    const trace: string[] = [];
    const ready = pledge();
    const stubborn = resource(async function* () {
      await ready.promise;
      yield trace.push('open');
      trace.push('closed');
    });
    await withScope(() => {
      void open(stubborn());
      void Promise.resolve().then(() => Promise.resolve().then(ready.resolve));
    });
    assert.deepEqual(trace, ['open', 'closed']);
  }),
);

test(
  'open: belongs to the scope that it is given',
  virtually(async () => {
    const trace: string[] = [];
    await withScope(async (scope) => {
      await withScope(() => open(traced(trace)('a'), { scope }));
      assert.deepEqual(trace, ['open a']);
    });
    assert.equal(trace.at(-1), 'closed a');
  }),
);

test(
  'open: an exit that takes too long is cut off',
  virtually(async (clock) => {
    const stuck = resource(async function* () {
      yield 1;
      await sleepForever();
    });
    const opened = await open(stuck(), { exitTimeoutMs: 30 });
    assert.ok((await failureOf(opened[Symbol.asyncDispose]())) instanceof TimeoutError);
    assert.equal(clock.now(), 30);
  }),
);
