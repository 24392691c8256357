/** Reads what many headers have in common: tokens, quoted strings and `; name=value` parameters. All in linear time. */

/** A place in a header's value. */
export class HeaderReader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  get next(): string {
    return this.text.charAt(this.at);
  }

  skipSpace(): this {
    while (this.next === ' ' || this.next === '\t') this.at++;
    return this;
  }

  /** Whether `char` came next, which then was read. */
  skip(char: string): boolean {
    if (this.next !== char) return false;
    this.at++;
    return true;
  }

  /** What stands before the next of these characters, without space around it. */
  until(stops: string): string {
    const start = this.at;
    while (!this.ended && !stops.includes(this.next)) this.at++;
    return this.text.slice(start, this.at).trim();
  }

  /** The inside of a quoted string that begins here; one that is never closed goes to the end. */
  quoted(): string {
    this.skip('"');
    let value = '';
    while (!this.ended && !this.skip('"')) {
      this.skip('\\');
      value += this.next;
      this.at++;
    }
    return value;
  }

  /** `; name=value` as often as there are, with names in lower case, up to the end or a comma. The first of a name counts. */
  parameters(): Map<string, string> {
    const found = new Map<string, string>();
    while (!this.skipSpace().ended && this.next !== ',') {
      if (this.skip(';')) continue;
      const name = this.until('=;,').toLowerCase();
      const value = this.skip('=') ? this.#value() : '';
      if (name && !found.has(name)) found.set(name, value);
    }
    return found;
  }

  #value(): string {
    if (this.skipSpace().next !== '"') return this.until(';,');
    const value = this.quoted();
    this.until(';,');
    return value;
  }
}

/** The text of an extended value, `charset'language'percent-encoded` (RFC 8187); undefined when it is broken. */
export function decodeExtended(value: string): string | undefined {
  const [, charset = '', encoded = ''] = /^([^']*)'[^']*'(.*)$/s.exec(value) ?? [];
  if (!/^(?:utf-8|iso-8859-1)$/i.test(charset) || /%(?![\da-f]{2})/i.test(encoded)) return undefined;
  const bytes = encoded.replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return charset.length === 5 ? decodeUtf8(bytes) : bytes;
}

/** What UTF-8 bytes mean that were read as one character each, which is how headers arrive; undefined when it is none. */
export function decodeUtf8(characters: string): string | undefined {
  try {
    const bytes = Uint8Array.from(characters, (char) => {
      if (char > '\u00FF') throw new RangeError('no byte');
      return char.charCodeAt(0);
    });
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
