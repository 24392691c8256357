import { decodeExtended, HeaderReader } from './parameters.ts';

/** A link of a `Link` header. */
export interface Link {
  /** As it was sent: it may be relative to the URL of the response, or to `anchor` where there is one. */
  readonly uri: string;
  /** One relation type in lower case, as `next`; empty when none was given. */
  readonly rel: string;
  /** All parameters with names in lower case; `title*` and the like are decoded, without the asterisk. */
  readonly params: Readonly<Record<string, string>>;
}

/**
 * The links of a `Link` header (RFC 8288), in order; with several relation types, one for each.
 *
 * Never throws: it stops where no `<` follows, and what came before counts. The record of parameters has no prototype.
 *
 * @example The next page
 * ```ts no-check
 * parseLinks('<?page=2>; rel="next", <?page=9>; rel=last').find(({ rel }) => rel === 'next')?.uri; // '?page=2'
 * ```
 */
export function parseLinks(header: string | null | undefined): Link[] {
  const reader = new HeaderReader(header ?? '');
  const links: Link[] = [];
  while (skipCommas(reader) && reader.skip('<')) {
    const uri = reader.until('>');
    if (!reader.skip('>')) break;
    const params = decoded(reader.parameters());
    const types = (params['rel'] ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    for (const rel of types.length === 0 ? [''] : types) links.push({ uri, rel, params });
  }
  return links;
}

function skipCommas(reader: HeaderReader): boolean {
  while (reader.skipSpace().skip(','));
  return !reader.ended;
}

function decoded(parameters: ReadonlyMap<string, string>): Record<string, string> {
  const params = Object.create(null) as Record<string, string>;
  for (const [name, value] of parameters) if (!name.endsWith('*')) params[name] = value;
  for (const [name, value] of parameters) {
    const text = name.endsWith('*') ? decodeExtended(value) : undefined;
    if (text !== undefined) params[name.slice(0, -1)] = text;
  }
  return params;
}
