/** One run of `corral fetch`: the input is planned, the window is worked off, and all of it is written down. */
import { checkpoint, Event, moveOnAfter, now, type TaskGroup, taskGroup } from 'corral';
import { UsageError } from '../usage-error.ts';
import { FatalError } from './fatal-error.ts';
import type { HttpClient } from './http-client.ts';
import { InputReader } from './input/read-input.ts';
import { type BadLine, formatPlace, type Item } from './item.ts';
import type { FetchOptions } from './options.ts';
import { Netrc } from './netrc.ts';
import { Pace } from './pace.ts';
import { plan, type PlannerContext } from './planner.ts';
import { Progress } from './progress.ts';
import { reportLine, type ReportLine, type Summary } from './record.ts';
import { Reporter } from './reporter.ts';
import { Robots } from './robots.ts';
import { exitCodeOf, onSignals } from './signals.ts';
import { SmallFiles } from './small-file.ts';
import { Stdout } from './stdout.ts';
import { Tally } from './tally.ts';
import { Throttle } from './throttle.ts';
import { formatDuration } from './units.ts';
import { Window } from './window.ts';
import { attempt, type Work, type WorkerContext } from './worker.ts';

/** The share of errors means nothing before so many have ended. */
const ENOUGH = 20;

/**
 * Three things run at once in a task group: `#read` plans the input into the window, `#dispatch` starts an attempt for
 * each item whose turn it is, the progress is drawn. An attempt that is to be repeated goes back into the window; it
 * holds no place while it waits.
 */
export class Job {
  readonly #planning: PlannerContext;
  readonly #options: FetchOptions;
  readonly #client: HttpClient;
  readonly #tally = new Tally();
  readonly #reporter: Reporter;
  readonly #progress: Progress;
  readonly #window: Window<Work>;
  readonly #worker: WorkerContext;
  readonly #pace: Pace | undefined;
  /** Something may be sent, or something has ended. */
  readonly #changed = new Event({ name: 'something to do' });
  /** There is room in the window. */
  readonly #room = new Event({ name: 'room in the window' });
  readonly #stdout = new Stdout((error) => {
    if (error !== undefined) this.#cancel(`stdout: ${error.message}`, 1);
    this.#changed.set();
  });
  #active = 0;
  #inputDone = false;
  #group: TaskGroup | undefined;
  #stoppedBy: string | undefined;
  #exitCode: number | undefined;

  constructor(planning: PlannerContext, client: HttpClient, total: number | undefined) {
    const { options, journal } = planning;
    this.#planning = planning;
    this.#options = options;
    this.#tally.total = total;
    this.#window = new Window({ capacity: options.window, perHost: options.perHost, hostRate: options.hostRate });
    this.#progress = new Progress({ tally: this.#tally, busyHosts: () => this.#window.busyHosts() }, options);
    this.#reporter = new Reporter(options, this.#tally, this.#progress, journal, this.#stdout);
    this.#pace = options.rate === undefined ? undefined : new Pace('rate', options.rate);
    this.#client = client;
    this.#worker = this.#workerContext();
  }

  /**
   * Runs to the end and gives the exit code.
   *
   * @throws {FatalError} or what else ended it; the summary is written all the same.
   */
  async run(): Promise<number> {
    const forgetSignals = onSignals(
      (signal) => {
        this.#reporter.warn(
          `${signal}: stopping; what is under way may take ${formatDuration(this.#options.graceMs)} (again: at once)`,
        );
        this.#stop(signal, exitCodeOf(signal));
      },
      (signal) => this.#cancel(`${signal}, twice`, exitCodeOf(signal)),
    );
    try {
      await taskGroup((group) => this.#body(group), { name: 'job' });
      return await this.#end();
    } catch (error) {
      const exitCode = error instanceof FatalError ? 3 : error instanceof UsageError ? 2 : 1;
      this.#stop(error instanceof Error ? error.message : String(error), exitCode);
      await this.#end();
      throw error;
    } finally {
      forgetSignals();
      this.#stdout.release();
    }
  }

  async #body(group: TaskGroup): Promise<void> {
    this.#group = group;
    const damaged = this.#planning.journal?.damaged ?? 0;
    if (damaged > 0) this.#reporter.warn(`${damaged} lines of the report cannot be read: they are passed over`);
    group.spawn(() => this.#progress.keepDrawing(), { background: true, name: 'progress' });
    const reader = group.spawn(() => this.#read(), { name: 'input' });
    await this.#dispatch(group);
    reader.cancel();
    const ended = await moveOnAfter(this.#options.graceMs, () => this.#whenIdle());
    if (ended.timedOut) group.cancel('the time of --grace is over');
  }

  /** Until all is done or the job is stopped. */
  async #dispatch(group: TaskGroup): Promise<void> {
    for (;;) {
      this.#changed.clear();
      const wakeAt = this.#sendDue(group);
      if (this.#stoppedBy !== undefined) return;
      if (this.#inputDone && this.#window.size === 0 && this.#active === 0) return;
      if (wakeAt === Infinity) await this.#changed.wait();
      else await moveOnAfter(Math.max(wakeAt - now(), 0), () => this.#changed.wait());
    }
  }

  /** Starts what may be sent now, and says when more may be, should nothing end before. */
  #sendDue(group: TaskGroup): number {
    while (this.#stoppedBy === undefined && this.#active < this.#options.concurrency) {
      if (this.#stdout.isFull) return Infinity; // whoever reads the lines is slower than we are
      const time = now();
      const readyAt = this.#window.size === 0 ? time : (this.#pace?.readyAt(time) ?? time);
      if (readyAt > time) return readyAt;
      const work = this.#window.next(time);
      if (work === undefined) return this.#window.wakeAt;
      this.#pace?.take();
      this.#active++;
      if (!this.#window.isFull) this.#room.set();
      group.spawn(() => this.#attempt(work), { name: work.item.url, start: 'always' });
    }
    return Infinity;
  }

  async #attempt(work: Work): Promise<void> {
    try {
      await attempt(work, this.#worker);
    } finally {
      this.#active--;
      this.#window.ended(work.host);
      this.#changed.set();
    }
  }

  async #whenIdle(): Promise<void> {
    while (this.#active > 0) {
      this.#changed.clear();
      await this.#changed.wait();
    }
  }

  async #read(): Promise<void> {
    const { urls, inputs, format } = this.#options;
    for await (const entry of new InputReader({ urls, files: inputs, format }).entries()) {
      if (this.#tally.seen++ % 64 === 0) await checkpoint();
      await this.#stdout.room();
      if (entry.item === undefined) await this.#settleBad(entry.bad);
      else await this.#plan(entry.item);
      while (this.#window.isFull) {
        this.#room.clear();
        await this.#room.wait();
      }
    }
    this.#inputDone = true;
    this.#tally.total = this.#tally.seen;
    this.#changed.set();
  }

  async #plan(item: Item): Promise<void> {
    const planned = await plan(item, this.#planning);
    if (planned.what === 'done') {
      if (planned.known && planned.line.outcome === 'failed') this.#tally.failedBefore++;
      return this.#settle(planned.line, item, planned.known);
    }
    const { file, known, remember } = planned;
    if (remember) await this.#reporter.add(reportLine({ id: item.id, url: item.url, outcome: 'started', file }), item);
    this.#window.add({
      item,
      host: item.host,
      file,
      known,
      attempts: [],
      tries: 0,
      reached: 0,
      waitsSince: performance.now(),
    });
    this.#changed.set();
  }

  #settleBad({ place, message, url }: BadLine): Promise<void> {
    const id = formatPlace(place);
    const error = { code: 'INPUT', phase: 'input', message };
    const known = this.#planning.journal?.find(id)?.error?.message === message;
    if (known) this.#tally.failedBefore++;
    return this.#settle(reportLine({ id, url: url ?? '', outcome: 'failed', error }), undefined, known);
  }

  async #settle(line: ReportLine, item: Item | undefined, known = false): Promise<void> {
    await this.#reporter.add(line, item, known);
    if (line.outcome !== 'failed' || known) return;
    const { failFast, maxErrorRate } = this.#options;
    if (failFast) this.#cancel(`--fail-fast: ${line.error?.message ?? 'a failure'}`, 3);
    const { counts, done, failedBefore } = this.#tally;
    const share = (counts.failed - failedBefore) / Math.max(done - failedBefore, 1);
    if (maxErrorRate !== undefined && done - failedBefore >= ENOUGH && share > maxErrorRate) {
      this.#cancel(`--max-error-rate: ${counts.failed - failedBefore} of ${done - failedBefore} failed`, 3);
    }
  }

  /** When it returns, a later run will know which file is whose. */
  async #remember(line: ReportLine | undefined): Promise<void> {
    if (line !== undefined) await this.#reporter.add(line, undefined);
    await this.#planning.journal?.flush();
  }

  /** Nothing new is begun. */
  #stop(why: string, exitCode: number): void {
    this.#stoppedBy ??= why;
    this.#exitCode ??= exitCode;
    this.#changed.set();
  }

  /** What is under way is cancelled too. */
  #cancel(why: string, exitCode: number): void {
    this.#stop(why, exitCode);
    this.#group?.cancel(why);
  }

  async #end(): Promise<number> {
    const { counts, retries, bytes, elapsedMs, startedAt } = this.#tally;
    const exitCode = this.#exitCode ?? (counts.failed > 0 ? 1 : 0);
    const summary: Summary = {
      v: 1,
      total: this.#inputDone ? this.#tally.seen : null,
      ...counts,
      retries,
      bytes,
      seconds: Math.round(elapsedMs) / 1_000,
      started: new Date(startedAt).toISOString(),
      exitCode,
      stoppedBy: this.#stoppedBy ?? null,
    };
    await this.#reporter.summary(summary);
    return exitCode;
  }

  #workerContext(): WorkerContext {
    const { folders, names } = this.#planning;
    const options = this.#options;
    const headers = { 'user-agent': options.userAgent, ...options.headers };
    return {
      client: this.#client,
      folders,
      headers,
      netrc: options.netrc ? Netrc.load() : undefined,
      throttle: options.limitRate === undefined ? undefined : new Throttle(options.limitRate),
      maxSizeBytes: options.maxSizeBytes,
      fsync: options.fsync,
      wantsLines: options.json || options.report !== undefined,
      smallFiles: new SmallFiles(),
      onBytes: (bytes) => (this.#tally.bytes += bytes),
      options,
      window: this.#window,
      names,
      tally: this.#tally,
      robots: options.robots ? new Robots(this.#client, headers, options.userAgent) : undefined,
      remember: (line) => this.#remember(line),
      settle: ({ item }, line) => this.#settle(line, item),
    };
  }
}
