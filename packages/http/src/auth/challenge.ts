import { HeaderReader } from '../headers/parameters.ts';

/** What a server asks for in a `WWW-Authenticate` or `Proxy-Authenticate` header. */
export interface AuthChallenge {
  /** In lower case, as `digest`. */
  readonly scheme: string;
  /** With names in lower case; the record has no prototype. The first of a name counts. */
  readonly params: Readonly<Record<string, string>>;
  /** What some schemes, as `Negotiate`, have instead of parameters. */
  readonly token68: string | undefined;
}

/** Reads the challenges of a header, or of several, in order. Never throws: what cannot be understood is left out. */
export function parseChallenges(header: string | readonly string[] | null | undefined): AuthChallenge[] {
  const reader = new HeaderReader(typeof header === 'string' ? header : (header ?? []).join(', '));
  const challenges: AuthChallenge[] = [];
  let params: Record<string, string> | undefined;
  while (skipToWord(reader)) {
    const word = reader.until(' \t=,"').toLowerCase();
    reader.skipSpace();
    if (reader.next === '=') {
      reader.at++;
      const value = valueOf(reader);
      if (params && word && !(word in params)) params[word] = value;
    } else if (word) {
      params = Object.create(null) as Record<string, string>;
      challenges.push({ scheme: word, params, token68: token68(reader) });
    } else reader.at++;
  }
  return challenges;
}

function skipToWord(reader: HeaderReader): boolean {
  while (reader.skipSpace().skip(','));
  return !reader.ended;
}

function valueOf(reader: HeaderReader): string {
  return reader.skipSpace().next === '"' ? reader.quoted() : reader.until(', \t');
}

function token68(reader: HeaderReader): string | undefined {
  const token = /[\w.~+/-]+=*(?=[ \t]*(?:,|$))/y;
  token.lastIndex = reader.at;
  const found = token.exec(reader.text)?.[0];
  if (found !== undefined) reader.at += found.length;
  return found;
}
