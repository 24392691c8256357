import type { MinSpeed, Rate } from './units.ts';

export type InputFormat = 'text' | 'jsonl' | 'csv';
export type OnExist = 'skip' | 'overwrite' | 'rename' | 'newer';
export type ProgressMode = 'auto' | 'bar' | 'plain' | 'none';

/** What `corral fetch` was asked to do: its arguments, read and checked. Times are milliseconds, sizes bytes. */
export interface FetchOptions {
  readonly urls: readonly string[];
  /** Files with URLs; '-' is stdin. */
  readonly inputs: readonly string[];
  /** Undefined: by the extension of each file. */
  readonly format: InputFormat | undefined;

  readonly dir: string;
  readonly name: string;
  readonly contentDisposition: boolean;
  readonly onExist: OnExist;

  readonly concurrency: number;
  readonly perHost: number;
  readonly rate: Rate | undefined;
  readonly hostRate: Rate | undefined;
  readonly limitRate: number | undefined;
  readonly window: number;

  readonly retries: number;
  readonly retryMaxWaitMs: number;
  readonly retryOn: ReadonlySet<number>;
  readonly maxErrorRate: number | undefined;
  readonly failFast: boolean;

  /** 0: no limit, as for the other timeouts. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
  readonly minSpeed: MinSpeed | undefined;
  readonly maxSizeBytes: number;
  readonly graceMs: number;

  readonly maxRedirects: number;
  readonly publicOnly: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly cookieJar: string | undefined;
  readonly netrc: boolean;
  /** A URL, or 'none'; undefined: by HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
  readonly proxy: string | undefined;
  readonly http: '1' | 'auto';

  readonly fresh: boolean;
  readonly retryFailed: boolean;
  readonly verify: boolean;
  readonly ifModified: boolean;
  readonly robots: boolean;
  readonly fsync: boolean;

  /** A file; '-' is stdout. */
  readonly report: string | undefined;
  readonly progress: ProgressMode;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly dryRun: boolean;
}
