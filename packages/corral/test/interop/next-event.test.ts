import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Queue, isCancelled, moveOnAfter, nextEvent, sleep, taskGroup, timeout, withScope } from '../../src/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

const listeners = (emitter: EventEmitter): number => emitter.listenerCount('data') + emitter.listenerCount('error');

test('nextEvent: gives the arguments of one event and takes its listeners away', async () => {
  const emitter = new EventEmitter();
  const event = nextEvent<[string, number]>(emitter, 'data');
  emitter.emit('data', 'first', 1);
  emitter.emit('data', 'second', 2);
  assert.deepEqual(await event, ['first', 1]);
  assert.equal(listeners(emitter), 0);
});

test('nextEvent: waits for an event of an EventTarget', async () => {
  const target = new EventTarget();
  const waiting = nextEvent(target, 'ping');
  const event = new Event('ping');
  target.dispatchEvent(event);
  assert.equal(await waiting, event);
});

test('nextEvent: an error of the emitter is thrown, falsy ones included; one that is waited for is an event', async () => {
  const emitter = new EventEmitter();
  const boom = new Error('boom');
  for (const error of [boom, undefined]) {
    const waiting = nextEvent(emitter, 'data');
    emitter.emit('error', error);
    assert.equal(await failureOf(waiting), error);
  }
  const waiting = nextEvent(emitter, 'error');
  emitter.emit('error', boom);
  assert.deepEqual(await waiting, [boom]);
  assert.equal(listeners(emitter), 0);
});

test(
  'nextEvent: cancelled it takes no event and leaves no listener',
  virtually(async () => {
    const emitter = new EventEmitter();
    await moveOnAfter(10, () => nextEvent(emitter, 'data'));
    assert.equal(listeners(emitter), 0);
    await withScope(async (scope) => {
      const waiting = nextEvent(emitter, 'data');
      scope.cancel();
      emitter.emit('data');
      assert.ok(isCancelled(await failureOf(waiting)));
      assert.equal(await failureOf(nextEvent(emitter, 'data')), scope.reason);
    });
    assert.equal(listeners(emitter), 0);
  }),
);

test(
  'nextEvent: an event that came before the cancellation is kept',
  virtually(async () => {
    const emitter = new EventEmitter();
    await withScope(async (scope) => {
      const waiting = nextEvent(emitter, 'data');
      emitter.emit('data', 'kept');
      scope.cancel();
      assert.deepEqual(await waiting, ['kept']);
    });
  }),
);

test(
  'nextEvent: an emitter of the program itself is waited for in virtual time',
  virtually(async (clock) => {
    const emitter = new EventEmitter();
    await taskGroup(async (group) => {
      group.spawn(() => sleep(60_000).then(() => emitter.emit('data')));
      await nextEvent(emitter, 'data');
      assert.equal(clock.now(), 60_000);
    });
  }),
);

test('nextEvent: an event while the listeners are being added counts, and they are taken away again', async () => {
  const emitter = new EventEmitter();
  emitter.on('newListener', (name: string, listener: (...args: unknown[]) => void) => {
    if (name === 'data') listener('early');
  });
  assert.deepEqual(await nextEvent(emitter, 'data'), ['early']);
  assert.equal(listeners(emitter), 0);
});

test(
  'nextEvent: cancelled it calls nobody before all that are cancelled with it have left their lines',
  virtually(async () => {
    const emitter = new EventEmitter();
    const queue = new Queue<string>();
    emitter.once('removeListener', () => queue.tryPut('item'));
    await taskGroup(async (group) => {
      group.spawn(() =>
        moveOnAfter(10, async () => {
          void nextEvent(emitter, 'data');
          await queue.get();
        }),
      );
      group.spawn(async () => assert.equal(await timeout(20, () => queue.get()), 'item'));
    });
  }),
);

test('nextEvent: misuse is refused', async () => {
  for (const source of [5, undefined, {}, { on() {} }]) {
    await assert.rejects(nextEvent(source as never, 'data'), {
      name: 'TypeError',
      message: /an EventEmitter or an EventTarget: current/,
    });
  }
  const broken = {
    on() {
      throw new Error('no more listeners');
    },
    off() {},
  };
  await assert.rejects(nextEvent(broken, 'data'), /no more listeners/);
});
