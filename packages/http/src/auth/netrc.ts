/** Who somebody is on a machine, by a `.netrc` file. */
export interface NetrcEntry {
  /** In lower case; undefined is the default, for all machines that are not named. */
  readonly machine: string | undefined;
  readonly login: string | undefined;
  readonly password: string | undefined;
  readonly account: string | undefined;
}

const FIELDS = ['login', 'password', 'account'] as const;

/**
 * Reads the text of a `.netrc` file: `machine NAME login USER password SECRET` and `default`, in any layout; values may stand in
 * double quotes, with `\"`, `\\`, `\n`, `\r` and `\t` inside. Comments and macros are skipped.
 *
 * Never throws, and what is broken is skipped: a message could only show secrets.
 *
 * @example Who somebody is on a host
 * ```ts run
 * import { findNetrc, parseNetrc } from '@corral/http';
 *
 * const entries = parseNetrc('machine example.com login me password "a secret"');
 * console.log(findNetrc(entries, 'example.com')?.login); // me
 * ```
 */
export function parseNetrc(text: string): NetrcEntry[] {
  const entries: { -readonly [Key in keyof NetrcEntry]: NetrcEntry[Key] }[] = [];
  const words = new Words(text);
  for (let word = words.keyword(); word !== undefined; word = words.keyword()) {
    if (word === 'macdef') {
      words.skipMacro();
    } else if (word === 'machine' || word === 'default') {
      const machine = word === 'machine' ? words.value()?.toLowerCase() : undefined;
      if (word === 'machine' && machine === undefined) break;
      entries.push({ machine, login: undefined, password: undefined, account: undefined });
    } else {
      const field = FIELDS.find((name) => name === (word === 'user' ? 'login' : word));
      const entry = entries.at(-1);
      const value = field && words.value();
      if (field && entry) entry[field] = value;
    }
  }
  return entries;
}

/** The entry for a host: the first that names it, else the first default. */
export function findNetrc(entries: readonly NetrcEntry[], host: string): NetrcEntry | undefined {
  const name = host.toLowerCase();
  return entries.find(({ machine }) => machine === name) ?? entries.find(({ machine }) => machine === undefined);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

class Words {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replace(/^\uFEFF/, '');
  }

  /** The next word where one of the language is due: there, `#` begins a comment. */
  keyword(): string | undefined {
    for (let word = this.value(); word !== undefined; word = this.value()) {
      if (!word.startsWith('#')) return word;
      this.#at = Math.max(this.#at - word.length, 0);
      this.#skipTo('\n');
    }
    return undefined;
  }

  /** The next word, whatever it is; undefined at the end. */
  value(): string | undefined {
    while (this.#at < this.#text.length && isSpace(this.#text.charAt(this.#at))) this.#at++;
    if (this.#at >= this.#text.length) return undefined;
    if (this.#text.charAt(this.#at) === '"') return this.#quoted();
    const start = this.#at;
    while (this.#at < this.#text.length && !isSpace(this.#text.charAt(this.#at))) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  /** A macro ends with an empty line. */
  skipMacro(): void {
    const end = /\r?\n[ \t]*\r?\n/g;
    end.lastIndex = this.#at;
    this.#at = end.exec(this.#text) ? end.lastIndex : this.#text.length;
  }

  #quoted(): string {
    let value = '';
    this.#at++;
    while (this.#at < this.#text.length) {
      const char = this.#text.charAt(this.#at++);
      if (char === '"') break;
      const next = char === '\\' ? this.#text.charAt(this.#at++) : undefined;
      value += next === undefined ? char : (ESCAPES[next] ?? next);
    }
    return value;
  }

  #skipTo(char: string): void {
    const found = this.#text.indexOf(char, this.#at);
    this.#at = found < 0 ? this.#text.length : found;
  }
}

function isSpace(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r';
}
