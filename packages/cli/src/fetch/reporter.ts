/** Where the lines of the report go: to its file, to stdout, and some of them to people. */
import type { Item } from './item.ts';
import { formatPlace } from './item.ts';
import type { Journal } from './journal.ts';
import type { FetchOptions } from './options.ts';
import type { Progress } from './progress.ts';
import type { ReportLine, Summary } from './record.ts';
import type { Stdout } from './stdout.ts';
import type { Tally } from './tally.ts';
import { formatBytes, formatDuration } from './units.ts';

/** So many failures are shown without --verbose. */
const SHOWN_FAILURES = 20;

export class Reporter {
  readonly #options: FetchOptions;
  readonly #tally: Tally;
  readonly #progress: Progress;
  readonly #journal: Journal | undefined;
  readonly #stdout: Stdout | undefined;
  #shownFailures = 0;

  constructor(options: FetchOptions, tally: Tally, progress: Progress, journal: Journal | undefined, stdout: Stdout) {
    this.#options = options;
    this.#tally = tally;
    this.#progress = progress;
    this.#journal = journal;
    this.#stdout = options.json || options.report === '-' ? stdout : undefined;
  }

  /** Counts an outcome and writes it down. What is in the report already is not written there again. */
  async add(line: ReportLine, item: Item | undefined, known = false): Promise<void> {
    if (line.outcome !== 'started') {
      this.#tally.counts[line.outcome]++;
      this.#tell(line, item);
      this.#stdout?.write(`${JSON.stringify(line)}\n`);
    }
    if (!known) await this.#journal?.append(line);
  }

  async summary(summary: Summary): Promise<void> {
    this.#stdout?.write(`${JSON.stringify({ summary })}\n`);
    if (!this.#options.quiet) for (const line of this.#lines(summary)) this.#progress.log(line);
    await this.#journal?.append({ summary });
  }

  warn(message: string): void {
    if (!this.#options.quiet) this.#progress.log(`corral: ${message}`);
  }

  #tell(line: ReportLine, item: Item | undefined): void {
    const { quiet, verbose } = this.#options;
    if (quiet) return;
    if (line.outcome === 'failed') {
      if (!verbose && ++this.#shownFailures > SHOWN_FAILURES) {
        if (this.#shownFailures === SHOWN_FAILURES + 1)
          this.#progress.log('corral: further failures are not shown (-v shows all)');
        return;
      }
      const where = item === undefined ? '' : ` (${formatPlace(item.place)})`;
      const text = item === undefined ? line.error?.message : `${line.url}: ${line.error?.message}${where}`;
      this.#progress.log(`corral: ${this.#progress.red('failed')} ${text}`);
    } else if (verbose) {
      const size = line.bytes === null ? '' : ` ${formatBytes(line.bytes)}`;
      this.#progress.log(`corral: ${line.outcome} ${line.url}${size}${line.file === null ? '' : ` -> ${line.file}`}`);
    }
  }

  #lines({ ok, failed, skipped, cancelled, bytes, seconds, retries, stoppedBy }: Summary): string[] {
    const parts = [`${ok} ok`, failed > 0 ? this.#progress.red(`${failed} failed`) : '0 failed'];
    if (skipped > 0) parts.push(`${skipped} skipped`);
    if (cancelled > 0) parts.push(`${cancelled} cancelled`);
    if (retries > 0) parts.push(`${retries} retries`);
    const speed = formatBytes(Math.round(bytes / Math.max(seconds, 0.001)));
    const lines = [
      `corral: ${parts.join(', ')}; ${formatBytes(bytes)} in ${formatDuration(seconds * 1_000)} (${speed}/s)`,
    ];
    if (stoppedBy !== null) lines.unshift(`corral: stopped: ${stoppedBy}`);
    const slowest = this.#tally.slowestHosts(3).filter(({ meanMs }) => meanMs >= 1_000);
    if (slowest.length > 0) {
      const hosts = slowest.map(
        ({ host, requests, meanMs }) => `${host} (${formatDuration(meanMs)} a request, ${requests} of them)`,
      );
      lines.push(`corral: slowest: ${hosts.join(', ')}`);
    }
    if (this.#journal !== undefined) lines.push(`corral: report: ${this.#journal.path}`);
    return lines;
  }
}
