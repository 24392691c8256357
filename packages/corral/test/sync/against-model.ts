/** Holds a primitive that lends something against a sequential model of it, through random steps. */

import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { checkpoint, isCancelled, sleep, withScope, type Permit, type Scope } from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';

/** The real thing. `D` is what is asked for: a weight, to read or to write, for whom. */
export interface Subject<D> {
  ask(demand: D): Promise<Permit>;
  tryAsk(demand: D): Permit | undefined;
  resize?(total: number): void;
  /** What it says of itself. */
  figures(): unknown;
}

/** What it should do. */
export interface Model<D> {
  /** Whether `demand` can be met beside what is held. */
  admits(held: readonly D[], demand: D): boolean;
  /** The name of the error with which it is refused at once. */
  refuses?(held: readonly D[], waiting: readonly D[], demand: D, tries: boolean): string | undefined;
  resize?(total: number): void;
  figures(held: readonly D[], waiting: readonly D[]): unknown;
}

type Step<D> =
  | { readonly do: 'ask'; readonly demand: D; readonly deadlineMs: number | undefined }
  | { readonly do: 'try'; readonly demand: D }
  | { readonly do: 'release' | 'cancel'; readonly which: number }
  | { readonly do: 'sleep'; readonly ms: number }
  | { readonly do: 'resize'; readonly total: number }
  | { readonly do: 'rest' };

/** Makes programs of steps; `resize` only for what can be resized. */
export function programs<D>(demands: fc.Arbitrary<D>, resizable = false): fc.Arbitrary<Step<D>[]> {
  const which = fc.nat(9);
  const deadlineMs = fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined });
  const steps: fc.WeightedArbitrary<Step<D>>[] = [
    { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), demand: demands, deadlineMs }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('try' as const), demand: demands }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('sleep' as const), ms: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 2, arbitrary: fc.constant({ do: 'rest' as const }) },
  ];
  if (resizable) {
    steps.push({ weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), total: fc.nat(4) }) });
  }
  return fc.array(fc.oneof(...steps), { maxLength: 30 });
}

/** Somebody who has asked, as the model sees it and as it is. */
class Asker<D> {
  readonly demand: D;
  readonly deadline: number;
  expected: string = 'waiting';
  state: string = 'waiting';
  permit: Permit | undefined;
  scope: Scope | undefined;

  constructor(demand: D, deadline = Infinity) {
    this.demand = demand;
    this.deadline = deadline;
  }

  start(subject: Subject<D>, deadlineMs: number | undefined): void {
    const waiting = withScope(
      async (scope) => {
        this.scope = scope;
        try {
          this.permit = await subject.ask(this.demand);
          this.state = 'held';
        } catch (error) {
          this.state = isCancelled(error) ? 'cancelled' : (error as Error).name;
          throw error;
        }
      },
      { deadlineMs },
    );
    waiting.catch(() => {});
  }
}

class Play<D> {
  readonly #subject: Subject<D>;
  readonly #model: Model<D>;
  readonly #clock: VirtualClock;
  readonly #askers: Asker<D>[] = [];
  #line: Asker<D>[] = [];
  #held: Asker<D>[] = [];

  constructor(subject: Subject<D>, model: Model<D>, clock: VirtualClock) {
    this.#subject = subject;
    this.#model = model;
    this.#clock = clock;
  }

  async run(steps: readonly Step<D>[]): Promise<void> {
    for (const step of steps) {
      // Without an await, which would let others go on, where nothing is waited for: what follows comes in the same instant.
      const waiting = this.#step(step);
      if (waiting) await waiting;
      this.#compareFigures();
    }
    await this.#rest();
    for (const index of this.#askers.keys()) this.#cancel(index);
    await this.#rest();
    while (this.#held.length > 0) this.#release(0);
    this.#compareFigures();
  }

  #step(step: Step<D>): Promise<void> | void {
    switch (step.do) {
      case 'ask':
        return this.#ask(step.demand, step.deadlineMs);
      case 'try':
        return this.#try(step.demand);
      case 'release':
        return this.#release(step.which);
      case 'cancel':
        return this.#cancel(step.which);
      case 'sleep':
        return this.#sleep(step.ms);
      case 'resize':
        this.#subject.resize?.(step.total);
        this.#model.resize?.(step.total);
        return this.#serve();
      case 'rest':
        return this.#rest();
    }
  }

  #refusal(demand: D, tries: boolean): string | undefined {
    return this.#model.refuses?.(demandsOf(this.#held), demandsOf(this.#line), demand, tries);
  }

  #fits(demand: D): boolean {
    return this.#line.length === 0 && this.#model.admits(demandsOf(this.#held), demand);
  }

  #ask(demand: D, deadlineMs: number | undefined): void {
    const asker = new Asker(demand, this.#clock.now() + (deadlineMs ?? Infinity));
    this.#askers.push(asker);
    const refusal = this.#refusal(demand, false);
    if (refusal) asker.expected = refusal;
    else if (this.#fits(demand)) this.#grant(asker);
    else this.#line.push(asker);
    asker.start(this.#subject, deadlineMs);
  }

  #try(demand: D): void {
    const asker = new Asker(demand);
    const refusal = this.#refusal(demand, true);
    if (refusal) {
      assert.throws(() => this.#subject.tryAsk(demand), { name: refusal });
      return;
    }
    asker.permit = this.#subject.tryAsk(demand);
    assert.equal(asker.permit !== undefined, this.#fits(demand), 'tryAcquire');
    if (!asker.permit) return;
    this.#askers.push(asker);
    asker.state = 'held';
    this.#grant(asker);
  }

  /** Gives back, twice: the second time must do nothing. */
  #release(which: number): void {
    const known = this.#held.filter(({ permit }) => permit);
    const asker = known[which % known.length];
    // Nobody, or granted a moment ago and its promise has not told it yet.
    if (!asker) return;
    asker.permit?.release();
    asker.permit?.release();
    asker.state = 'released';
    asker.expected = 'released';
    this.#held = this.#held.filter((other) => other !== asker);
    this.#serve();
  }

  /** Whoever has been served has it, also when it is cancelled in the same instant. The others are served later. */
  #cancel(which: number): void {
    const asker = this.#askers[which % this.#askers.length];
    asker?.scope?.cancel();
    if (asker?.expected !== 'waiting') return;
    asker.expected = 'cancelled';
    this.#line = this.#line.filter((other) => other !== asker);
  }

  async #sleep(ms: number): Promise<void> {
    await this.#rest();
    const until = this.#clock.now() + ms;
    const deadlines = this.#line.map(({ deadline }) => deadline).filter((deadline) => deadline <= until);
    await sleep(ms);
    for (const time of [...new Set(deadlines)].sort((a, b) => a - b)) {
      for (const asker of this.#line) if (asker.deadline === time) asker.expected = 'cancelled';
      this.#line = this.#line.filter(({ expected }) => expected === 'waiting');
      this.#serve();
    }
    await this.#rest();
  }

  async #rest(): Promise<void> {
    await checkpoint();
    this.#serve();
    assert.deepEqual(
      this.#askers.map(({ state }) => state),
      this.#askers.map(({ expected }) => expected),
    );
  }

  #serve(): void {
    while (this.#line[0] && this.#model.admits(demandsOf(this.#held), this.#line[0].demand)) {
      this.#grant(this.#line.shift() as Asker<D>);
    }
  }

  #grant(asker: Asker<D>): void {
    asker.expected = 'held';
    this.#held.push(asker);
  }

  #compareFigures(): void {
    const { figures } = this.#model;
    const expected = figures.call(this.#model, demandsOf(this.#held), demandsOf(this.#line));
    assert.deepEqual(this.#subject.figures(), expected);
  }
}

function demandsOf<D>(askers: readonly Asker<D>[]): readonly D[] {
  return askers.map(({ demand }) => demand);
}

/** Runs the property, as it comes and shuffled. */
export async function holdsAgainst<D>(
  steps: fc.Arbitrary<Step<D>[]>,
  make: () => { readonly subject: Subject<D>; readonly model: Model<D> },
  numRuns: number,
): Promise<void> {
  const seeds = fc.option(fc.integer(), { nil: undefined });
  const property = fc.asyncProperty(steps, seeds, async (program, seed) => {
    const clock = new VirtualClock({ seed });
    await clock.run(async () => {
      const { subject, model } = make();
      await withScope(() => new Play(subject, model, clock).run(program));
    });
  });
  await fc.assert(property, { numRuns });
}
