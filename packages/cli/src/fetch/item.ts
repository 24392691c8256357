import { UsageError } from '../usage-error.ts';
import { checkHeader } from './header.ts';
import { checkOut } from './safe-name.ts';

/** Where something stands in the input. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** One thing to download. */
export interface Item {
  /** Its number in the input, from 1. */
  readonly n: number;
  readonly place: Place;
  /** What it is called in the report: unique in a job, the same in the next run. */
  readonly id: string;
  /** Without credentials: those are in `headers`. */
  readonly url: string;
  readonly host: string;
  /** The file that the input asks for, below the directory. */
  readonly out: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly sha256: string | undefined;
  readonly method: 'GET' | 'POST';
  readonly body: string | undefined;
}

/** What a line of input may say. All is unchecked. */
export type Fields = Readonly<Record<string, unknown>>;

/** A line that cannot be used, and why. */
export interface BadLine {
  readonly place: Place;
  readonly message: string;
  /** What was meant to be fetched, as far as that can be told. */
  readonly url: string | undefined;
  /** Whether it makes the whole list doubtful: two lines want the same name. */
  readonly isFatal: boolean;
}

export type Entry =
  | { readonly item: Item; readonly bad?: undefined }
  | { readonly bad: BadLine; readonly item?: undefined };

export function formatPlace({ file, line }: Place): string {
  return `${file}:${line}`;
}

/** A text that holds URLs, malformed ones too, without what stands before the @ of their hosts. */
export function withoutLogins(text: string): string {
  // A colon that no port follows begins a password, which may have a slash in it.
  return text.replace(/(?<=[/\\]{2})(?:[^/\\?#\s]*:(?!\d+[/\\?#])\S*|[^/\\?#]*)@/g, '***@');
}

/** @throws {UsageError} that says what is wrong with the fields. */
export function makeItem(fields: Fields, n: number, place: Place): Item {
  const url = readUrl(textField(fields, 'url'));
  const headers = readHeaders(fields['headers']);
  if (url.username !== '' || url.password !== '') {
    const pair = `${decode(url.username)}:${decode(url.password)}`;
    headers['authorization'] ??= `Basic ${Buffer.from(pair).toString('base64')}`;
    url.username = url.password = '';
  }
  if (url.href.includes('#')) url.hash = '';
  const sha256 = textField(fields, 'sha256')?.toLowerCase();
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) throw wrong('sha256', 'be 64 hexadecimal digits', sha256);
  const out = textField(fields, 'out');
  const fault = out === undefined ? undefined : checkOut(out);
  if (fault !== undefined) throw wrong('out', fault, out);
  const id = textField(fields, 'id') ?? url.href;
  if (id.length > 8_192) throw wrong('id', 'have at most 8192 characters', `${id.slice(0, 40)}…`);
  const { method, body } = readMethod(fields);
  return {
    n,
    place,
    id,
    url: url.href,
    host: url.host,
    out: out?.normalize('NFC'),
    headers: Object.keys(headers).length === 0 ? undefined : headers,
    sha256,
    method,
    body,
  };
}

/** What is no valid encoding is sent as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function readUrl(text: string | undefined): URL {
  if (text === undefined) throw new UsageError('there must be a url');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('url', 'be an absolute http or https URL', text);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw wrong('url', 'be an http or https URL', text);
  return url;
}

function readHeaders(given: unknown): Record<string, string> {
  const headers: Record<string, string> = {};
  if (given === undefined || given === null) return headers;
  if (typeof given !== 'object' || Array.isArray(given)) {
    throw new UsageError(
      `headers must be an object of texts: current value is ${Array.isArray(given) ? 'an array' : `of type ${typeof given}`}`,
    );
  }
  for (const [key, value] of Object.entries(given)) {
    if (typeof value !== 'string')
      throw new UsageError(`headers.${key} must be a text: current value is of type ${typeof value}`);
    const fault = checkHeader(key, value);
    if (fault !== undefined) throw new UsageError(`its header ${JSON.stringify(key)} cannot be used: ${fault}`);
    headers[key.toLowerCase()] = value;
  }
  return headers;
}

function readMethod(fields: Fields): { method: 'GET' | 'POST'; body: string | undefined } {
  const body = textField(fields, 'body');
  const method = textField(fields, 'method')?.toUpperCase() ?? (body === undefined ? 'GET' : 'POST');
  if (method !== 'GET' && method !== 'POST') throw wrong('method', 'be GET or POST', method);
  if (method === 'GET' && body !== undefined) throw wrong('method', 'be POST as there is a body', method);
  return { method, body };
}

function textField(fields: Fields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'number' && name === 'id') return String(value);
  if (typeof value !== 'string') throw wrong(name, 'be a text', value);
  return value;
}

function wrong(name: string, wanted: string, value: unknown): UsageError {
  const shown = JSON.stringify(value) ?? String(value);
  return new UsageError(
    `${name} must ${wanted}: current value is ${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown}`,
  );
}
