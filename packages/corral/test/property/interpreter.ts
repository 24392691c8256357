/** Runs random programs under a virtual clock and watches them. */

import {
  abortable,
  any,
  asCompleted,
  checkpoint,
  cleanup,
  currentScope,
  detach,
  forEach,
  gather,
  isCancelled,
  map,
  moveOnAfter,
  now,
  openTaskGroup,
  race,
  shield,
  sleep,
  taskGroup,
  timeout,
  withScope,
  withSignal,
} from '../../src/index.ts';
import type { Scope, Task, TaskErrorDecision, TaskGroup, TaskGroupOptions } from '../../src/index.ts';
import { installReporter } from '../../src/internal/report.ts';
import { makeError, named, realErrors } from './errors.ts';
import type { Body, Program, Step } from './program.ts';
import { RecordingClock, World, type Call, type Ending, type TaskRecord } from './world.ts';

/** A group to spawn into. */
interface Site {
  readonly group: TaskGroup;
  readonly call: Call;
  readonly env: Env;
  readonly limited: boolean;
  readonly ambient: boolean;
}

/** Where a step runs. */
interface Env {
  readonly scope: Scope;
  readonly call: Call;
  readonly task: TaskRecord | undefined;
  /** The groups around, nearest first. */
  readonly sites: readonly Site[];
  /** Nothing here may wait for something that might never come. */
  readonly shielded: boolean;
  /** In a task that has not said yet that it has started. */
  readonly starting?: boolean;
  /** The scope is not ambient: it is handed over. */
  readonly explicit: boolean;
}

type StepOf<K extends Step['do']> = Extract<Step, { do: K }>;
type Result = { readonly trace: readonly string[]; readonly problems: readonly string[]; readonly world: World };

class Subclass<T> extends Promise<T> {}

/** Loops of the caller's own, and what reads a generator of the caller's: nobody else waits for their ends. */
const ownCode: ReadonlySet<string> = new Set(['asCompleted', 'map', 'forEach']);

/** After this time all that still waits is cancelled: tasks that wait for one another. */
const END_MS = 5_000;

/** Runs a program; the same seed gives the same trace. */
export async function execute(program: Program, seed?: number): Promise<Result> {
  const world = new World();
  const clock = new RecordingClock({ seed, stallMs: 1_000 });
  const before = installReporter((error, where) => {
    if (error instanceof Error && error.message.startsWith('Still running')) return;
    world.log(`reported ${named(error)}: ${where}`);
    for (const real of realErrors(error)) world.reported.add(real);
  });
  try {
    const running = clock.run(() => new Interpreter(world).run(program));
    await inTime(running);
  } catch (error) {
    world.problem(`the root threw ${named(error)}`);
  } finally {
    installReporter(before);
  }
  world.checkEnd(clock.timers);
  return { trace: world.trace, problems: world.problems, world };
}

/** A program that does not end keeps the clock: nothing can be run after it. */
export let stuck = false;

async function inTime(running: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      stuck = true;
      reject(new Error('it did not end within 20 s'));
    }, 20_000);
  });
  try {
    await Promise.race([running, late]);
  } finally {
    clearTimeout(timer);
  }
}

class Interpreter {
  readonly #world: World;
  #values = 0;
  #sleeps = 0;
  #spawns = 0;
  #detached: Call | undefined;
  /** Promises that are not corral's. An abandoned one may be pending at the end. */
  readonly #foreigners: Promise<void>[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  async run(program: Program): Promise<void> {
    const root: Step = {
      do: 'group',
      how: 'callback',
      concurrency: 0,
      policy: 'cancel',
      aggregate: false,
      ambient: true,
      body: { shape: 'async', steps: program.steps },
      awaited: true,
    };
    const outermost = { scope: currentScope() as Scope, sites: [], shielded: false, explicit: false };
    await taskGroup(async (agents) => {
      const agent = (atMs: number, target: number): void => {
        agents.spawn(
          async () => {
            await sleep(atMs);
            this.#cancel(target);
          },
          { background: true },
        );
      };
      for (const { atMs, target } of program.cancels) agent(atMs, target);
      agent(END_MS, 0);
      const scope = agents.scope;
      const env = { ...outermost, scope, call: undefined as never, task: undefined };
      await this.#group(root, env).catch(() => {});
    });
    await Promise.allSettled(this.#foreigners);
  }

  // Bodies -------------------------------------------------------------------------------------------------------

  /** Runs a function of a call. */
  #body(body: Body, index: number, env: Env): unknown {
    const { call } = env;
    const value = `value ${++this.#values}`;
    this.#enter(call, 1);
    const end = (ending: Ending): void => {
      this.#enter(call, -1);
      call.endings.set(index, ending);
      if (env.task) env.task.ending = ending;
      if ('error' in ending && realErrors(ending.error).size > 0) call.thrown.push(ending.error);
    };
    const first = body.steps[0];
    if (body.shape === 'plain' && (!first || first.do === 'throw')) {
      if (!first) end({ value });
      else {
        const error = makeError(first.what, call.label, this.#world.shared);
        end({ error });
        throw error;
      }
      return value;
    }
    const run = async (): Promise<string> => {
      try {
        await this.#steps(body.steps, env);
        end({ value });
        return value;
      } catch (error) {
        end({ error });
        throw error;
      }
    };
    const promise = run();
    if (body.shape === 'subclass') return Subclass.resolve(promise);
    if (body.shape === 'thenable') return { then: promise.then.bind(promise) };
    return promise;
  }

  #enter(call: Call, by: number): void {
    for (let around: Call | undefined = call; around; around = around.outer) around.live += by;
  }

  async #steps(steps: readonly Step[], env: Env): Promise<void> {
    for (const step of steps) {
      if (!env.explicit && currentScope() !== env.scope) {
        this.#world.problem(`${step.do} in ${env.call.label} found the scope ${currentScope()?.name}`);
      }
      await this.#step(step, env);
    }
  }

  #step(step: Step, env: Env): Promise<unknown> | undefined {
    switch (step.do) {
      case 'sleep':
        return this.#sleep(step.ms, env);
      case 'checkpoint':
        return this.#wait('checkpoint', env, () => checkpoint(this.#options(env)));
      case 'tick':
        return Promise.resolve();
      case 'foreign':
        return this.#foreign(step, env);
      case 'throw':
        throw makeError(step.what, this.#world.label('thrown'), this.#world.shared);
      case 'try':
        return this.#try(step, env);
      case 'scope':
        return this.#awaited(step.awaited, env, this.#scope(step, env));
      case 'group':
        // The block of an open group is code of the body: nobody else waits for it.
        return this.#awaited(step.awaited || step.how !== 'callback', env, this.#group(step, env));
      case 'combine':
        return this.#awaited(step.awaited || ownCode.has(step.how), env, this.#combine(step, env));
      case 'spawn':
        return this.#spawn(step, env);
      case 'join':
        return this.#join(step, env);
      case 'joinGroup':
        return this.#joinGroup(env);
      case 'cancel':
        return void this.#cancel(step.target);
      case 'onCancel':
        env.scope.onCancel(() => this.#cancel(step.target));
        return undefined;
      case 'limit': {
        const site = env.sites[0];
        if (site) site.group.concurrency = step.concurrency || Infinity;
        return undefined;
      }
      case 'reschedule':
        return void this.#reschedule(step.ms, env);
    }
  }

  async #awaited(awaited: boolean, env: Env, promise: Promise<unknown>): Promise<void> {
    // What a starting task does not await would change hands with it: there is no telling from here who waits for it.
    if (awaited || env.starting) await promise;
    else
      promise.catch((error: unknown) => {
        for (const real of realErrors(error)) {
          env.call.unawaited.add(real);
          // What was started belongs to the caller at first and to the group later.
          env.task?.call.unawaited.add(real);
        }
        if (env.task) env.task.late = true;
      });
  }

  // Waiting ------------------------------------------------------------------------------------------------------

  #options(env: Env): { readonly scope?: Scope } {
    return env.explicit ? { scope: env.scope } : {};
  }

  /** A cancellation point, and what is to hold for every one of them. */
  async #wait<T>(what: string, env: Env, begin: () => Promise<T>): Promise<T> {
    const { scope } = env;
    const where = `${what} in ${env.call.label}`;
    const refused = scope.cancelled;
    let cancelledAt: number | undefined;
    const forget = scope.onCancel(() => (cancelledAt = now()));
    try {
      const value = await begin();
      if (refused) this.#world.problem(`${where} was completed although its scope was cancelled`);
      this.#world.log(`${where} done`);
      return value;
    } catch (error) {
      this.#world.log(`${where} threw ${named(error)}`);
      if (isCancelled(error)) {
        if (!scope.cancelled) this.#world.problem(`${where} was cancelled although its scope is not`);
        if (cancelledAt !== now()) this.#world.problem(`${where} heard at ${now()} of what happened at ${cancelledAt}`);
      } else if (refused && !(error instanceof TypeError))
        this.#world.problem(`${where} threw ${named(error)} although its scope was cancelled`);
      throw error;
    } finally {
      forget();
    }
  }

  async #sleep(ms: number, env: Env): Promise<void> {
    const wake = { at: now() + ms, order: ++this.#sleeps };
    await this.#wait(`sleep ${ms}`, env, () => sleep(ms, this.#options(env)));
    if (now() !== wake.at) this.#world.problem(`sleep ${ms} woke at ${now()} instead of ${wake.at}`);
    if (ms > 0) this.#world.wakes.push(wake);
  }

  async #foreign(step: StepOf<'foreign'>, env: Env): Promise<void> {
    const error = new Error(this.#world.label('foreign'));
    let arrived = false;
    const settle = async (): Promise<void> => {
      for (let turn = 0; turn < step.turns; turn++) await new Promise<void>((done) => void setImmediate(done));
      arrived = true;
      if (step.fails) throw error;
    };
    const promise = settle();
    this.#foreigners.push(promise);
    if (step.how === 'raw') return promise;
    const abandon = step.how === 'abandon';
    const waiting = this.#wait('foreign', env, () => abortable(promise, { ...this.#options(env), abandon }));
    await waiting.catch((failure: unknown) => {
      // Cut off: what arrives later is thrown by the scope, or reported.
      if (step.fails && isCancelled(failure) && !abandon) {
        env.call.thrown.push(error);
        if (env.task) env.task.late = true;
        if (arrived) env.call.handled.add(error);
      }
      throw failure;
    });
  }

  async #try(step: StepOf<'try'>, env: Env): Promise<void> {
    try {
      await this.#steps(step.body, env);
    } catch (error) {
      if (step.onError === 'rethrow') throw error;
      if (step.onError === 'wrapOnly') throw new AggregateError([error], 'wrapped');
      if (step.onError === 'wrap') throw new AggregateError([error, new Error('beside')], 'wrapped');
    } finally {
      await this.#steps(step.finally, env);
    }
  }

  // Structures ---------------------------------------------------------------------------------------------------

  /** Watches a call to its end. */
  #watch<T>(call: Call, promise: Promise<T>): Promise<T> {
    promise.then(
      (value) => this.#world.check(call, { value }),
      (error: unknown) => this.#world.check(call, { error }),
    );
    return promise;
  }

  #scope(step: StepOf<'scope'>, env: Env): Promise<unknown> {
    const call = this.#world.call(step.how, env.scope, env.call);
    const options = this.#options(env);
    const body = (scope: Scope): unknown => {
      call.scope = scope;
      this.#world.own(scope, call);
      const shielded = env.shielded || step.how === 'shield' || step.how === 'cleanup';
      return this.#body(step.body, -1, { ...env, call, scope, task: undefined, shielded, explicit: false });
    };
    call.deadline = step.how === 'timeout' || step.how === 'moveOnAfter' || step.how === 'cleanup';
    const ms = step.ms * 2;
    switch (step.how) {
      case 'withScope':
        call.deadline = step.ms > 8;
        return this.#watch(call, withScope(body, { ...options, deadlineMs: call.deadline ? ms : undefined }));
      case 'timeout':
        return this.#watch(call, timeout(ms, body, options));
      case 'moveOnAfter':
        return this.#watch(call, moveOnAfter(ms, body, options));
      case 'shield':
        return this.#watch(call, shield(body, options));
      case 'cleanup':
        return this.#watch(call, cleanup(body, { ...options, timeoutMs: ms }));
      case 'withSignal': {
        const withScopeOfItsOwn = (signal: AbortSignal): unknown => {
          const scope = currentScope() as Scope;
          if (signal.aborted !== scope.cancelled) this.#world.problem(`signal of ${call.label} is ${signal.aborted}`);
          return body(scope);
        };
        if (!env.scope.cancelled) return this.#watch(call, withSignal(withScopeOfItsOwn, options));
        call.settled = 1;
        return this.#wait('withSignal', env, () => withSignal(withScopeOfItsOwn, options));
      }
    }
  }

  #group(step: StepOf<'group'>, env: Env): Promise<unknown> {
    const kind = step.how === 'callback' ? 'group' : step.how;
    const call = this.#world.call(kind, env.scope, env.call);
    call.aggregate = step.aggregate;
    const options: TaskGroupOptions = {
      ...this.#options(env),
      concurrency: step.concurrency || undefined,
      errors: step.aggregate ? 'aggregate' : undefined,
      ambient: step.ambient,
      onTaskError: this.#policy(step, call),
    };
    const inside = (group: TaskGroup, inner: Env): Env => {
      const site = { group, call, env: inner, limited: step.concurrency > 0, ambient: step.ambient };
      return { ...inner, sites: [site, ...env.sites] };
    };
    if (step.how === 'callback') {
      const body = (group: TaskGroup): unknown => {
        const { scope } = group;
        call.scope = scope;
        this.#world.own(scope, call);
        return this.#body(step.body, -1, inside(group, { ...env, call, scope, task: undefined, explicit: false }));
      };
      return this.#watch(call, taskGroup(body, options));
    }
    const block = async (): Promise<void> => {
      await using group = openTaskGroup(options);
      call.scope = group.scope;
      this.#world.own(group.scope, call);
      const env2 = inside(group, env);
      // The block belongs to the scope around it; what it throws is passed on.
      this.#enter(call, 1);
      try {
        await this.#steps(step.body.steps, env2);
        if (step.how === 'open') await group.join(this.#options(env));
      } catch (error) {
        if (realErrors(error).size > 0) call.thrown.push(error);
        throw error;
      } finally {
        this.#enter(call, -1);
      }
    };
    return this.#watch(call, block());
  }

  #policy(step: StepOf<'group'>, call: Call): TaskGroupOptions['onTaskError'] {
    if (step.policy === 'cancel' || step.policy === 'collect') return step.policy;
    let count = 0;
    return (error): TaskErrorDecision => {
      count++;
      if (step.policy === 'throws') {
        const failure = new Error(this.#world.label('policy'));
        call.thrown.push(failure);
        throw failure;
      }
      const decision = step.policy === 'ignore' || count % 2 === 1 ? 'ignore' : count % 4 === 0 ? 'cancel' : 'collect';
      if (decision === 'ignore') for (const real of realErrors(error)) call.handled.add(real);
      return decision;
    };
  }

  #combine(step: StepOf<'combine'>, env: Env): Promise<unknown> {
    const call = this.#world.call(step.how, env.scope, env.call);
    call.size = step.bodies.length;
    const bodyOf = (index: number) => (scope: Scope) => {
      call.scope ??= scope.parent;
      // The scope that the callback of a map gets is its worker's and not the item's: cancelling it is another matter.
      const own = step.how !== 'map' && step.how !== 'forEach';
      if (own) this.#world.own(scope, this.#record('member', call, false, false));
      const shielded = env.shielded;
      return this.#body(step.bodies[index] as Body, index, {
        ...env,
        call,
        scope,
        task: undefined,
        shielded,
        explicit: false,
      });
    };
    const fns = step.bodies.map((_, index) => bodyOf(index));
    const options = { ...this.#options(env), concurrency: step.concurrency || undefined };
    switch (step.how) {
      case 'gather':
        return this.#watch(call, gather(fns, options));
      case 'settled':
        return this.#watch(call, gather(fns, { ...options, settled: true }));
      case 'race':
        return this.#watch(call, race(fns, { ...options, staggerMs: step.extra }));
      case 'any':
        return this.#watch(call, any(fns, { ...options, staggerMs: step.extra }));
      case 'map':
        return this.#watch(
          call,
          map(this.#items(step, call), (item, _, scope) => bodyOf(item)(scope), options),
        );
      case 'forEach':
        return this.#watch(
          call,
          forEach(this.#items(step, call), (item, _, scope) => bodyOf(item)(scope), options),
        );
      case 'asCompleted': {
        const collect = async (): Promise<unknown[]> => {
          const values: unknown[] = [];
          for await (const value of asCompleted(fns, options)) {
            values.push(value);
            if (values.length === step.extra) break;
          }
          return values;
        };
        return this.#watch(call, collect());
      }
    }
  }

  /** The input of a map: plain, or one that waits, fails, and is to be closed. */
  #items(step: StepOf<'combine'>, call: Call): Iterable<number> | AsyncIterable<number> {
    const indices = step.bodies.map((_, index) => index);
    if (step.extra === 0) return indices;
    const enter = (by: number): void => this.#enter(call, by);
    return (async function* () {
      enter(1);
      try {
        for (const index of indices) {
          if (step.extra > 2) await sleep(step.extra);
          if (step.extra === 4 && index > 0) {
            const error = new Error('input');
            call.thrown.push(error);
            throw error;
          }
          yield index;
        }
      } finally {
        enter(-1);
      }
    })();
  }

  // Tasks --------------------------------------------------------------------------------------------------------

  async #spawn(step: StepOf<'spawn'>, env: Env): Promise<void> {
    const site = env.sites[Math.min(step.up, env.sites.length - 1)];
    if (!site) return;
    if (step.how === 'start') return this.#start(step, env, site);
    if (step.how === 'detach') return this.#detach(step, env);
    const record = this.#record(step.how, site.call, step.how === 'always', step.how === 'background');
    const sites = env.sites.slice(env.sites.indexOf(site));
    const order = ++this.#spawns;
    const plain = !site.limited && (step.how === 'later' || step.how === 'always' || step.how === 'background');
    const run = (scope: Scope): unknown => {
      this.#begin(record, scope);
      if (plain) this.#world.starts.push(order);
      const { call } = site;
      const shielded = site.env.shielded;
      return this.#body(step.body, order, { scope, call, task: record, sites, shielded, explicit: !site.ambient });
    };
    const keep = (task: Task<unknown>): void => {
      record.task = task;
      if (!record.scope) this.#world.own(task as unknown as Scope, record);
      record.scope = task as unknown as Scope;
    };
    if (step.how === 'ready') {
      // Under a shield nobody ends a wait for ever.
      if (env.shielded) return;
      keep(await this.#wait('spawnWhenReady', env, () => site.group.spawnWhenReady(run, this.#options(env))));
      return;
    }
    const options = {
      eager: step.how === 'eager',
      background: record.background,
      ...(record.always && { start: 'always' as const }),
    };
    keep(site.group.spawn(run, options));
  }

  #record(how: string, call: Call, always: boolean, background: boolean): TaskRecord {
    const label = this.#world.label(how);
    const flags = { called: false, cancelled: false, deadline: false, late: false };
    const record: TaskRecord = {
      label,
      call,
      always,
      background,
      task: undefined,
      scope: undefined,
      ending: undefined,
      ...flags,
    };
    this.#world.tasks.push(record);
    return record;
  }

  #begin(record: TaskRecord, scope: Scope): void {
    this.#world.log(`${record.label} begins`);
    if (record.called) this.#world.problem(`${record.label} was started twice`);
    if (scope.cancelled && !record.always) this.#world.problem(`${record.label} was started although it was cancelled`);
    record.called = true;
    if (!record.scope) this.#world.own(scope, record);
    record.scope = scope;
  }

  /** The first half of the steps belongs to the caller, the second to the group. */
  async #start(step: StepOf<'spawn'>, env: Env, site: Site): Promise<void> {
    const caller = this.#world.call('start', env.scope, env.call);
    caller.size = 1;
    const record = this.#record('start', site.call, false, false);
    const sites = env.sites.slice(env.sites.indexOf(site));
    const half = Math.ceil(step.body.steps.length / 2);
    const run = async (scope: Scope, started: (value: string) => void): Promise<string> => {
      this.#begin(record, scope);
      record.task = scope as unknown as Task<unknown>;
      let call = caller;
      this.#enter(site.call, 1);
      this.#enter(caller, 1);
      const shielded = env.shielded || site.env.shielded;
      const inner = { scope, call: caller, task: record, sites, shielded, explicit: false, starting: true };
      try {
        await this.#steps(step.body.steps.slice(0, half), inner);
        // Three steps and more: it never says that it has started.
        if (half < 3) {
          started('started');
          // When the caller is cancelled already, nobody takes it over: it still belongs to the caller.
          if (scope.parent === site.call.scope) {
            call = site.call;
            this.#enter(caller, -1);
          }
        }
        await this.#steps(step.body.steps.slice(half), { ...inner, call, starting: call === caller });
        record.ending = { value: 'ended' };
        return 'ended';
      } catch (error) {
        record.ending = { error };
        if (realErrors(error).size > 0) call.thrown.push(error);
        throw error;
      } finally {
        if (call === caller) this.#enter(caller, -1);
        this.#enter(site.call, -1);
      }
    };
    const begin = (): Promise<{ readonly value: unknown }> => site.group.start(run, this.#options(env));
    if (env.scope.cancelled) {
      caller.settled = 1;
      await this.#wait('start', env, begin);
      return;
    }
    const { value } = await this.#watch(caller, begin());
    if (value !== 'started') this.#world.problem(`${record.label} handed over ${String(value)}`);
  }

  async #detach(step: StepOf<'spawn'>, env: Env): Promise<void> {
    const call = (this.#detached ??= this.#world.call('detached', undefined, undefined));
    const record = this.#record('detached', call, false, true);
    record.task = detach((scope) => {
      this.#begin(record, scope);
      const inner = { scope, call, task: record, sites: [], shielded: env.shielded, explicit: false };
      return this.#body(step.body, this.#values, inner);
    });
  }

  async #join(step: StepOf<'join'>, env: Env): Promise<void> {
    const begun = this.#world.tasks.filter((record) => record.task !== undefined);
    const record = begun[step.task % Math.max(1, begun.length)];
    const task = record?.task;
    if (!record || !task) return;
    const ended = !['pending', 'running', 'cancelling'].includes(task.state);
    if (env.shielded && !ended) return;
    try {
      const value = await this.#wait(`join ${record.label}`, env, () => task.join(this.#options(env)));
      const { ending } = record;
      if (!ending || !('value' in ending) || ending.value !== value) {
        this.#world.problem(`join of ${record.label} gave ${String(value)}`);
      }
    } catch (error) {
      if (!step.caught || isCancelled(error)) throw error;
    }
  }

  async #joinGroup(env: Env): Promise<void> {
    const site = env.sites[0];
    if (!site || env.shielded || env.starting) return;
    const joined = this.#wait(`join ${site.call.label}`, env, () => site.group.join(this.#options(env)));
    await joined.catch((failure: unknown) => {
      // An open group hands its failures to whoever joins it; code that throws something else then has lost them itself.
      for (const real of realErrors(failure)) site.call.handled.add(real);
      throw failure;
    });
  }

  #reschedule(ms: number, env: Env): void {
    if (env.scope.cause) return;
    const owner = this.#world.scopes.get(env.scope);
    if (!owner) return;
    owner.deadline = true;
    if ('call' in owner) owner.call.taskDeadline = true;
    if (env.task) env.call.taskDeadline = true;
    env.scope.reschedule(now() + ms);
  }

  #cancel(target: number): void {
    const { handles } = this.#world;
    handles[target % Math.max(1, handles.length)]?.cancel();
  }
}
