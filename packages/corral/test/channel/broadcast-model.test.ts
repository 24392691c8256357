import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Broadcast, sleep, type SubscriberOverflow, type Subscription } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { ask, outcomes, type Asked } from './asking.ts';

interface Listener {
  readonly capacity: number;
  readonly overflow: SubscriberOverflow;
  readonly buffer: number[];
  waiting: number[];
  dropped: number;
  state: 'open' | 'ended' | 'cut-off' | 'closed';
}

/** A broadcast as it is meant, one step at a time. */
class BroadcastModel {
  readonly outcomes: unknown[] = [];
  readonly listeners: Listener[] = [];
  senders: { id: number; value: number }[] = [];
  readonly #last: number[] = [];
  readonly #replay: number;
  #closed = false;

  constructor(replay: number) {
    this.#replay = replay;
  }

  subscribe(capacity: number, overflow: SubscriberOverflow): void {
    const buffer = this.#last.slice(-Math.min(capacity, this.#last.length || 1));
    const state = this.#closed ? 'ended' : 'open';
    this.listeners.push({ capacity, overflow, buffer, waiting: [], dropped: 0, state });
  }

  get #heldUp(): boolean {
    return this.listeners.some(
      ({ state, overflow, buffer, capacity }) => state === 'open' && overflow === 'wait' && buffer.length >= capacity,
    );
  }

  send(id: number, value: number): void {
    this.outcomes[id] = 'waiting';
    if (this.#closed) this.outcomes[id] = 'ClosedResourceError';
    else this.senders.push({ id, value });
    this.#pump();
  }

  trySend(value: number): unknown {
    if (this.#closed) return 'ClosedResourceError';
    if (this.#heldUp) return false;
    this.#deliver(value);
    return true;
  }

  receive(id: number, which: number): void {
    const listener = this.listeners[which] as Listener;
    const { state, buffer, waiting } = listener;
    if (state !== 'closed' && buffer.length > 0) this.outcomes[id] = buffer.shift();
    else if (state === 'open') {
      this.outcomes[id] = 'waiting';
      waiting.push(id);
    } else if (state === 'ended') this.outcomes[id] = 'EndOfChannelError';
    else this.outcomes[id] = state === 'closed' ? 'ClosedResourceError' : 'BrokenResourceError';
    this.#pump();
  }

  leave(which: number): void {
    const listener = this.listeners[which] as Listener;
    listener.state = 'closed';
    listener.buffer.length = 0;
    for (const id of listener.waiting.splice(0)) this.outcomes[id] = 'ClosedResourceError';
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    for (const { id } of this.senders.splice(0)) this.outcomes[id] = 'ClosedResourceError';
    for (const listener of this.listeners) {
      if (listener.state !== 'open') continue;
      listener.state = 'ended';
      for (const id of listener.waiting.splice(0)) this.outcomes[id] = 'EndOfChannelError';
    }
  }

  cancel(id: number): void {
    if (this.outcomes[id] !== 'waiting') return;
    this.outcomes[id] = 'cancelled';
    this.senders = this.senders.filter((sender) => sender.id !== id);
    for (const listener of this.listeners) listener.waiting = listener.waiting.filter((waiter) => waiter !== id);
  }

  #pump(): void {
    while (this.senders.length > 0 && !this.#heldUp) {
      const { id, value } = this.senders.shift() as { id: number; value: number };
      this.outcomes[id] = undefined;
      this.#deliver(value);
    }
  }

  #deliver(value: number): void {
    this.#last.push(value);
    if (this.#last.length > this.#replay) this.#last.shift();
    for (const listener of this.listeners) {
      const waiter = listener.waiting.shift();
      if (listener.state !== 'open') continue;
      if (waiter !== undefined) this.outcomes[waiter] = value;
      else if (listener.buffer.length < listener.capacity) listener.buffer.push(value);
      else {
        listener.dropped++;
        if (listener.overflow === 'error') listener.state = 'cut-off';
        if (listener.overflow !== 'drop-oldest') continue;
        listener.buffer.shift();
        listener.buffer.push(value);
      }
    }
  }
}

type Step =
  | { do: 'subscribe'; capacity: number; overflow: SubscriberOverflow }
  | { do: 'send' | 'trySend' | 'pause' | 'close' | 'receive' | 'leave' | 'cancel'; which: number };

const step = <const D extends string>(weight: number, ...what: D[]) => ({
  weight,
  arbitrary: fc.record({ do: fc.constantFrom(...what), which: fc.nat({ max: 30 }) }),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('subscribe' as const),
        capacity: fc.constantFrom(1, 2, 3),
        overflow: fc.constantFrom<SubscriberOverflow[]>('wait', 'wait', 'drop-oldest', 'drop-newest', 'error'),
      }),
    },
    step(12, 'send', 'trySend'),
    step(18, 'receive'),
    step(8, 'cancel', 'pause'),
    step(1, 'leave', 'leave', 'leave', 'close'),
  ),
  { maxLength: 60, size: 'max' },
);

test('Broadcast: random programs with cancellations behave like the model, shuffled and not', async () => {
  const seeds = fc.option(fc.integer(), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 3 }), steps, seeds, (replay, program, seed) =>
      new VirtualClock({ seed }).run(() => conform(replay, program)),
    ),
    { numRuns: 200 },
  );
});

async function conform(replay: number, program: readonly Step[]): Promise<void> {
  const news = new Broadcast<number>({ replay });
  const model = new BroadcastModel(replay);
  const asked: Asked<unknown>[] = [];
  const subscriptions: Subscription<number>[] = [];
  for (const [value, next] of program.entries()) {
    if (next.do === 'subscribe') {
      subscriptions.push(news.subscribe(next));
      model.subscribe(next.capacity, next.overflow);
    } else if (next.do === 'send') {
      asked.push(ask((scope) => news.send(value, { scope })));
      model.send(asked.length - 1, value);
    } else if (next.do === 'trySend') {
      assert.deepEqual(
        attempted(() => news.trySend(value)),
        model.trySend(value),
      );
    } else if (next.do === 'pause') {
      await sleep(1);
      assert.deepEqual(outcomes(asked), model.outcomes);
    } else if (next.do === 'close') {
      news.close();
      model.close();
    } else if (next.do === 'cancel') {
      asked[next.which]?.cancel();
      model.cancel(next.which);
    } else if (subscriptions.length > 0) {
      const which = next.which % subscriptions.length;
      const subscription = subscriptions[which] as Subscription<number>;
      if (next.do === 'leave') {
        subscription.close();
        model.leave(which);
      } else {
        asked.push(ask((scope) => subscription.receive({ scope })));
        model.receive(asked.length - 1, which);
      }
    }
    assert.equal(news.snapshot().waitingSenders, model.senders.length);
    for (const [which, subscription] of subscriptions.entries()) {
      const { buffered, dropped, waitingReceivers, state } = subscription.snapshot();
      const meant = model.listeners[which] as Listener;
      assert.deepEqual(
        [buffered, dropped, waitingReceivers, state],
        [meant.buffer.length, meant.dropped, meant.waiting.length, meant.state],
      );
    }
  }
  asked.forEach((each, which) => {
    each.cancel();
    model.cancel(which);
  });
  await Promise.all(asked.map(({ done }) => done));
  assert.deepEqual(outcomes(asked), model.outcomes);
}

function attempted(fn: () => unknown): unknown {
  try {
    return fn();
  } catch (error) {
    return (error as Error).name;
  }
}
