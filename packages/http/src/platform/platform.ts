/** The one door to what differs between Node, other servers and browsers. Each entry of the package opens its own. */

import type { CookieJar, CookieJarOptions } from '../cookies/cookie-jar.ts';
import type { LoadedCookies, SaveCookiesOptions } from '../cookies/cookie-files.ts';
import type { SaveResult, SaveToOptions, SendForSave } from '../save/contract.ts';
import type { Transport, TransportOptions } from '../wire/transport.ts';

/** How large a body may become in decoding. */
export interface DecodeLimits {
  /** Bytes, decoded. */
  readonly maxBytes: number;
  /** How many times larger than what was sent; counts from the first MiB on. */
  readonly maxRatio: number;
}

/** Undoes content codings. Absent where the platform does so by itself. */
export interface Decoding {
  /** The value of the header Accept-Encoding. */
  readonly accepted: string;
  /** The codings that a header Content-Encoding names. Throws where one cannot be undone. */
  parse(header: string): readonly string[];
  decodeWhole(bytes: Uint8Array, codings: readonly string[], limits: DecodeLimits): Promise<Uint8Array>;
  decodeStream(
    source: AsyncIterable<Uint8Array>,
    codings: readonly string[],
    limits: DecodeLimits,
  ): AsyncIterable<Uint8Array>;
}

/** A channel of node:diagnostics_channel, or nothing. */
export interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

/** See {@link saveCookies} and {@link loadCookies}. */
export interface CookieFiles {
  save(jar: CookieJar, path: string, options?: SaveCookiesOptions): Promise<void>;
  load(path: string, options?: CookieJarOptions): Promise<LoadedCookies>;
}

/** See {@link RequestHandle.saveTo}. */
export type SaveTo = (send: SendForSave, path: string | URL, options?: SaveToOptions) => Promise<SaveResult>;

export interface Platform {
  readonly name: 'node' | 'server' | 'web';
  createTransport(options: TransportOptions): Transport;
  readonly decoding: Decoding | undefined;
  /** Digest as lower-case hex. */
  hash(algorithm: 'md5' | 'sha1' | 'sha256' | 'sha512-256', data: Uint8Array | string): Promise<string>;
  channel(name: string): Channel | undefined;
  /** Saves bodies to files; undefined where there are none. */
  readonly saveTo: SaveTo | undefined;
  /** Cookies in files; undefined where there are none. */
  readonly cookieFiles: CookieFiles | undefined;
  /** The environment variables; empty where there are none. */
  environment(): Readonly<Record<string, string | undefined>>;
}

let installed: Platform | undefined;

/** Called once, by the entry. */
export function installPlatform(platform: Platform): void {
  installed = platform;
}

export function platform(): Platform {
  if (!installed)
    throw new TypeError('Cannot use @corral/http as it must be imported by its name: no platform is there');
  return installed;
}
