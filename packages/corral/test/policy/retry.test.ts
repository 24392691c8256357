import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ContextVariable,
  StrayCancellationError,
  TaskCancelledError,
  TimeoutError,
  isCancelled,
  retry,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  withScope,
  type RetryOptions,
  type Scope,
} from '../../src/index.ts';
import { failureOf, pledge, virtually } from '../core/virtually.ts';

const plain: RetryOptions = { jitter: 'none', baseMs: 100 };

/** Fails with a new error each time, the last of which `fails(n)` gives. */
function failing(times: number): { fn: () => Promise<string>; calls: () => number } {
  let calls = 0;
  const fn = async (): Promise<string> => {
    if (++calls > times) return 'done';
    throw new Error(`failure ${calls}`);
  };
  return { fn, calls: () => calls };
}

test(
  'retry: returns the first success, and calls no more',
  virtually(async (clock) => {
    const { fn, calls } = failing(2);
    assert.equal(await retry(fn, plain), 'done');
    assert.equal(calls(), 3);
    assert.equal(clock.now(), 100 + 200);
  }),
);

test(
  'retry: tells the function its scope and the number of the attempt',
  virtually(async () => {
    const seen: [Scope, number][] = [];
    await withScope(async (around) => {
      await retry((scope, attempt) => {
        seen.push([scope, attempt]);
        if (attempt < 3) throw new Error('again');
      }, plain);
      assert.ok(seen.every(([scope]) => scope !== around));
    });
    assert.deepEqual(
      seen.map(([, attempt]) => attempt),
      [1, 2, 3],
    );
    assert.equal(new Set(seen.map(([scope]) => scope)).size, 3);
  }),
);

test(
  'retry: throws the last error as it is, the earlier ones in suppressedErrors',
  virtually(async () => {
    const errors = [new Error('one'), new Error('two'), new Error('three')];
    const thrown = await failureOf(retry((_scope, attempt) => Promise.reject(errors[attempt - 1]), plain));
    assert.equal(thrown, errors[2]);
    assert.deepEqual(suppressedErrors(thrown), [errors[0], errors[1]]);
  }),
);

test(
  'retry: of those that fail for ever only the last ten errors are kept',
  virtually(async () => {
    const { fn } = failing(Infinity);
    const thrown = await failureOf(retry(fn, { ...plain, backoff: 'constant', attempts: 500 }));
    assert.equal((thrown as Error).message, 'failure 500');
    const kept = suppressedErrors(thrown).map((error) => (error as Error).message);
    assert.deepEqual([kept.length, kept[0], kept[9]], [10, 'failure 490', 'failure 499']);
  }),
);

test(
  'retry: one error object that is thrown by every call does not collect the errors of all',
  virtually(async () => {
    const always = new Error('always the same');
    for (let call = 0; call < 5; call++) {
      const fn = (_scope: Scope, attempt: number): Promise<never> =>
        Promise.reject(attempt === 3 ? always : new Error(`${call}`));
      assert.equal(await failureOf(retry(fn, plain)), always);
      assert.equal(suppressedErrors(always).length, 2);
    }
  }),
);

// p-map drops what is falsy; what cannot carry others is thrown as it is all the same.
test(
  'retry: falsy, frozen and primitive errors are retried and thrown as they are',
  virtually(async () => {
    for (const error of [undefined, null, 0, '', false, 'text', Object.freeze(new Error('frozen'))]) {
      let calls = 0;
      const thrown = await failureOf(
        retry(() => {
          calls++;
          throw error;
        }, plain),
      );
      assert.equal(thrown, error);
      assert.equal(calls, 3);
    }
  }),
);

test(
  'retry: a function that throws synchronously is retried, whatever it throws',
  virtually(async () => {
    const seen: unknown[] = [];
    const fn = (_scope: Scope, attempt: number): string => {
      if (attempt === 1) throw new TypeError('fetch failed');
      return 'fine';
    };
    assert.equal(await retry(fn, { ...plain, onRetry: (error) => seen.push(error) }), 'fine');
    assert.ok(seen[0] instanceof TypeError);
  }),
);

test(
  'retry: retryIf is asked with error and attempt, may be async, and ends it',
  virtually(async (clock) => {
    const asked: [string, number][] = [];
    const { fn, calls } = failing(5);
    const retryIf = async (error: unknown, attempt: number): Promise<boolean> => {
      asked.push([(error as Error).message, attempt]);
      await sleep(1);
      return attempt < 2;
    };
    const thrown = await failureOf(retry(fn, { ...plain, attempts: 9, retryIf }));
    assert.equal((thrown as Error).message, 'failure 2');
    assert.equal(calls(), 2);
    assert.deepEqual(asked, [
      ['failure 1', 1],
      ['failure 2', 2],
    ]);
    assert.equal(clock.now(), 102);
  }),
);

test(
  'retry: retryIf is not asked after the last attempt',
  virtually(async () => {
    let asked = 0;
    await failureOf(retry(failing(9).fn, { ...plain, attempts: 2, retryIf: () => ++asked > 0 }));
    assert.equal(asked, 1);
  }),
);

test(
  'retry: onRetry is awaited before each wait, and told how long that is',
  virtually(async (clock) => {
    const trace: string[] = [];
    const onRetry = async (error: unknown, attempt: number, delayMs: number): Promise<void> => {
      await sleep(7);
      trace.push(`${(error as Error).message}, attempt ${attempt}, in ${delayMs}, at ${clock.now()}`);
    };
    await retry(failing(2).fn, { ...plain, onRetry });
    assert.deepEqual(trace, ['failure 1, attempt 1, in 100, at 7', 'failure 2, attempt 2, in 200, at 114']);
    assert.equal(clock.now(), 314);
  }),
);

test(
  'retry: what a callback throws ends it, with the error of the attempt attached',
  virtually(async () => {
    const bad = (): never => {
      throw new Error('bad callback');
    };
    for (const name of ['retryIf', 'retryAfter', 'onRetry', 'backoff'] as const) {
      const { fn, calls } = failing(9);
      const thrown = await failureOf(retry(fn, { ...plain, [name]: bad }));
      assert.equal((thrown as Error).message, 'bad callback', name);
      assert.equal((suppressedErrors(thrown)[0] as Error).message, 'failure 1', name);
      assert.equal(calls(), 1, name);
    }
  }),
);

test(
  'retry: retryAfter that gives what is no time is misuse',
  virtually(async () => {
    const thrown = await failureOf(retry(failing(9).fn, { retryAfter: () => '120' as never }));
    assert.equal(
      (thrown as Error).message,
      'Cannot use what retryAfter gives as it takes a number of milliseconds: current value is "120"',
    );
  }),
);

test(
  'retry: retryAfter replaces the backoff, jitter and maximum; null and NaN do not count',
  virtually(async (clock) => {
    const waits = [5_000, undefined, null, Number.NaN, -3];
    const delays: number[] = [];
    const options: RetryOptions = {
      ...plain,
      attempts: 6,
      maxMs: 300,
      retryAfter: () => waits[delays.length],
      onRetry: (_error, _attempt, delayMs) => delays.push(delayMs),
    };
    await failureOf(retry(failing(9).fn, options));
    assert.deepEqual(delays, [5_000, 200, 300, 300, 0]);
    assert.equal(clock.now(), 5_800);
  }),
);

// Deadlines ----------------------------------------------------------------------------------------------------------

test(
  'retry: gives up at once when the next wait would not end before the deadline',
  virtually(async (clock) => {
    const { fn, calls } = failing(9);
    const thrown = await failureOf(retry(fn, { ...plain, attempts: 9, deadlineMs: 700 }));
    assert.equal((thrown as Error).message, 'failure 3');
    assert.equal(calls(), 3);
    assert.equal(clock.now(), 300);
  }),
);

test(
  'retry: a deadline that passes in an attempt throws TimeoutError, with the earlier errors attached',
  virtually(async (clock) => {
    const fn = async (_scope: Scope, attempt: number): Promise<void> => {
      await sleep(attempt === 1 ? 10 : 60_000);
      throw new Error(`failure ${attempt}`);
    };
    const thrown = await failureOf(retry(fn, { ...plain, deadlineMs: 500, name: 'load' }));
    assert.ok(thrown instanceof TimeoutError);
    assert.equal(thrown.message, 'Timed out after 500 ms in load');
    assert.deepEqual(
      suppressedErrors(thrown).map((error) => (error as Error).message),
      ['failure 1'],
    );
    assert.equal(clock.now(), 500);
  }),
);

test(
  'retry: a deadline that passes in a callback loses no error',
  virtually(async () => {
    const onRetry = (): Promise<void> => sleep(60_000);
    const thrown = await failureOf(retry(failing(9).fn, { ...plain, deadlineMs: 500, onRetry }));
    assert.ok(thrown instanceof TimeoutError);
    assert.equal((suppressedErrors(thrown)[0] as Error).message, 'failure 1');
  }),
);

test(
  'retry: an error that comes when the deadline has passed is thrown and not retried',
  virtually(async () => {
    let calls = 0;
    const fn = async (): Promise<void> => {
      calls++;
      await sleep(60_000).catch(() => {});
      throw new Error('in the end');
    };
    assert.equal(((await failureOf(retry(fn, { ...plain, deadlineMs: 5 }))) as Error).message, 'in the end');
    assert.equal(calls, 1);
  }),
);

test(
  'retry: a deadline around it cancels it, and is nobody else’s TimeoutError',
  virtually(async (clock) => {
    let calls = 0;
    const fn = async (): Promise<void> => {
      calls++;
      throw new Error('failure');
    };
    const thrown = await failureOf(timeout(150, () => retry(fn, { ...plain, attempts: 9 })));
    assert.equal((thrown as TimeoutError).ms, 150);
    assert.equal(calls, 2);
    assert.equal(clock.now(), 150);
  }),
);

test(
  'retry: the TimeoutError of an attempt is retried, when the attempt has ended',
  virtually(async (clock) => {
    const trace: string[] = [];
    const fn = async (_scope: Scope, attempt: number): Promise<string> => {
      trace.push(`${attempt} begins at ${clock.now()}`);
      try {
        await sleep(attempt === 1 ? 60_000 : 5);
        return 'in time';
      } finally {
        // p-queue frees the place of what has timed out while it runs on.
        if (attempt === 1) await pause(30);
        trace.push(`${attempt} ends at ${clock.now()}`);
      }
    };
    assert.equal(await retry(fn, { ...plain, attemptTimeoutMs: 50 }), 'in time');
    assert.deepEqual(trace, ['1 begins at 0', '1 ends at 80', '2 begins at 180', '2 ends at 185']);
  }),
);

/** Waits although it is cancelled. */
async function pause(ms: number): Promise<void> {
  await withScope(() => sleep(ms), { shield: true });
}

// Cancellation -------------------------------------------------------------------------------------------------------

test(
  'retry: in a cancelled scope nothing is called',
  virtually(async () => {
    let calls = 0;
    await withScope(async (scope) => {
      scope.cancel();
      assert.equal(await failureOf(retry(() => ++calls)), scope.reason);
    });
    assert.equal(calls, 0);
  }),
);

test(
  'retry: cancelled in an attempt, it lets the cancellation through',
  virtually(async () => {
    let calls = 0;
    let asked = 0;
    const fn = async (): Promise<never> => {
      calls++;
      return sleepForever();
    };
    await taskGroup(async (group) => {
      const task = group.spawn(() => retry(fn, { ...plain, attempts: Infinity, retryIf: () => ++asked > 0 }));
      await sleep(10);
      task.cancel();
      assert.equal((await task.settled).status, 'cancelled');
    });
    assert.deepEqual([calls, asked], [1, 0]);
  }),
);

test(
  'retry: cancelled between two attempts, it ends at once and leaves no timer',
  virtually(async (clock) => {
    const { fn, calls } = failing(9);
    await taskGroup(async (group) => {
      const task = group.spawn(() => retry(fn, { ...plain, baseMs: 5_000 }));
      await sleep(10);
      task.cancel();
      assert.equal((await task.settled).status, 'cancelled');
    });
    assert.equal(calls(), 1);
    assert.equal(clock.now(), 10);
  }),
);

test(
  'retry: cancelled in the instant in which the wait ends, it begins no attempt',
  virtually(async () => {
    for (const who of ['retry first', 'cancel first']) {
      const { fn, calls } = failing(9);
      await taskGroup(async (group) => {
        const cut = async (): Promise<void> => {
          await sleep(100);
          task.cancel();
        };
        if (who === 'cancel first') group.spawn(cut);
        const task = group.spawn(() => retry(fn, plain));
        if (who === 'retry first') group.spawn(cut);
        assert.equal((await task.settled).status, 'cancelled', who);
      });
      assert.equal(calls(), 1, who);
    }
  }),
);

test(
  'retry: a failure in the instant of the cancellation is thrown, and not retried',
  virtually(async () => {
    for (const order of ['fail first', 'cancel first']) {
      let calls = 0;
      let asked = 0;
      const { promise, reject } = pledge<never>();
      const thrown = await failureOf(
        withScope(async (scope) => {
          const fn = (): Promise<never> => {
            calls++;
            return promise;
          };
          const going = retry(fn, { ...plain, retryIf: () => ++asked > 0 });
          const cut = (): void => void scope.cancel();
          if (order === 'cancel first') cut();
          reject(new Error('failure'));
          if (order === 'fail first') cut();
          await going;
        }),
      );
      assert.equal((thrown as Error).message, 'failure', order);
      assert.deepEqual([calls, asked], [1, 0], order);
    }
  }),
);

test(
  'retry: cancelled by a callback, it does not go on',
  virtually(async () => {
    for (const name of ['retryIf', 'retryAfter', 'onRetry'] as const) {
      const { fn, calls } = failing(9);
      await withScope((scope) => {
        const cut = (): number => Number(scope.cancel());
        return retry(fn, { ...plain, [name]: cut as () => never }).catch((error: unknown) => {
          // Up to there it has failed; after that it was going on, and was cancelled.
          if (name === 'onRetry') assert.ok(isCancelled(error));
          else assert.equal((error as Error).message, 'failure 1');
        });
      });
      assert.equal(calls(), 1, name);
    }
  }),
);

test(
  'retry: an AbortError is a cancellation only where the scope is cancelled',
  virtually(async () => {
    let calls = 0;
    const abort = (): Promise<never> => {
      calls++;
      return Promise.reject(new DOMException('aborted by the server', 'AbortError'));
    };
    assert.equal(((await failureOf(retry(abort, plain))) as Error).name, 'AbortError');
    assert.equal(calls, 3);
    const { promise, reject } = pledge<never>();
    await withScope(async (scope) => {
      const going = retry(() => {
        calls++;
        return promise;
      }, plain);
      scope.cancel();
      reject(new DOMException('aborted by us', 'AbortError'));
      assert.equal(await failureOf(going), scope.reason);
    });
    assert.equal(calls, 4);
  }),
);

test(
  'retry: that another task was cancelled is an error like others',
  virtually(async () => {
    let calls = 0;
    await taskGroup(async (group) => {
      const fn = (): Promise<unknown> => {
        calls++;
        const task = group.spawn(() => sleepForever());
        task.cancel();
        return task.join();
      };
      assert.ok((await failureOf(retry(fn, plain))) instanceof TaskCancelledError);
    });
    assert.equal(calls, 3);
  }),
);

test(
  'retry: a cancellation that comes from elsewhere is not retried',
  virtually(async () => {
    const foreign = await withScope((scope) => {
      scope.cancel();
      return failureOf(sleep(1));
    });
    let calls = 0;
    const thrown = await failureOf(
      retry(() => {
        calls++;
        throw foreign;
      }, plain),
    );
    assert.ok(thrown instanceof StrayCancellationError);
    assert.equal(calls, 1);
  }),
);

test(
  'retry: what an attempt has started without awaiting it has ended before the next begins',
  virtually(async (clock) => {
    const trace: string[] = [];
    const straggler = async (attempt: number): Promise<void> => {
      await withScope(() => sleepForever()).finally(() => trace.push(`${attempt} cut at ${clock.now()}`));
    };
    const fn = (_scope: Scope, attempt: number): void => {
      trace.push(`${attempt} begins`);
      void straggler(attempt).catch(() => {});
      if (attempt === 1) throw new Error('failure');
    };
    await retry(fn, plain);
    assert.deepEqual(trace, ['1 begins', '1 cut at 0', '2 begins', '2 cut at 100']);
  }),
);

// p-retry has had this: a listener that stayed on the signal of every call.
test(
  'retry: leaves nothing behind in the scope and on the signal that it was given',
  virtually(async () => {
    const controller = new AbortController();
    let listeners = 0;
    let added = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, added++, add(...args));
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));
    await withScope(async (scope) => {
      for (let call = 0; call < 20; call++) await retry(failing(1).fn, { ...plain, signal });
      assert.equal(scope.operations, undefined);
      assert.equal(scope.firstChild, undefined);
    });
    assert.deepEqual([listeners, added], [0, 20]);
  }),
);

test(
  'retry: a foreign signal ends it with its reason',
  virtually(async () => {
    const controller = new AbortController();
    const { fn, calls } = failing(9);
    const reason = new Error('shutting down');
    const onRetry = (): void => controller.abort(reason);
    assert.equal(await failureOf(retry(fn, { ...plain, signal: controller.signal, onRetry })), reason);
    assert.equal(calls(), 1);
  }),
);

test(
  'retry: attempts and callbacks see the context variables of the caller',
  virtually(async () => {
    const user = new ContextVariable<string>({ defaultValue: 'nobody' });
    const seen: (string | undefined)[] = [];
    const look = (): number => seen.push(user.get());
    const fn = (_scope: Scope, attempt: number): void => {
      look();
      if (attempt === 1) throw new Error('failure');
    };
    await user.run('ada', () => retry(fn, { ...plain, retryIf: () => look() > 0, onRetry: look }));
    assert.deepEqual(seen, ['ada', 'ada', 'ada', 'ada']);
  }),
);

test('retry: works outside every scope, and takes one by hand', async () => {
  assert.equal(await retry(failing(1).fn, { baseMs: 1 }), 'done');
  await withScope(async (outer) => {
    await withScope(async () => {
      const going = retry(() => sleepForever(), { scope: outer });
      outer.cancel();
      assert.equal(await failureOf(going), outer.reason);
    }).catch(() => {});
  });
});

test('retry: options that make no sense reject before anything is called', async () => {
  let calls = 0;
  const fn = (): number => ++calls;
  const bad: [RetryOptions, RegExp][] = [
    [
      { attempts: 0 },
      /^Cannot set attempts of retry as it takes an integer of at least 1, or Infinity: current value is 0$/,
    ],
    [{ attempts: 1.5 }, /attempts/],
    [{ attempts: Number.NaN }, /attempts/],
    [{ baseMs: -1 }, /^Cannot set baseMs as it takes a number of at least 0/],
    [{ baseMs: Number.NaN }, /baseMs/],
    [{ factor: 0.5 }, /factor/],
    [{ maxMs: -1 }, /maxMs/],
    [
      { backoff: 'linear' as never },
      /^Cannot set backoff as it takes exponential or decorrelated or constant: current value is "linear"$/,
    ],
    [{ jitter: 'some' as never }, /jitter/],
    [{ deadlineMs: Number.NaN }, /deadline/],
    [{ attemptTimeoutMs: 'soon' as never }, /attemptTimeoutMs/],
    [{ retryIf: true as never }, /retryIf/],
    [{ retryAfter: 5 as never }, /retryAfter/],
    [{ onRetry: 'log' as never }, /onRetry/],
    [{ budget: {} as never }, /budget of retry as it takes a RetryBudget/],
  ];
  for (const [options, message] of bad) await assert.rejects(retry(fn, options), { message });
  await assert.rejects(retry(fn() as never), { name: 'TypeError', message: /^Cannot retry as it takes a function/ });
  assert.equal(calls, 1);
});
