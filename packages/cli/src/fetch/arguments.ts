import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { HABITS } from './habits.ts';
import { nearest } from '../nearest.ts';
import { UsageError } from '../usage-error.ts';
import { checkHeader } from './header.ts';
import { withoutLogins } from './item.ts';
import { parseTemplate } from './template.ts';
import type { FetchOptions } from './options.ts';
import { parseBytes, parseDuration, parseMinSpeed, parseRate, parseShare, parseStatuses } from './units.ts';

/** What may fare better another time. */
const RETRIED = new Set(parseStatuses('408,425,429,5xx'));

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;

const OPTIONS = {
  input: { type: 'string', short: 'i', multiple: true },
  format: text,
  dir: { type: 'string', short: 'd' },
  name: text,
  'content-disposition': flag,
  'on-exist': text,
  concurrency: { type: 'string', short: 'c' },
  'per-host': text,
  rate: text,
  'host-rate': text,
  'limit-rate': text,
  window: text,
  retries: text,
  'retry-max-wait': text,
  'retry-on': text,
  'max-error-rate': text,
  'fail-fast': flag,
  timeout: text,
  'connect-timeout': text,
  'read-timeout': text,
  'min-speed': text,
  'max-size': text,
  grace: text,
  'max-redirects': text,
  'public-only': flag,
  header: { type: 'string', short: 'H', multiple: true },
  'user-agent': { type: 'string', short: 'A' },
  'cookie-jar': text,
  netrc: flag,
  proxy: text,
  http: text,
  resume: flag,
  fresh: flag,
  'retry-failed': flag,
  verify: flag,
  'if-modified': flag,
  robots: flag,
  fsync: flag,
  report: text,
  progress: text,
  json: flag,
  quiet: { type: 'boolean', short: 'q' },
  verbose: { type: 'boolean', short: 'v' },
  'dry-run': flag,
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parse>['values'];
type TextOption = { [K in keyof Values]-?: Values[K] extends string | undefined ? K : never }[keyof Values];

/**
 * The arguments of `corral fetch`, read and checked; undefined when help is asked for.
 *
 * @throws {UsageError} that names the option and what is wanted.
 */
export function readArguments(args: readonly string[]): FetchOptions | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const options: FetchOptions = {
    urls: positionals,
    inputs: values.input ?? [],
    format: oneOf(values, 'format', ['text', 'jsonl', 'csv']),
    ...files(values),
    ...pace(values),
    ...failures(values),
    ...http(values),
    ...report(values),
  };
  checkTogether(options, values);
  return options;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(explain(error), { cause: error });
  }
}

/** Node's message, shortened, and what was probably meant. */
function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const unknown = /^Unknown option '(-{1,2})([^']+)'/.exec(message);
  if (unknown === null) return explainValue(message);
  const option = `${unknown[1]}${unknown[2]}`;
  const habit = Object.hasOwn(HABITS, option) ? HABITS[option] : undefined;
  if (habit !== undefined) return `Cannot use ${option} as there is no such option: ${habit}`;
  const guess = unknown[1] === '--' ? nearest(unknown[2] ?? '', Object.keys(OPTIONS)) : undefined;
  const hint = guess === undefined ? 'corral fetch --help lists them' : `did you mean --${guess}?`;
  return `Cannot use ${option} as there is no such option; ${hint}`;
}

/** An option that lacks its value, or has one and takes none. */
function explainValue(message: string): string {
  const option = /--[a-z-]+/.exec(message)?.[0];
  if (option === undefined) return message.replace(/\n/g, ' ');
  if (message.includes('does not take an argument'))
    return `Cannot use ${option} as it must stand alone: a value is given`;
  if (message.includes('ambiguous'))
    return `Cannot use ${option} as a value that begins with a dash must be given as ${option}=VALUE`;
  return `Cannot use ${option} as a value must follow it: there is none`;
}

function files(values: Values) {
  const name = values.name ?? '{host}/{path}';
  parseTemplate(name); // here, so that a wrong one ends the program before it has done anything
  return {
    dir: values.dir ?? '.',
    name,
    contentDisposition: values['content-disposition'] ?? false,
    onExist: oneOf(values, 'on-exist', ['skip', 'overwrite', 'rename', 'newer']) ?? 'skip',
    fsync: values.fsync ?? false,
  } as const;
}

function pace(values: Values) {
  const rate = 'a rate such as 100/s or 5/m';
  return {
    concurrency: integer(values, 'concurrency', 1, 10_000) ?? 64,
    perHost: integer(values, 'per-host', 1, 10_000) ?? 8,
    rate: read(values, 'rate', rate, parseRate),
    hostRate: read(values, 'host-rate', rate, parseRate),
    limitRate: size(values, 'limit-rate', 1),
    window: integer(values, 'window', 1, 1_000_000) ?? 10_000,
  } as const;
}

function failures(values: Values) {
  return {
    retries: integer(values, 'retries', 0, 1_000) ?? 4,
    retryMaxWaitMs: time(values, 'retry-max-wait') ?? 120_000,
    retryOn: read(values, 'retry-on', 'a list of statuses such as 408,429,5xx', parseStatuses) ?? RETRIED,
    maxErrorRate: read(values, 'max-error-rate', 'a share such as 20% or 0.2', parseShare),
    failFast: values['fail-fast'] ?? false,
    timeoutMs: time(values, 'timeout') ?? 0,
    connectTimeoutMs: time(values, 'connect-timeout') ?? 30_000,
    readTimeoutMs: time(values, 'read-timeout') ?? 60_000,
    minSpeed: read(values, 'min-speed', 'bytes in a time, such as 1K/30s', parseMinSpeed),
    maxSizeBytes: size(values, 'max-size', 1) ?? 2 ** 30,
    graceMs: time(values, 'grace') ?? 10_000,
  } as const;
}

function http(values: Values) {
  return {
    maxRedirects: integer(values, 'max-redirects', 0, 100) ?? 10,
    publicOnly: values['public-only'] ?? false,
    headers: readHeaders(values.header ?? []),
    userAgent: values['user-agent'] ?? 'corral-fetch/0.1',
    cookieJar: values['cookie-jar'],
    netrc: values.netrc ?? false,
    proxy: read(values, 'proxy', 'a URL such as http://host:3128, or none', readProxy),
    http: oneOf(values, 'http', ['1', 'auto']) ?? '1',
    robots: values.robots ?? false,
    ifModified: values['if-modified'] ?? false,
  } as const;
}

function readProxy(value: string): string | undefined {
  return value === 'none' || (URL.canParse(value) && /^https?:/i.test(value)) ? value : undefined;
}

function report(values: Values) {
  return {
    report: values.report,
    fresh: values.fresh ?? false,
    retryFailed: values['retry-failed'] ?? false,
    verify: values.verify ?? false,
    json: values.json ?? false,
    progress: oneOf(values, 'progress', ['auto', 'bar', 'plain', 'none']) ?? 'auto',
    quiet: values.quiet ?? false,
    verbose: values.verbose ?? false,
    dryRun: values['dry-run'] ?? false,
  } as const;
}

function checkTogether(options: FetchOptions, values: Values): void {
  if (options.urls.length + options.inputs.length === 0) {
    throw new UsageError('Cannot fetch as there must be a URL, or a list of them by -i FILE: there is none');
  }
  if (options.inputs.filter((file) => file === '-').length > 1) {
    throw new UsageError('Cannot read stdin twice as -i - may be given once');
  }
  if (values.resume && options.fresh) throw new UsageError('Cannot use --resume as --fresh is given too');
  const file = options.report === '-' ? undefined : options.report;
  if (values.resume && !options.fresh && (file === undefined || !existsSync(file))) {
    throw new UsageError(
      `Cannot use --resume as --report must name the report of an earlier run: current value is ${file ?? 'none'}`,
    );
  }
  if (options.quiet && options.verbose) throw new UsageError('Cannot use --quiet as --verbose is given too');
}

function readHeaders(lines: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const fault = colon < 1 ? 'it must be "Name: value"' : checkHeader(name, value);
    if (fault !== undefined) {
      // Its value may be a password.
      const shown =
        colon < 1
          ? `${line.length} characters without a name`
          : `${JSON.stringify(line.slice(0, colon + 1))}, and what follows`;
      throw new UsageError(`Cannot use --header as ${fault}: current value is ${shown}`);
    }
    headers[name] = value;
  }
  return headers;
}

function read<T>(
  values: Values,
  option: TextOption,
  wanted: string,
  parse: (text: string) => T | undefined,
): T | undefined {
  const value = values[option];
  if (value === undefined) return undefined;
  const parsed = parse(value);
  if (parsed !== undefined) return parsed;
  throw new UsageError(
    `Cannot use --${option} as it must be ${wanted}: current value is ${withoutLogins(JSON.stringify(value))}`,
  );
}

function integer(values: Values, option: TextOption, min: number, max: number): number | undefined {
  return read(values, option, `an integer from ${min} to ${max}`, (value) => {
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  });
}

function size(values: Values, option: TextOption, min: number): number | undefined {
  return read(values, option, 'a size such as 512, 20K or 1.5M', (value) => {
    const bytes = parseBytes(value);
    return bytes !== undefined && bytes >= min && bytes <= Number.MAX_SAFE_INTEGER ? bytes : undefined;
  });
}

function time(values: Values, option: TextOption): number | undefined {
  return read(values, option, 'a time such as 30s, 500ms or 2m', (value) => {
    const ms = parseDuration(value);
    return ms !== undefined && ms <= 2 ** 31 - 1 ? ms : undefined;
  });
}

function oneOf<const T extends string>(values: Values, option: TextOption, choices: readonly T[]): T | undefined {
  return read(values, option, `one of ${choices.join(', ')}`, (value) => choices.find((choice) => choice === value));
}
