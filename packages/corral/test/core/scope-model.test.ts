// The scope tree against a naive model of it, through random cancels, shields, openings and endings.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scope } from '../../src/core/scope.ts';
import { seededRandom } from '../../src/testing/index.ts';

interface Modelled {
  readonly scope: Scope;
  readonly parent: Modelled | undefined;
  shield: boolean;
  cancelled: boolean;
  /** How often it became cancelled, itself or from outside. */
  arrivals: number;
  wasVisible: boolean;
  callbacks: number;
  /** Whether an operation waits in it. */
  waits: boolean;
  readonly signal: AbortSignal | undefined;
}

/** The outermost cancelled scope that can be seen from `entry`: the definition, without any bookkeeping. */
function visibleFrom(entry: Modelled): Modelled | undefined {
  const outer = entry.shield || !entry.parent ? undefined : visibleFrom(entry.parent);
  return outer ?? (entry.cancelled ? entry : undefined);
}

class Forest {
  readonly live: Modelled[] = [];
  readonly #random: () => number;
  #names = 0;

  constructor(random: () => number) {
    this.#random = random;
    this.open();
  }

  #pick(): Modelled {
    return this.live[Math.floor(this.#random() * this.live.length)] as Modelled;
  }

  open(): void {
    const parent = this.live.length > 0 ? this.#pick() : undefined;
    const shield = this.#random() < 0.15;
    const scope = new Scope(parent?.scope, `s${this.#names++}`, undefined, shield);
    const signal = this.#random() < 0.5 ? scope.signal : undefined;
    const entry: Modelled = {
      scope,
      parent,
      shield,
      cancelled: false,
      arrivals: 0,
      wasVisible: false,
      callbacks: 0,
      waits: false,
      signal,
    };
    entry.wasVisible = visibleFrom(entry) !== undefined;
    if (!entry.wasVisible) scope.onCancel(() => entry.callbacks++);
    else entry.callbacks = -1; // registered never: it would be called at once
    this.live.push(entry);
  }

  step(): void {
    const what = this.#random();
    const entry = this.#pick();
    if (what < 0.4 || this.live.length < 3) this.open();
    else if (what < 0.55) entry.scope.shield = entry.shield = this.#random() < 0.5;
    else if (what < 0.65) {
      assert.equal(entry.scope.cancel(entry.scope.name), !entry.cancelled);
      entry.cancelled = true;
    } else if (what < 0.9) this.#wait(entry);
    else this.#close(entry);
    this.check();
  }

  #wait(entry: Modelled): void {
    const { scope } = entry;
    const expected = visibleFrom(entry)?.scope.reason;
    void scope.sleep(Infinity).catch((error: unknown) => {
      if (expected) assert.equal(error, expected);
    });
    if (!expected) entry.waits = true;
  }

  #close(entry: Modelled): void {
    if (entry.scope.firstChild || !entry.parent) return;
    entry.scope.close();
    this.live.splice(this.live.indexOf(entry), 1);
    assert.equal(entry.scope.operations, undefined);
  }

  check(): void {
    for (const entry of this.live) {
      const visible = visibleFrom(entry);
      const { scope } = entry;
      assert.equal(scope.visible, visible?.scope);
      assert.equal(scope.cancelled, visible !== undefined);
      assert.equal(scope.reason?.cause.reason, visible?.scope.name);
      assert.equal(scope.effectiveDeadline, visible ? -Infinity : Infinity);
      if (visible && !entry.wasVisible) entry.arrivals++;
      if (visible) entry.waits = false;
      entry.wasVisible = visible !== undefined;
      assert.equal(scope.operations !== undefined, entry.waits);
      if (entry.callbacks >= 0) assert.equal(entry.callbacks, Math.min(entry.arrivals, 1));
      if (entry.signal && visible) assert.equal(entry.signal.aborted, true);
      if (entry.signal && entry.arrivals === 0 && entry.callbacks >= 0) assert.equal(entry.signal.aborted, false);
    }
  }
}

for (let seed = 1; seed <= 30; seed++) {
  test(`scope tree: agrees with its definition through 300 random steps (seed ${seed})`, () => {
    const forest = new Forest(seededRandom(seed));
    for (let steps = 0; steps < 300; steps++) forest.step();
  });
}
