import { decodeExtended, decodeUtf8, HeaderReader } from './parameters.ts';

/**
 * The file name that a `Content-Disposition` header proposes, made safe to be a name in a folder; undefined when it has none.
 *
 * `filename*` is preferred (RFC 6266), UTF-8 that was sent unencoded is understood. Only what follows the last `/` or `\` is
 * taken, control and direction characters are removed, as are spaces at both ends and dots at the end; `.` and `..` are no
 * names. What a platform forbids beyond that is left to whoever writes the file.
 *
 * @example What comes out
 * ```ts no-check
 * fileNameFrom(`attachment; filename="EURO rates"; filename*=UTF-8''%e2%82%ac%20rates`); // '€ rates'
 * fileNameFrom('attachment; filename="../../etc/passwd"'); // 'passwd'
 * ```
 */
export function fileNameFrom(header: string | null | undefined): string | undefined {
  if (!header) return undefined;
  const reader = new HeaderReader(header);
  const type = reader.until(';,');
  // Some servers send no type but begin with the parameter.
  if (type.includes('=')) reader.at = 0;
  const parameters = reader.parameters();
  const extended = parameters.get('filename*');
  const plain = parameters.get('filename');
  const fromExtended = extended === undefined ? undefined : safeName(decodeExtended(extended));
  return fromExtended ?? (plain === undefined ? undefined : safeName(decodeUtf8(plain) ?? plain));
}

// C0, DEL and C1, line and paragraph separators, and what changes the direction of what follows: `exe.txt` may be `txt.exe`.
const UNSEEN = /[\u0000-\u001F\u007F-\u009F\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/g;

function safeName(name: string | undefined): string | undefined {
  const last = name?.replaceAll(UNSEEN, '').split(/[/\\]/).at(-1) ?? '';
  const safe = withoutTail(last.trim());
  return safe === '' ? undefined : safe;
}

/** Not by a regular expression, which would begin anew at each dot. */
function withoutTail(name: string): string {
  let end = name.length;
  while (end > 0 && '. '.includes(name.charAt(end - 1))) end--;
  return name.slice(0, end);
}
