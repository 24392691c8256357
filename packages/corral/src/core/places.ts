/** The places of a group: how many tasks run at a time, and who waits for one. */

import { checkConcurrency } from '../internal/checks.ts';
import { Batch, enqueue, pick, reserve, type Ready } from '../internal/ready.ts';
import { withFrame } from './current.ts';
import type { Scope } from './scope.ts';
import { startTask, type Task, type TaskScope } from './task.ts';
import { LineOperation, WaitLine } from './wait-line.ts';

/** Starts a task later, in the context in which it was made. */
export type Launch = (task: Ready) => void;

export class Places {
  #limit: number;
  #taken = 0;
  /** Tasks that wait for a place, in order; any of them may go. */
  #waiting: Map<TaskScope<unknown>, Launch | undefined> | undefined;
  /** Goes once over the map, however it changes: to begin anew for each would pass over all that have gone. */
  #next: Iterator<[TaskScope<unknown>, Launch | undefined]> | undefined;
  readonly #spawners = new WaitLine<Task<unknown>>();
  /** Where tasks start that have no context of their own. */
  readonly #batch: Batch | undefined;

  constructor(limit: number | undefined, batched: boolean, call: string) {
    this.#limit = checkConcurrency(limit, call);
    this.#batch = batched ? new Batch() : undefined;
  }

  get limit(): number {
    return this.#limit;
  }
  set limit(limit: number) {
    this.#limit = checkConcurrency(limit);
    this.#fill();
  }

  get taken(): number {
    return this.#taken;
  }

  /** How many tasks wait. */
  get waiting(): number {
    return this.#waiting?.size ?? 0;
  }

  /** Whether one that came now would have to wait. */
  get full(): boolean {
    return this.#taken >= this.#limit || this.waiting > 0;
  }

  /** Starts a task as soon as there is a place; background tasks need none. */
  admit(task: TaskScope<unknown>, eager: boolean | undefined, launch: Launch | undefined): void {
    if (!task.background && this.#taken >= this.#limit) {
      (this.#waiting ??= new Map()).set(task, launch ?? this.#reserve());
      return;
    }
    if (!task.background) this.occupy(task);
    if (eager && !launch) withFrame(task.frame, startTask, task);
    else this.#start(task, launch);
  }

  /** Gives a task a place, free or not. */
  occupy(task: TaskScope<unknown>): void {
    this.#taken++;
    task.admitted = true;
  }

  /** A task has ended, whether it had a place or waited for one. */
  vacate(task: TaskScope<unknown>): void {
    if (task.admitted) {
      this.#taken--;
      this.#fill();
    } else this.#waiting?.delete(task);
  }

  /** Waits for a place; whoever frees it calls `spawn`, so that nobody else can take it first. */
  spawnLater<T>(scope: Scope | undefined, spawn: (launch: Launch | undefined) => Task<T>): Promise<Task<T>> {
    const launch = this.#reserve();
    return new Spawner(scope, this.#spawners, () => spawn(launch)).promise as Promise<Task<T>>;
  }

  /** What starts a task later as if from here; nothing where tasks start in the group's context anyway. */
  #reserve(): Launch | undefined {
    return this.#batch ? undefined : reserve();
  }

  #start(task: TaskScope<unknown>, launch: Launch | undefined): void {
    if (this.#batch && !pick) this.#batch.add(task);
    else if (launch) launch(task);
    else enqueue(task);
  }

  /** Gives free places away: to waiting tasks first, then to whoever waits to spawn one. */
  #fill(): void {
    while (this.#taken < this.#limit && this.#waiting) {
      const { value } = (this.#next ??= this.#waiting.entries()).next() as {
        value?: [TaskScope<unknown>, Launch | undefined];
      };
      if (value) {
        const [task, launch] = value;
        this.#waiting.delete(task);
        this.occupy(task);
        this.#start(task, launch);
      } else {
        this.#waiting = undefined;
        this.#next = undefined;
      }
    }
    while (this.#taken < this.#limit && this.#spawners.first) (this.#spawners.first as Spawner).spawn();
  }
}

/** Somebody who waits for a place to spawn a task into. */
class Spawner extends LineOperation<Task<unknown>> {
  readonly #spawn: () => Task<unknown>;
  constructor(scope: Scope | undefined, line: WaitLine<Task<unknown>>, spawn: () => Task<unknown>) {
    super(scope, 'a free place', line);
    this.#spawn = spawn;
  }
  spawn(): void {
    this.commit(this.#spawn());
  }
}
