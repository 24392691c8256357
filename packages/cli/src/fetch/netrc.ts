import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findNetrc, parseNetrc, type NetrcEntry } from '@corral/http';
import { UsageError } from '../usage-error.ts';

/** Names and passwords from the file that ftp, curl and git read too. */
export class Netrc {
  readonly #entries: readonly NetrcEntry[];

  /**
   * Reads $NETRC, else ~/.netrc (~/_netrc on Windows). One that does not exist is empty.
   *
   * @throws {UsageError} when there is one and it cannot be read.
   */
  static load(): Netrc {
    const path = process.env['NETRC'] ?? join(homedir(), process.platform === 'win32' ? '_netrc' : '.netrc');
    try {
      return new Netrc(readFileSync(path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Netrc('');
      throw new UsageError(`Cannot use --netrc as ${path} must be readable: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  constructor(text: string) {
    this.#entries = parseNetrc(text);
  }

  /** The header Authorization for a host name, or undefined. */
  authorization(hostname: string): string | undefined {
    const entry = findNetrc(this.#entries, hostname);
    if (entry === undefined || (entry.login === undefined && entry.password === undefined)) return undefined;
    return `Basic ${Buffer.from(`${entry.login ?? ''}:${entry.password ?? ''}`).toString('base64')}`;
  }
}
