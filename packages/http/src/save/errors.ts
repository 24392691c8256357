/** Why a body could not be saved, where that is not the fault of the request. */

import { CorralError } from 'corral';
import type { RequestFacts } from '../errors.ts';
import { withoutCredentials } from './version.ts';

/** What was downloaded does not hash to what was asked for. It has been removed. */
export class ChecksumError extends CorralError {
  readonly path: string;
  /** As lower-case hexadecimal digits, like `actual`. */
  readonly expected: string;
  readonly actual: string;
  constructor(path: string, expected: string, actual: string) {
    super(`Cannot save ${path} as its SHA-256 must be ${expected}: current value is ${actual}`);
    this.path = path;
    this.expected = expected;
    this.actual = actual;
  }
  override get name(): string {
    return 'ChecksumError';
  }
  get code(): 'CORRAL_HTTP_CHECKSUM' {
    return 'CORRAL_HTTP_CHECKSUM';
  }
}

/** The file cannot be written: its folder, its disk, its permissions. `cause` is the error of the system. */
export class SaveFileError extends CorralError {
  readonly path: string;
  /** The system's name of it, such as 'ENOSPC'. */
  readonly errno: string;
  constructor(path: string, errno: string, cause?: unknown) {
    super(
      `Cannot save ${path} as ${REQUIREMENTS[errno] ?? 'it must be writable'}: ${errno}`,
      cause ? { cause } : undefined,
    );
    this.path = path;
    this.errno = errno;
  }
  override get name(): string {
    return 'SaveFileError';
  }
  get code(): 'CORRAL_HTTP_SAVE_FILE' {
    return 'CORRAL_HTTP_SAVE_FILE';
  }
}

const REQUIREMENTS: Readonly<Record<string, string>> = {
  EACCES: 'permission is needed',
  EBUSY: 'one download at a time may write it',
  EDQUOT: 'there must be room in the quota of its disk',
  EEXIST: 'it must not exist (overwrite is false)',
  EISDIR: 'it must not be a folder',
  ELOOP: 'it must not be a symbolic link',
  EMLINK: 'it must not be a link to another file',
  ENAMETOOLONG: 'its name must leave room for .part.json',
  ENOENT: 'its folder must exist',
  ENOSPC: 'there must be room on its disk',
  ENOTDIR: 'what it is in must be a folder',
  EPERM: 'permission is needed',
  EROFS: 'its file system must be writable',
};

/** What the errors of requests need to know, of a response that was being saved. */
export function factsOf(url: string, retryable = false): RequestFacts {
  const shown = withoutCredentials(url);
  return { method: 'GET', url: shown, phase: 'body', requestSent: true, retryable, attempts: [] };
}
