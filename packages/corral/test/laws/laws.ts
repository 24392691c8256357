/** What holds for everything that can be waited for. */

import assert from 'node:assert/strict';
import {
  ContextVariable,
  checkpoint,
  currentScope,
  isCancelled,
  moveOnAfter,
  shield,
  taskGroup,
  withScope,
  type Scope,
} from '../../src/index.ts';
import { runOutside } from '../../src/internal/ambient.ts';
import { failureOf } from '../core/virtually.ts';
import type { Occupied, Row } from './row.ts';

/** What a law is given. */
export interface Trial {
  readonly row: Row;
  /** From 0 up to 1; the same for the same seed. */
  readonly random: () => number;
  /** Whether the order of what is ready is shuffled: then nothing can be said of the order in which waiters go on. */
  readonly shuffled: boolean;
}

export interface Law {
  readonly title: string;
  /** Which rows it is about. Default: all. */
  readonly about?: (row: Row) => boolean;
  check(trial: Trial): Promise<void>;
}

/** Somebody who waits, in a scope of its own. */
class Waiter {
  state: 'waiting' | 'got' | 'refused' = 'waiting';
  result: unknown = undefined;
  scope: Scope | undefined;
  readonly ended: Promise<void>;

  constructor(occupied: Occupied, onGot?: (waiter: Waiter) => void) {
    this.ended = withScope(async (scope) => {
      this.scope = scope;
      try {
        this.result = await occupied.wait();
        this.state = 'got';
        onGot?.(this);
      } catch (error) {
        this.state = 'refused';
        this.result = error;
        if (!isCancelled(error)) return;
        throw error;
      }
    });
  }

  cancel(): void {
    this.scope?.cancel();
  }

  get wasCancelled(): boolean {
    return this.state === 'refused' && this.result === this.scope?.reason;
  }
}

async function line(occupied: Occupied, count: number): Promise<Waiter[]> {
  const waiters: Waiter[] = [];
  for (let n = 0; n < count; n++) {
    waiters.push(new Waiter(occupied));
  }
  await rest();
  assert.equal(occupied.waiting(), count);
  return waiters;
}

/** A turn of the event loop: all that can go on without one has gone on. */
const rest = (): Promise<void> => checkpoint();

/** So many microtasks: the instants of a hand-over. */
async function microtasks(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await Promise.resolve();
}

const states = (waiters: readonly Waiter[]): string => waiters.map(({ state }) => state).join(' ');

/** Serves until all that wait have got it, one after the other where one is served at a time. */
async function serveAll(occupied: Occupied, row: Row, waiters: readonly Waiter[], got?: unknown): Promise<unknown> {
  let last = got;
  for (let turns = 0; turns <= waiters.length && occupied.waiting() > 0; turns++) {
    const waiting = waiters.filter(({ state, scope }) => state === 'waiting' && !scope?.cancelled);
    await occupied.serve(last);
    await rest();
    const served = waiting.filter(({ state }) => state === 'got');
    assert.equal(served.length, row.wakes === 'one' ? 1 : waiting.length, `served: ${states(waiters)}`);
    assert.ok(served[0] === waiting[0], `served: ${states(waiters)}`);
    last = served[0]?.result;
  }
  assert.equal(occupied.waiting(), 0);
  return last;
}

const tries = ({ guards = false, tries: able = guards }: Row): boolean => able;

export const laws: readonly Law[] = [
  {
    title: 'whoever came first is served first',
    async check({ row, shuffled }) {
      const occupied = await row.make(3);
      const arrived: Waiter[] = [];
      const went: Waiter[] = [];
      await taskGroup(async (group) => {
        for (let n = 0; n < 3; n++) {
          group.spawn(() => {
            const waiter = new Waiter(occupied, (one) => went.push(one));
            arrived.push(waiter);
            return waiter.ended;
          });
        }
        await rest();
        await serveAll(occupied, row, arrived);
      });
      assert.equal(went.length, 3);
      if (shuffled && row.wakes === 'all') return;
      assert.ok(went.every((waiter, index) => waiter === arrived[index]));
    },
  },
  {
    title: 'cancelled while waiting leaves nothing, and the next is served',
    async check({ row, random }) {
      const occupied = await row.make(4);
      const waiters = await line(occupied, 4);
      const victims = waiters.filter(() => random() < 0.5);
      for (const victim of victims) victim.cancel();
      assert.equal(occupied.waiting(), 4 - victims.length);
      if (random() < 0.5) await rest();
      await serveAll(occupied, row, waiters);
      await rest();
      for (const waiter of waiters) {
        if (victims.includes(waiter)) assert.ok(waiter.wasCancelled);
        else assert.equal(waiter.state, 'got');
      }
    },
  },
  {
    title: 'cancelled in the instant before the hand-over: it did not happen, and the next is served',
    async check({ row }) {
      const occupied = await row.make(2);
      const [first, second] = (await line(occupied, 2)) as [Waiter, Waiter];
      first.cancel();
      await occupied.serve();
      first.cancel();
      await rest();
      assert.ok(first.wasCancelled);
      assert.equal(second.state, 'got');
      assert.equal(occupied.waiting(), 0);
    },
  },
  {
    title: 'cancelled in the instant after the hand-over: either it happened or it did not, and nothing is lost',
    async check({ row, random }) {
      const occupied = await row.make(3);
      const waiters = await line(occupied, 3);
      const first = waiters[0] as Waiter;
      const later = occupied.serve();
      if (later) await later;
      await microtasks(Math.floor(random() * 8));
      first.cancel();
      await rest();
      if (first.state === 'refused') assert.ok(first.wasCancelled);
      const got = waiters.filter(({ state }) => state === 'got');
      const live = waiters.filter(({ state }) => state !== 'refused');
      assert.equal(got.length, row.wakes === 'one' ? 1 : live.length);
      assert.ok(got[0] === live[0], states(waiters));
      await serveAll(occupied, row, waiters, got[0]?.result);
    },
  },
  {
    title: 'a timeout around it leaves nothing, and the next is served',
    async check({ row }) {
      const occupied = await row.make(2);
      assert.deepEqual(await moveOnAfter(5, () => occupied.wait()), { timedOut: true });
      assert.equal(occupied.waiting(), 0);
      const [next] = await line(occupied, 1);
      await occupied.serve();
      await next?.ended;
      assert.equal(next?.state, 'got');
    },
  },
  {
    title: 'begun and not awaited it leaves the line with its scope, in silence',
    async check({ row }) {
      const occupied = await row.make(2);
      await withScope(() => void occupied.wait());
      await rest();
      assert.equal(occupied.waiting(), 0);
      await serveAll(occupied, row, await line(occupied, 1));
    },
  },
  {
    title: 'closing wakes all, and nobody can wait afterwards',
    about: (row) => row.closedError !== undefined,
    async check({ row, random }) {
      const occupied = await row.make(4);
      const waiters = await line(occupied, 3);
      const victim = waiters[Math.floor(random() * 3)];
      victim?.cancel();
      occupied.close?.();
      waiters.push(new Waiter(occupied));
      occupied.close?.();
      assert.equal(occupied.waiting(), 0);
      await rest();
      for (const waiter of waiters) {
        if (waiter === victim) assert.ok(waiter.wasCancelled);
        else assert.equal((waiter.result as Error).name, row.closedError);
      }
    },
  },
  {
    title: 'closing gives each an error of its own',
    about: (row) => row.closedError !== undefined,
    async check({ row }) {
      const occupied = await row.make(3);
      const waiters = await line(occupied, 3);
      occupied.close?.();
      await rest();
      assert.equal(new Set(waiters.map(({ result }) => result)).size, 3);
    },
  },
  {
    title: 'a guard that is disposed again and again gives back once',
    about: (row) => row.guards === true,
    async check({ row }) {
      const occupied = await row.make(3);
      const waiters = await line(occupied, 3);
      await occupied.serve();
      await occupied.serve();
      await rest();
      const had = waiters.filter(({ state }) => state === 'got').length;
      assert.equal(had, row.wakes === 'one' ? 1 : 3);
      for (const [index, waiter] of waiters.entries()) {
        assert.equal(occupied.tryTake?.(), undefined);
        for (let times = 0; times < 3; times++) (waiter.result as Disposable)[Symbol.dispose]();
        await rest();
        const got = waiters.filter(({ state }) => state === 'got').length;
        assert.equal(got, row.wakes === 'one' ? Math.min(index + 2, 3) : 3);
      }
      if (tries(row)) assert.ok(occupied.tryTake?.());
    },
  },
  {
    title: 'the scope and the context variables are the waiter’s own afterwards',
    async check({ row }) {
      const occupied = await row.make(1);
      const who = new ContextVariable<string>();
      const seen: unknown[] = [];
      const waiting = who.run('waiter', () =>
        withScope(async (scope) => {
          await occupied.wait();
          seen.push(who.get(), currentScope() === scope);
        }),
      );
      await rest();
      await who.run('server', () => withScope(() => occupied.serve()));
      await waiting;
      assert.deepEqual(seen, ['waiter', true]);
    },
  },
  {
    title: 'it refuses in a cancelled scope before it does anything',
    async check({ row }) {
      const occupied = await row.make(1);
      await withScope(async (scope) => {
        scope.cancel('enough');
        await shield(async () => {
          for (const when of ['occupied', 'free']) {
            const before = occupied.snapshot();
            assert.equal(await failureOf(occupied.wait({ scope })), scope.reason, when);
            assert.deepEqual(occupied.snapshot(), before, when);
            await occupied.serve();
            await rest();
          }
        });
      });
    },
  },
  {
    title: 'it refuses in a scope that has ended before it does anything',
    async check({ row }) {
      const occupied = await row.make(1);
      let scope: Scope | undefined;
      await withScope((ended) => void (scope = ended));
      for (const when of ['occupied', 'free']) {
        const before = occupied.snapshot();
        const error = await failureOf(occupied.wait({ scope }));
        assert.equal((error as Error).name, 'ScopeClosedError', when);
        assert.deepEqual(occupied.snapshot(), before, when);
        await occupied.serve();
        await rest();
      }
    },
  },
  {
    title: 'with an explicit scope nothing ambient is needed, and that scope cancels it',
    async check({ row }) {
      const occupied = await row.make(2);
      await withScope(async (scope) => {
        const waiting = runOutside(() => failureOf(occupied.wait({ scope })));
        await rest();
        assert.equal(occupied.waiting(), 1);
        scope.cancel();
        assert.equal(occupied.waiting(), 0);
        assert.equal(await waiting, scope.reason);
      });
      await withScope(async (scope) => {
        const waiting = runOutside(() => occupied.wait({ scope }));
        await rest();
        await occupied.serve();
        await waiting;
      });
    },
  },
  {
    title: 'what does not wait never takes what belongs to somebody who does',
    about: tries,
    async check({ row, random }) {
      const occupied = await row.make(3);
      const take = (): unknown => occupied.tryTake?.();
      const waiters = await line(occupied, 3);
      const unfair: unknown[] = [take()];
      if (random() < 0.5) waiters[0]?.cancel();
      unfair.push(take());
      const later = occupied.serve();
      if (later) await later;
      unfair.push(take());
      await microtasks(Math.floor(random() * 8));
      unfair.push(take());
      await rest();
      unfair.push(take());
      const first = waiters.find(({ state }) => state === 'got');
      await serveAll(occupied, row, waiters, first?.result);
      unfair.push(take());
      assert.deepEqual(new Set(unfair), new Set([undefined]));
      if (!row.guards) return;
      for (const { state, result } of waiters) if (state === 'got') (result as Disposable)[Symbol.dispose]();
      assert.ok(take());
    },
  },
  {
    title: 'after thousands of waits nothing is left in line',
    async check({ row, shuffled }) {
      const count = shuffled ? 4 : 5_000;
      const occupied = await row.make(count);
      await withScope(async (scope) => {
        for (let n = 0; n < count; n++) void occupied.wait();
        await rest();
        assert.equal(occupied.waiting(), count);
        scope.cancel();
        assert.equal(occupied.waiting(), 0);
      });
      await rest();
      const waiting = Array.from({ length: count }, () => occupied.wait());
      await rest();
      let got: unknown;
      for (const one of waiting) {
        if (row.wakes === 'one' || one === waiting[0]) await occupied.serve(got);
        got = await one;
      }
      await rest();
      assert.equal(occupied.waiting(), 0);
    },
  },
];
