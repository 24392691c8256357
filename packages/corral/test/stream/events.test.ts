import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { BufferOverflowError, events, isCancelled, sleep, timeout, withScope } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';
import { reportsOf } from '../internal/observe.ts';

/** How many listeners there are. */
const listeners = (emitter: EventEmitter): number =>
  emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);

test(
  'events: what comes between the call and the reading, and between two steps, is not lost',
  virtually(async () => {
    const emitter = new EventEmitter();
    using ticks = events<[number]>(emitter, 'tick');
    for (let n = 0; n < 100; n++) emitter.emit('tick', n);
    const seen: number[] = [];
    for await (const [n] of ticks) {
      seen.push(n);
      if (n < 100) emitter.emit('tick', n + 100);
      if (seen.length === 200) break;
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 200 }, (_, n) => n),
    );
  }),
);

test(
  'events: of an emitter each is the array of its arguments, of an event target the event',
  virtually(async () => {
    const emitter = new EventEmitter();
    using pairs = events<[number, string]>(emitter, 'pair');
    emitter.emit('pair', 1, 'a');
    assert.deepEqual(await pairs.first(), [1, 'a']);
    const target = new EventTarget();
    using hits = events(target, 'hit');
    const event = new Event('hit');
    target.dispatchEvent(event);
    assert.equal(await hits.first(), event);
  }),
);

test(
  'events: the listeners are gone when the loop is left, when it ends, when it fails and when it is disposed',
  virtually(async () => {
    const emitter = new EventEmitter();
    const left = events(emitter, 'tick', { endOn: 'end' });
    emitter.emit('tick');
    for await (const _ of left) break;
    assert.equal(listeners(emitter), 0);
    const ended = events(emitter, 'tick', { endOn: 'end' });
    emitter.emit('end');
    assert.equal(listeners(emitter), 0);
    assert.deepEqual(await ended.toArray(), []);
    const failed = events(emitter, 'tick');
    emitter.emit('error', 'x');
    assert.equal(listeners(emitter), 0);
    assert.equal(await failureOf(failed.toArray()), 'x');
    const disposed = events(emitter, 'tick');
    disposed[Symbol.dispose]();
    disposed[Symbol.dispose]();
    assert.equal(listeners(emitter), 0);
    assert.deepEqual(await disposed.toArray(), []);
  }),
);

test(
  'events: what came before the end or an error is given first',
  virtually(async () => {
    const emitter = new EventEmitter();
    const ended = events<[number]>(emitter, 'tick', { endOn: 'end' });
    emitter.emit('tick', 1);
    emitter.emit('end');
    emitter.emit('tick', 2);
    assert.deepEqual(await ended.toArray(), [[1]]);
    const failing = events<[number]>(emitter, 'tick');
    emitter.emit('tick', 1);
    emitter.emit('error', undefined);
    const seen: unknown[] = [];
    assert.equal(await failureOf(failing.forEach(([n]) => seen.push(n))), undefined);
    assert.deepEqual(seen, [1]);
  }),
);

test(
  'events: errorOn: the error of a DOM event, another event, none, and the error event as what is read',
  virtually(async () => {
    const target = new EventTarget();
    const dom = events(target, 'message');
    target.dispatchEvent(Object.assign(new Event('error'), { error: 'inner' }));
    assert.equal(await failureOf(dom.toArray()), 'inner');
    const emitter = new EventEmitter();
    const other = events(emitter, 'tick', { errorOn: 'abort' });
    emitter.emit('abort', 'a');
    assert.equal(await failureOf(other.toArray()), 'a');
    using errors = events<[string]>(emitter, 'error');
    emitter.emit('error', 'read');
    assert.deepEqual(await errors.first(), ['read']);
    using none = events(emitter, 'tick', { errorOn: false });
    assert.throws(() => emitter.emit('error', new Error('nobody listens')), /nobody listens/);
    void none;
  }),
);

test(
  'events: one more than may wait is a BufferOverflowError, after what was buffered',
  virtually(async () => {
    const emitter = new EventEmitter();
    const ticks = events<[number]>(emitter, 'tick', { capacity: 2 });
    for (let n = 0; n < 5; n++) emitter.emit('tick', n);
    assert.equal(listeners(emitter), 0);
    const seen: unknown[] = [];
    const error = await failureOf(ticks.forEach(([n]) => seen.push(n)));
    assert.ok(error instanceof BufferOverflowError);
    assert.equal(error.code, 'CORRAL_BUFFER_OVERFLOW');
    assert.match(error.message, /^Cannot buffer another value of events tick as at most 2 may wait/);
    assert.deepEqual(seen, [0, 1]);
  }),
);

test(
  'events: or the oldest, or the newest, is dropped',
  virtually(async () => {
    for (const [overflow, left] of [
      ['drop-oldest', [3, 4]],
      ['drop-newest', [0, 1]],
    ] as const) {
      const emitter = new EventEmitter();
      const ticks = events<[number]>(emitter, 'tick', { capacity: 2, overflow, endOn: 'end' });
      for (let n = 0; n < 5; n++) emitter.emit('tick', n);
      emitter.emit('end');
      assert.deepEqual(await ticks.map(([n]) => n).toArray(), left);
    }
  }),
);

test(
  'events: a signal ends it at once with its reason',
  virtually(async () => {
    const emitter = new EventEmitter();
    const controller = new AbortController();
    const ticks = events(emitter, 'tick', { signal: controller.signal });
    emitter.emit('tick');
    controller.abort('enough');
    assert.equal(listeners(emitter), 0);
    assert.equal(await failureOf(ticks.toArray()), 'enough');
    assert.equal(await failureOf(events(emitter, 'tick', { signal: controller.signal }).toArray()), 'enough');
    const waiting = new AbortController();
    const reading = failureOf(events(emitter, 'tick', { signal: waiting.signal }).toArray());
    await sleep(1).then(() => waiting.abort('later'));
    assert.equal(await reading, 'later');
  }),
);

test(
  'events: cancelled or timed out while it waits, its listeners are gone',
  virtually(async () => {
    const emitter = new EventEmitter();
    assert.equal(((await failureOf(timeout(5, () => events(emitter, 'x').toArray()))) as Error).name, 'TimeoutError');
    assert.equal(listeners(emitter), 0);
    await withScope(async (scope) => {
      const reading = failureOf(events(emitter, 'x').toArray());
      await sleep(1).then(() => scope.cancel());
      assert.equal(isCancelled(await reading), true);
    });
    assert.equal(listeners(emitter), 0);
  }),
);

test('events: misuse is refused at once', () => {
  const emitter = new EventEmitter();
  assert.throws(() => events({} as never, 'x'), /^TypeError: Cannot listen as events takes an EventEmitter/);
  assert.throws(() => events(emitter, 'x', { capacity: 0 }), RangeError);
  assert.throws(() => events(emitter, 'x', { overflow: 'drop' as never }), TypeError);
  assert.throws(() => events(emitter, 'x', { signal: {} as never }), TypeError);
  assert.equal(listeners(emitter), 0);
});

test('events: when a listener cannot be added those before it are taken away', () => {
  const emitter = new EventEmitter();
  const picky = {
    on(name: string, listener: () => void) {
      if (name === 'error') throw new Error('no such event');
      emitter.on(name, listener);
    },
    off: (name: string, listener: () => void) => emitter.off(name, listener),
  };
  assert.throws(() => events(picky as never, 'tick'), /no such event/);
  assert.equal(emitter.listenerCount('tick'), 0);
});

test(
  'events: a listener that cannot be taken away is reported, and whoever reads finds the end',
  virtually(async () => {
    const error = new Error('off');
    const stubborn = {
      on: () => {},
      off: () => {
        throw error;
      },
    };
    const reports = await reportsOf(async () => {
      const ticks = events(stubborn as never, 'tick');
      const reading = ticks.toArray();
      await sleep(1);
      ticks[Symbol.dispose]();
      assert.deepEqual(await reading, []);
    });
    assert.deepEqual(reports, [error, error]);
  }),
);
