import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { shown } from '../internal/checks.ts';
import { CookieJar, type CookieJarOptions } from '../cookies/cookie-jar.ts';
import type { LoadedCookies, SaveCookiesOptions } from '../cookies/cookie-files.ts';
import { formatNetscape, parseNetscape } from '../cookies/netscape.ts';

/** See the function of this name in cookies/cookie-files.ts. */
export async function saveCookies(jar: CookieJar, path: string, options: SaveCookiesOptions = {}): Promise<void> {
  const { format = 'json' } = options;
  if (format !== 'json' && format !== 'netscape') {
    throw new TypeError(`Cannot save cookies as format takes json or netscape: current value is ${shown(format)}`);
  }
  const json = jar.toJSON();
  const text = format === 'json' ? `${JSON.stringify(json, undefined, 2)}\n` : formatNetscape(json.cookies);
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** See the function of this name in cookies/cookie-files.ts. */
export async function loadCookies(path: string, options?: CookieJarOptions): Promise<LoadedCookies> {
  const text = await readFile(path, 'utf8');
  if (text.trimStart().startsWith('{')) return { jar: CookieJar.fromJSON(parsed(text, path), options), format: 'json' };
  const jar = new CookieJar(options);
  const cookies = parseNetscape(text, (options?.now ?? Date.now)());
  if (cookies.length === 0 && text.split('\n').some((line) => line.trim() !== '' && !line.startsWith('#'))) {
    throw new TypeError(`Cannot load cookies as the file takes JSON or the Netscape format: current value is ${path}`);
  }
  jar.add(cookies);
  return { jar, format: 'netscape' };
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of JSON.parse shows a piece of the text, which may be a secret.
    throw new TypeError(`Cannot load cookies as the file takes JSON or the Netscape format: current value is ${path}`);
  }
}
