import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RwLock, sleep, taskGroup, withScope, type Permit } from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

/** Tasks that read or write for a millisecond and say when they got in. */
function users(lock: RwLock, trace: string[]) {
  const use = (name: string, acquire: () => Promise<Permit>) => async (): Promise<void> => {
    using _held = await acquire();
    trace.push(name);
    await sleep(1);
    trace.push(`/${name}`);
  };
  return {
    read: (name: string) => use(name, () => lock.acquireRead()),
    write: (name: string) => use(name, () => lock.acquireWrite()),
  };
}

test(
  'RwLock: readers go side by side, a writer alone',
  virtually(async (clock) => {
    const lock = new RwLock();
    const trace: string[] = [];
    const { read, write } = users(lock, trace);
    await taskGroup((group) => {
      for (const fn of [read('r1'), read('r2'), write('w1'), write('w2'), read('r3'), read('r4')]) group.spawn(fn);
    });
    assert.deepEqual(trace, ['r1', 'r2', '/r1', '/r2', 'w1', '/w1', 'w2', '/w2', 'r3', 'r4', '/r3', '/r4']);
    assert.equal(clock.now(), 4);
  }),
);

test(
  'RwLock: a writer that waits stops the readers that come after it',
  virtually(async () => {
    const lock = new RwLock();
    const trace: string[] = [];
    const { read, write } = users(lock, trace);
    const reading = await lock.acquireRead();
    await taskGroup(async (group) => {
      group.spawn(write('w'));
      await waitAllTasksBlocked();
      assert.equal(lock.tryAcquireRead(), undefined);
      group.spawn(read('r'));
      await waitAllTasksBlocked();
      assert.deepEqual(trace, []);
      assert.deepEqual({ ...lock.snapshot() }, { name: 'rw-lock', readers: 1, writing: false, waiting: 2 });
      reading.release();
    });
    assert.deepEqual(trace, ['w', '/w', 'r', '/r']);
  }),
);

test(
  'RwLock: a stream of readers does not starve a writer, nor one of writers a reader',
  virtually(async () => {
    for (const kind of ['read', 'write'] as const) {
      const lock = new RwLock();
      const trace: string[] = [];
      const make = users(lock, trace);
      const other = kind === 'read' ? 'write' : 'read';
      await taskGroup((group) => {
        const stream = async (n: number): Promise<void> => {
          for (let turn = 0; turn < 10; turn++) await make[kind](`s${n}`)();
        };
        group.spawn(() => stream(1));
        group.spawn(() => stream(2));
        group.spawn(make[other]('other'));
      });
      assert.ok(trace.indexOf('other') <= 4, trace.join(' '));
    }
  }),
);

test(
  'RwLock: a writer that is cancelled at the head lets the readers behind it go',
  virtually(async (clock) => {
    const lock = new RwLock();
    const trace: string[] = [];
    const { read, write } = users(lock, trace);
    using _reading = await lock.acquireRead();
    await taskGroup(async (group) => {
      const writer = group.spawn(write('w'));
      group.spawn(read('r1'));
      group.spawn(read('r2'));
      await waitAllTasksBlocked();
      writer.cancel();
    });
    assert.deepEqual(trace, ['r1', 'r2', '/r1', '/r2']);
    assert.equal(clock.now(), 1);
  }),
);

test(
  'RwLock: a writer that is cancelled in the instant of the hand-over, before it: the readers go; after it: it has it',
  virtually(async () => {
    for (const first of ['cancel', 'release'] as const) {
      const lock = new RwLock();
      const trace: string[] = [];
      const { read, write } = users(lock, trace);
      const held = await lock.acquireRead();
      await taskGroup(async (group) => {
        const writer = group.spawn(write('w'));
        group.spawn(read('r'));
        await waitAllTasksBlocked();
        if (first === 'cancel') writer.cancel();
        held.release();
        writer.cancel();
      });
      assert.deepEqual(trace, first === 'cancel' ? ['r', '/r'] : ['w', 'r', '/r']);
      assert.deepEqual({ ...lock.snapshot() }, { name: 'rw-lock', readers: 0, writing: false, waiting: 0 });
    }
  }),
);

test(
  'RwLock: the last of several readers lets the writer in',
  virtually(async () => {
    const lock = new RwLock();
    const [one, two] = [await lock.acquireRead(), await lock.acquireRead()];
    await taskGroup(async (group) => {
      group.spawn(() => lock.holdWrite(() => sleep(1)));
      await waitAllTasksBlocked();
      one.release();
      one.release();
      assert.equal(lock.writing, false);
      two.release();
      assert.equal(lock.writing, true);
      assert.equal(lock.tryAcquireWrite(), undefined);
      assert.equal(lock.tryAcquireRead(), undefined);
    });
    assert.equal(lock.writing, false);
  }),
);

test(
  'RwLock: downgrade goes on reading with no writer in between, and lets the readers at the head in',
  virtually(async () => {
    const lock = new RwLock();
    const trace: string[] = [];
    const { read, write } = users(lock, trace);
    const writing = await lock.acquireWrite();
    await taskGroup(async (group) => {
      group.spawn(read('r'));
      group.spawn(write('w'));
      await waitAllTasksBlocked();
      writing.downgrade();
      assert.deepEqual([writing.held, lock.writing, lock.readers], [true, false, 2]);
      assert.throws(() => writing.downgrade(), { name: 'TypeError', message: /^Cannot downgrade as .* for reading$/ });
      await sleep(5);
      assert.deepEqual(trace, ['r', '/r']);
      writing.release();
      assert.throws(() => writing.downgrade(), { name: 'TypeError', message: /^Cannot downgrade as .* given back$/ });
    });
    assert.deepEqual(trace, ['r', '/r', 'w', '/w']);
    assert.equal(lock.readers, 0);
  }),
);

test(
  'RwLock.holdRead, RwLock.holdWrite: give back when their body has ended or thrown',
  virtually(async () => {
    const lock = new RwLock();
    assert.equal(await lock.holdRead(() => lock.readers), 1);
    assert.equal(await lock.holdWrite(() => lock.writing), true);
    assert.equal(lock.writing, false);
    await lock.holdWrite((held) => {
      held.downgrade();
      assert.equal(lock.readers, 1);
    });
    assert.equal(lock.readers, 0);
    const failure = new Error('body');
    assert.equal(await failureOf(lock.holdRead(() => Promise.reject(failure))), failure);
    assert.equal(lock.readers, 0);
    await assert.rejects(lock.holdWrite(undefined as never), TypeError);
  }),
);

test(
  'RwLock: cancelling a whole group of waiters leaves nobody in line',
  virtually(async () => {
    const lock = new RwLock();
    using _held = await lock.acquireWrite();
    await withScope(async (scope) => {
      await taskGroup(async (group) => {
        for (let n = 0; n < 5; n++) {
          group.spawn(() => lock.acquireRead());
          group.spawn(() => lock.acquireWrite());
        }
        await waitAllTasksBlocked();
        assert.equal(lock.snapshot().waiting, 10);
        scope.cancel();
        assert.equal(lock.snapshot().waiting, 0);
      });
    });
  }),
);
