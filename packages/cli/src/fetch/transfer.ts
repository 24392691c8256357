/** One attempt to get one thing into one file. */
import { lstat } from 'node:fs/promises';
import { hash } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Folders } from './folders.ts';
import { parseContentRange, parseDate, parseLength, parseRetryAfter, strongValidator } from './headers.ts';
import { AttemptError, type HttpClient, type HttpResponse, type Timings } from './http-client.ts';
import type { Item } from './item.ts';
import type { Netrc } from './netrc.ts';
import { findPart, PartFile, removePart, type Resumable } from './part-file.ts';
import { SMALL_FILE_BYTES, type SmallFiles } from './small-file.ts';
import type { Throttle } from './throttle.ts';

/** What is smaller, and says so, is not worth a sidecar. */
const SMALL_BYTES = 2 ** 18;

export interface TransferContext {
  readonly client: HttpClient;
  readonly folders: Folders;
  readonly headers: Readonly<Record<string, string>>;
  readonly netrc: Netrc | undefined;
  readonly throttle: Throttle | undefined;
  readonly maxSizeBytes: number;
  readonly fsync: boolean;
  /** Whether anybody will see what is found out about files and attempts. */
  readonly wantsLines: boolean;
  readonly smallFiles: SmallFiles;
  readonly onBytes: (bytes: number) => void;
}

export interface TransferRequest {
  readonly item: Item;
  readonly file: string;
  /** Whether no attempt in this run was before it. */
  readonly isFirst: boolean;
  /** Ask only for what has changed since: If-None-Match, If-Modified-Since. */
  readonly conditions: Readonly<Record<string, string>>;
  /** Whether the file that is there is kept if the server's is not newer. */
  readonly onlyIfNewer: boolean;
  /** Called before the file gets its name; it may choose another one. */
  readonly beforeCommit: (response: HttpResponse) => Promise<string>;
}

/** What is known of an attempt, also when it fails. */
export interface Trace {
  status?: number;
  timings?: Timings;
  ttfbAt?: number;
  resumedFrom?: number;
  received: number;
  /** How far the file has come, if a later attempt can go on from there. */
  reached: number;
}

export interface Transferred {
  readonly changed: boolean;
  readonly file: string;
  readonly status: number;
  readonly finalUrl: string;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/**
 * Sends one request and stores the answer. An unfinished file of an earlier attempt is gone on with if the server can say
 * that it is still the same thing.
 *
 * Cancellable: what has arrived stays for the next attempt if it can be gone on with.
 * @throws {AttemptError} or the error of the file system.
 */
export async function transfer(request: TransferRequest, context: TransferContext, trace: Trace): Promise<Transferred> {
  const { item, file } = request;
  const path = context.folders.path(file);
  const isClean = !(await context.folders.ensure(file)) && request.isFirst;
  const part = isClean || item.method !== 'GET' ? undefined : await findPart(path, item.url);
  const response = await context.client.send({
    method: item.method,
    url: item.url,
    headers: {
      'accept-encoding': 'identity',
      ...loginOf(item, context),
      ...context.headers,
      ...item.headers,
      ...conditions(request, part),
    },
    body: item.body,
  });
  trace.ttfbAt = performance.now();
  trace.status = response.status;
  trace.timings = response.timings;
  try {
    return await store(request, context, trace, response, part, isClean);
  } finally {
    await response.discard();
  }
}

function loginOf({ url }: Item, { netrc }: TransferContext): Readonly<Record<string, string>> {
  const authorization = netrc?.authorization(new URL(url).hostname);
  return authorization === undefined ? {} : { authorization };
}

function conditions(request: TransferRequest, part: Resumable | undefined): Readonly<Record<string, string>> {
  if (part === undefined) return request.conditions;
  return { range: `bytes=${part.bytes}-`, 'if-range': part.sidecar.validator };
}

async function store(
  request: TransferRequest,
  context: TransferContext,
  trace: Trace,
  response: HttpResponse,
  part: Resumable | undefined,
  isClean: boolean,
): Promise<Transferred> {
  const { status } = response;
  const path = context.folders.path(request.file);
  if (status === 304 && Object.keys(request.conditions).length > 0) return unchanged(request, response);
  if (status === 206 && part !== undefined) {
    const total = checkRange(response, part);
    checkSize(total, context);
    trace.resumedFrom = part.bytes;
    return receive(request, context, trace, response, await PartFile.reopen(path, part), total);
  }
  if (status === 416 && part !== undefined) return finishOrRestart(request, context, trace, response, part);
  if (status < 200 || status > 299 || status === 206) throw statusError(response);
  if (request.onlyIfNewer && !(await isNewer(path, response))) return unchanged(request, response);
  const length = lengthOf(response);
  checkSize(length, context);
  if (length !== undefined && isQuick(length, context)) {
    if (!isClean) await removePart(path);
    return receiveAtOnce(request, context, trace, response, length);
  }
  const small = length !== undefined && length <= SMALL_BYTES;
  const isWorthIt = !small && request.item.method === 'GET';
  const file = await PartFile.create(path, isWorthIt ? sidecar(request, response, length) : undefined, isClean);
  return receive(request, context, trace, response, file, length);
}

/** Whether so much is to be read as a whole and written with calls that wait. */
function isQuick(length: number, { fsync, throttle, smallFiles }: TransferContext): boolean {
  return length <= SMALL_FILE_BYTES && !fsync && throttle === undefined && smallFiles.atOnce;
}

/** What `receive` and `complete` do, for a small body that says how long it is: nothing is on the disk before its end. */
async function receiveAtOnce(
  request: TransferRequest,
  context: TransferContext,
  trace: Trace,
  response: HttpResponse,
  total: number,
): Promise<Transferred> {
  const body = await response.bytes();
  trace.received = body.length;
  context.onBytes(body.length);
  if (body.length !== total) throw truncated(body.length, total);
  const wantsHash = context.wantsLines || request.item.sha256 !== undefined;
  const sha256 = wantsHash ? hash('sha256', body) : null;
  checkHash(request.item, sha256);
  const { etag, lastModified } = validators(response);
  const file = await request.beforeCommit(response);
  const { folders, smallFiles } = context;
  smallFiles.write(folders.path(request.file), folders.path(file), body, parseDate(lastModified));
  return {
    changed: true,
    file,
    status: response.status,
    finalUrl: response.url,
    bytes: total,
    sha256,
    etag,
    lastModified,
  };
}

async function receive(
  request: TransferRequest,
  context: TransferContext,
  trace: Trace,
  response: HttpResponse,
  part: PartFile,
  total: number | undefined,
): Promise<Transferred> {
  try {
    for await (const chunk of response.body()) {
      trace.received += chunk.length;
      context.onBytes(chunk.length);
      await part.write(chunk);
      checkSize(part.bytes, context);
      if (context.throttle !== undefined) await context.throttle.passed(chunk.length);
    }
    if (total !== undefined && part.bytes !== total) {
      throw truncated(part.bytes, total);
    }
    return await complete(request, context, response, part);
  } finally {
    if (part.isResumable) trace.reached = part.bytes;
    await part.leave();
  }
}

async function complete(
  request: TransferRequest,
  context: TransferContext,
  response: HttpResponse,
  part: PartFile,
): Promise<Transferred> {
  const sha256 = part.digest();
  try {
    checkHash(request.item, sha256);
  } catch (error) {
    await part.leave();
    await removePart(part.path);
    throw error;
  }
  const { etag, lastModified } = validators(response);
  const file = await request.beforeCommit(response);
  await part.commit({ path: context.folders.path(file), fsync: context.fsync, modified: parseDate(lastModified) });
  if (context.fsync) await context.folders.syncEntry(file);
  return {
    changed: true,
    file,
    status: response.status,
    finalUrl: response.url,
    bytes: part.bytes,
    sha256,
    etag,
    lastModified,
  };
}

function checkHash(item: Item, sha256: string | null): void {
  if (item.sha256 === undefined || item.sha256 === sha256) return;
  throw new AttemptError('CHECKSUM', `its sha256 must be ${item.sha256}: it is ${sha256}`, {
    phase: 'body',
    retryable: true,
  });
}

function truncated(bytes: number, total: number): AttemptError {
  return new AttemptError('TRUNCATED', `the answer ended after ${bytes} of ${total} bytes`, {
    phase: 'body',
    retryable: true,
  });
}

/** 206: it must be the rest of what we have, and of nothing else. */
function checkRange(response: HttpResponse, { sidecar, bytes }: Resumable): number | undefined {
  const range = parseContentRange(response.header('content-range'));
  const etag = response.header('etag');
  const fits =
    range?.start === bytes &&
    (range.total === undefined || sidecar.total === null || range.total === sidecar.total) &&
    (range.total === undefined || range.end === range.total - 1) &&
    (etag === undefined || sidecar.etag === null || etag === sidecar.etag) &&
    !isEncoded(response);
  if (!fits) {
    throw new RestartError(
      `the server sent "${response.header('content-range') ?? ''}" when asked for what follows ${bytes}`,
    );
  }
  return sidecar.total ?? range.total;
}

/** 416: there is nothing behind what we have; either that is all of it, or it is something else. */
async function finishOrRestart(
  request: TransferRequest,
  context: TransferContext,
  trace: Trace,
  response: HttpResponse,
  part: Resumable,
): Promise<Transferred> {
  const path = context.folders.path(request.file);
  const total = parseContentRange(response.header('content-range'))?.total;
  if (total !== part.bytes || part.sidecar.total !== total) {
    throw new RestartError(`the server has nothing behind ${part.bytes} bytes`);
  }
  trace.resumedFrom = part.bytes;
  const file = await PartFile.reopen(path, part);
  try {
    return await complete(request, context, response, file);
  } finally {
    await file.leave();
  }
}

/** What is there cannot be gone on with: it is to be removed, and the next attempt begins at the beginning. */
export class RestartError extends AttemptError {
  constructor(why: string) {
    super('RANGE', `it has to be fetched from the beginning: ${why}`, {
      phase: 'headers',
      retryable: true,
      retryAfterMs: 0,
    });
  }
}

function statusError(response: HttpResponse): AttemptError {
  const { status } = response;
  return new AttemptError('STATUS', `HTTP ${status} ${STATUS_CODES[status] ?? ''}`.trim(), {
    phase: 'headers',
    retryable: true, // those that are worth it are chosen by status
    status,
    retryAfterMs: parseRetryAfter(response.header('retry-after')),
  });
}

async function unchanged({ file }: TransferRequest, response: HttpResponse): Promise<Transferred> {
  return {
    changed: false,
    file,
    status: response.status,
    finalUrl: response.url,
    bytes: null,
    sha256: null,
    ...validators(response),
  };
}

async function isNewer(path: string, response: HttpResponse): Promise<boolean> {
  const modified = parseDate(response.header('last-modified'));
  const stats = await lstat(path).catch(() => undefined);
  if (modified === undefined || stats === undefined) return true;
  return modified.getTime() > Math.ceil(stats.mtimeMs);
}

function checkSize(bytes: number | undefined, { maxSizeBytes }: TransferContext): void {
  if (bytes === undefined || bytes <= maxSizeBytes) return;
  throw new AttemptError(
    'TOO_LARGE',
    `it must have at most ${maxSizeBytes} bytes (--max-size): it has ${bytes} or more`,
    {
      phase: 'body',
      retryable: false,
    },
  );
}

function sidecar({ item }: TransferRequest, response: HttpResponse, total: number | undefined) {
  const { etag, lastModified } = validators(response);
  const validator = strongValidator(etag ?? undefined, lastModified ?? undefined, response.header('date'));
  if (validator === undefined || isEncoded(response) || /none/i.test(response.header('accept-ranges') ?? ''))
    return undefined;
  return { v: 1, url: item.url, finalUrl: response.url, validator, etag, lastModified, total: total ?? null } as const;
}

function validators(response: HttpResponse): { etag: string | null; lastModified: string | null } {
  return { etag: response.header('etag') ?? null, lastModified: response.header('last-modified') ?? null };
}

/** The length of the body as it will be read; undefined when that cannot be told. */
function lengthOf(response: HttpResponse): number | undefined {
  if (response.status === 204 || response.status === 205) return 0; // these have no body, whatever they say
  return isEncoded(response) ? undefined : parseLength(response.header('content-length'));
}

function isEncoded(response: HttpResponse): boolean {
  return !/^(identity)?$/i.test((response.header('content-encoding') ?? '').trim());
}
