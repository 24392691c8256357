import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  channel,
  select,
  sleep,
  type ChannelOverflow,
  type Receiver,
  type Selectable,
  type Sender,
} from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { ask, outcomes, type Asked } from './asking.ts';
import { ChannelModel, World, type Branch } from './channel-model.ts';

interface Where {
  /** Which of the two channels. */
  readonly on: 0 | 1;
  /** Which of its handles, as far as there are so many. */
  readonly handle: number;
}

type Step =
  | (Where & { do: 'send'; ms: number | undefined })
  | (Where & { do: 'receive' | 'next'; ms: number | undefined })
  | (Where & { do: 'trySend' | 'tryReceive' })
  | (Where & { do: 'clone' | 'close'; side: 'sending' | 'receiving' })
  | { do: 'select'; branches: readonly ('send0' | 'send1' | 'receive0' | 'receive1')[]; ms: number | undefined }
  | { do: 'cancel'; which: number }
  | { do: 'pause' };

interface Made {
  readonly capacity: number;
  readonly overflow: ChannelOverflow;
}

const PAUSE = 10;
const ms = fc.option(fc.constantFrom(5, 15, 25), { nil: undefined, freq: 2 });
const where = { on: fc.constantFrom(0 as const, 1 as const), handle: fc.nat({ max: 2 }) };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ ...where, do: fc.constant('send' as const), ms }) },
    { weight: 5, arbitrary: fc.record({ ...where, do: fc.constantFrom('receive' as const, 'next' as const), ms }) },
    { weight: 4, arbitrary: fc.record({ ...where, do: fc.constantFrom('trySend' as const, 'tryReceive' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        ...where,
        do: fc.constantFrom('clone' as const, 'clone' as const, 'clone' as const, 'close' as const),
        side: fc.constantFrom('sending' as const, 'receiving' as const),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('select' as const),
        branches: fc.uniqueArray(
          fc.constantFrom('send0' as const, 'send1' as const, 'receive0' as const, 'receive1' as const),
          { minLength: 1 },
        ),
        ms,
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat({ max: 30 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('pause' as const) }) },
  ),
  { maxLength: 60, size: 'max' },
);
const made: fc.Arbitrary<Made> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ capacity: fc.constantFrom(0, 0, 1, 2, Infinity), overflow: fc.constant('wait' as const) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      capacity: fc.constantFrom(1, 2),
      overflow: fc.constantFrom('drop-oldest' as const, 'drop-newest' as const, 'conflate' as const),
    }),
  },
);

/** A real channel beside its model. */
class Pair {
  readonly model: ChannelModel;
  readonly senders: Sender<number>[];
  readonly receivers: Receiver<number>[];
  readonly dropped: number[] = [];

  constructor(world: World, { capacity, overflow }: Made) {
    this.model = new ChannelModel(world, capacity, overflow);
    const [sender, receiver] = channel<number>(capacity, { overflow, onDrop: (value) => this.dropped.push(value) });
    this.senders = [sender];
    this.receivers = [receiver];
  }

  check(): void {
    const { model } = this;
    const snapshot = (this.senders[0] as Sender<number>).snapshot();
    assert.deepEqual(
      [
        snapshot.buffered,
        snapshot.waitingSenders,
        snapshot.waitingReceivers,
        snapshot.openSenders,
        snapshot.openReceivers,
      ],
      [
        model.buffer.length,
        model.senders.length,
        model.receivers.length,
        model.sending.filter(Boolean).length,
        model.receiving.filter(Boolean).length,
      ],
    );
    assert.deepEqual(this.dropped, model.dropped);
  }
}

/** One program under way: the world as it is and as it is meant. */
class Trial {
  readonly world = new World();
  readonly pairs: readonly [Pair, Pair];
  readonly asked: Asked<unknown>[] = [];
  readonly deadlines: (number | undefined)[] = [];
  #values = 0;
  #now = 0;

  constructor(one: Made, other: Made) {
    this.pairs = [new Pair(this.world, one), new Pair(this.world, other)];
  }

  async step(step: Step): Promise<void> {
    if (step.do === 'pause') await this.#pause();
    else if (step.do === 'cancel') this.#cancel(step.which);
    else if (step.do === 'select') this.#select(step.branches, step.ms);
    else this.#use(this.pairs[step.on], step);
    for (const pair of this.pairs) pair.check();
  }

  async end(): Promise<void> {
    for (let which = 0; which < this.asked.length; which++) this.#cancel(which);
    await Promise.all(this.asked.map(({ done }) => done));
    assert.deepEqual(outcomes(this.asked), this.world.outcomes);
    for (const { model } of this.pairs) assert.deepEqual([model.senders, model.receivers], [[], []]);
    for (const pair of this.pairs) pair.check();
  }

  async #pause(): Promise<void> {
    await sleep(PAUSE);
    this.#now += PAUSE;
    this.deadlines.forEach((at, which) => at !== undefined && at <= this.#now && this.world.cancel(which));
    assert.deepEqual(outcomes(this.asked), this.world.outcomes);
  }

  #begin(wait: Parameters<typeof ask>[0], limit: number | undefined): number {
    this.asked.push(ask(wait, limit));
    this.deadlines.push(limit && this.#now + limit);
    return this.asked.length - 1;
  }

  #cancel(which: number): void {
    this.asked[which]?.cancel();
    this.world.cancel(which);
  }

  #select(names: readonly string[], limit: number | undefined): void {
    const meant: Branch[] = [];
    const real: Record<string, Selectable<unknown>> = {};
    for (const key of names) {
      const pair = this.pairs[key.endsWith('0') ? 0 : 1];
      const value = key.startsWith('send') ? this.#values++ : undefined;
      meant.push({ key, channel: pair.model, value });
      const [sender, receiver] = [pair.senders[0] as Sender<number>, pair.receivers[0] as Receiver<number>];
      real[key] = value === undefined ? receiver : sender.sending(value);
    }
    const id = this.#begin((scope) => select(real, { scope, biased: true }), limit);
    this.world.select(id, meant);
  }

  #use(pair: Pair, step: Exclude<Step, { do: 'pause' | 'cancel' | 'select' }>): void {
    const { model, senders, receivers } = pair;
    const value = this.#values++;
    const from = step.handle % senders.length;
    const to = step.handle % receivers.length;
    const sender = senders[from] as Sender<number>;
    const receiver = receivers[to] as Receiver<number>;
    if (step.do === 'send') {
      model.send(
        this.#begin((scope) => sender.send(value, { scope }), step.ms),
        from,
        value,
      );
    } else if ('side' in step) {
      this.#turn(pair, step, step.side === 'sending' ? from : to);
    } else if (step.do === 'receive') {
      model.receive(
        this.#begin((scope) => receiver.receive({ scope }), step.ms),
        to,
        false,
      );
    } else if (step.do === 'next') {
      model.receive(
        this.#begin((scope) => receiver.values({ scope }).next(), step.ms),
        to,
        true,
      );
    } else if (step.do === 'trySend') {
      assert.deepEqual(
        attempted(() => sender.trySend(value)),
        model.trySend(from, value, false),
      );
    } else if (step.do === 'tryReceive') {
      assert.deepEqual(
        attempted(() => receiver.tryReceive()),
        model.tryReceive(to),
      );
    }
  }

  /** Clones or closes a handle. */
  #turn(
    { model, senders, receivers }: Pair,
    { do: what, side }: Step & { do: 'clone' | 'close' },
    handle: number,
  ): void {
    const real = (side === 'sending' ? senders[handle] : receivers[handle]) as Sender<number> | Receiver<number>;
    if (what === 'close') {
      real.close();
      model.close(side, handle);
      return;
    }
    const result = attempted(() => {
      if (side === 'sending') senders.push((real as Sender<number>).clone());
      else receivers.push((real as Receiver<number>).clone());
    });
    assert.equal(result, model.clone(side, handle));
  }
}

function attempted(fn: () => unknown): unknown {
  try {
    return fn();
  } catch (error) {
    return (error as Error).name;
  }
}

test('channel and select: random programs with cancellations and timeouts behave like the model, shuffled and not', async () => {
  const seeds = fc.option(fc.integer(), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(made, made, steps, seeds, async (one, other, program, seed) => {
      await new VirtualClock({ seed }).run(async () => {
        const trial = new Trial(one, other);
        for (const step of program) await trial.step(step);
        await trial.end();
      });
    }),
    { numRuns: 300 },
  );
});
