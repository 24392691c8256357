/**
 * One download, with all the requests that it takes.
 *
 *     recover ──► ask ──► receive ──► finish
 *                  ▲         │
 *                  └─ broke ─┘
 */

import { cleanup, retry, type Scope } from 'corral';
import { ProtocolError, TruncatedError } from '../../errors.ts';
import type { SavedResponse, SaveResult, SendForSave } from '../../save/contract.ts';
import { ChecksumError, factsOf } from '../../save/errors.ts';
import { checkCoding, checkSize, isBreak } from '../../save/judging.ts';
import { ProgressMeter } from '../../save/progress-meter.ts';
import type { SaveSettings } from '../../save/settings.ts';
import { contentRangeOf, goesOn, isWhole, type Version, versionOf, withoutCredentials } from '../../save/version.ts';
import { PartFile } from './part-file.ts';
import { PartWriter } from './part-writer.ts';
import type { Place } from './place.ts';

const IDENTITY = { 'accept-encoding': 'identity' };
const BACKOFF = { baseMs: 200, maxMs: 30_000 };

/** What an answer means: it begins anew, goes on, is not needed as all is there, or nothing has changed. */
type Meaning = 'whole' | 'rest' | 'complete' | 'unchanged';

export class Download {
  readonly #send: SendForSave;
  readonly #place: Place;
  readonly #settings: SaveSettings;
  readonly #scope: Scope;
  readonly #part: PartFile;
  readonly #writer: PartWriter;
  readonly #meter: ProgressMeter | undefined;
  /** What the bytes are of that there are; undefined while there are none. */
  #version: Version | undefined;
  #resumedFrom = 0;
  /** The last break of a body: what may be tried again. */
  #broke: unknown;
  /** Nothing of it is worth keeping. */
  #spoilt = false;

  constructor(send: SendForSave, place: Place, settings: SaveSettings, scope: Scope) {
    this.#send = send;
    this.#place = place;
    this.#settings = settings;
    this.#scope = scope;
    this.#part = new PartFile(place);
    this.#writer = new PartWriter(this.#part, { hashing: settings.sha256 !== undefined, keeping: settings.resume });
    this.#meter = settings.onProgress && new ProgressMeter(settings.onProgress);
  }

  async run(): Promise<SaveResult> {
    if (this.#settings.resume) await this.#recover();
    this.#check();
    return retry(() => this.#once(), {
      ...BACKOFF,
      scope: this.#scope,
      name: 'saveTo',
      attempts: this.#settings.attempts,
      retryIf: (error) => error === this.#broke,
    });
  }

  /** Leaves or removes what is not whole, and closes it. Idempotent. */
  async end(): Promise<void> {
    try {
      const keep = this.#settings.resume && !this.#spoilt;
      await this.#writer.settle(keep);
      if (!keep) await this.#part.remove();
      else if (this.#part.begun) await this.#part.keep();
    } finally {
      await this.#part.close();
    }
  }

  /** Takes up what an earlier run has left, if it asked for the same. */
  async #recover(): Promise<void> {
    const version = await this.#part.reopen();
    const { url } = this.#settings;
    if (!version || (url !== undefined && version.url !== withoutCredentials(url))) return;
    await this.#writer.goOn(() => this.#check());
    this.#version = version;
    this.#resumedFrom = this.#writer.position;
  }

  /** Asks, and receives what comes, once. */
  async #once(): Promise<SaveResult> {
    const range = this.#range();
    let response = await this.#send({ ...IDENTITY, ...range });
    let meaning: Meaning | undefined;
    try {
      meaning = this.#meaning(response, range !== undefined);
      if (meaning) return await this.#take(response, meaning);
    } finally {
      await this.#release(response);
    }
    await this.#startOver(undefined);
    response = await this.#send(IDENTITY);
    try {
      meaning = this.#meaning(response, false) as Meaning;
      return await this.#take(response, meaning);
    } finally {
      await this.#release(response);
    }
  }

  /** How to ask for the rest; undefined to ask for the whole. */
  #range(): Record<string, string> | undefined {
    const validator = this.#version?.validator;
    const { position } = this.#writer;
    return validator && position > 0 ? { range: `bytes=${position}-`, 'if-range': validator } : undefined;
  }

  /** What a response means; undefined when the whole must be asked for. */
  #meaning(response: SavedResponse, ranged: boolean): Meaning | undefined {
    const { status } = response;
    const { position } = this.#writer;
    const version = this.#version;
    if (ranged && version) {
      if (status === 206) return goesOn(version, position, response) ? 'rest' : undefined;
      if (status === 416) return isWhole(version, position, response) ? 'complete' : undefined;
      if (status === 304 || status === 412) return undefined;
    }
    if (status === 304) return 'unchanged';
    if (status >= 200 && status < 300 && status !== 206) return 'whole';
    throw new ProtocolError(`a status of 200 is needed to save the body: it was ${status}`, factsOf(response.url));
  }

  async #take(response: SavedResponse, meaning: Meaning): Promise<SaveResult> {
    this.#check();
    if (meaning === 'unchanged') return this.#result(response, undefined, true);
    if (meaning !== 'complete') checkCoding(response, this.#place.path);
    if (meaning === 'whole') await this.#startOver(versionOf(response, this.#settings.url));
    const version = this.#version as Version;
    const total = version.total ?? contentRangeOf(response.headers)?.total;
    if (total !== version.total) this.#version = { ...version, total };
    checkSize(this.#settings.maxBytes, total, response);
    if (meaning !== 'complete') await this.#receive(response, total);
    return this.#finish(response);
  }

  async #startOver(version: Version | undefined): Promise<void> {
    this.#resumedFrom = 0;
    this.#version = version;
    await this.#writer.startOver(version);
  }

  /** Reads the body to its end. */
  async #receive(response: SavedResponse, total: number | undefined): Promise<void> {
    const writer = this.#writer;
    const { maxBytes } = this.#settings;
    // What reads a body that is stuck is woken by the end of its connection.
    const forget = this.#scope.onCancel(() => void response.release().catch(() => {}));
    try {
      const chunks = response.body[Symbol.asyncIterator]();
      for (;;) {
        const next = await this.#next(chunks);
        if (next === undefined) break;
        const bytes = writer.position + next.length;
        if (bytes > (total ?? Infinity)) this.#refuseExcess(response, total as number);
        if (bytes > maxBytes) this.#refuseSize(response, bytes);
        const full = writer.push(next);
        if (full) await full;
        this.#meter?.report(writer.position, total, this.#resumedFrom);
      }
    } finally {
      forget();
    }
    this.#check();
    if (total !== undefined && writer.position < total) {
      const said = `the body ended after ${writer.position} of ${total} bytes`;
      throw (this.#broke = new TruncatedError(writer.position, said, factsOf(response.url, true)));
    }
  }

  /** The next chunk; undefined at the end. An error of the body itself is told from all others. */
  async #next(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
    try {
      const { done, value } = await chunks.next();
      return done ? undefined : value;
    } catch (error) {
      this.#check(); // what the end of its connection looks like to the reader
      if (isBreak(error)) this.#broke = error;
      throw error;
    }
  }

  #refuseSize(response: SavedResponse, bytes: number): void {
    this.#spoilt = true;
    checkSize(this.#settings.maxBytes, bytes, response);
  }

  #refuseExcess(response: SavedResponse, total: number): never {
    this.#spoilt = true;
    throw new ProtocolError(`the body is longer than the ${total} bytes that were announced`, factsOf(response.url));
  }

  async #finish(response: SavedResponse): Promise<SaveResult> {
    const { sha256, overwrite, fsync } = this.#settings;
    await this.#writer.flush(true);
    const digest = this.#writer.digest();
    if (digest !== sha256) {
      this.#spoilt = true;
      throw new ChecksumError(this.#place.path, sha256 as string, digest as string);
    }
    const { position } = this.#writer;
    this.#meter?.report(position, this.#version?.total, this.#resumedFrom, true);
    this.#check();
    await this.#part.commit({ overwrite, fsync });
    return this.#result(response, digest, false);
  }

  #result(response: SavedResponse, sha256: string | undefined, notModified: boolean): SaveResult {
    return {
      path: this.#place.path,
      bytes: notModified ? 0 : this.#writer.position,
      totalBytes: this.#version?.total,
      sha256,
      resumedFrom: this.#resumedFrom,
      notModified,
      etag: this.#version?.etag ?? response.headers.get('etag') ?? undefined,
      lastModified: this.#version?.lastModified ?? response.headers.get('last-modified') ?? undefined,
      url: response.url,
      status: response.status,
    };
  }

  async #release(response: SavedResponse): Promise<void> {
    // What the end of a connection fails with is not the outcome of the download.
    await cleanup(() => response.release(), { scope: this.#scope, name: 'release' }).catch(() => {});
  }

  #check(): void {
    if (this.#scope.cancelled) throw this.#scope.reason;
  }
}
