import { ScopeClosedError } from '../errors.ts';
import { Alarm } from '../internal/alarm.ts';
import type { Variables } from './frame.ts';
import { reportIn } from './report-in.ts';
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
  /** Whether its body and all tasks but background ones have ended. */
  ending = false;
  readonly #graceMs: number;
  readonly #group: Patient;
  #patience: Alarm | undefined = undefined;

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

  /** Once nothing but what nobody awaits is left, nobody else may move in; only tasks may. */
  override adopt(child: Scope): void {
    if (this.ending && !child.mayMoveInLate) throw new ScopeClosedError(this.name, `open ${child.name}`);
    super.adopt(child);
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
    this.#patience = new Alarm(() => this.#lose(PATIENCE_MS));
    this.#patience.set(Math.min(PATIENCE_MS, this.#graceMs));
  }

  override cutOff(): void {
    this.#patience?.clear();
    super.cutOff();
  }

  /** Patience has run out: reports what is still alive, or goes on without it. */
  #lose(waitedMs: number): void {
    const graceMs = this.#graceMs;
    this.#patience = undefined;
    // A shield may have been set meanwhile.
    if (!this.visible || !this.firstChild) return;
    if (graceMs <= waitedMs) {
      this.#group.abandon(graceMs);
      // A place that became free may have let in another that ignores its cancellation.
      if (this.firstChild) this.watch();
      return;
    }
    const names = [...this.#group.tasks].map((task) => task.name).join(', ');
    const error = new Error(`Still running: ${names}`);
    reportIn(this, error, `${this.name} was cancelled ${PATIENCE_MS} ms ago and has not ended`);
    this.#patience = new Alarm(() => this.#lose(graceMs));
    this.#patience.set(graceMs - PATIENCE_MS);
  }
}
