import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Queue, sleep, type QueueOrder } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { ask, outcomes, type Asked } from './asking.ts';
import { QueueModel, rank, type Ask } from './queue-model.ts';

type Step =
  | { do: 'put'; many: number; ms: number | undefined }
  | { do: 'get'; wanted: Ask; ms: number | undefined }
  | { do: 'join'; ms: number | undefined }
  | { do: 'shutdown'; immediate: boolean }
  | { do: 'cancel'; which: number }
  | { do: 'pause' }
  | { do: 'tryPut' | 'tryGet' | 'taskDone' };

const PAUSE = 10;
/** Never the end of a pause. */
const deadline = fc.option(fc.constantFrom(5, 15, 25), { nil: undefined, freq: 2 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('put' as const), many: fc.integer({ min: 0, max: 4 }), ms: deadline }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('get' as const),
        wanted: fc.constantFrom<Ask>('item', 'item', 'next', 1, 2, 3, Infinity),
        ms: deadline,
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pause' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('join' as const), ms: deadline }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat({ max: 30 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('shutdown' as const), immediate: fc.boolean() }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom('tryPut' as const, 'tryGet' as const, 'taskDone' as const),
      }),
    },
  ),
  { maxLength: 50, size: 'max' },
);

/** Runs a program against the queue and the model; `many: 1` is a plain put, 0 a putMany of nothing. */
async function conform(order: QueueOrder, capacity: number, program: Step[], seed: number | undefined): Promise<void> {
  const queue = new Queue<number>({
    order,
    capacity,
    ...(order === 'priority' && { compare: (one, other) => rank(one) - rank(other) }),
  });
  const model = new QueueModel(order, capacity);
  const asked: Asked<unknown>[] = [];
  const deadlines: (number | undefined)[] = [];
  let items = 0;
  await new VirtualClock({ seed }).run(async () => {
    let now = 0;
    for (const step of program) {
      const id = asked.length;
      const begin = (wait: Parameters<typeof ask>[0], ms: number | undefined): void => {
        asked.push(ask(wait, ms));
        deadlines.push(ms && now + ms);
      };
      if (step.do === 'put') {
        const batch = Array.from({ length: step.many }, () => items++);
        begin(
          (scope) => (batch.length === 1 ? queue.put(batch[0] as number, { scope }) : queue.putMany(batch, { scope })),
          step.ms,
        );
        model.put(id, batch);
      } else if (step.do === 'get') {
        const { wanted } = step;
        begin((scope) => {
          if (wanted === 'item') return queue.get({ scope });
          return wanted === 'next' ? queue.values({ scope }).next() : queue.getMany(wanted, { scope });
        }, step.ms);
        model.get(id, wanted);
      } else if (step.do === 'join') {
        begin((scope) => queue.join({ scope }), step.ms);
        model.join(id);
      } else if (step.do === 'cancel') {
        asked[step.which]?.cancel();
        if (step.which < asked.length) model.cancel(step.which);
      } else if (step.do === 'shutdown') {
        assert.deepEqual(queue.shutdown({ immediate: step.immediate }), model.shutdown(step.immediate));
      } else if (step.do === 'pause') {
        await sleep(PAUSE);
        now += PAUSE;
        deadlines.forEach((at, which) => at !== undefined && at <= now && model.cancel(which));
        assert.deepEqual(outcomes(asked), model.outcomes);
      } else {
        const item = items++;
        const real = attempted(() => (step.do === 'tryPut' ? queue.tryPut(item) : queue[step.do]()));
        assert.deepEqual(real, step.do === 'tryPut' ? model.tryPut(item) : model[step.do]());
      }
      const { size, unfinished, waitingGetters, waitingPutters } = queue.snapshot();
      const { getters, putters } = model.waiting;
      assert.deepEqual(
        [size, unfinished, waitingGetters, waitingPutters],
        [model.items.length, model.unfinished, getters, putters],
      );
    }
    asked.forEach((each, which) => {
      each.cancel();
      model.cancel(which);
    });
    await Promise.all(asked.map(({ done }) => done));
    assert.deepEqual(outcomes(asked), model.outcomes);
    assert.deepEqual([queue.snapshot().waitingGetters, queue.snapshot().waitingPutters], [0, 0]);
  });
}

function attempted(fn: () => unknown): unknown {
  try {
    return fn();
  } catch (error) {
    return (error as Error).name;
  }
}

for (const order of ['fifo', 'lifo', 'priority'] as const) {
  test(`Queue: ${order}, random programs with cancellations and timeouts behave like the model, shuffled and not`, async () => {
    const capacity = fc.constantFrom(1, 2, 3, Infinity);
    await fc.assert(
      fc.asyncProperty(capacity, steps, fc.option(fc.integer(), { nil: undefined }), (places, program, seed) =>
        conform(order, places, program, seed),
      ),
      { numRuns: 150 },
    );
  });
}
