/** The places of a group: how many tasks run at a time, and who waits for one. */

import { checkConcurrency } from '../internal/checks.ts';
import { enqueue, reserve, type Ready } from '../internal/ready.ts';
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
  #waiting: Map<TaskScope<unknown>, Launch> | undefined;
  /** Goes once over the map, however it changes: to begin anew for each would pass over all that have gone. */
  #next: Iterator<[TaskScope<unknown>, Launch]> | undefined;
  readonly #spawners = new WaitLine<Task<unknown>>();

  constructor(limit: number | undefined) {
    this.#limit = checkConcurrency(limit);
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
      (this.#waiting ??= new Map()).set(task, launch ?? reserve());
      return;
    }
    if (!task.background) this.occupy(task);
    if (launch) launch(task);
    else if (eager) withFrame(task.frame, startTask, task);
    else enqueue(task);
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
  spawnLater<T>(scope: Scope | undefined, spawn: (launch: Launch) => Task<T>): Promise<Task<T>> {
    const launch = reserve();
    return new Spawner(scope, this.#spawners, () => spawn(launch)).promise as Promise<Task<T>>;
  }

  /** Gives free places away: to waiting tasks first, then to whoever waits to spawn one. */
  #fill(): void {
    while (this.#taken < this.#limit && this.#waiting) {
      const { value } = (this.#next ??= this.#waiting.entries()).next() as { value?: [TaskScope<unknown>, Launch] };
      if (value) {
        const [task, launch] = value;
        this.#waiting.delete(task);
        this.occupy(task);
        launch(task);
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
