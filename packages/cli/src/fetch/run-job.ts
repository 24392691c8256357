/** From the options to a job, and from its end to an exit code. */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { run } from 'corral';
import { UsageError } from '../usage-error.ts';
import { dryRun } from './dry-run.ts';
import { FatalError } from './fatal-error.ts';
import { Folders } from './folders.ts';
import { Job } from './job.ts';
import { Journal } from './journal.ts';
import { Names } from './names.ts';
import { openClient } from './open-client.ts';
import type { FetchOptions } from './options.ts';
import type { PlannerContext } from './planner.ts';
import { prescan } from './prescan.ts';
import type { ReportLine } from './record.ts';
import { parseTemplate } from './template.ts';

/**
 * Fetches what the options ask for and gives the exit code.
 *
 * @throws {UsageError} before anything is sent, or when a file with input cannot be read to its end.
 */
export async function runJob(options: FetchOptions): Promise<number> {
  try {
    // Signals stop a job softly first, which it does itself.
    return await run(() => openAndRun(options), { signals: false, name: 'corral fetch' });
  } catch (error) {
    if (!(error instanceof FatalError)) throw error;
    process.stderr.write(`corral: ${error.message}\n`);
    return 3;
  }
}

async function openAndRun(options: FetchOptions): Promise<number> {
  const names = new Names();
  const scan = await prescan(options, (out) => names.claim(out));
  if (!options.dryRun) checkDirectory(options.dir);
  const journal = openJournal(options, names);
  try {
    const context: PlannerContext = {
      options,
      names,
      journal,
      folders: new Folders(options.dir),
      template: parseTemplate(options.name),
      outsClaimed: scan !== undefined,
    };
    return await (options.dryRun ? dryRun(context) : send(context, scan?.total));
  } finally {
    await journal?.close();
  }
}

async function send(context: PlannerContext, total: number | undefined): Promise<number> {
  const client = await openClient(context.options);
  try {
    return await new Job(context, client, total).run();
  } finally {
    await client.close();
  }
}

function checkDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
    accessSync(dir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = (error as Error).message;
    throw new UsageError(`Cannot use --dir ${dir} as it must be a directory that can be written to: ${reason}`, {
      cause: error,
    });
  }
}

/** Opens the report; the names that it remembers are taken, and so is its own. */
function openJournal(options: FetchOptions, names: Names): Journal | undefined {
  const { report, dir, fresh, fsync, dryRun } = options;
  if (report === undefined || report === '-' || (dryRun && !existsSync(report))) return undefined;
  const inside = relative(resolve(dir), resolve(report)).split(sep).join('/');
  if (!inside.startsWith('..')) for (const name of [inside, `${inside}.lock`]) names.claim(name);
  const onLine = ({ file }: ReportLine): void => {
    if (file !== null) names.claim(file);
  };
  return Journal.open(report, { fresh: fresh && !dryRun, fsync, onLine });
}
