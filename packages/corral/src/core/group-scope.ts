import { clock } from '../internal/clock.ts';
import { report } from '../internal/report.ts';
import type { Timer } from '../internal/timer-heap.ts';
import type { Variables } from './frame.ts';
import { Scope } from './scope.ts';

/** How long a cancelled group waits before it names the tasks that have not ended. */
const PATIENCE_MS = 10_000;

interface Patient {
  readonly tasks: ReadonlySet<{ readonly name: string }>;
  abandon(graceMs: number): void;
  /** What the group belongs to has ended. */
  orphaned(): void;
}

/** The scope of a group: once cancelled it watches that its tasks end. */
export class GroupScope extends Scope {
  /** Whether the function that was given the group has not ended. */
  body = false;
  readonly #graceMs: number;
  readonly #group: Patient;
  #patience: Patience | undefined = undefined;

  constructor(
    parent: Scope | undefined,
    name: string,
    variables: Variables | undefined,
    graceMs: number,
    group: Patient,
  ) {
    super(parent, name, variables);
    this.#graceMs = graceMs;
    this.#group = group;
  }

  override get bodyRuns(): boolean {
    return this.body;
  }

  override cancelArrived(): void {
    if (this.firstChild) this.watch();
  }

  override orphan(around: Scope): void {
    this.#group.orphaned();
    super.orphan(around);
  }

  /** From now on its tasks are expected to end. */
  watch(): void {
    if (this.#patience) return;
    this.#patience = new Patience(Math.min(PATIENCE_MS, this.#graceMs), () => this.#lose(this.#graceMs));
  }

  override close(): void {
    if (this.#patience) clock.clear(this.#patience);
    super.close();
  }

  #lose(graceMs: number): void {
    if (graceMs <= PATIENCE_MS) {
      this.#group.abandon(graceMs);
      return;
    }
    const names = [...this.#group.tasks].map((task) => task.name).join(', ');
    report(new Error(`Still running: ${names}`), `${this.name} was cancelled ${PATIENCE_MS} ms ago and has not ended`);
    if (graceMs === Infinity) return;
    this.#patience = new Patience(graceMs - PATIENCE_MS, () => this.#group.abandon(graceMs));
  }
}

class Patience implements Timer {
  readonly at: number;
  slot = -1;
  order = 0;
  readonly expire: () => void;
  constructor(ms: number, expire: () => void) {
    this.at = clock.now() + ms;
    this.expire = expire;
    clock.set(this);
  }
}
