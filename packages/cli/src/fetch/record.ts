/** The lines of a report. */

export type Outcome = 'ok' | 'failed' | 'skipped' | 'cancelled';

/** One attempt; times in milliseconds, `t` since 1970, undefined where it did not come to that. */
export interface AttemptRecord {
  readonly t: number;
  readonly queue?: number | undefined;
  readonly dns?: number | undefined;
  readonly connect?: number | undefined;
  readonly tls?: number | undefined;
  readonly ttfb?: number | undefined;
  readonly body?: number | undefined;
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly retryAfter?: number | undefined;
}

export interface ErrorRecord {
  readonly code: string;
  readonly phase: string | null;
  readonly message: string;
}

/** What became of one URL. */
export interface ReportLine {
  readonly v: 1;
  readonly id: string;
  readonly url: string;
  readonly finalUrl: string | null;
  /** `started`: its name was chosen, and its end is not in the report. */
  readonly outcome: Outcome | 'started';
  readonly status: number | null;
  /** Below the directory. */
  readonly file: string | null;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
  readonly resumedFrom: number | null;
  readonly attempts: readonly AttemptRecord[];
  readonly error: ErrorRecord | null;
}

/** How it all ended. `total` is null when the input was not read to its end. */
export interface Summary {
  readonly v: 1;
  readonly total: number | null;
  readonly ok: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
  readonly retries: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly started: string;
  readonly exitCode: number;
  readonly stoppedBy: string | null;
}

const NONE: readonly never[] = [];

/** A line with nothing in it but what is given. */
export function reportLine(line: Pick<ReportLine, 'id' | 'url' | 'outcome'> & Partial<ReportLine>): ReportLine {
  // Written out: spread, it would be the dearest thing of all that is done for a small file.
  return {
    v: 1,
    id: line.id,
    url: line.url,
    finalUrl: line.finalUrl ?? null,
    outcome: line.outcome,
    status: line.status ?? null,
    file: line.file ?? null,
    bytes: line.bytes ?? null,
    sha256: line.sha256 ?? null,
    etag: line.etag ?? null,
    lastModified: line.lastModified ?? null,
    resumedFrom: line.resumedFrom ?? null,
    attempts: line.attempts ?? NONE,
    error: line.error ?? null,
  };
}

/** Whether a later run need not try again: what the server refuses it will refuse again. */
export function isPermanent({ outcome, status, error }: ReportLine): boolean {
  if (outcome !== 'failed') return false;
  if (status !== null && status >= 400) return status < 500 && ![408, 425, 429].includes(status);
  return error !== null && ['ROBOTS', 'TOO_LARGE', 'POLICY', 'REDIRECT'].includes(error.code);
}
