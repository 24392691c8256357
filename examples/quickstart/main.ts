/**
 * The first corral program to read: fetches some hundred pages from a web site that misbehaves, a few at a
 * time, and always ends tidily. `npm start` runs it; `npm start -- --help` says what else it does.
 *
 * What to look at, from the bottom to the top:
 *   run        starts the program and turns Ctrl-C into a cancellation of everything below it
 *   taskGroup  owns its tasks: when it returns, none is left running, whatever happened
 *   use        opens something for as long as a function runs, and closes it whatever happened
 *   gather     does a few different things at once and returns their results by name
 *   forEach    does one thing for many items, so many at a time
 *
 * Then download.ts (timeout, retry, fetch), worker-pool.ts (CPU work in threads), site.ts (what `use` opens).
 */
import type { Worker } from 'node:worker_threads';
import { forEach, gather, type Pool, run, taskGroup, use } from 'corral';
import { download, DownloadError } from './download.ts';
import { HELP, type Options, readOptions, UsageError } from './options.ts';
import { Progress } from './progress.ts';
import { formatReport, makeReport } from './report.ts';
import { site } from './site.ts';
import { Tally } from './tally.ts';
import { readUrlList, type UrlList } from './url-list.ts';
import { openWorkerPool, readPage } from './worker-pool.ts';

const THREADS = 2;

/** What the tasks share. */
interface Job {
  readonly options: Options;
  readonly tally: Tally;
  readonly pool: Pool<Worker>;
}

async function main(options: Options): Promise<void> {
  const list = options.file === undefined ? undefined : await readUrlList(options.file);
  for (const complaint of list?.complaints ?? []) console.error(complaint);

  const tally = new Tally(list?.name ?? 'the embedded site');
  let complete = false;
  try {
    await work(options, tally, list);
    complete = true;
  } finally {
    // Nothing waits in here, so this runs to its end after Ctrl-C too: the table then shows how far we came.
    printReport(options, tally, complete);
  }
  process.exitCode = tally.failures.length + tally.badLines === 0 ? 0 : 1;
}

async function work(options: Options, tally: Tally, list: UrlList | undefined): Promise<void> {
  await taskGroup(async (group) => {
    // A background task: it does not keep the group open, and is cancelled when the rest is done.
    if (!options.quiet) group.spawn(() => new Progress(tally).keepDrawing(), { background: true, name: 'progress' });
    await use(openWorkerPool(THREADS), (pool) => {
      const job: Job = { options, tally, pool };
      if (list === undefined) return use(site(options), (origin) => fetchSite(job, origin));
      tally.badLines = list.complaints.length;
      return fetchPages(job, list.urls);
    });
  });
}

async function fetchSite(job: Job, origin: string): Promise<void> {
  // A few different requests at once. They start together; if one fails, the others are cancelled; the results come
  // back under their names.
  const first = await gather({
    front: () => downloadText(job, `${origin}/`),
    robots: () => downloadText(job, `${origin}/robots.txt`),
    sitemap: () => downloadText(job, `${origin}/sitemap.txt`),
  });
  const forbidden = [...first.robots.matchAll(/^Disallow: (.+)$/gm)].map((match) => match[1]!);
  const paths = first.sitemap.split('\n').filter((path) => !forbidden.some((prefix) => path.startsWith(prefix)));
  job.tally.source = `${/<title>(.*)<\/title>/.exec(first.front)?.[1]} at ${origin}`;
  await fetchPages(
    job,
    paths.map((path) => origin + path),
  );
}

/** Many requests of one kind: so many at a time, the next one starts when one has ended. */
async function fetchPages(job: Job, urls: readonly string[]): Promise<void> {
  job.tally.pages = urls.length;
  await forEach(urls, (url) => fetchPage(job, url), { concurrency: job.options.concurrency });
}

/**
 * One page, from the first attempt to the last. A page that cannot be had is written down and the others go on.
 * Everything else passes through: a bug would cancel the whole group, a cancellation has somebody waiting for it.
 */
async function fetchPage({ options, tally, pool }: Job, url: string): Promise<void> {
  try {
    const page = await download(url, { ...options, tally });
    tally.facts.push(await readPage(pool, page)); // the CPU work: in a thread, the event loop stays free for the others
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    tally.failures.push({ url, reason: error.reason });
  }
}

async function downloadText({ options, tally }: Job, url: string): Promise<string> {
  return new TextDecoder().decode(await download(url, { ...options, tally }));
}

function printReport({ concurrency, json }: Options, tally: Tally, complete: boolean): void {
  const report = makeReport(tally, { concurrency, threads: THREADS, complete });
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : formatReport(report));
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error; // the reader has left, as in `npm start | head`
});

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(HELP);
  else await run(() => main(options)); // Ctrl-C: cancels main, waits for it, and sets exit code 130
} catch (error) {
  if (!(error instanceof UsageError) && !(error instanceof DownloadError)) throw error; // a bug: show the stack
  console.error(error.message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
