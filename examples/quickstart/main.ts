/**
 * The first corral program to read: fetches two hundred pages from a web site that misbehaves, a few at a
 * time, and always ends tidily. `npm start` runs it; `npm start -- --help` says what else it does.
 *
 * What to look at, from the bottom to the top:
 *   run        starts the program and turns Ctrl-C into a cancellation of everything below it
 *   taskGroup  owns its tasks: when it returns, none is left running, whatever happened
 *   use        opens something for as long as a function runs, and closes it whatever happened
 *   session    is such a thing: an HTTP client with connections, limits, timeouts and retries
 *   gather     does a few different things at once and returns their results by name
 *   forEach    does one thing for many items, so many at a time
 *   retry      tries again, here what the session leaves to whoever reads the answer
 *
 * Then tally.ts (what the session tells), worker-pool.ts (CPU work in threads), site.ts (what `use` opens) and save.ts
 * (a child process: `corral fetch` fetches the same pages to files).
 */
import type { Worker } from 'node:worker_threads';
import { type ClientSession, exponential, HttpError, session } from '@corral/http';
import { forEach, gather, type Pool, retry, run, taskGroup, use } from 'corral';
import { HELP, type Options, readOptions, UsageError } from './options.ts';
import { Progress } from './progress.ts';
import { formatReport, makeReport } from './report.ts';
import { save, temporaryFolder } from './save.ts';
import { site } from './site.ts';
import { Tally } from './tally.ts';
import { readUrlList } from './url-list.ts';
import { openWorkerPool, readPage } from './worker-pool.ts';

const THREADS = 2;

/** What the tasks share. */
interface Job {
  readonly options: Options;
  readonly tally: Tally;
  readonly client: ClientSession;
  readonly pool: Pool<Worker>;
}

/** Finds out what there is to fetch. */
type FindUrls = (job: Job) => Promise<readonly string[]>;

async function main(options: Options): Promise<void> {
  if (options.file === undefined) {
    const tally = new Tally('the embedded site');
    return use(site(options), (origin) => fetchAndSave(options, tally, (job) => explore(job, origin)));
  }
  const { name, urls, complaints } = await readUrlList(options.file);
  for (const complaint of complaints) console.error(complaint);
  const tally = new Tally(name);
  tally.badLines = complaints.length;
  return fetchAndSave(options, tally, async () => urls);
}

async function fetchAndSave(options: Options, tally: Tally, findUrls: FindUrls): Promise<void> {
  let urls: readonly string[] | undefined;
  try {
    urls = await fetchAll(options, tally, findUrls);
  } finally {
    // Nothing waits in here, so this runs to its end after Ctrl-C too: the table then shows how far we came.
    printReport(options, tally, urls !== undefined);
  }
  const fetched = tally.failures.length + tally.badLines === 0;
  const saveTo = (folder: string): Promise<boolean> => save(urls, folder, options);
  const saved = !options.saves || (await (options.save ? saveTo(options.save) : use(temporaryFolder(), saveTo)));
  process.exitCode = fetched && saved ? 0 : 1;
}

async function fetchAll(options: Options, tally: Tally, findUrls: FindUrls): Promise<readonly string[]> {
  return taskGroup(async (group) => {
    // A background task: it does not keep the group open, and is cancelled when the rest is done.
    if (!options.quiet) group.spawn(() => new Progress(tally).keepDrawing(), { background: true, name: 'progress' });
    return use(openSession(options, tally), (client) =>
      use(openWorkerPool(THREADS), async (pool) => {
        const job: Job = { options, tally, client, pool };
        const urls = await findUrls(job);
        await fetchPages(job, urls);
        return urls;
      }),
    );
  });
}

/** One session for all requests: what it limits, it limits for all of them together. */
function openSession({ concurrency, timeoutMs, retries }: Options, tally: Tally) {
  return session({
    limits: { total: concurrency, perHost: concurrency },
    timeout: { connectMs: timeoutMs, headersMs: timeoutMs, readMs: timeoutMs },
    // Jitter by default: a crowd that failed together does not come back together.
    retry: exponential({ attempts: 1 + retries, maxRetryAfterMs: 30_000, budget: Infinity }),
    raiseForStatus: true,
    listener: tally,
  });
}

async function explore({ client, tally }: Job, origin: string): Promise<readonly string[]> {
  // A few different requests at once. They start together; if one fails, the others are cancelled; the results come
  // back under their names.
  const first = await gather({
    front: () => client.get(`${origin}/`).text(),
    robots: () => client.get(`${origin}/robots.txt`).text(),
    sitemap: () => client.get(`${origin}/sitemap.txt`).text(),
  });
  const forbidden = [...first.robots.matchAll(/^Disallow: (.+)$/gm)].map((match) => match[1]!);
  const paths = first.sitemap.split('\n').filter((path) => !forbidden.some((prefix) => path.startsWith(prefix)));
  tally.source = `${/<title>(.*)<\/title>/.exec(first.front)?.[1]} at ${origin}`;
  return paths.map((path) => origin + path);
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
async function fetchPage(job: Job, url: string): Promise<void> {
  const { tally, pool } = job;
  try {
    const page = await download(job, url);
    tally.facts.push(await readPage(pool, page)); // the CPU work: in a thread, the event loop stays free for the others
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    tally.failures.push({ url, reason: error.message.replace(/^\S+ \S+: /, '') }); // it begins with method and URL
  }
}

/** A session never asks again when somebody may have read half the answer. Here nobody has: we may. */
function download({ client, options, tally }: Job, url: string): Promise<Uint8Array> {
  return retry(() => client.get(url).bytes(), {
    attempts: 1 + options.retries,
    retryIf: (error) => error instanceof HttpError && error.phase === 'body' && error.retryable,
    onRetry: (_error, _attempt, waitMs) => tally.retriesAfter(waitMs),
  });
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
  if (!(error instanceof UsageError) && !(error instanceof HttpError)) throw error; // a bug: show the stack
  console.error(error.message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
