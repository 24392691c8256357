/** What happens to one item when it is its turn: an attempt, and what is made of how it ended. */
import { existsSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { fileNameFrom } from '@corral/http';
import { isCancelled, now } from 'corral';
import { FatalError } from './fatal-error.ts';
import { AttemptError, type HttpResponse } from './http-client.ts';
import type { Item } from './item.ts';
import type { Names } from './names.ts';
import type { FetchOptions } from './options.ts';
import { removePart } from './part-file.ts';
import { type AttemptRecord, type ErrorRecord, reportLine, type ReportLine } from './record.ts';
import type { Robots } from './robots.ts';
import { safePart } from './safe-name.ts';
import type { Tally } from './tally.ts';
import { RestartError, type Trace, transfer, type TransferContext } from './transfer.ts';
import type { Sendable, Window } from './window.ts';

/** So many attempts are kept for the report. */
const ATTEMPTS_KEPT = 20;
/** What stands for all attempts when nobody will see them. */
const NOT_KEPT: readonly AttemptRecord[] = [{ t: 0 }];
/** An attempt that came so much further is not counted: a long file over a bad line gets there in the end. */
const PROGRESS_BYTES = 2 ** 20;
const BASE_WAIT_MS = 500;
const MOST_WAIT_MS = 30_000;

/** An item on its way, over all of its attempts. */
export interface Work extends Sendable {
  readonly item: Item;
  readonly file: string;
  /** What an earlier run knows of it. */
  readonly known: ReportLine | undefined;
  attempts: readonly AttemptRecord[];
  /** How many attempts counted. */
  tries: number;
  /** How many bytes of the file an attempt has left for the next one, at the most so far. */
  reached: number;
  /** Since when it waits for its turn. */
  waitsSince: number;
}

export interface WorkerContext extends TransferContext {
  readonly options: FetchOptions;
  readonly window: Window<Work>;
  readonly names: Names;
  readonly tally: Tally;
  readonly robots: Robots | undefined;
  /** Waits until all names so far are written down, this one too: after that a later run finds them. */
  readonly remember: (line?: ReportLine) => Promise<void>;
  readonly settle: (work: Work, line: ReportLine) => Promise<void>;
}

const FATAL = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EMFILE', 'ENFILE']);

/**
 * Makes one attempt. What may fare better later goes back into the window; all else is settled.
 *
 * Cancellable: the item is settled as cancelled.
 * @throws {FatalError} when going on makes no sense for any item.
 */
export async function attempt(work: Work, context: WorkerContext): Promise<void> {
  const startedAt = performance.now();
  const attempt = new Attempt(work, context, startedAt);
  try {
    await attempt.run();
  } catch (error) {
    if (isCancelled(error)) {
      await attempt.settle({ outcome: 'cancelled' });
      throw error;
    }
    await attempt.failed(error);
  }
}

class Attempt {
  readonly #work: Work;
  readonly #context: WorkerContext;
  readonly #startedAt: number;
  readonly #sentAt = now();
  readonly #trace: Trace = { received: 0, reached: 0 };

  constructor(work: Work, context: WorkerContext, startedAt: number) {
    this.#work = work;
    this.#context = context;
    this.#startedAt = startedAt;
  }

  async run(): Promise<void> {
    const { item } = this.#work;
    const host = this.#context.window.host(item.host);
    if (host.refusedUntil > now()) throw tooLong(host.refusedUntil - now(), null);
    if (this.#context.robots !== undefined) await this.#context.robots.check(item.url);
    const done = await transfer(await this.#request(), this.#context, this.#trace);
    host.succeeded();
    this.#note({});
    const { changed, ...facts } = done;
    await this.settle(
      changed ? { outcome: 'ok', ...facts } : { outcome: 'skipped', ...facts, ...(await this.#kept()) },
    );
  }

  async settle(line: Partial<ReportLine> & Pick<ReportLine, 'outcome'>): Promise<void> {
    const { item, attempts } = this.#work;
    const resumedFrom = this.#trace.resumedFrom ?? null;
    await this.#context.settle(this.#work, reportLine({ id: item.id, url: item.url, resumedFrom, attempts, ...line }));
  }

  async failed(error: unknown): Promise<void> {
    if (!(error instanceof AttemptError)) return this.#failedLocally(error as NodeJS.ErrnoException);
    const path = this.#context.folders.path(this.#work.file);
    if (error instanceof RestartError || isHopeless(error)) await removePart(path);
    this.#note({ error: error.code, retryAfter: error.retryAfterMs });
    const wait = this.#waitMs(error);
    if (wait !== undefined) return this.#again(wait);
    const record: ErrorRecord = { code: error.code, phase: error.phase, message: error.message };
    await this.settle({ outcome: 'failed', status: error.status, error: record });
  }

  /** Something about this computer, not about the server. */
  async #failedLocally(error: NodeJS.ErrnoException): Promise<void> {
    if (error.syscall === undefined) throw error; // a bug
    const record: ErrorRecord = { code: error.code ?? 'FILE', phase: 'file', message: error.message };
    this.#note({ error: record.code });
    await this.settle({ outcome: 'failed', error: record });
    if (FATAL.has(record.code)) throw new FatalError(`Cannot go on: ${error.message}`, { cause: error });
  }

  #mayRetry(error: AttemptError): boolean {
    if (!error.retryable) return false;
    if (error.status !== null && !this.#context.options.retryOn.has(error.status)) return false;
    if (this.#work.item.method === 'POST' && error.status === null && error.code !== 'CONNECT') return false;
    return this.#countedTries(error) <= this.#context.options.retries;
  }

  /** With this attempt. */
  #countedTries(error: AttemptError): number {
    const progress = error.phase === 'body' && this.#trace.reached - this.#work.reached >= PROGRESS_BYTES;
    return this.#work.tries + (progress ? 0 : 1);
  }

  /** How long to wait before the next attempt; undefined when there is none. It tells the host's bucket too. */
  #waitMs(error: AttemptError): number | undefined {
    const { window, options } = this.#context;
    const host = window.host(this.#work.host);
    const busy = error.status === 429 || error.status === 503;
    const asked = error.status === null ? undefined : error.retryAfterMs;
    const mayRetry = this.#mayRetry(error);
    this.#work.tries = this.#countedTries(error);
    this.#work.reached = Math.max(this.#work.reached, this.#trace.reached);
    if (busy && asked !== undefined && asked > 0) {
      if (asked > options.retryMaxWaitMs) {
        host.refusedUntil = Math.max(host.refusedUntil, now() + asked);
        return undefined;
      }
      host.closedUntil = Math.max(host.closedUntil, now() + asked);
    } else if (busy) host.slowDown(this.#sentAt, now());
    if (!mayRetry) return undefined;
    if (error instanceof RestartError) return 0;
    if (asked !== undefined && asked > options.retryMaxWaitMs) return undefined;
    const backoff = Math.random() * Math.min(MOST_WAIT_MS, BASE_WAIT_MS * 2 ** Math.min(this.#work.tries, 10));
    return Math.max(asked ?? 0, backoff);
  }

  #again(waitMs: number): void {
    this.#context.tally.retries++;
    this.#work.waitsSince = performance.now() + waitMs;
    this.#context.window.addAt(this.#work, now() + waitMs);
  }

  /** Writes this attempt down. */
  #note(end: Pick<AttemptRecord, 'error' | 'retryAfter'>): void {
    const endedAt = performance.now();
    const { ttfbAt, timings, status } = this.#trace;
    const ms = (value: number): number => Math.round(value * 10) / 10;
    this.#context.tally.took(this.#work.host, endedAt - this.#startedAt);
    if (!this.#context.wantsLines) {
      this.#work.attempts = NOT_KEPT;
      return;
    }
    const record: AttemptRecord = {
      t: Math.round(performance.timeOrigin + this.#startedAt),
      ...timings,
      queue: ms(Math.max(this.#startedAt - this.#work.waitsSince, 0) + (timings?.queue ?? 0)),
      ttfb: ttfbAt === undefined ? undefined : ms(ttfbAt - this.#startedAt),
      body: ttfbAt === undefined ? undefined : ms(endedAt - ttfbAt),
      status,
      ...end,
    };
    this.#work.attempts = [...this.#work.attempts, record].slice(-ATTEMPTS_KEPT);
  }

  async #request(): Promise<Parameters<typeof transfer>[0]> {
    const { item, file } = this.#work;
    const { onExist, ifModified } = this.#context.options;
    return {
      item,
      file,
      conditions: ifModified || onExist === 'newer' ? await this.#conditions() : {},
      isFirst: this.#work.attempts.length === 0,
      onlyIfNewer: onExist === 'newer',
      beforeCommit: (response) => this.#finalName(response),
    };
  }

  /** Of the file that has not changed: what we know of it. */
  async #kept(): Promise<Partial<ReportLine>> {
    const { file, known } = this.#work;
    const bytes = (await lstat(this.#context.folders.path(file))).size;
    return { bytes, sha256: known?.file === file && known.bytes === bytes ? known.sha256 : null };
  }

  /** What tells the server which version is here. */
  async #conditions(): Promise<Readonly<Record<string, string>>> {
    const { file, known } = this.#work;
    const stats = await lstat(this.#context.folders.path(file)).catch(() => undefined);
    if (stats === undefined || !stats.isFile()) return {};
    const same = known?.file === file && known.bytes === stats.size;
    if (same && known.etag !== null) return { 'if-none-match': known.etag };
    if (same && known.lastModified !== null) return { 'if-modified-since': known.lastModified };
    return { 'if-modified-since': stats.mtime.toUTCString() };
  }

  /** The name that the server proposes, if it may; it is written down first, so that a later run finds it. */
  async #finalName(response: HttpResponse): Promise<string> {
    const { item, file, known } = this.#work;
    const { options, names, remember } = this.#context;
    if (options.onExist === 'rename') await remember();
    if (!options.contentDisposition || item.out !== undefined) return file;
    if (known?.outcome === 'started' && known.file !== null) return known.file;
    const proposed = fileNameFrom(response.header('content-disposition'))?.replace(/^\.+/, '');
    if (proposed === undefined || proposed === '') return file;
    const folder = file.split('/').slice(0, -1);
    const wanted = [...folder, safePart(proposed)].join('/');
    const replaces = options.onExist === 'overwrite' || options.onExist === 'newer';
    const isFree = (path: string): boolean => replaces || !existsSync(this.#context.folders.path(path));
    const name = wanted === file ? file : names.allocate(wanted, isFree);
    await remember(reportLine({ id: item.id, url: item.url, outcome: 'started', file: name }));
    return name;
  }
}

/** Whether what has been received so far will never be of use. */
function isHopeless({ code, status }: AttemptError): boolean {
  return code === 'TOO_LARGE' || status === 404 || status === 410;
}

function tooLong(ms: number, status: number | null): AttemptError {
  return new AttemptError(
    'RETRY_AFTER',
    `its host wants no requests for another ${Math.ceil(ms / 1_000)} s (--retry-max-wait)`,
    {
      retryable: false,
      ...(status === null ? {} : { status }),
    },
  );
}
