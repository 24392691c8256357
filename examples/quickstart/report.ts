/** What comes out at the end: a table for people, JSON for programs. Also of a run that was cut short. */
import { createHash } from 'node:crypto';
import type { Tally } from './tally.ts';

const FAILURES_SHOWN = 20;

export interface ReportContext {
  readonly concurrency: number;
  readonly threads: number;
  readonly complete: boolean;
}

export type Report = ReturnType<typeof makeReport>;

/** All numbers of the end result; this is what --json prints. Times are in ms. */
export function makeReport(tally: Tally, { concurrency, threads, complete }: ReportContext) {
  const { facts, failures, ends } = tally;
  const wallMs = tally.elapsedMs;
  const latencies = [...tally.latencies].sort((a, b) => a - b);
  return {
    source: tally.source,
    complete,
    pages: { total: tally.pages, ok: facts.length, failed: failures.length, unfinished: tally.pages - tally.done },
    badLines: tally.badLines,
    requests: { total: tally.requests, retries: tally.retries, ...ends },
    waits: { retriesMs: round(tally.waitedMs), queueMs: round(tally.queuedMs) },
    bytes: tally.bytes,
    latencyMs: {
      p50: percentile(latencies, 0.5),
      p90: percentile(latencies, 0.9),
      p99: percentile(latencies, 0.99),
      max: percentile(latencies, 1),
    },
    wallMs: round(wallMs),
    requestMs: round(tally.requestMs),
    concurrency: { limit: concurrency, max: tally.maxInFlight, mean: round(tally.requestMs / wallMs, 2) },
    threads: { count: threads, busyMs: round(sum(facts.map((fact) => fact.cpuMs))) },
    words: sum(facts.map((fact) => fact.words)),
    links: sum(facts.map((fact) => fact.links)),
    /** The same for the same pages, in whatever order they came. */
    fingerprint: createHash('sha256')
      .update(
        facts
          .map((fact) => fact.fingerprint)
          .sort()
          .join(),
      )
      .digest('hex')
      .slice(0, 16),
    failures,
  };
}

type Row = readonly [name: string, value: string];

export function formatReport(report: Report): string {
  const { pages, badLines, requests, fingerprint } = report;
  const rows: readonly Row[] = [
    ['pages', list([pages.ok, 'ok', 'always'], [pages.failed, 'failed', 'always'], [pages.unfinished, 'unfinished'])],
    ['bad lines', list([badLines, 'skipped'])],
    ...(requests.total > 0 ? requestRows(report) : []),
    ...(pages.ok > 0 ? [['fingerprint', fingerprint] as const] : []),
  ];
  const table = rows.filter(([, value]) => value !== '').map(([name, value]) => `  ${name.padEnd(12)} ${value}\n`);
  const title = `${report.complete ? 'Fetched' : 'Stopped while fetching'} ${report.source}`;
  return `${title}\n\n${table.join('')}${formatFailures(report)}`;
}

function requestRows({ requests, waits, latencyMs, bytes, words, links, ...report }: Report): readonly Row[] {
  const { concurrency, threads } = report;
  const answers = list(
    [requests.ok, 'ok'],
    [requests['4xx'], 'x 4xx'],
    [requests['429'], 'x 429'],
    [requests['5xx'], 'x 5xx'],
  );
  const { timeout, network, cancelled } = requests;
  const { p50, p90, p99, max } = latencyMs;
  return [
    ['requests', `${count(requests.total)}, ${count(requests.retries)} of them retries`],
    ['answers', answers],
    ['no answer', list([timeout, 'timed out'], [network, 'network errors'], [cancelled, 'cancelled'])],
    ['waited', `${seconds(waits.retriesMs)} before retries, ${seconds(waits.queueMs)} in line: Retry-After is for all`],
    ['latency', `p50 ${ms(p50)}   p90 ${ms(p90)}   p99 ${ms(p99)}   max ${ms(max)}`],
    ['received', `${(bytes / 1e6).toFixed(2)} MB: ${count(words)} words, ${count(links)} links`],
    ['time', `${seconds(report.wallMs)} for ${seconds(report.requestMs)} of requests`],
    ['at once', `${concurrency.mean.toFixed(1)} on average, ${concurrency.max} at most, limit ${concurrency.limit}`],
    ['threads', `${threads.count}, busy for ${seconds(threads.busyMs)} with reading the pages`],
  ];
}

function formatFailures({ failures }: Report): string {
  if (failures.length === 0) return '';
  const shown = failures.slice(0, FAILURES_SHOWN).map(({ url, reason }) => `  ${url}  ${reason}\n`);
  const more =
    failures.length > FAILURES_SHOWN ? `  and ${failures.length - FAILURES_SHOWN} more (--json has them all)\n` : '';
  return `\nFailed:\n${shown.join('')}${more}`;
}

/** "3 ok, 1 failed": what is zero is left out, unless it is good news. */
function list(...parts: readonly (readonly [number, string, 'always'?])[]): string {
  return parts
    .filter(([n, , always]) => n > 0 || always)
    .map(([n, what]) => `${count(n)} ${what}`)
    .join(', ');
}

function percentile(sorted: readonly number[], share: number): number {
  return round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0, 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function ms(value: number): string {
  return value < 1000 ? `${value.toFixed(0)} ms` : seconds(value);
}

function seconds(value: number): string {
  return `${(value / 1000).toFixed(2)} s`;
}
