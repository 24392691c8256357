import { isIpHost, type StoredCookie } from './stored-cookie.ts';

const HEADER = '# Netscape HTTP Cookie File';
const HTTP_ONLY = '#HttpOnly_';

/**
 * The cookies of a `cookies.txt` file, as curl, wget and browser extensions write it; lines that are none are left out.
 *
 * Seven fields with tabs between: domain, whether hosts below it get it too, path, secure, the end in seconds since 1970
 * (0 is none), name, value.
 */
export function parseNetscape(text: string, nowMs: number): StoredCookie[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const httpOnly = line.startsWith(HTTP_ONLY);
    if (!httpOnly && line.startsWith('#')) return [];
    const [domain = '', below, path = '', secure, end = '', name, value = ''] = (
      httpOnly ? line.slice(HTTP_ONLY.length) : line
    ).split('\t');
    const seconds = Number(end);
    if (name === undefined || !path.startsWith('/') || !Number.isFinite(seconds)) return [];
    const host = domain.replace(/^\./, '').toLowerCase();
    if (host === '') return [];
    return {
      name,
      value,
      domain: host,
      path,
      hostOnly: below?.toUpperCase() !== 'TRUE' || isIpHost(host),
      secure: secure?.toUpperCase() === 'TRUE',
      httpOnly,
      ...(seconds !== 0 && { expiresMs: seconds * 1_000 }),
      createdMs: nowMs,
    };
  });
}

/** A `cookies.txt` file. It cannot hold `SameSite` or when a cookie was made. */
export function formatNetscape(cookies: readonly StoredCookie[]): string {
  const lines = cookies.filter(({ name, value }) => !/\t/.test(name + value)).map(lineOf);
  return [HEADER, '', ...lines, ''].join('\n');
}

function lineOf({ domain, hostOnly, path, secure, expiresMs, name, value, httpOnly }: StoredCookie): string {
  const end = expiresMs === undefined ? 0 : Math.ceil(expiresMs / 1_000);
  const fields = [hostOnly ? domain : `.${domain}`, upper(!hostOnly), path, upper(secure), end, name, value];
  return (httpOnly ? HTTP_ONLY : '') + fields.join('\t');
}

function upper(flag: boolean): string {
  return flag ? 'TRUE' : 'FALSE';
}
