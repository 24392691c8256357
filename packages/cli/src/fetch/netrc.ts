/** Names and passwords from the file that ftp, curl and git read too. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../usage-error.ts';

export interface Login {
  readonly login: string;
  readonly password: string;
}

/** Who to be at which host. */
export class Netrc {
  readonly #machines = new Map<string, Login>();
  #default: Login | undefined;

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
      throw new UsageError(`Cannot use --netrc as ${path} must be readable: ${(error as Error).message}`, { cause: error });
    }
  }

  constructor(text: string) {
    const tokens = tokensOf(text);
    for (let at = 0; at < tokens.length; ) {
      const kind = tokens[at++];
      if (kind !== 'machine' && kind !== 'default') continue;
      const machine = kind === 'machine' ? tokens[at++]?.toLowerCase() : undefined;
      let [login, password] = ['', ''];
      for (; at < tokens.length && tokens[at] !== 'machine' && tokens[at] !== 'default'; at += 2) {
        if (tokens[at] === 'login') login = tokens[at + 1] ?? '';
        else if (tokens[at] === 'password') password = tokens[at + 1] ?? '';
        else if (tokens[at] !== 'account') at--; // a word without a value
      }
      if (machine === undefined) this.#default ??= { login, password };
      else if (!this.#machines.has(machine)) this.#machines.set(machine, { login, password });
    }
  }

  /** The header Authorization for a host name, or undefined. */
  authorization(hostname: string): string | undefined {
    const found = this.#machines.get(hostname.toLowerCase()) ?? this.#default;
    if (found === undefined) return undefined;
    return `Basic ${Buffer.from(`${found.login}:${found.password}`).toString('base64')}`;
  }
}

/** Words, or texts in quotes; `macdef` and what belongs to it, up to a blank line, is left out. */
function tokensOf(text: string): string[] {
  const plain = text.replace(/^[ \t]*macdef\b[^]*?(?:\n[ \t]*\r?\n|$(?![^]))/gm, '').replace(/^[ \t]*#.*$/gm, '');
  return [...plain.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, word]) => word ?? (quoted ?? '').replace(/\\(.)/g, '$1'));
}
