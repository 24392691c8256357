import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  CircuitBreaker,
  CircuitOpenError,
  checkpoint,
  isCancelled,
  sleepUntil,
  taskGroup,
  type CircuitState,
  type Task,
} from '../../src/index.ts';
import { VirtualClock } from '../../src/testing/index.ts';

/** A call that takes `lasts` and then ends well, badly or cancelled; or somebody who resets or isolates it. */
interface Step {
  readonly afterMs: number;
  readonly what: 'succeeds' | 'fails' | 'is cancelled' | 'reset' | 'isolate';
  readonly lasts: number;
}

interface Rules {
  readonly consecutiveFailures: number | undefined;
  readonly failureRate: number;
  readonly window: { readonly calls: number } | { readonly ms: number };
  readonly minimumCalls: number;
  readonly halfOpenAfterMs: number;
  readonly halfOpenCalls: number;
}

/** The breaker as one would write it on paper: all outcomes are kept, and counted anew each time. */
class Model {
  readonly rules: Rules;
  state: CircuitState = 'closed';
  era = 0;
  opened = 0;
  outcomes: { at: number; failed: boolean }[] = [];
  trying = 0;
  succeeded = 0;

  constructor(rules: Rules) {
    this.rules = rules;
  }

  /** The era of the call, or undefined when it is refused. */
  begin(now: number): number | undefined {
    if (this.state === 'open' && now >= this.opened + this.rules.halfOpenAfterMs) this.become('half-open', now);
    if (this.state === 'open' || this.state === 'isolated') return undefined;
    if (this.state === 'half-open') {
      if (this.trying + this.succeeded >= this.rules.halfOpenCalls) return undefined;
      this.trying++;
    }
    return this.era;
  }

  end(what: Step['what'], era: number, now: number): void {
    if (era !== this.era) return;
    const failed = what === 'fails';
    if (this.state === 'half-open') {
      this.trying--;
      if (failed) this.become('open', now);
      else if (what === 'succeeds' && ++this.succeeded === this.rules.halfOpenCalls) this.become('closed', now);
    } else if (what !== 'is cancelled') {
      this.outcomes.push({ at: now, failed });
      if (this.failing(now)) this.become('open', now);
    }
  }

  become(state: CircuitState, now: number): void {
    this.state = state;
    this.era++;
    this.opened = now;
    this.outcomes = [];
    this.trying = 0;
    this.succeeded = 0;
  }

  private failing(now: number): boolean {
    const { window, minimumCalls, failureRate, consecutiveFailures = Infinity } = this.rules;
    const streak = this.outcomes.slice(-consecutiveFailures);
    if (streak.length >= consecutiveFailures && streak.every(({ failed }) => failed)) return true;
    const part = (at: number): number => ('ms' in window ? Math.floor((at * 10) / window.ms) : 0);
    const seen =
      'calls' in window
        ? this.outcomes.slice(-window.calls)
        : this.outcomes.filter(({ at }) => part(at) > part(now) - 10);
    const failures = seen.filter(({ failed }) => failed).length;
    return seen.length >= minimumCalls && failures / seen.length >= failureRate;
  }
}

type Told = [id: number, at: number, state: CircuitState, refused: boolean];

function expected(rules: Rules, steps: readonly Step[]): Told[] {
  const model = new Model(rules);
  const told: Told[] = [];
  let pending: { at: number; id: number; era: number; what: Step['what'] }[] = [];
  let now = 0;
  const endUntil = (until: number): void => {
    const due = pending.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at || a.id - b.id);
    pending = pending.filter(({ at }) => at > until);
    for (const { what, era, at } of due) model.end(what, era, at);
  };
  for (const [id, { afterMs, what, lasts }] of steps.entries()) {
    now += afterMs;
    endUntil(now);
    let refused = false;
    if (what === 'reset') model.become('closed', now);
    else if (what === 'isolate') {
      if (model.state !== 'isolated') model.become('isolated', now);
    } else {
      const era = model.begin(now);
      refused = era === undefined;
      if (era !== undefined) pending.push({ at: now + lasts, id, era, what });
    }
    told.push([id, now, model.state, refused]);
  }
  return told;
}

async function observed(rules: Rules, steps: readonly Step[]): Promise<Told[]> {
  const told: Told[] = [];
  const clock = new VirtualClock();
  await clock.run(async () => {
    const breaker = new CircuitBreaker(rules);
    const call = async (what: Step['what'], until: number, entered: () => void): Promise<void> => {
      await breaker.run(async () => {
        entered();
        await sleepUntil(what === 'is cancelled' ? Infinity : until);
        if (what === 'fails') throw new Error('down');
      });
    };
    await taskGroup(async (group) => {
      const cancels: { at: number; task: Task<void> }[] = [];
      const pass = async (until: number): Promise<void> => {
        for (const { at, task } of cancels.sort((a, b) => a.at - b.at)) {
          if (at > until) break;
          if (at > clock.now()) await sleepUntil(at);
          task.cancel();
        }
        if (until > clock.now()) await sleepUntil(until);
        await checkpoint();
        await checkpoint();
      };
      let now = 0;
      for (const [id, { afterMs, what, lasts }] of steps.entries()) {
        now += afterMs;
        await pass(now);
        let entered = false;
        if (what === 'reset') breaker.reset();
        else if (what === 'isolate') breaker.isolate();
        else {
          const run = async (): Promise<void> => {
            try {
              await call(what, now + lasts, () => (entered = true));
            } catch (error) {
              if (isCancelled(error)) throw error;
              assert.equal(error instanceof CircuitOpenError, !entered);
            }
          };
          const task = group.spawn(run, { eager: true });
          if (what === 'is cancelled') cancels.push({ at: now + lasts, task });
        }
        told.push([id, now, breaker.state, !entered && what !== 'reset' && what !== 'isolate']);
      }
      group.cancel();
    });
  });
  return told;
}

const rules: fc.Arbitrary<Rules> = fc
  .record({
    consecutiveFailures: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    failureRate: fc.constantFrom(0.2, 0.5, 0.75, 1),
    window: fc.oneof(
      fc.record({ calls: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ ms: fc.constantFrom(10, 100, 250) }),
    ),
    minimumCalls: fc.integer({ min: 1, max: 6 }),
    halfOpenAfterMs: fc.integer({ min: 0, max: 60 }),
    halfOpenCalls: fc.integer({ min: 1, max: 3 }),
  })
  .map((all) => ({ ...all, minimumCalls: Math.min(all.minimumCalls, 'calls' in all.window ? all.window.calls : 6) }));
const steps = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 30 }),
    what: fc.oneof(
      { weight: 10, arbitrary: fc.constantFrom('succeeds' as const, 'fails' as const, 'fails' as const) },
      { weight: 2, arbitrary: fc.constant('is cancelled' as const) },
      { weight: 1, arbitrary: fc.constantFrom('reset' as const, 'isolate' as const) },
    ),
    // Of those that end in one instant the order is the engine's: apart by their length.
    lasts: fc.integer({ min: 0, max: 40 }),
  }),
  { maxLength: 40 },
);

test('CircuitBreaker: does what the model does, whatever succeeds, fails and is cancelled', async () => {
  await fc.assert(
    fc.asyncProperty(rules, steps, async (given, program) => {
      const apart = program.map((step, id) => ({ ...step, lasts: step.lasts + (id + 1) / 64 }));
      assert.deepEqual(await observed(given, apart), expected(given, apart));
    }),
    { seed: Number(process.env['CORRAL_SEED'] ?? 1), numRuns: Number(process.env['CORRAL_RUNS'] ?? 300) },
  );
});
