import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeoutError, sleep, taskGroup, timeout } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { failureOf } from '../core/virtually.ts';

async function traceWith(seed: number | undefined): Promise<string> {
  const trace: string[] = [];
  await new VirtualClock({ seed }).run(() =>
    taskGroup((group) => {
      for (const name of ['a', 'b', 'c', 'd', 'e']) {
        group.spawn(async () => {
          for (let step = 1; step <= 3; step++) {
            trace.push(name + step);
            await sleep(step);
          }
        });
      }
    }),
  );
  return trace.join(' ');
}

test('VirtualClock: without a seed what is ready goes on first come first served', async () => {
  assert.equal(await traceWith(undefined), 'a1 b1 c1 d1 e1 a2 b2 c2 d2 e2 a3 b3 c3 d3 e3');
});

test('VirtualClock: the same seed gives the same trace', async () => {
  for (const seed of [0, 1, 2, 42, -7, 2 ** 31]) assert.equal(await traceWith(seed), await traceWith(seed));
});

test('VirtualClock: different seeds give different traces, each a permutation in which every task keeps its order', async () => {
  const traces = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    const trace = await traceWith(seed);
    traces.add(trace);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      assert.equal(
        trace
          .replace(/\S+/g, (step) => (step.startsWith(name) ? step : ''))
          .trim()
          .replace(/ +/g, ' '),
        `${name}1 ${name}2 ${name}3`,
      );
    }
  }
  assert.ok(traces.size > 10, `${traces.size} traces`);
});

test('VirtualClock: with a seed times are as exact, and cancellation and values as certain, as without', async () => {
  for (let seed = 0; seed < 10; seed++) {
    const clock = new VirtualClock({ seed });
    const trace: string[] = [];
    await clock.run(async () => {
      const failure = await failureOf(
        timeout(15, () =>
          taskGroup((group) => {
            group.spawn(() => sleep(10).then(() => trace.push(`slept ${clock.now()}`)));
            group.spawn(() => sleep(20).finally(() => trace.push(`cut off ${clock.now()}`)));
          }),
        ),
      );
      assert.ok(failure instanceof TimeoutError);
    });
    assert.deepEqual(trace, ['slept 10', 'cut off 15']);
  }
});
