import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CapacityLimiter,
  LineFullError,
  currentScope,
  currentTask,
  moveOnAfter,
  sleep,
  taskGroup,
  withScope,
} from '../../src/index.ts';
import { waitAllTasksBlocked } from '../../src/testing/index.ts';
import { failureOf, virtually } from '../core/virtually.ts';

// trio test_sync.py::test_CapacityLimiter
test(
  'CapacityLimiter: a token for each borrower, the current task by default',
  virtually(async () => {
    const limiter = new CapacityLimiter(2, { name: 'threads' });
    await taskGroup(async (group) => {
      const task = group.spawn(async () => {
        using _token = await withScope(() => limiter.acquire());
        assert.deepEqual(limiter.borrowers, [currentTask()]);
        await sleep(1);
      });
      await waitAllTasksBlocked();
      using _own = limiter.tryAcquire();
      assert.equal(limiter.tryAcquire({ borrower: 'other' }), undefined);
      assert.equal(limiter.borrowers[0], task);
      assert.deepEqual(
        { ...limiter.snapshot() },
        { name: 'threads', total: 2, borrowed: 2, available: 0, waiting: 0, maxWaiting: Infinity },
      );
    });
    assert.equal(limiter.available, 2);
    assert.deepEqual(limiter.borrowers, []);
  }),
);

// trio test_sync.py::test_CapacityLimiter; anyio test_synchronization.py::TestCapacityLimiter::test_borrow_twice
test(
  'CapacityLimiter: the same borrower twice is an error that changes nothing, also while the first one waits',
  virtually(async () => {
    const limiter = new CapacityLimiter(1);
    const token = await limiter.acquire();
    await assert.rejects(limiter.acquire(), {
      name: 'TypeError',
      message: /^Cannot acquire capacity limiter as a borrower has one token at most: .+ has one already/,
    });
    assert.throws(() => limiter.tryAcquire(), TypeError);
    await taskGroup(async (group) => {
      group.spawn(async () => (await limiter.acquire({ borrower: 'b' })).release());
      await waitAllTasksBlocked();
      await assert.rejects(limiter.acquire({ borrower: 'b' }), /"b" waits for one already/);
      assert.equal(limiter.snapshot().waiting, 1);
      token.release();
    });
    assert.equal(limiter.available, 1);
    (await limiter.acquire({ borrower: 'b' })).release();
  }),
);

test(
  'CapacityLimiter: a borrower that was cancelled while waiting may ask again',
  virtually(async () => {
    const limiter = new CapacityLimiter(0);
    assert.deepEqual(await moveOnAfter(1, () => limiter.acquire({ borrower: 'b' })), { timedOut: true });
    assert.equal(limiter.tryAcquire({ borrower: 'b' }), undefined);
    limiter.total = 1;
    using token = limiter.tryAcquire({ borrower: 'b' });
    assert.ok(token);
  }),
);

// trio test_sync.py::test_CapacityLimiter_change_total_tokens
test(
  'CapacityLimiter: growing wakes who waits, shrinking below what is borrowed is allowed and blocks',
  virtually(async () => {
    const limiter = new CapacityLimiter(2);
    const tokens = [await limiter.acquire({ borrower: 'a' }), await limiter.acquire({ borrower: 'b' })];
    const trace: string[] = [];
    await taskGroup(async (group) => {
      for (const name of ['c', 'd', 'e']) {
        group.spawn(async () => {
          await limiter.acquire({ borrower: name });
          trace.push(name);
        });
      }
      await waitAllTasksBlocked();
      limiter.total = 4;
      await waitAllTasksBlocked();
      assert.deepEqual(trace, ['c', 'd']);
      limiter.total = 1;
      assert.equal(limiter.available, 0);
      assert.equal(limiter.borrowed, 4);
      for (const token of tokens) token.release();
      await waitAllTasksBlocked();
      assert.deepEqual(trace, ['c', 'd']);
      limiter.total = Infinity;
      assert.equal(limiter.borrowed, 3);
      assert.equal(limiter.available, Infinity);
    });
    assert.deepEqual(trace, ['c', 'd', 'e']);
  }),
);

// anyio test_synchronization.py::TestCapacityLimiter::test_nowait_acquire_after_release_does_not_oversubscribe
test(
  'CapacityLimiter: a freed token is reserved for the waiter it wakes',
  virtually(async () => {
    const limiter = new CapacityLimiter(1);
    const token = await limiter.acquire({ borrower: 'a' });
    await taskGroup(async (group) => {
      group.spawn(() => limiter.hold(() => sleep(1)));
      await waitAllTasksBlocked();
      token.release();
      assert.equal(limiter.tryAcquire({ borrower: 'b' }), undefined);
      assert.equal(limiter.borrowed, 1);
      assert.equal(limiter.available, 0);
    });
  }),
);

// anyio test_synchronization.py::TestCapacityLimiter::test_increase_tokens_lets_others_acquire
test(
  'CapacityLimiter: with no tokens all wait until there are some',
  virtually(async (clock) => {
    const limiter = new CapacityLimiter(0);
    await taskGroup(async (group) => {
      group.spawn(() => limiter.hold(() => sleep(1)));
      group.spawn(() => limiter.hold(() => sleep(1)));
      await sleep(10);
      assert.equal(limiter.snapshot().waiting, 2);
      limiter.total = 1;
    });
    assert.equal(clock.now(), 12);
  }),
);

test(
  'CapacityLimiter: beyond maxWaiting nobody may wait, and whoever leaves the line makes room',
  virtually(async () => {
    const limiter = new CapacityLimiter(1, { maxWaiting: 1, name: 'bulkhead' });
    const token = await limiter.acquire({ borrower: 0 });
    await taskGroup(async (group) => {
      const waiting = group.spawn(() => limiter.acquire());
      await waitAllTasksBlocked();
      const error = await failureOf(limiter.acquire({ borrower: 2 }));
      assert.ok(error instanceof LineFullError);
      assert.equal(error.name, 'LineFullError');
      assert.equal(error.code, 'CORRAL_LINE_FULL');
      assert.equal(error.maxWaiting, 1);
      assert.equal(error.message, 'Cannot wait for bulkhead as no more than 1 may wait: so many do already');
      waiting.cancel();
      group.spawn(() => limiter.hold(() => undefined));
      await waitAllTasksBlocked();
      assert.equal(limiter.snapshot().waiting, 1);
      token.release();
    });
    assert.equal(limiter.borrowed, 0);
  }),
);

test(
  'CapacityLimiter: with no room in line it lets in at once or refuses at once',
  virtually(async () => {
    const limiter = new CapacityLimiter(1, { maxWaiting: 0 });
    using _token = await limiter.acquire({ borrower: 'a' });
    await assert.rejects(limiter.acquire({ borrower: 'b' }), LineFullError);
    assert.equal(limiter.borrowed, 1);
  }),
);

test(
  'CapacityLimiter: outside all tasks the outermost scope borrows',
  virtually(async () => {
    const limiter = new CapacityLimiter(1);
    using _token = await withScope(() => limiter.acquire());
    assert.deepEqual(limiter.borrowers, [currentScope()]);
  }),
);

test('CapacityLimiter: outside all scopes it is somebody new every time', async () => {
  const limiter = new CapacityLimiter(2);
  using _one = await limiter.acquire();
  using _two = limiter.tryAcquire();
  assert.equal(limiter.borrowed, 2);
});

test(
  'CapacityLimiter: a token that is given back twice comes back once, whoever has the next one',
  virtually(async () => {
    const limiter = new CapacityLimiter(1);
    const first = await limiter.acquire({ borrower: 'b' });
    first.release();
    using _second = await limiter.acquire({ borrower: 'b' });
    first.release();
    assert.equal(limiter.borrowed, 1);
  }),
);

// trio test_sync.py::test_CapacityLimiter_inf, test_CapacityLimiter; anyio test_bad_init_type, test_bad_init_value
test('CapacityLimiter: what is no number of tokens is refused', () => {
  for (const bad of [-1, 1.5, Number.NaN, '1', null, undefined]) {
    assert.throws(() => new CapacityLimiter(bad as number), RangeError);
    const limiter = new CapacityLimiter(Infinity);
    assert.throws(() => (limiter.total = bad as number), {
      name: 'RangeError',
      message: /^Cannot set the total of capacity limiter as it takes an integer of at least 0, or Infinity/,
    });
    assert.equal(limiter.total, Infinity);
  }
  assert.throws(() => new CapacityLimiter(1, { maxWaiting: -1 }), RangeError);
});

// trio test_sync.py::test_CapacityLimiter_memleak_548
test(
  'CapacityLimiter: those who are cancelled while they wait are not remembered',
  virtually(async () => {
    const limiter = new CapacityLimiter(0, { maxWaiting: 1 });
    const borrower = {};
    for (let n = 0; n < 100; n++) await moveOnAfter(1, () => limiter.acquire({ borrower }));
    assert.equal(limiter.snapshot().waiting, 0);
    limiter.total = 1;
    (await limiter.acquire({ borrower })).release();
    assert.deepEqual(limiter.borrowers, []);
  }),
);

test(
  'CapacityLimiter.hold: gives the token back when its body has ended or thrown',
  virtually(async () => {
    const limiter = new CapacityLimiter(1);
    assert.equal(await limiter.hold(() => limiter.borrowed), 1);
    const failure = new Error('body');
    assert.equal(await failureOf(limiter.hold(() => Promise.reject(failure))), failure);
    assert.equal(limiter.borrowed, 0);
    await assert.rejects(limiter.hold(undefined as never), TypeError);
    assert.equal(limiter.borrowed, 0);
  }),
);
