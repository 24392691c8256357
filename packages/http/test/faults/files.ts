/** A file that can be had in parts, changes between two requests, and is cut off. */
import { bytesOf } from './bodies.ts';
import type { Exchange, Headers } from './exchange.ts';
import { fault, type Faults } from './fault.ts';

/** What `file` sends of version `version`, which is 1 until `change` says otherwise. */
export function fileBytes(bytes: number, version = 1): Buffer {
  return bytesOf(bytes, version);
}

interface Range {
  readonly from: number;
  /** Not included. */
  readonly to: number;
}

/** The range asked for: undefined if none (or several, or nonsense, which are ignored), 'none' if outside of the file. */
function rangeOf(header: string | undefined, size: number): Range | 'none' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/i.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || first + last === '') return undefined;
  if (first === '') return last === '0' ? 'none' : { from: Math.max(0, size - Number(last)), to: size };
  if (last !== '' && Number(last) < Number(first)) return undefined;
  if (Number(first) >= size) return 'none';
  return { from: Number(first), to: last === '' ? size : Math.min(size, Number(last) + 1) };
}

interface Validators {
  readonly etag: string;
  readonly modified: string;
}

function validatorsOf(kind: string, hasDate: boolean, key: string, version: number): Validators {
  const tag = `"${key || 'file'}-v${version}"`;
  const date = new Date(Date.UTC(2026, 0, version, 12)).toUTCString();
  return { etag: kind === 'none' ? '' : kind === 'weak' ? `W/${tag}` : tag, modified: hasDate ? date : '' };
}

/** Whether the client has it already: 304. */
function isKnown({ headers }: Exchange['request'], { etag, modified }: Validators): boolean {
  const tags = headers['if-none-match'];
  const weak = (tag: string) => tag.trim().replace(/^W\//, '');
  if (tags !== undefined)
    return etag !== '' && tags.split(',').some((tag) => tag.trim() === '*' || weak(tag) === weak(etag));
  return modified !== '' && Date.parse(headers['if-modified-since'] ?? '') >= Date.parse(modified);
}

/** If-Range: only a strong ETag, or the very date, allows a part. */
function allowsRange({ headers }: Exchange['request'], { etag, modified }: Validators): boolean {
  const condition = headers['if-range'];
  if (condition === undefined) return true;
  return condition === modified || (condition === etag && !etag.startsWith('W/'));
}

async function sendPart(exchange: Exchange, body: Buffer, range: Range, cut: number, how: string): Promise<void> {
  const part = body.subarray(range.from, range.to);
  if (cut === 0 || part.length <= cut) return await exchange.write(part);
  await exchange.write(part.subarray(0, cut));
  // What is sent right before a RST can be lost with it.
  await exchange.sleep(20);
  if (how === 'reset') exchange.reset();
  else if (how === 'fin') exchange.end();
  else await exchange.gone;
}

export const files = {
  /**
   * `fileBytes(bytes, version)` with `etag` (`strong`, `weak`, `none`), Last-Modified unless `modified` is false, ranges,
   * If-Range, If-None-Match and If-Modified-Since. Files are told apart by `key`.
   *
   * `change`: the version goes up with every so many requests; 1 means each time (0: never). It also goes up whenever a
   * test calls `server.count('changed:KEY')`.
   * `cut`: answers end after so many bytes (0: never), with `how` (`fin`, `reset`, `silence`), the first `cuts` times.
   * `ranges`: `yes`; `no` (200 always, Accept-Ranges: none); `wrong` (206 that starts a byte later than asked for);
   * `size` (206 with another total); `unasked` (206 without any Range); `refuse` (416 to every Range).
   */
  file: fault(
    {
      key: '',
      bytes: 100_000,
      etag: 'strong',
      modified: true,
      change: 0,
      cut: 0,
      cuts: 1_000_000,
      how: 'fin',
      ranges: 'yes',
      type: 'application/octet-stream',
    },
    async (exchange, { key, bytes, etag, modified, change, cut, cuts, how, ranges, type }) => {
      const { request, server } = exchange;
      const turn = server.count(`file:${key}`);
      const changes = change > 0 ? Math.floor((turn - 1) / change) : 0;
      const version = 1 + changes + server.counted(`changed:${key}`);
      const validators = validatorsOf(etag, modified, key, version);
      const base: Headers = {
        'Content-Type': type,
        'Accept-Ranges': ranges === 'no' ? 'none' : 'bytes',
        ...(validators.etag && { ETag: validators.etag }),
        ...(validators.modified && { 'Last-Modified': validators.modified }),
      };
      if (isKnown(request, validators)) return await exchange.head(304, base);
      const asked = allowsRange(request, validators) ? rangeOf(request.headers['range'], bytes) : undefined;
      if (asked !== undefined && (asked === 'none' || ranges === 'refuse')) {
        return await exchange.respond(416, '', { ...base, 'Content-Range': `bytes */${bytes}` });
      }
      const isPart = ranges === 'unasked' || (asked !== undefined && ranges !== 'no');
      let range: Range = (isPart ? asked : undefined) ?? { from: 0, to: bytes };
      if (isPart && ranges === 'wrong') range = { from: Math.min(range.from + 1, bytes - 1), to: range.to };
      const total = ranges === 'size' ? bytes + 1 : bytes;
      await exchange.head(isPart ? 206 : 200, {
        ...base,
        ...(isPart && { 'Content-Range': `bytes ${range.from}-${range.to - 1}/${total}` }),
        'Content-Length': range.to - range.from,
      });
      if (request.method === 'HEAD') return;
      await sendPart(exchange, fileBytes(bytes, version), range, turn <= cuts ? cut : 0, how);
    },
  ),
} satisfies Faults;
