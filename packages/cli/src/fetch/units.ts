/** Values of options with units: `20M`, `100/s`, `2m`, `1K/30s`, `20%`, `408,5xx`. Each gives undefined for what it cannot read. */

/** So many in so long. */
export interface Rate {
  readonly limit: number;
  readonly perMs: number;
}

/** At least so many bytes in so long. */
export interface MinSpeed {
  readonly bytes: number;
  readonly overMs: number;
}

const POWERS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };
const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `1024`, `20M`, `1.5G`, `64KiB`: bytes; K is 1024. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text);
  if (!match) return undefined;
  return Math.round(Number(match[1]) * (POWERS[(match[2] ?? '').toLowerCase()] ?? 1));
}

/** `30`, `30s`, `500ms`, `2m`, `1h`: milliseconds; a bare number is seconds. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  if (!match) return undefined;
  return Math.round(Number(match[1]) * (MILLISECONDS[match[2] ?? 's'] ?? 1));
}

/** `100/s`, `5/m`, `3/10s`, `100`: a bare number is per second. */
export function parseRate(text: string): Rate | undefined {
  const match = /^(\d+)(?:\/(\d*)(ms|s|m|h|d))?$/.exec(text);
  if (!match) return undefined;
  const limit = Number(match[1]);
  const perMs = Number(match[2] || '1') * (MILLISECONDS[match[3] ?? 's'] ?? 1);
  return Number.isSafeInteger(limit) && limit > 0 && perMs > 0 ? { limit, perMs } : undefined;
}

/** `1K/30s`: at least so many bytes in so long. */
export function parseMinSpeed(text: string): MinSpeed | undefined {
  const [amount, time] = text.split('/');
  const bytes = parseBytes(amount ?? '');
  const overMs = parseDuration(time ?? '1s');
  return bytes === undefined || !overMs ? undefined : { bytes, overMs };
}

/** `20%`, `0.2`: a share from 0 to 1. */
export function parseShare(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
  if (!match) return undefined;
  const share = Number(match[1]) / (match[2] === '%' ? 100 : 1);
  return share <= 1 ? share : undefined;
}

/** `408,425,429,5xx`: which statuses. */
export function parseStatuses(text: string): ReadonlySet<number> | undefined {
  const statuses = new Set<number>();
  if (text === '') return statuses;
  for (const part of text.split(',')) {
    const match = /^([1-5])(\d\d|xx)$/i.exec(part.trim());
    if (!match) return undefined;
    const hundred = Number(match[1]) * 100;
    if (/^\d/.test(match[2] ?? '')) statuses.add(hundred + Number(match[2]));
    else for (let rest = 0; rest < 100; rest++) statuses.add(hundred + rest);
  }
  return statuses;
}

/** `12.3M`: bytes for people. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  let [value, unit] = [bytes, 0];
  while (value >= 1023.5 && unit < 4) [value, unit] = [value / 1024, unit + 1];
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)}${' KMGT'[unit]}`;
}

/** `59s`, `1m02s`, `3h05m`: a time for people. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}s`;
  if (seconds < 60) return `${seconds}s`;
  const pad = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h${pad(Math.floor((seconds % 3600) / 60))}m`;
}
