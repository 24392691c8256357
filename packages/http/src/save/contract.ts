/** What saving a body to a file needs of the session, and what it gives. Nothing here is of a platform. */

import type { ScopeOption } from 'corral';

/** What a download needs of a response. */
export interface SavedResponse {
  readonly status: number;
  /** Where the response came from, after redirects. */
  readonly url: string;
  readonly headers: Headers;
  /**
   * The body as it was sent: content codings are not undone. Its chunks belong to the reader. Reading it is cancelled
   * with the scope that `send` was called in, or ends when `release()` is called.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the connection back, or destroys it when the body has not ended. Idempotent. */
  release(): Promise<void>;
}

/**
 * Sends the request, with these headers besides its own. Statuses of 400 and more are, after retries, thrown as
 * StatusError by it, 412 and 416 excepted.
 */
export type SendForSave = (headers: Readonly<Record<string, string>>) => Promise<SavedResponse>;

/** How far a download has come. */
export interface SaveProgress {
  /** Bytes of the file that have come, those of an earlier run included. */
  readonly receivedBytes: number;
  /** The size of the whole; undefined when the server did not say. */
  readonly totalBytes: number | undefined;
  /** How many of the bytes an earlier run had left. */
  readonly resumedFrom: number;
}

/** Options of {@link saveTo}. */
export interface SaveToOptions extends ScopeOption {
  /**
   * Goes on where an earlier run was cut off, when the server says that it is still the same version, and leaves what has
   * come when this one is cut off. Default: false.
   */
  readonly resume?: boolean | undefined;
  /** What the file must hash to, as 64 hexadecimal digits. Default: none, and nothing is computed. */
  readonly sha256?: string | undefined;
  /** Called at most every 100 ms, and once at the end. When it throws, the download fails with that. Default: none. */
  readonly onProgress?: ((progress: SaveProgress) => void) | undefined;
  /** Whether a file that is there is replaced; else the call is refused. Default: true. */
  readonly overwrite?: boolean | undefined;
  /** Waits until the bytes, and the name, are on the disk. Default: false. */
  readonly fsync?: boolean | undefined;
  /** The largest file to accept, in bytes. Default: none. */
  readonly maxBytes?: number | undefined;
  /**
   * How often the body is asked for at most: when it breaks off, the next try goes on where it stopped. 1 for once.
   * Default: 4.
   */
  readonly attempts?: number | undefined;
  /**
   * The URL that is asked for: what an earlier run left is gone on with only if it asked for the same. Default: unknown,
   * then the URLs of the responses, after redirects, must agree.
   */
  readonly url?: string | undefined;
}

/** What was saved. */
export interface SaveResult {
  /** The file, as an absolute path. */
  readonly path: string;
  /** The size of the file. */
  readonly bytes: number;
  /** The size that the server told; undefined when it did not. */
  readonly totalBytes: number | undefined;
  /** As lower-case hexadecimal digits, when it was asked for; else undefined. */
  readonly sha256: string | undefined;
  /** How many of the bytes an earlier run had left; 0 when it began anew. */
  readonly resumedFrom: number;
  /** Whether the server answered 304 to conditions of the request: no file was touched. */
  readonly notModified: boolean;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Where it came from, after redirects. */
  readonly url: string;
  /** The status of the last response: 200, or 206 when it went on. */
  readonly status: number;
}
