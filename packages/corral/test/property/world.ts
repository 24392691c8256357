/** What a running program is held against: records of its calls and tasks, and the invariants. */

import { TaskCancelledError, TaskGroupError, TimeoutError, isCancelled, suppressedErrors } from '../../src/index.ts';
import type { Scope, Task } from '../../src/index.ts';
import { Operation } from '../../src/core/operation.ts';
import { clock } from '../../src/internal/clock.ts';
import type { Timer } from '../../src/internal/timer-heap.ts';
import { VirtualClock } from '../../src/testing/index.ts';
import { named, realErrors } from './errors.ts';

/** How a function of a call ended. */
export type Ending = { readonly value: unknown } | { readonly error: unknown };

/** A call of corral that runs functions of the program. */
export interface Call {
  readonly label: string;
  readonly kind: string;
  /** The scope it was called in. */
  readonly around: Scope | undefined;
  readonly outer: Call | undefined;
  scope: Scope | undefined;
  /** How many functions run in it, calls inside included. */
  live: number;
  /** What its functions have thrown, as it was. */
  readonly thrown: unknown[];
  /** What a policy took care of. */
  readonly handled: Set<unknown>;
  /** What calls threw that its functions did not await: thrown by whoever ends them, if they had not ended before. */
  readonly unawaited: Set<unknown>;
  /** How its functions ended, by index; a group's own body is -1. */
  readonly endings: Map<number, Ending>;
  size: number;
  cancelled: boolean;
  deadline: boolean;
  /** One of its tasks has set a deadline for itself. */
  taskDeadline: boolean;
  aggregate: boolean;
  settled: number;
}

/** A task that the program spawned. */
export interface TaskRecord {
  readonly label: string;
  readonly call: Call;
  readonly always: boolean;
  readonly background: boolean;
  task: Task<unknown> | undefined;
  scope: Scope | undefined;
  called: boolean;
  cancelled: boolean;
  deadline: boolean;
  late: boolean;
  ending: Ending | undefined;
}

/** Something that can be cancelled by number. */
export interface Handle {
  cancel(): void;
}

/** Remembers the timers that were set. */
export class RecordingClock extends VirtualClock {
  readonly timers = new Set<Timer>();
  override set(timer: Timer): void {
    this.timers.add(timer);
    super.set(timer);
  }
}

/** One run of a program. */
export class World {
  readonly trace: string[] = [];
  readonly problems: string[] = [];
  readonly reported = new Set<unknown>();
  readonly calls: Call[] = [];
  readonly tasks: TaskRecord[] = [];
  readonly handles: Handle[] = [];
  readonly scopes = new Map<Scope, Call | TaskRecord>();
  readonly shared = new Error('shared');
  /** Wake-ups of sleeps: when they were due, and their order of arrival. */
  readonly wakes: { readonly at: number; readonly order: number }[] = [];
  /** Plain spawns into groups without a limit, and their starts. */
  readonly starts: number[] = [];
  #labels = 0;

  label(kind: string): string {
    return `${kind}#${++this.#labels}`;
  }

  log(event: string): void {
    // The numbers of tasks go on from run to run.
    this.trace.push(`${clock.now()} ${event.replaceAll(/task-\d+/g, 'a task')}`);
  }

  problem(text: string): void {
    this.problems.push(`at ${clock.now()}: ${text}`);
  }

  call(kind: string, around: Scope | undefined, outer: Call | undefined): Call {
    const call: Call = {
      label: this.label(kind),
      kind,
      around,
      outer,
      scope: undefined,
      live: 0,
      thrown: [],
      handled: new Set(),
      unawaited: new Set(),
      endings: new Map(),
      size: 0,
      cancelled: false,
      deadline: false,
      taskDeadline: false,
      aggregate: false,
      settled: 0,
    };
    this.calls.push(call);
    return call;
  }

  own(scope: Scope, owner: Call | TaskRecord): void {
    this.scopes.set(scope, owner);
    this.handles.push({
      cancel: () => {
        owner.cancelled = true;
        this.log(`cancel ${owner.label}`);
        scope.cancel(`cancelled ${owner.label}`);
      },
    });
  }

  /** Held when a call's promise settles. */
  check(call: Call, outcome: Ending): void {
    const where = call.label;
    this.log(`${where} ${'value' in outcome ? 'returned' : `threw ${named(outcome.error)}`}`);
    if (++call.settled > 1) this.problem(`${where} settled ${call.settled} times`);
    if (call.live > 0) this.problem(`${where} settled while ${call.live} of its functions still ran`);
    if (call.scope) this.#checkEnded(call.scope, where);
    this.#checkCause(call);
    const arrived = 'error' in outcome ? realErrors(outcome.error) : new Set();
    this.#checkNothingLost(call, outcome, arrived);
    if ('error' in outcome) this.#checkRejection(call, outcome.error, arrived);
    else this.#checkValue(call, outcome.value);
  }

  #checkEnded(scope: Scope, where: string): void {
    if (scope.phase !== 'closed') this.problem(`the scope of ${where} is ${scope.phase} after its end`);
    if (scope.firstChild) this.problem(`${scope.firstChild.name} outlives ${where}`);
    if (scope.operations) this.problem(`an operation (${scope.operations.kind}) outlives ${where}`);
    if ((scope.extras?.holds ?? 0) !== 0) this.problem(`${where} ended with ${scope.extras?.holds} holds`);
  }

  /** Nothing is cancelled out of nowhere. */
  #checkCause(call: Call): void {
    const cause = call.scope?.cause;
    if (!cause) return;
    const wins = call.kind === 'race' || call.kind === 'any';
    const orphaned = !call.around || call.around.phase !== 'open' || !call.around.bodyRuns;
    const open = call.kind === 'open' || call.kind === 'left' || call.kind === 'asCompleted';
    const failed =
      call.thrown.length > 0 ||
      call.unawaited.size > 0 ||
      cause.error instanceof TaskCancelledError ||
      call.taskDeadline;
    const legitimate = {
      explicit: call.cancelled || wins,
      deadline: call.deadline,
      'sibling-failed': failed,
      'body-failed': failed,
      parent: false,
      shutdown: false,
      closed: orphaned || open,
    };
    if (!legitimate[cause.kind]) this.problem(`${call.label} was cancelled without a cause: ${cause.kind}`);
  }

  #checkNothingLost(call: Call, outcome: Ending, arrived: ReadonlySet<unknown>): void {
    // `any` tolerates failures, `settled` puts them in its results; cut off from outside, both have nowhere to put them.
    if (call.kind === 'any' && ('value' in outcome || isCancelled(outcome.error))) return;
    if (call.kind === 'settled' && 'error' in outcome && isCancelled(outcome.error)) return;
    const inResults = call.kind === 'settled' && 'value' in outcome ? rejections(outcome.value) : new Set();
    for (const error of call.thrown.flatMap((thrown) => [...realErrors(thrown)])) {
      const found = arrived.has(error) || inResults.has(error) || call.handled.has(error) || this.reported.has(error);
      if (!found) this.problem(`${call.label} lost ${named(error)}`);
    }
  }

  #checkRejection(call: Call, error: unknown, arrived: ReadonlySet<unknown>): void {
    const { around } = call;
    if (isCancelled(error)) {
      if (around && !around.cancelled && around.phase === 'open' && around.bodyRuns) {
        this.problem(`${call.label} was cut off (${named(error)}) although nothing around it is cancelled`);
      }
      return;
    }
    const thrown = new Set(call.thrown.flatMap((one) => [...realErrors(one)]));
    for (const leaf of arrived) {
      if (thrown.has(leaf) || call.unawaited.has(leaf)) continue;
      if (leaf instanceof TimeoutError && (call.deadline || call.taskDeadline)) continue;
      if (leaf instanceof TaskCancelledError && call.size > 0) continue;
      if (call.kind === 'start' && leaf instanceof TypeError) continue;
      this.problem(`${call.label} threw ${named(leaf)} that none of its functions threw`);
    }
    const [only, ...others] = call.thrown;
    if (call.aggregate && call.kind === 'group' && thrown.size > 0 && !(error instanceof TaskGroupError)) {
      this.problem(`${call.label} was to throw a TaskGroupError and threw ${named(error)}`);
    }
    // A block's own cancellation and a failure met in its disposal make a SuppressedError.
    const several = only instanceof AggregateError || (only instanceof Error && only.name === 'SuppressedError');
    const block = call.kind === 'open' || call.kind === 'left' || call.taskDeadline;
    const wrapped = call.aggregate || call.unawaited.size > 0 || several || block || call.handled.has(only);
    if (call.thrown.length > 0 && others.length === 0 && !wrapped && error !== only) {
      this.problem(`${call.label} threw ${named(error)} instead of its only failure`);
    }
  }

  #checkValue(call: Call, value: unknown): void {
    const endings = [...call.endings.values()];
    const returned = endings.flatMap((ending) => ('value' in ending ? [ending.value] : []));
    const differs = (expected: unknown): void => {
      this.problem(`${call.label} returned ${JSON.stringify(value)} instead of ${JSON.stringify(expected)}`);
    };
    switch (call.kind) {
      case 'gather':
        if (JSON.stringify(value) !== JSON.stringify(valuesByIndex(call))) differs(valuesByIndex(call));
        return;
      case 'settled': {
        const results = value as PromiseSettledResult<unknown>[];
        const expected = Array.from({ length: call.size }, (_, index) => call.endings.get(index));
        // A task whose own work succeeded fails with the real error of what it opened and did not await.
        const late = (result: PromiseSettledResult<unknown>): boolean =>
          result.status === 'rejected' && [...realErrors(result.reason)].some((error) => call.unawaited.has(error));
        const same = results.map((result, index) => agrees(result, expected[index]) || late(result));
        if (results.length !== call.size || same.includes(false)) differs(expected);
        return;
      }
      case 'race':
      case 'any':
        if (!returned.includes(value)) differs(`one of ${JSON.stringify(returned)}`);
        return;
      case 'map':
        if (JSON.stringify(value) !== JSON.stringify(valuesByIndex(call))) differs(valuesByIndex(call));
        return;
      case 'forEach':
        if (returned.length < call.size) differs(`the end of ${call.size} functions`);
        return;
      case 'asCompleted': {
        const values = value as unknown[];
        const strange = values.some((one) => !returned.includes(one)) || new Set(values).size !== values.length;
        if (strange) differs(`some of ${JSON.stringify(returned)}`);
        return;
      }
      case 'start':
      case 'left':
      case 'open':
        return;
      default: {
        const own = call.endings.get(-1);
        const result = call.kind === 'moveOnAfter' ? moved(value) : { value };
        if (!own) return this.problem(`${call.label} returned and its body never ran`);
        if (!result) {
          if (!call.deadline || 'value' in own) this.problem(`${call.label} said timed out`);
        } else if ('value' in own) {
          if (own.value !== result.value) differs(own.value);
        } else if (!call.cancelled || result.value !== undefined) {
          this.problem(`${call.label} returned although its body threw ${named(own.error)}`);
        }
      }
    }
  }

  /** Held when all is over. */
  checkEnd(timers: Iterable<Timer>): void {
    for (const timer of timers) if (timer.slot >= 0) this.problem('a timer is left');
    for (const call of this.calls) {
      if (call.settled !== 1 && call.kind !== 'detached') this.problem(`${call.label} settled ${call.settled} times`);
      if (call.live !== 0) this.problem(`${call.label} ended with ${call.live} functions running`);
    }
    for (const record of this.tasks) this.#checkTask(record);
    for (const [scope, { label }] of this.scopes) this.#checkEnded(scope, label);
    for (const text of violations.splice(0)) this.problem(text);
  }

  #checkTask(record: TaskRecord): void {
    const { label, task, called, ending } = record;
    if (!task) return;
    const { state } = task;
    if (state !== 'succeeded' && state !== 'failed' && state !== 'cancelled') this.problem(`${label} ended ${state}`);
    if (record.always && !called) this.problem(`${label} was to start always and did not`);
    if (!called && state !== 'cancelled') this.problem(`${label} never ran and is ${state}`);
    if (!ending) return;
    const expected = 'value' in ending ? 'succeeded' : realErrors(ending.error).size > 0 ? 'failed' : 'cancelled';
    // Cut off by a deadline of its own it has failed.
    if (record.deadline && expected === 'cancelled' && state === 'failed') return;
    if (state !== expected && !record.late)
      this.problem(`${label} is ${state}, its function ${JSON.stringify(ending)}`);
  }
}

function valuesByIndex(call: Call): unknown[] {
  return Array.from({ length: call.size }, (_, index) => (call.endings.get(index) as { value?: unknown })?.value);
}

function rejections(results: unknown): Set<unknown> {
  const rejected = (results as PromiseSettledResult<unknown>[]).filter((one) => one.status === 'rejected');
  return new Set(rejected.flatMap((one) => [...realErrors(one.reason)]));
}

function agrees(result: PromiseSettledResult<unknown>, ending: Ending | undefined): boolean {
  if (result.status === 'fulfilled') return ending !== undefined && 'value' in ending && ending.value === result.value;
  const cut = !ending || ('error' in ending && realErrors(ending.error).size === 0);
  return cut
    ? result.reason instanceof TaskCancelledError || result.reason instanceof TimeoutError
    : 'error' in ending || suppressedErrors(result.reason).length > 0;
}

function moved(result: unknown): { readonly value: unknown } | undefined {
  const { timedOut, value } = result as { timedOut: boolean; value?: unknown };
  return timedOut ? undefined : { value };
}

/** Operations that were settled twice: watched at the one place where all of them leave their scope. */
const violations: string[] = [];
const { withdraw } = Operation.prototype;
Operation.prototype.withdraw = function (this: Operation<unknown>): void {
  if (!this.pending) violations.push(`an operation (${this.kind}) was settled twice`);
  withdraw.call(this);
};
