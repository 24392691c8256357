/** Decides what is to be done for each item of the input before anything is sent for it. */
import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, type Stats } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Folders } from './folders.ts';
import type { Item } from './item.ts';
import type { Journal } from './journal.ts';
import type { Names } from './names.ts';
import type { FetchOptions } from './options.ts';
import { isPermanent, reportLine, type ReportLine } from './record.ts';
import type { Template } from './template.ts';

/** To be fetched into `file`, or at its end already. */
export type Plan =
  | {
      readonly what: 'fetch';
      readonly file: string;
      readonly known: ReportLine | undefined;
      /** Whether the name is to be in the report before the file has it: a later run could not tell whose file it is. */
      readonly remember: boolean;
    }
  | {
      readonly what: 'done';
      readonly line: ReportLine;
      /** Whether the report has it already. */ readonly known: boolean;
    };

export interface PlannerContext {
  readonly options: FetchOptions;
  readonly folders: Folders;
  readonly names: Names;
  readonly template: Template;
  readonly journal: Journal | undefined;
  /** Whether the files that the input asks for were claimed beforehand. */
  readonly outsClaimed: boolean;
}

/**
 * What is to be done for `item`.
 *
 * Guarantees: called for the items in the order of the input, it gives the same names in each run.
 * @throws {Error} when a file has to be read and cannot be.
 */
export async function plan(item: Item, context: PlannerContext): Promise<Plan> {
  const { options, journal } = context;
  const known = journal?.find(item.id);
  const file = nameOf(item, known, context);
  if (file === undefined) return taken(item);
  if (known !== undefined) {
    const done = await fromReport(item, known, file, context);
    if (done !== undefined) return done;
  }
  const stats = statOf(context, file);
  const isOurs = known !== undefined && known.file === file && known.outcome !== 'started';
  const isDirectory = stats?.isDirectory() === true;
  const mayBeRenamed = options.onExist === 'rename' || (options.contentDisposition && item.out === undefined);
  if (isDirectory && !mayBeRenamed) return inTheWay(item, file, context);
  const exists = stats !== undefined && (isDirectory ? options.onExist === 'rename' : !isOurs);
  if (exists && (isDirectory || !options.ifModified)) {
    if (options.onExist === 'skip') return skip(item, file, stats, known, context);
    if (options.onExist === 'rename') {
      const free = context.names.allocate(file, (path) => statOf(context, path) === undefined);
      return { what: 'fetch', file: free, known: undefined, remember: true };
    }
  }
  const remember = options.onExist === 'rename' && known?.file !== file;
  return { what: 'fetch', file, known, remember };
}

/** Undefined when the input asks for a name that is taken. */
function nameOf(item: Item, known: ReportLine | undefined, context: PlannerContext): string | undefined {
  const { names, template, outsClaimed, options } = context;
  if (item.out !== undefined) {
    if (!outsClaimed && item.out !== known?.file) {
      if (names.has(item.out)) return undefined;
      names.claim(item.out);
    }
    return item.out;
  }
  const chosenLate = options.contentDisposition && known?.outcome === 'started';
  if (known !== undefined && known.file !== null && !chosenLate) return known.file;
  return names.allocate(template(item));
}

/** What an earlier run has settled. */
async function fromReport(
  item: Item,
  known: ReportLine,
  file: string,
  context: PlannerContext,
): Promise<Plan | undefined> {
  const { options, folders } = context;
  if (known.outcome === 'failed') {
    return isPermanent(known) && !options.retryFailed ? { what: 'done', line: known, known: true } : undefined;
  }
  if (known.outcome === 'cancelled' || known.file === null || options.ifModified || options.onExist === 'newer') {
    return undefined;
  }
  const stats = statOf(context, known.file);
  if (stats === undefined || !stats.isFile()) return undefined;
  if (known.outcome === 'started') {
    // The process ended after the file had got its name, which it gets only when it is complete.
    const { etag, lastModified } = known;
    const line = reportLine({
      id: item.id,
      url: item.url,
      outcome: 'ok',
      file: known.file,
      bytes: stats.size,
      etag,
      lastModified,
    });
    return { what: 'done', line, known: false };
  }
  if (file !== known.file || stats.size !== known.bytes) return undefined;
  if (options.verify && known.sha256 !== null && (await hashOf(folders.path(file))) !== known.sha256) return undefined;
  if (item.sha256 !== undefined && known.sha256 !== null && known.sha256 !== item.sha256) return undefined;
  return { what: 'done', line: { ...known, outcome: 'skipped' }, known: true };
}

/** What is there is kept, unless the input says that it is something else. */
async function skip(
  item: Item,
  file: string,
  stats: Stats,
  known: ReportLine | undefined,
  { folders }: PlannerContext,
): Promise<Plan> {
  let sha256: string | null = null;
  if (item.sha256 !== undefined && stats.isFile()) {
    sha256 = await hashOf(folders.path(file));
    if (sha256 !== item.sha256) return { what: 'fetch', file, known, remember: false };
  }
  const line = reportLine({ id: item.id, url: item.url, outcome: 'skipped', file, bytes: stats.size, sha256 });
  return { what: 'done', line, known: false };
}

/** Before it is fetched, as it could not get its name afterwards. */
function inTheWay(item: Item, file: string, { folders }: PlannerContext): Plan {
  const message = `Cannot write ${folders.path(file)} as it must be a file, or not exist: it is a directory`;
  const error = { code: 'EISDIR', phase: 'file', message };
  return { what: 'done', line: reportLine({ id: item.id, url: item.url, outcome: 'failed', error }), known: false };
}

function taken(item: Item): Plan {
  const message = `Cannot write ${JSON.stringify(item.out)} as its name must be free: another line of the input has it`;
  const error = { code: 'NAME', phase: 'input', message };
  return { what: 'done', line: reportLine({ id: item.id, url: item.url, outcome: 'failed', error }), known: false };
}

/** Synchronous: for a million files that are there already, this is what takes the time. */
function statOf({ folders }: PlannerContext, file: string): Stats | undefined {
  try {
    return lstatSync(folders.path(file), { throwIfNoEntry: false });
  } catch {
    return undefined; // its directory is a file, for instance: it will turn out when it is to be written
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
