/** The command line: what can be said, how it is checked, what is answered when it makes no sense. */
import { parseArgs } from 'node:util';

export const HELP = `Fetch many pages at once, and come to no harm: the first corral program to read.

Usage: npm start [-- [options] [FILE]]

  Without FILE the pages of an embedded web site are fetched. It is slow in places, fails now and then, and at times
  says nothing at all. With FILE, fetches the URLs listed there: one per line, # starts a comment; - reads stdin.

Options:
  --concurrency N   pages in work at once                 (default 16)
  --timeout-ms N    for one attempt                       (default 2000; with FILE 10000)
  --retries N       attempts after the first              (default 4)
  --pages N         size of the embedded site             (default 200)
  --seed N          what the embedded site says and does  (default 1)
  --save DIR        where "corral fetch" puts the pages in the end: it runs as a child process, with the same settings
                    (default: a temporary folder; with FILE, --json or --quiet it does not run)
  --json            the result as JSON on stdout, progress on stderr
  --quiet           no progress
  --help            this text

Examples:
  npm start
  npm start -- --concurrency 50                 faster? look at the latencies
  npm start -- --retries 0                      what the retries are for
  npm start -- urls.txt --timeout-ms 5000 --save pages
  npm start --silent -- --json --quiet --pages 50
  printf 'https://example.com\\n' | npm start -- -

Ctrl-C stops at once and prints what there is. Exit code: 0 all pages fetched, 1 some failed or a line of FILE is no
URL, 2 the command line or FILE cannot be used, 130 stopped by Ctrl-C.
`;

export interface Options {
  readonly help: boolean;
  /** A list of URLs, '-' for stdin; undefined: the embedded site. */
  readonly file: string | undefined;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly pages: number;
  readonly seed: number;
  /** Where to put the pages; undefined: into a temporary folder. */
  readonly save: string | undefined;
  /** Whether to put them anywhere. */
  readonly saves: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** The user has to change something: shown without a stack, exit code 2. */
export class UsageError extends Error {}

export function readOptions(argv: readonly string[]): Options {
  const { values, positionals } = parse(argv);
  const [file, ...more] = positionals;
  if (more.length > 0)
    throw new UsageError(`Cannot start as one FILE at most is wanted: given are ${quoteAll(positionals)}`);
  if (file !== undefined && (values.pages ?? values.seed) !== undefined) {
    const name = values.pages === undefined ? '--seed' : '--pages';
    throw new UsageError(`Cannot start as ${name} is for the embedded site and FILE replaces it: FILE is "${file}"`);
  }
  return {
    help: values.help ?? false,
    file,
    concurrency: wholeNumber('--concurrency', values.concurrency, 16, 1, 1_000),
    timeoutMs: wholeNumber('--timeout-ms', values['timeout-ms'], file === undefined ? 2_000 : 10_000, 1, 3_600_000),
    retries: wholeNumber('--retries', values.retries, 4, 0, 100),
    pages: wholeNumber('--pages', values.pages, 200, 1, 100_000),
    seed: wholeNumber('--seed', values.seed, 1, 0, 2 ** 31),
    save: values.save,
    saves: values.save !== undefined || (file ?? values.json ?? values.quiet) === undefined,
    json: values.json ?? false,
    quiet: values.quiet ?? false,
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        concurrency: { type: 'string' },
        'timeout-ms': { type: 'string' },
        retries: { type: 'string' },
        pages: { type: 'string' },
        seed: { type: 'string' },
        save: { type: 'string' },
        json: { type: 'boolean' },
        quiet: { type: 'boolean' },
      },
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split(/\.\s/)[0] : String(error);
    throw new UsageError(`Cannot start as the command line is not understood: ${reason}`, { cause: error });
  }
}

function wholeNumber(name: string, given: string | undefined, fallback: number, min: number, max: number): number {
  if (given === undefined) return fallback;
  const value = Number(given);
  if (/^\d+$/.test(given) && value >= min && value <= max) return value;
  throw new UsageError(
    `Cannot start as ${name} must be a whole number from ${min} to ${max}: current value is "${given}"`,
  );
}

function quoteAll(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(', ');
}
