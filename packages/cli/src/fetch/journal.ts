/** The report of a job on disk, which is also what a later run goes on from. */
import { closeSync, fdatasync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, write } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { UsageError } from '../usage-error.ts';
import { FatalError } from './fatal-error.ts';
import { HashIndex } from './hash-index.ts';
import { takeLock } from './lock-file.ts';
import type { ReportLine, Summary } from './record.ts';

const writeTo = promisify(write);
const sync = promisify(fdatasync);

const GROUP_RECORDS = 64;
const GROUP_MS = 100;
/** Beyond so many bytes that wait to be written whoever adds a record waits. */
const MOST_WAITING = 2 ** 20;

export interface JournalOptions {
  readonly fresh: boolean;
  readonly fsync: boolean;
  /** Gets each line that was there before: once on opening, in their order. */
  readonly onLine: (line: ReportLine) => void;
}

/**
 * Lines that are only ever added. On opening they are read once, and of each only a hash of its id and where it begins is
 * kept; `find` reads the line again.
 *
 * Guarantees: one process at a time. The last line of an id is the one that counts. A last line that was cut off is taken
 * away. Lines are written in groups, of 64 or of what came in 100 ms, in the order in which they were added; after
 * `flush` and `close` all of them are written.
 */
export class Journal {
  readonly path: string;
  readonly #fd: number;
  readonly #options: JournalOptions;
  readonly #unlock: () => void;
  readonly #index = new HashIndex();
  #end = 0;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #failure: unknown;
  /** Lines in the middle that could not be read. */
  damaged = 0;

  /** @throws {UsageError} when another process uses it, when it is no report, or when it cannot be opened. */
  static open(path: string, options: JournalOptions): Journal {
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw new UsageError(`Cannot write the report ${path}: ${(error as Error).message}`, { cause: error });
    }
    const unlock = takeLock(`${path}.lock`, `the report ${path}`);
    try {
      return new Journal(path, options, unlock);
    } catch (error) {
      unlock();
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      throw new UsageError(`Cannot write the report ${path}: ${(error as Error).message}`, { cause: error });
    }
  }

  private constructor(path: string, options: JournalOptions, unlock: () => void) {
    this.path = path;
    this.#options = options;
    this.#unlock = unlock;
    this.#fd = openSync(path, 'a+', 0o644);
    try {
      this.#replay();
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** How many ids are known from earlier runs. */
  get size(): number {
    return this.#index.size;
  }

  /** The last line of `id` from an earlier run. */
  find(id: string): ReportLine | undefined {
    let found: ReportLine | undefined;
    this.#index.get(id, (offset) => {
      const line = this.#readLine(offset);
      if (line?.id === id) found = line;
      return found !== undefined;
    });
    return found;
  }

  /** Adds a line; what it returns is to be waited for only so that not too much piles up. */
  async append(line: ReportLine | { readonly summary: Summary }): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    this.#waiting.push(text);
    this.#waitingBytes += text.length;
    if (this.#waiting.length >= GROUP_RECORDS) void this.#write();
    else this.#timer ??= setTimeout(() => void this.#write(), GROUP_MS);
    if (this.#waitingBytes > MOST_WAITING) await this.flush();
    else if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits until everything that was added is written. */
  async flush(): Promise<void> {
    while (this.#failure === undefined && (this.#waiting.length > 0 || this.#writing !== undefined))
      await this.#write();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      clearTimeout(this.#timer);
      closeSync(this.#fd);
      this.#unlock();
    }
  }

  /** Never rejects: a failure is kept for whoever adds or flushes next. */
  #write(): Promise<void> {
    return (this.#writing ??= this.#writeAll().then(
      () => (this.#writing = undefined),
      (error: unknown) => {
        this.#failure ??= new FatalError(`Cannot write the report ${this.path}: ${(error as Error).message}`, {
          cause: error,
        });
        this.#writing = undefined;
      },
    ));
  }

  async #writeAll(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.length > 0) {
      const bytes = Buffer.from(this.#waiting.join(''));
      this.#waiting = [];
      this.#waitingBytes = 0;
      for (let at = 0; at < bytes.length;) at += (await writeTo(this.#fd, bytes, at)).bytesWritten;
      if (this.#options.fsync) await sync(this.#fd);
    }
  }

  #replay(): void {
    const stats = fstatSync(this.#fd);
    if (!stats.isFile()) return; // a device such as /dev/null: what it gives, if anything, is no report
    const { size } = stats;
    this.#refuseStrangers(size);
    if (this.#options.fresh) ftruncateSync(this.#fd, 0);
    else this.#readAll(size);
  }

  /** What is no report is not added to, and certainly not cut off at the end. */
  #refuseStrangers(size: number): void {
    const start = Buffer.alloc(Math.min(size, 12));
    readSync(this.#fd, start, 0, start.length, 0);
    const text = start.toString('latin1');
    if (['{"v":1,', '{"summary":{'].some((begin) => begin.startsWith(text) || text.startsWith(begin))) return;
    throw new UsageError(`Cannot use ${this.path} as the report as it must be one of corral fetch, or not exist`);
  }

  #readAll(size: number): void {
    const buffer = Buffer.allocUnsafe(2 ** 20);
    let rest = Buffer.alloc(0);
    let at = 0;
    for (let length = 1; length > 0;) {
      length = readSync(this.#fd, buffer, 0, buffer.length, at + rest.length);
      const bytes = Buffer.concat([rest, buffer.subarray(0, length)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        this.#replayLine(bytes.subarray(start, end), at + start);
        start = end + 1;
      }
      rest = bytes.subarray(start);
      at += start;
    }
    this.#end = at;
    if (this.#end < size) ftruncateSync(this.#fd, this.#end);
  }

  #replayLine(bytes: Buffer, offset: number): void {
    const line = parse(bytes);
    if (line === undefined) {
      if (!bytes.toString('latin1', 0, 12).startsWith('{"summary":')) this.damaged++;
      return;
    }
    this.#index.set(line.id, offset, (before) => this.#readLine(before)?.id === line.id);
    this.#options.onLine(line);
  }

  #readLine(offset: number): ReportLine | undefined {
    for (let size = 1_024; size <= 2 ** 24; size *= 16) {
      const buffer = Buffer.allocUnsafe(size);
      const length = readSync(this.#fd, buffer, 0, size, offset);
      const end = buffer.subarray(0, length).indexOf(10);
      if (end >= 0) return parse(buffer.subarray(0, end));
    }
    return undefined;
  }
}

function parse(bytes: Buffer): ReportLine | undefined {
  try {
    const value = JSON.parse(bytes.toString()) as Partial<ReportLine> | null;
    return value?.v === 1 && typeof value.id === 'string' ? (value as ReportLine) : undefined;
  } catch {
    return undefined;
  }
}
